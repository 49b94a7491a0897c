"""The system's keyring, with a real Secret Service: gnome-keyring-daemon on a separate session bus."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from entrakit import connect, disconnect
from entrakit.authority.clouds import find_cloud
from entrakit.errors import VaultError
from entrakit.vault import Vault
from entrakit.vault.keys import kernel
from entrakit.vault.keys.keyring import KeyringKey
from entrakit.vault.keys.source import KeyMissingError, NoKeyringError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entrakit_emulator import Tenant
pytestmark = [
    # The keyring package leaves connections to the bus to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
]

# Starts a bus and a daemon with an unlocked keyring, prints the address, and waits for the end of standard input.
SESSION = """
printf '%s' 'a password' | gnome-keyring-daemon --unlock --components=secrets >/dev/null
printf '%s\\n' "$DBUS_SESSION_BUS_ADDRESS"
read -r _
"""


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Yield the address of a session bus with an unlocked Secret Service, and set it."""
    home = tmp_path / "person"
    runtime = tmp_path / "run"
    for path in (home, runtime):
        path.mkdir(mode=0o700)
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_RUNTIME_DIR": str(runtime)}
    process = subprocess.Popen(
        ["dbus-run-session", "--", "sh", "-c", SESSION],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    try:
        assert address.startswith("unix:")
        yield address
    finally:
        process.communicate("", timeout=30)
        # A daemon ends with its bus, but not always: a stopped one may wait forever. Killed before the bus has
        # gone, it would be started again by the next request.
        for daemon in daemons_of(tmp_path):
            with suppress(ProcessLookupError):
                os.kill(daemon, signal.SIGKILL)
        gc.collect()


def daemons_of(home: Path) -> list[int]:
    """Return the process ids of the daemons that serve this test's bus."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (
                b"gnome-keyring" in (process / "comm").read_bytes()
                and str(home).encode() in (process / "environ").read_bytes()
            ):
                found.append(int(process.name))
    return found


def run(program: str, *arguments: str) -> str:
    """Run a program to its end and return its output."""
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    return done.stdout


@pytest.fixture
def vault(bus: str, private_home: Path) -> Iterator[Vault]:
    """Yield a vault with one entry and its key in the keyring."""
    one = Vault(str(private_home))
    one.write("work", {"flow": "secret"}, {"refresh_token": "canary-refresh"})
    yield one
    ref = one.key_ref()
    if ref is not None:
        kernel.forget(ref.id)


def test_the_key_lives_in_the_keyring_alone(vault: Vault, private_home: Path) -> None:
    """
    With a Secret Service and without the variable, the keyring is the first source that works; no file has the key.
    """
    ref = vault.key_ref()
    assert ref is not None
    _, key = ref, vault.keys.open(ref)

    assert ("keyring", "the system's keyring (Secret Service)") == (vault.key_source(), vault.describe_key())
    assert {"vault.id", "vault.json", "connections"} == {path.name for path in private_home.iterdir()}
    for path in private_home.rglob("*.json"):
        assert key not in path.read_bytes()
        assert key.hex() not in path.read_text()


def test_another_process_opens_it(vault: Vault) -> None:
    """
    A later process reads the keyring once; then the kernel holds the key for the next processes.
    """
    ref = vault.key_ref()
    assert ref is not None
    kernel.forget(ref.id)
    program = (
        "import sys\nfrom entrakit.vault import Vault\nprint(Vault(sys.argv[1]).read('work').secrets)\n"
        "print('keyring' in sys.modules)"
    )

    first, second = run(program, vault.place), run(program, vault.place)

    assert "{'refresh_token': 'canary-refresh'}\nTrue\n" == first
    assert "{'refresh_token': 'canary-refresh'}\n" == second.rpartition("\n")[0].rpartition("\n")[0] + "\n"
    if kernel.find(ref.id) is not None:
        assert second.endswith("False\n")


def test_what_the_kernel_holds_is_not_trusted(vault: Vault) -> None:
    """
    Another process of this user can store any value under the name of the key: it is ignored, and the keyring is read.
    """
    ref = vault.key_ref()
    assert ref is not None
    kernel.hold(ref.id, bytes(32))

    assert {"refresh_token": "canary-refresh"} == Vault(vault.place).read("work").secrets


def test_a_session_without_the_keyring_is_told(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, without_kernel: None
) -> None:
    """
    Over SSH a bus may be missing: the error names the keyring and remedies, and the vault does not change.
    """
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS")

    for step in (lambda: Vault(vault.place).read("work"), lambda: Vault(vault.place).write("other", {}, {})):
        with pytest.raises(KeyMissingError, match=r"in the system's keyring[\s\S]*session[\s\S]*rekey"):
            step()
    assert ["work"] == vault.names()


def test_a_key_that_is_gone_is_told(vault: Vault, without_kernel: None) -> None:
    """
    A keyring that lost the key gives an error, and no new key is made while other entries exist.
    """
    ref = vault.key_ref()
    assert ref is not None
    vault.keys.source("keyring").forget(ref)

    with pytest.raises(KeyMissingError, match="gone from the system's keyring"):
        Vault(vault.place).read("work")
    with pytest.raises(KeyMissingError, match="gone from the system's keyring"):
        Vault(vault.place).write("other", {}, {})


def test_the_last_disconnect_removes_the_key(vault: Vault, bus: str) -> None:
    """
    The key is removed from the keyring, the kernel and the disk.
    """
    import keyring

    ref = vault.key_ref()
    assert ref is not None
    assert keyring.get_password("entrakit", ref.id)

    vault.delete("work")

    assert keyring.get_password("entrakit", ref.id) is None
    assert kernel.find(ref.id) is None
    assert vault.key_ref() is None


def test_a_locked_keyring_is_passed_over_and_told(
    bus: str, private_home: Path, tmp_path: Path, without_kernel: None
) -> None:
    """
    A keyring that can't be unlocked is not used for a new vault, and is an error for a vault with its key in it.
    """
    vault = Vault(str(private_home), key_from="keyring")
    vault.write("work", {}, {"a": 1})
    lock = (
        "import secretstorage\nbus = secretstorage.dbus_init()\n"
        "for one in secretstorage.get_all_collections(bus): one.lock()"
    )
    run(lock)

    with pytest.raises(VaultError, match="keyring refused") as caught:
        Vault(str(private_home)).read("work")
    assert "Unlock it" in caught.value.remedy
    other = Vault(str(tmp_path / "other"))
    other.write("work", {}, {"a": 1})
    assert "file" == other.key_source()
    with pytest.raises(NoKeyringError):
        Vault(str(tmp_path / "third"), key_from="keyring").write("work", {}, {})


def test_a_keyring_that_is_no_system_s_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Backends that write plain text, or nothing, are skipped: they don't belong to the operating system (request 13).
    """
    from keyring import core
    from keyring.backends import fail, null

    source = KeyringKey({"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere"})
    for backend in (fail.Keyring(), null.Keyring()):  # type: ignore[no-untyped-call] # the package is not typed
        # Never `get_keyring()` here: without a bus the package would find nothing, and never look again.
        monkeypatch.setattr(core, "_keyring_backend", backend)
        with pytest.raises(NoKeyringError, match="no keyring of the operating system"):
            source.make()


def test_a_keyring_that_comes_later_is_found(bus: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The keyring package searches once in a process; a keyring that starts later is found, too.
    """
    from keyring import core
    from keyring.backend import get_all_keyring
    from keyring.backends import fail

    # The search loads all backends, and its result is final.
    get_all_keyring()
    monkeypatch.setattr(core, "_keyring_backend", fail.Keyring())  # type: ignore[no-untyped-call]

    source = KeyringKey(os.environ)
    ref, key = source.make()

    assert key == source.open(ref)
    source.forget(ref)

    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    with pytest.raises(NoKeyringError, match="no keyring of the operating system"):
        source.make()


def test_a_keyring_that_never_answers_is_given_up(bus: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A daemon that does not answer does not block forever.
    """
    from entrakit.vault.keys import keyring as module

    (daemon,) = daemons_of(tmp_path)
    os.kill(daemon, signal.SIGSTOP)
    monkeypatch.setattr(module, "ANSWER_S", 0.3)
    try:
        with pytest.raises(NoKeyringError, match=r"not answered for 0\.3 seconds"):
            KeyringKey(os.environ).make()
    finally:
        os.kill(daemon, signal.SIGCONT)


def test_the_daemon_is_there() -> None:
    """
    `scripts/setup` installs what these tests need; they are never skipped.
    """
    assert shutil.which("gnome-keyring-daemon")
    assert shutil.which("dbus-run-session")


def test_signing_out_leaves_nothing_in_the_keyring(entra_tenant: Tenant, bus: str, private_home: Path) -> None:
    """
    For a real connection, the keyring has only the key, never a token; the last connection removes the key, too.
    """
    import secretstorage

    connection = connect(
        client_id=entra_tenant.confidential_client, client_secret=entra_tenant.client_secret, save_secret=True,
        tenant_id=entra_tenant.tenant_id, cloud=find_cloud(entra_tenant.url), ca_bundle=entra_tenant.ca_path,
        name="work",
    )  # fmt: skip
    token = connection.token().access_token
    connection.close()
    with closing(secretstorage.dbus_init()) as session:
        items = list(secretstorage.get_default_collection(session).get_all_items())
        held = [item.get_secret() for item in items]
        assert 1 == len([item for item in items if item.get_attributes().get("service") == "entrakit"])
        assert not any(text.encode() in one for one in held for text in (token, entra_tenant.client_secret))

        assert disconnect("work")

        items = list(secretstorage.get_default_collection(session).get_all_items())
        assert [] == [item for item in items if item.get_attributes().get("service") == "entrakit"]
    assert [] == [path for path in private_home.rglob("*") if path.is_file() and path.parent.name != "metadata"]
