"""The shared vault on real servers, sentinels and a cluster: sealed entries, locks, and failures of the server."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
from tests.vault.servers import Cluster, RedisServer, Sentinels

from entrakit.errors import NotConnectedError, ParameterError, VaultBusyError, VaultError
from entrakit.vault import Entry, Vault
from entrakit.vault import redis as module
from entrakit.vault.redis import RedisStorage

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from pathlib import Path

    from entrakit.tokens.jwt import JSON

META: dict[str, JSON] = {"flow": "secret", "expires_at": 1.5}
SECRETS: dict[str, JSON] = {"refresh_token": "canary-refresh", "tokens": {"a": [1, None, True]}}
KEY = base64.b64encode(bytes(range(32))).decode()
ENVIRON = {"ENTRAKIT_VAULT_KEY": KEY}


AnyServer = RedisServer | Sentinels | Cluster
KINDS = {"server": RedisServer, "sentinels": Sentinels, "cluster": Cluster}


@pytest.fixture(scope="module", params=KINDS)
def one_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnyServer]:
    """Run the servers that the tests of this file share: all of them run on each kind."""
    with KINDS[request.param](tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def server(one_server: AnyServer) -> AnyServer:
    """Return an empty server."""
    one_server.command("FLUSHALL")
    return one_server


@pytest.fixture
def vault(server: AnyServer) -> Vault:
    """Return a vault with one entry."""
    one = Vault(server.url, environ=ENVIRON)
    one.check("work")
    one.write("work", META, SECRETS)
    return one


def test_what_is_written_is_read_elsewhere(vault: Vault, server: AnyServer) -> None:
    """
    Another host with the same key opens the entry; `ENTRAKIT_VAULT` names the server as the argument does.
    """
    elsewhere = Vault(environ={"ENTRAKIT_VAULT": server.url, **ENVIRON})

    assert Entry(META, SECRETS) == elsewhere.read("WORK")
    assert META == elsewhere.read_metadata("work")
    assert ["work"] == elsewhere.names() == [one.name for one in elsewhere.entries()]
    assert ("environment", server.url) == (elsewhere.key_source(), elsewhere.place)
    with pytest.raises(NotConnectedError, match="no connection 'other'"):
        elsewhere.read("other")


def test_neither_secrets_nor_key_get_to_the_server(vault: Vault, server: AnyServer) -> None:
    """
    The server has the metadata and the sealed part, but neither the secrets nor the key.
    """
    held = server.everything()

    assert "expires_at" in held
    for secret in ("canary", KEY, KEY.rstrip("="), bytes(range(32)).hex()):
        assert secret not in held


def test_another_key_is_told(vault: Vault, server: AnyServer) -> None:
    """
    A host with another key can read metadata but gets an error for secrets; nothing is overwritten or moved aside.
    """
    other = Vault(server.url, environ={"ENTRAKIT_VAULT_KEY": "another"})

    assert META == other.read_metadata("work")
    for step in (lambda: other.read("work"), lambda: other.write("new", META, SECRETS), lambda: other.check("new")):
        with pytest.raises(VaultError, match="another key"):
            step()
    assert SECRETS == vault.read("work").secrets


def test_a_passphrase_is_enough(server: AnyServer) -> None:
    """
    The entries contain the salt, so hosts that share a passphrase share the key.
    """
    for name in ("one", "two"):
        Vault(server.url, environ={"ENTRAKIT_VAULT_KEY": "correct horse"}).write(name, META, SECRETS)

    for name in ("one", "two"):
        assert SECRETS == Vault(server.url, environ={"ENTRAKIT_VAULT_KEY": "correct horse"}).read(name).secrets
    assert "horse" not in server.everything()


def test_deleting_leaves_nothing(vault: Vault, server: AnyServer) -> None:
    """
    The last connection is removed with the note of the key and the current name (checklist 43).
    """
    vault.set_current("work")
    assert "work" == Vault(server.url, environ=ENVIRON).current()

    assert vault.delete("work")

    assert not vault.delete("work")
    assert "" == server.everything().strip()
    assert "default" == vault.current()


def test_a_damaged_entry_is_moved_aside(vault: Vault, server: AnyServer) -> None:
    """
    A damaged entry is moved to a key that the error names, listed as a trace, and removed with the connection.
    """
    vault.write("other", META, SECRETS)
    server.command("SET", "{entrakit}:entry:work", "{")

    with pytest.raises(VaultError, match=r"moved to \{entrakit\}:damaged:work on redis"):
        vault.read("work")
    assert (["other"], ["other", "work"]) == (vault.names(), vault.traces())
    assert SECRETS == vault.read("other").secrets
    assert vault.delete("work")
    assert ["other"] == vault.traces()


def test_entries_end_by_themselves(vault: Vault, server: AnyServer) -> None:
    """
    An entry without renewal expires after 90 days, as its refresh token does; its name is removed, too.
    """
    left = int(server.command("TTL", "{entrakit}:entry:work"))
    assert 90 * 86400 - 60 < left <= 90 * 86400

    server.command("DEL", "{entrakit}:entry:work")

    assert [] == vault.names()
    assert "0" == server.command("EXISTS", "{entrakit}:names")


def test_one_holder_at_a_time(vault: Vault, server: AnyServer) -> None:
    """
    A process that can't get the lock in time gets an error that names its owner; a timeout of 0 means one attempt.
    """
    other = Vault(server.url, environ=ENVIRON)
    with vault.lock("work"):
        for timeout_s in (0.0, 0.2):
            with (
                pytest.raises(VaultBusyError, match=r"held 'work' .* \(process \d+ on ") as caught,
                other.lock("work", timeout_s),
            ):
                pass
            assert caught.value.retryable
        with other.lock("free", 0.0):
            pass
    with other.lock("work", 0.0):
        pass


def test_a_waiting_process_gets_the_lock(vault: Vault, server: AnyServer) -> None:
    """
    A waiting process continues as soon as the lock is released.
    """
    order = []

    def wait() -> None:
        with Vault(server.url, environ=ENVIRON).lock("work", 20.0):
            order.append("second")

    with vault.lock("work"):
        thread = threading.Thread(target=wait)
        thread.start()
        order.append("first")
    thread.join(timeout=20)

    assert ["first", "second"] == order


def test_a_holder_that_dies_frees_the_next(server: AnyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The lock of a killed process expires by itself, and the leftovers of the process block nothing.
    """
    program = (
        "import sys, os, signal\nfrom entrakit.vault import Vault, redis\nredis.LOCK_TTL_S = 0.6\n"
        "with Vault(sys.argv[1]).lock('work'):\n    os.kill(os.getpid(), signal.SIGKILL)"
    )
    vault = Vault(server.url, environ=ENVIRON)
    subprocess.run([sys.executable, "-c", program, server.url], check=False, timeout=30)
    assert "1" == server.command("EXISTS", "{entrakit}:lock:work")

    with vault.lock("work", 20.0):
        pass


def test_a_long_wait_for_a_lock_is_reported(
    server: AnyServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A process that waits for longer than two seconds says so once, and names the owner of the lock.
    """
    monkeypatch.setattr(module, "NOTICED_S", 0.1)
    caplog.set_level("INFO", "entrakit.waits")
    vault, other = (Vault(server.url, environ=ENVIRON) for _ in range(2))

    with vault.lock("work"), pytest.raises(VaultBusyError), other.lock("work", 0.5):
        pass

    (message,) = caplog.messages
    assert message.startswith("waiting up to 0.5 s: another process holds 'work' (process ")


def test_a_holder_that_lives_keeps_the_lock(server: AnyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A renewal may take longer than the lifetime of the lock: the holder extends the lock.
    """
    monkeypatch.setattr(module, "LOCK_TTL_S", 0.6)
    vault, other = (Vault(server.url, environ=ENVIRON) for _ in range(2))

    with vault.lock("work"), pytest.raises(VaultBusyError), other.lock("work", 1.5):
        pass


def test_who_lost_the_lock_cannot_write(vault: Vault, server: AnyServer) -> None:
    """
    If a process slept while its lock expired and another one wrote, its older entry is refused (fencing).
    """
    other = Vault(server.url, environ=ENVIRON)
    with vault.lock("work"):
        server.command("DEL", "{entrakit}:lock:work")
        vault.write("work", META, {"n": 1})
        with other.lock("work", 0.0):
            other.write("work", META, {"n": 2})
        with pytest.raises(VaultError, match="taken over"):
            vault.write("work", META, {"n": 3})
    assert {"n": 2} == vault.read("work").secrets


def test_who_lost_the_lock_cannot_bring_back_what_was_removed(vault: Vault, server: AnyServer) -> None:
    """
    A renewal that ends after another host disconnected the connection saves nothing.
    """
    with vault.lock("work"):
        server.command("DEL", "{entrakit}:lock:work")
        Vault(server.url, environ=ENVIRON).delete("work")
        with pytest.raises(VaultError, match="taken over"):
            vault.write("work", META, SECRETS)
    assert [] == vault.traces()


def test_a_lock_of_another_is_not_released(vault: Vault, server: AnyServer) -> None:
    """
    A process that lost the lock does not release the lock of another one.
    """
    other = Vault(server.url, environ=ENVIRON)
    with vault.lock("work"):
        server.command("DEL", "{entrakit}:lock:work")
        holding = other.lock("work", 0.0)
        holding.__enter__()
    with pytest.raises(VaultBusyError), vault.lock("work", 0.0):
        pass
    holding.__exit__(None, None, None)


def test_steps_can_be_repeated(server: AnyServer) -> None:
    """
    A step with a lost answer is repeated, with the same result.
    """
    storage = RedisStorage(server.url)

    assert storage.swap_key_note(None, b"one", "id")
    assert storage.swap_key_note(None, b"one", "id")
    assert not storage.swap_key_note(None, b"one", "other id")
    assert not storage.swap_key_note(None, b"two", "id")
    assert not storage.swap_key_note(b"two", b"three", "id")
    assert (b"one", "id") == storage.read_notes()
    assert storage.swap_key_note(b"one", None, "")
    assert storage.swap_key_note(b"one", None, "")
    assert (None, "") == storage.read_notes()
    assert storage.write("work", b"first")
    assert storage.write("work", b"second", b"first")
    assert storage.write("work", b"second", b"first")
    assert not storage.write("work", b"third", b"first")
    assert b"second" == storage.read("work").data  # type: ignore[union-attr] # it was written
    storage._acquire("work", "me", 0.0)
    storage._acquire("work", "me", 0.0)
    assert "" == storage.set_aside("work", b"never seen")


def test_a_server_that_is_away_is_waited_for(tmp_path: Path) -> None:
    """
    A restart of the server during a command only delays it.
    """
    with RedisServer(tmp_path) as server:
        vault = Vault(server.url, environ=ENVIRON)
        vault.write("work", META, SECRETS)
        server.stop()
        thread = threading.Timer(0.5, server.start)
        thread.start()

        assert SECRETS == vault.read("work").secrets
        thread.join()


def test_a_server_that_stays_away_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    An unreachable server gives a clear error without the password, at once if the timeout is 0.
    """
    server = RedisServer(tmp_path)
    monkeypatch.setattr(module, "PATIENCE_S", 0.3)
    vault = Vault(server.url.replace("//", "//user:canary@"), environ=ENVIRON)

    for step in (lambda: vault.check("work"), lambda: vault.read("work"), vault.names, vault.current):
        with pytest.raises(VaultError, match=r"can't be reached: ConnectionError") as caught:
            step()
        assert "canary" not in str(caught.value) + repr(caught.value.__cause__) + repr(vault.storage)
        assert caught.value.retryable
    before = time.monotonic()
    monkeypatch.setattr(module, "PATIENCE_S", 60.0)
    with pytest.raises(VaultError, match="can't be reached"), vault.lock("work", 0.0):
        pass
    assert time.monotonic() - before < 30


def test_a_server_that_refuses_is_told(tmp_path: Path) -> None:
    """
    A wrong password and a full memory give an error at once, with the server's reason and without the password.
    """
    with RedisServer(tmp_path, "--requirepass", "right", "--maxmemory", "1") as server:
        wrong = Vault(server.url.replace("//", "//:canary@"), environ=ENVIRON)
        with pytest.raises(VaultError, match="refuses this user: AuthenticationError") as caught:
            wrong.check("work")
        assert "canary" not in str(caught.value)
        right = Vault(server.url.replace("//", "//:right@"), environ=ENVIRON)
        with pytest.raises(VaultError, match=r"refused: .*maxmemory"):
            right.write("work", META, SECRETS)
        assert [] == right.names()


def test_a_replica_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A read-only server is retried, because it may become the primary; then the error calls it a replica.
    """
    monkeypatch.setattr(module, "PATIENCE_S", 0.3)
    with RedisServer(tmp_path, "--replicaof", "127.0.0.1 1") as server:
        vault = Vault(server.url, environ=ENVIRON)
        with pytest.raises(VaultError, match="is a replica, which accepts no writes"):
            vault.write("work", META, SECRETS)


def test_a_file_that_the_address_names_has_to_be_there(tmp_path: Path) -> None:
    """
    A wrong path of a CA gives its own error before anything is sent.
    """
    vault = Vault(f"rediss://localhost:1/0?ssl_ca_certs={tmp_path}/no.pem", environ=ENVIRON)
    with pytest.raises(VaultError, match=r"ssl_ca_certs in the vault address names '.*no\.pem', which does not exist"):
        vault.names()


def test_tls_checks_the_certificate(
    tmp_path: Path, test_ca: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    `rediss://` trusts only the named CA; the error says at once how to name one.
    """
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    leaf = str(test_ca[0].with_name("leaf.pem"))
    with RedisServer(tmp_path, "--tls-cert-file", leaf, "--tls-key-file", leaf, "--tls-ca-cert-file", str(test_ca[0]),
                     "--tls-auth-clients", "no", tls=True) as server:  # fmt: skip
        with pytest.raises(VaultError, match=r"certificate of rediss://.* is not trusted") as caught:
            Vault(server.url, environ=ENVIRON).check("work")
        assert "ssl_ca_certs" in caught.value.remedy
        vault = Vault(f"{server.url}?ssl_ca_certs={test_ca[0]}", environ=ENVIRON)
        vault.write("work", META, SECRETS)

        assert SECRETS == vault.read("work").secrets
        assert server.url == vault.place


@pytest.mark.parametrize(
    "url",
    ["redis:/host", "redis:host", "redis:", "rediss:/host/0", "REDIS:/host", "http:/host", "file:///tmp/vault",
     "etcd:x", "host:6379", "http://host", "unix:///run/redis", "redis://", "redis://host:0", "redis://host:99999", "redis://host/db",
     "redis://[half", "redis://host/0#part", "rediss://host/0?ssl_cert_reqs=none", "redis://host?ssl_check_hostname=0"],
)  # fmt: skip
def test_an_address_that_cannot_be_one_is_refused(url: str) -> None:
    """
    An invalid address is refused before anything is sent and is not repeated in the error; no option disables the
    check of the certificate.
    """
    with pytest.raises(ParameterError) as caught:
        Vault(url.replace("//", "//:canary@", 1))
    assert "canary" not in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize("host", ["cache.contoso.com", "10.0.0.1", "127.0.0.1.contoso.com", "localhost.contoso.com",
                                  "[2001:db8::1]", "0.0.0.0"])  # fmt: skip
def test_another_host_is_not_reached_unencrypted(host: str) -> None:
    """
    A `redis://` address of another host is refused as a wrong parameter, with the variable that allows it, unless that
    variable or the program allows it. With TLS, and on this machine, no permission is necessary.
    """
    url, variable = f"redis://:canary@{host}/0", "ENTRAKIT_VAULT_ALLOW_PLAIN"
    with pytest.raises(ParameterError, match="unencrypted") as caught:
        Vault(environ={"ENTRAKIT_VAULT": url, variable: "0"})

    assert 2 == caught.value.exit_code
    assert f"{variable}=1" in caught.value.remedy
    assert "canary" not in str(caught.value)
    assert Vault(url, environ={}, allow_plain=True).place == Vault(url, environ={variable: "1"}).place
    assert Vault(url.replace("redis:", "rediss:"), environ={}).place
    for here in ("localhost", "127.0.0.1", "127.0.1.1", "[::1]", "LOCALHOST:6380"):
        assert Vault(f"redis://{here}/0", environ={}).place


def test_an_address_is_shown_without_its_secrets() -> None:
    """
    The displayed address has only host, port and database.
    """
    storage = RedisStorage("rediss://user:canary@[::1]/3?ssl_ca_certs=/ca.pem")

    assert "rediss://[::1]:6379/3" == storage.place
    assert "RedisStorage('rediss://[::1]:6379/3')" == repr(storage)


def test_the_extra_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without redis-py, the error names the package to install.
    """
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(VaultError, match=r"the extra redis\.") as caught:
        Vault("rediss://host")
    assert "entrakit[redis]" in caught.value.remedy


def test_an_entry_that_is_too_large_is_refused(vault: Vault) -> None:
    """
    Content that is too large to be read again is not written, as in a directory.
    """
    with pytest.raises(VaultError, match="more than one connection may have"):
        vault.write("work", META, {"fill": "x" * (4 * 1024 * 1024)})
    assert SECRETS == vault.read("work").secrets


def test_a_read_is_one_command(vault: Vault, server: AnyServer) -> None:
    """
    Reading a connection sends one command, which gets the entry and the id of the vault, regardless of the number of
    connections.
    """
    server.command("CONFIG", "RESETSTAT")
    vault.read("work")

    seen = server.command("INFO", "commandstats")
    assert "cmdstat_eval:calls=1," in seen
    assert "cmdstat_get:calls=2," in seen
    assert "smembers" not in seen


def test_the_note_of_the_key_has_no_key(vault: Vault, server: AnyServer) -> None:
    """
    The server has only the source of the key and a part of its hash.
    """
    note = json.loads(server.command("GET", "{entrakit}:key"))

    assert {"schema": 1, "from": "environment", "id": vault.key_ref().id, "salt": ""} == note  # type: ignore[union-attr] # the key exists


def test_a_restart_that_loses_the_fence_costs_nothing(vault: Vault, server: AnyServer) -> None:
    """
    If the server lost lock and fence in a crash, no other process has them, so the renewed entry is saved.
    """
    with vault.lock("work"):
        server.command("DEL", "{entrakit}:lock:work", "{entrakit}:fence:work")
        vault.write("work", META, {"n": 1})
    assert {"n": 1} == vault.read("work").secrets


def test_who_lost_the_lock_cannot_remove(vault: Vault, server: AnyServer) -> None:
    """
    A sign-out that slept while another process signed in does not remove the new connection.
    """
    storage = vault.storage
    with vault.lock("work"):
        server.command("DEL", "{entrakit}:lock:work")
        with Vault(server.url, environ=ENVIRON).lock("work", 0.0):
            Vault(server.url, environ=ENVIRON).write("work", META, {"n": 2})
        with pytest.raises(VaultError, match="taken over"):
            storage.delete("work")
    assert (["work"], {"n": 2}) == (vault.names(), vault.read("work").secrets)


@pytest.mark.parametrize(
    "url", ["redis://user:123?Canary@host:6379/0", "redis://:Top/canary@host/0", "redis://host/0?ssl_ca_certs=canary",
            "redis://a..b/0", f"redis://{'a' * 70}.de/0", "redis://host/\u00b2"],
)  # fmt: skip
def test_no_part_of_an_address_is_repeated(url: str) -> None:
    """
    Text after a question mark or in place of a port may be a password: neither the error nor its causes contain it.
    """
    with pytest.raises(ParameterError) as caught:
        RedisStorage(url)
    assert "anary" not in str(caught.value)
    assert caught.value.__cause__ is None
