"""The connection to Redis: sentinels and clusters that are unavailable, wrong addresses, passwords and TLS."""

from __future__ import annotations

import base64
import builtins
import logging
import time
from typing import TYPE_CHECKING

import pytest
from tests.vault.servers import Cluster, RedisServer, Sentinels, free_port

from entrakit.errors import VaultError
from entrakit.vault import Vault, redis_address
from entrakit.vault import redis as module
from entrakit.vault.redis_client import RedisConnection

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from pathlib import Path

ENVIRON = {"ENTRAKIT_VAULT_KEY": base64.b64encode(bytes(range(32))).decode()}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for a fail-over."""
    monkeypatch.setattr(module, "FAILOVER_PATIENCE_S", 0.3)
    monkeypatch.setattr(module, "PATIENCE_S", 0.3)


@pytest.fixture(scope="module")
def sentinels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sentinels]:
    """Run a master, replicas and sentinels, with one password for the servers and one for the sentinels."""
    place = tmp_path_factory.mktemp("sentinels")
    with Sentinels(place, password="canary-server", sentinel_password="canary-sentinel", down_after_ms=3000) as one:
        yield one


def with_passwords(one: Sentinels, server: str = "canary-server", sentinel: str = "canary-sentinel") -> Vault:
    """Return the vault of sentinels, with these passwords."""
    url = one.url.replace("//", f"//:{server}@") + f"?sentinel_password={sentinel}"
    return Vault(url, environ=ENVIRON)


def test_servers_and_sentinels_have_separate_passwords(sentinels: Sentinels) -> None:
    """
    The user part of the address is for the servers, `sentinel_password` for the sentinels.
    """
    vault = with_passwords(sentinels)
    vault.write("work", {}, {"n": 1})

    assert {"n": 1} == vault.read("work").secrets
    assert sentinels.url == vault.place


def test_a_password_that_is_wrong_is_told_with_whose(sentinels: Sentinels) -> None:
    """
    A refusal is reported at once: the error says whether the sentinels or the servers refuse, and contains no password.
    """
    before = time.monotonic()
    for vault, problem, remedy in (
        (
            with_passwords(sentinels, sentinel="canary-wrong"),
            "The sentinels of .* refuse this user",
            "sentinel_password",
        ),
        (Vault(sentinels.url, environ=ENVIRON), "The sentinels of .* refuse this user", "sentinel_password"),
        (with_passwords(sentinels, server="canary-wrong"), "/vault/0 refuses this user", "user and password in"),
    ):
        with pytest.raises(VaultError, match=problem) as caught:
            vault.read("work")
        assert remedy in caught.value.remedy
        assert not caught.value.retryable
        assert "canary" not in str(caught.value) + repr(caught.value.__cause__) + repr(vault.storage)
    assert time.monotonic() - before < 10


def test_a_service_that_is_unknown_is_told(sentinels: Sentinels) -> None:
    """
    A wrong name of the service is reported at once, with the names that the sentinels know.
    """
    vault = Vault(
        with_passwords(sentinels).place.replace("/vault/", "/vaults/") + "?sentinel_password=canary-sentinel",
        environ=ENVIRON,
    )
    with pytest.raises(VaultError, match="do not know the service 'vaults'") as caught:
        vault.read("work")
    assert "they know vault" in caught.value.remedy


def test_sentinels_that_are_away_are_told(impatient: None) -> None:
    """
    If no sentinel can be reached, the error says so and can be retried.
    """
    vault = Vault(f"redis+sentinel://127.0.0.1:{free_port()},127.0.0.1:{free_port()}/vault", environ=ENVIRON)

    with pytest.raises(VaultError, match=r"None of the sentinels of .* can be reached") as caught:
        vault.read("work")
    assert caught.value.retryable


def test_a_master_without_replicas_that_dies_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """
    If no replica can take over, the wait ends in time with an error that says what to do. Waits of more than two
    seconds are reported.
    """
    monkeypatch.setattr(module, "FAILOVER_PATIENCE_S", 3.0)
    with Sentinels(tmp_path, down_after_ms=500) as one:
        vault = Vault(one.url, environ=ENVIRON)
        vault.write("work", {}, {"n": 1})
        for server in one.servers:
            server.kill()
        before = time.monotonic()

        with (
            caplog.at_level(logging.WARNING, "entrakit"),
            pytest.raises(VaultError, match="know no master that can be reached") as caught,
        ):
            vault.read("work")

    assert time.monotonic() - before < 15
    assert caught.value.retryable
    assert "Wait until the fail-over is complete" in caught.value.remedy
    assert 1 == caplog.text.count("Waiting for up to 3 seconds")


def test_a_master_that_hangs_is_replaced(tmp_path: Path) -> None:
    """
    A master that keeps its connections and does not answer is left after some seconds; what was saved before is read
    from its replacement, and writes go there.
    """
    with Sentinels(tmp_path, down_after_ms=500) as one:
        vault = Vault(one.url, environ=ENVIRON)
        vault.write("work", {}, {"n": 1})
        one.master.pause()

        assert {"n": 1} == vault.read("work").secrets
        vault.write("work", {}, {"n": 2})

        assert one.owner() is not one.master
        assert "1" == one.owner().command("EXISTS", "{entrakit}:entry:work")
        assert {"n": 2} == vault.read("work").secrets


def test_a_cluster_goes_on_without_a_master(tmp_path: Path) -> None:
    """
    A replica takes over the slot of the vault: saved entries exist, and the holder of a lock continues. The address
    of a single node is refused with the form to use.
    """
    with Cluster(tmp_path) as one:
        vault = Vault(one.url, environ=ENVIRON)
        vault.write("work", {}, {"n": 1})
        owner = one.owner()
        single = next(node for node in one.nodes if node is not owner)
        with pytest.raises(VaultError, match="is one node of a cluster") as caught:
            Vault(f"redis://127.0.0.1:{single.port}", environ=ENVIRON).read("work")
        assert "redis+cluster://" in caught.value.remedy
        with vault.lock("work"):
            owner.kill()
            vault.write("work", {}, {"n": 2})

        assert {"n": 2} == Vault(one.url, environ=ENVIRON).read("work").secrets


def test_a_cluster_that_is_away_is_told(impatient: None) -> None:
    """
    If no node of the address can be reached, the error says so and can be retried.
    """
    vault = Vault(f"redis+cluster://127.0.0.1:{free_port()}", environ=ENVIRON)

    with pytest.raises(VaultError, match=r"redis\+cluster://.* can't be reached") as caught:
        vault.read("work")
    assert caught.value.retryable


def test_an_address_of_another_kind_is_told(tmp_path: Path, sentinels: Sentinels) -> None:
    """
    The error of an address that names a server as a sentinel, or the like, says which form to use.
    """
    sentinel = f"127.0.0.1:{sentinels.sentinels[0].port}"
    with RedisServer(tmp_path) as server:
        for url, problem, remedy in (
            (f"redis+cluster://127.0.0.1:{server.port}", "is not a cluster", "rediss:// or redis://"),
            (f"redis+sentinel://127.0.0.1:{server.port}/vault", "lacks a command", "the form rediss://host:6379/0"),
            (f"redis://:canary-sentinel@{sentinel}", "lacks a command", r"rediss+sentinel://host:26379/service"),
        ):
            with pytest.raises(VaultError, match=problem) as caught:
                Vault(url, environ=ENVIRON).read("work")
            assert remedy in caught.value.remedy


def test_tls_of_sentinels_and_servers(tmp_path: Path, test_ca: tuple[Path, ssl.SSLContext]) -> None:
    """
    With `rediss`, the connections to sentinels and servers use TLS, and the certificates of both are checked.
    """
    leaf, ca = str(test_ca[0].with_name("leaf.pem")), str(test_ca[0])
    tls = ["--tls-cert-file", leaf, "--tls-key-file", leaf, "--tls-ca-cert-file", ca, "--tls-auth-clients", "no",
           "--tls-replication", "yes"]  # fmt: skip
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with RedisServer(tmp_path / "a", *tls, tls=True) as master:
        port = master.url.rpartition(":")[2].removesuffix("/0")
        monitor = f"sentinel monitor vault 127.0.0.1 {port} 1\n"
        with RedisServer(tmp_path / "b", *tls, tls=True, config=monitor) as sentinel:
            url = sentinel.url.replace("rediss", "rediss+sentinel").removesuffix("/0") + "/vault"
            with pytest.raises(VaultError, match=r"certificate of rediss\+sentinel://.* is not trusted") as caught:
                Vault(url, environ=ENVIRON).read("work")
            assert "ssl_ca_certs" in caught.value.remedy
            vault = Vault(f"{url}?ssl_ca_certs={ca}", environ=ENVIRON)
            vault.write("work", {}, {"n": 1})

            assert {"n": 1} == vault.read("work").secrets


def test_tls_of_a_cluster(tmp_path: Path, test_ca: tuple[Path, ssl.SSLContext]) -> None:
    """
    With `rediss+cluster`, the connections to all nodes use TLS, and their certificates are checked.
    """
    leaf, ca = str(test_ca[0].with_name("leaf.pem")), str(test_ca[0])
    tls = ["--tls-cert-file", leaf, "--tls-key-file", leaf, "--tls-ca-cert-file", ca, "--tls-auth-clients", "no"]
    with RedisServer(tmp_path, *tls, "--tls-cluster", "yes", "--cluster-enabled", "yes", tls=True) as node:
        node.command("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        url = node.url.replace("rediss", "rediss+cluster").removesuffix("/0")
        with pytest.raises(VaultError, match=r"certificate of rediss\+cluster://.* is not trusted"):
            Vault(url, environ=ENVIRON).read("work")
        vault = Vault(f"{url}?ssl_ca_certs={ca}", environ=ENVIRON)
        vault.write("work", {}, {"n": 1})

        assert {"n": 1} == vault.read("work").secrets


@pytest.mark.parametrize(
    ("name", "message", "is_retryable"),
    [
        ("BusyLoadingError", "canary", True), ("ReadOnlyError", "canary", True),
        ("ClusterDownError", "CLUSTERDOWN canary", True), ("TryAgainError", "canary", True),
        ("MasterDownError", "MASTERDOWN canary", True), ("SlotNotCoveredError", "canary", True),
        ("RedisClusterException", "canary", True), ("MaxConnectionsError", "canary", True),
        ("ResponseError", "NOREPLICAS Not enough good replicas to write.", True), ("OSError", "canary", True),
        ("AuthenticationError", "canary", False), ("NoPermissionError", "canary", False),
        ("ResponseError", "OOM used memory", False), ("InvalidResponse", "bad", False),
        ("IndexError", "canary", False), ("RecursionError", "canary", False), ("UnicodeError", "canary", False),
    ],
)  # fmt: skip
def test_no_error_of_redis_py_gets_through(name: str, message: str, *, is_retryable: bool) -> None:
    """
    Each of its failures becomes an error of entrakit. One that passes by itself is repeated, and can be retried later.
    """
    from redis import exceptions

    error: Exception = (getattr(exceptions, name, None) or getattr(builtins, name))(message)
    connection = RedisConnection(redis_address.parse("redis+cluster://localhost"))
    asked = []

    class Failing:
        def execute_command(self, *words: str | bytes | int) -> bytes:
            asked.append(words)
            raise error

        def close(self) -> None:
            raise OSError

    connection._opened = Failing  # type: ignore[method-assign] # a server can't be made to give each of them
    with pytest.raises(VaultError) as caught:
        connection.ask("get", "x", patience_s=0.2)

    assert (is_retryable, is_retryable) == (caught.value.retryable, len(asked) > 1)
    assert "canary" not in str(caught.value)
