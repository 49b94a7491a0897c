"""The vault: sealed entries, one file each, private from creation, whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrakit.errors import NotConnectedError, ParameterError, VaultError
from entrakit.vault import Entry, Vault, envelope, store

if TYPE_CHECKING:
    from entrakit.claims import JSON

META: dict[str, JSON] = {"flow": "secret", "expires_at": 1.5}
SECRETS: dict[str, JSON] = {"refresh_token": "canary-refresh", "tokens": {"a": [1, None, True]}}


@pytest.fixture
def vault(private_home: Path) -> Vault:
    """Return a vault with one entry."""
    one = Vault(str(private_home))
    one.write("work", META, SECRETS)
    return one


def file_of(vault: Vault, name: str = "work") -> Path:
    """Return the file of an entry."""
    return Path(vault.path) / "connections" / f"{name}.json"


def test_what_is_written_is_read(vault: Vault) -> None:
    """
    Metadata and secrets come back as they were, also for another process's vault.
    """
    assert Entry(META, SECRETS) == Vault(vault.path).read("work")
    assert "canary" not in repr(vault.read("work"))


def test_secrets_are_nowhere_in_the_clear(vault: Vault) -> None:
    """
    No file of the vault has the secret's text (checklist 38, 41).
    """
    for path in Path(vault.path).rglob("*"):
        assert not path.is_file() or b"canary" not in path.read_bytes()
    assert b"expires_at" in file_of(vault).read_bytes()


def test_everything_is_private(vault: Vault) -> None:
    """
    Directories 0700 and files 0600, whatever the umask (checklist 39).
    """
    old = os.umask(0)
    try:
        vault.write("other", META, SECRETS)
        with vault.lock("other"):
            pass
        vault.set_current("other")
    finally:
        os.umask(old)

    for path in [Path(vault.path) / "connections", *Path(vault.path).rglob("*")]:
        assert (0o700 if path.is_dir() else 0o600) == path.stat().st_mode & 0o777, path


def test_names_are_safe_and_case_does_not_count(vault: Vault) -> None:
    """
    A name is a file's name on every disk: no paths, no devices; case does not distinguish.
    """
    for name in ("", ".", "..", "-x", "a/b", "a\\b", "a" * 65, "con", "NUL.x", "ä", "a\0", "x.json", "x.lock", "x."):
        with pytest.raises(ParameterError):
            vault.read(name)
    assert SECRETS == vault.read("WORK").secrets
    vault.check("a.b-c_9")


def test_a_missing_entry_names_the_others(vault: Vault) -> None:
    """
    The nearest name and all that there are (request 35 of the users).
    """
    with pytest.raises(NotConnectedError) as caught:
        vault.read("wrok")
    assert "Did you mean 'work'?" in caught.value.remedy
    with pytest.raises(NotConnectedError, match="There is no connection"):
        Vault(vault.path + "-empty").read("work")


def test_an_entry_cannot_be_swapped(vault: Vault) -> None:
    """
    An entry under another name does not open: its name is bound to the seal.
    """
    vault.write("other", META, {"refresh_token": "theirs"})
    data = json.loads(file_of(vault, "other").read_text())
    file_of(vault).write_text(json.dumps(data | {"name": "work"}))

    with pytest.raises(VaultError, match="does not open"):
        vault.read("work")


def test_the_clear_part_cannot_be_edited(vault: Vault) -> None:
    """
    What stands in the clear is bound to the seal as well.
    """
    data = json.loads(file_of(vault).read_text())
    data["metadata"]["flow"] = "browser"
    file_of(vault).write_text(json.dumps(data))

    with pytest.raises(VaultError, match="does not open"):
        vault.read("work")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
@given(data=st.data())
def test_any_change_of_a_byte_is_noticed(vault: Vault, data: st.DataObject) -> None:
    """
    Each mutated file gives the right content or a VaultError, never another secret and never a crash.
    """
    vault.write("work", META, SECRETS)
    original = file_of(vault).read_bytes()
    position = data.draw(st.integers(0, len(original) - 1))
    changed = data.draw(
        st.one_of(
            st.binary(min_size=1, max_size=3).map(lambda put: original[:position] + put + original[position + 1 :]),
            st.just(original[:position]),
            st.binary(max_size=40),
        )
    )
    file_of(vault).write_bytes(changed)

    with contextlib.suppress(VaultError):
        assert Entry(META, SECRETS) == vault.read("work")
    for aside in Path(vault.path).glob("connections/*.damaged-*"):
        aside.unlink()


def test_a_damaged_entry_is_moved_aside(vault: Vault) -> None:
    """
    It is kept for whoever wants to look, told by its new name, and in nobody's way (checklist 40).
    """
    vault.write("other", META, SECRETS)
    file_of(vault).write_text("{")

    with pytest.raises(VaultError, match="moved to"):
        vault.read("work")
    (aside,) = Path(vault.path).glob("connections/work.damaged-*")
    assert 0o600 == aside.stat().st_mode & 0o777
    assert SECRETS == vault.read("other").secrets
    with pytest.raises(NotConnectedError):
        vault.read("work")
    assert vault.delete("work")
    assert not aside.exists()


def test_a_later_version_is_refused_politely(vault: Vault) -> None:
    """
    An entry of a later entrakit is left as it is (checklist 42).
    """
    data = json.loads(file_of(vault).read_text())
    file_of(vault).write_text(json.dumps(data | {"schema": 2}))

    with pytest.raises(VaultError, match="version 2"):
        vault.read("work")
    assert file_of(vault).exists()


def test_a_listing_needs_no_key(vault: Vault) -> None:
    """
    Metadata is read without the key; an entry that can't be is told, and hides no other.
    """
    vault.write("other", META, SECRETS)
    file_of(vault, "other").chmod(0o644)
    (Path(vault.path) / "key").unlink()

    first, second = vault.entries()

    assert ("other", {}, "work", META) == (first.name, first.values, second.name, second.values)
    assert "chmod 600" not in first.problem
    assert "can be used by others" in first.problem


@pytest.mark.parametrize("damage", ["readable", "linked", "directory", "foreign", "huge"])
def test_a_file_that_others_could_touch_is_not_used(vault: Vault, damage: str, tmp_path: Path) -> None:
    """
    Readable by others, a symbolic link, no file, somebody else's, or too large: refused with what to type.
    """
    file = file_of(vault)
    if damage == "readable":
        file.chmod(0o640)
    elif damage == "linked":
        file.rename(tmp_path / "elsewhere")
        file.symlink_to(tmp_path / "elsewhere")
    elif damage == "directory":
        file.unlink()
        file.mkdir()
    elif damage == "foreign":
        if os.geteuid() != 0:
            return
        os.chown(file, 12345, 12345)
    else:
        file.write_bytes(b" " * (store.MAX_FILE + 1))

    with pytest.raises(VaultError) as caught:
        vault.read("work")

    assert str(file) in caught.value.problem


def test_a_directory_that_others_can_use_is_refused(vault: Vault) -> None:
    """
    An open directory is told with the chmod to type (checklist 39).
    """
    directory = Path(vault.path) / "connections"
    directory.chmod(0o755)

    with pytest.raises(VaultError, match="can be used by others") as caught:
        vault.write("work", META, SECRETS)

    assert f"chmod 700 {directory}" in caught.value.remedy
    directory.chmod(0o700)


def test_a_full_disk_loses_nothing(vault: Vault) -> None:
    """
    Where the disk refuses, the error says so, the old entry stands, and no rest is left behind.
    """
    program = (
        "import resource, signal, sys\n"
        "from entrakit.vault import Vault\nfrom entrakit.errors import VaultError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))\n"
        f"try: Vault({vault.path!r}).write('work', {{}}, {{'x': 'y' * 4096}})\n"
        "except VaultError as error: print(error.problem); sys.exit(8)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert 8 == done.returncode, done.stderr
    assert "Can't write" in done.stdout
    assert SECRETS == vault.read("work").secrets
    assert ["work.json"] == sorted(os.listdir(Path(vault.path) / "connections"))
    assert resource.getrlimit(resource.RLIMIT_FSIZE)


def test_a_place_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """
    Where the directory can't be made, the error names it.
    """
    blocked = tmp_path / "file"
    blocked.write_text("in the way")

    with pytest.raises(VaultError, match="Can't make"):
        Vault(str(blocked / "home")).write("work", META, SECRETS)
    with pytest.raises(VaultError, match="is not a directory"):
        store.make_directory(str(blocked))


def test_the_current_name(vault: Vault) -> None:
    """
    `default` until another is chosen; what can't be a name is not taken from the file.
    """
    assert "default" == vault.current()
    vault.set_current("Work")
    assert "work" == vault.current()
    (Path(vault.path) / "current").write_text("../evil")
    assert "default" == vault.current()
    with pytest.raises(NotConnectedError):
        vault.set_current("nobody")


def test_deleting_removes_every_file_of_it(vault: Vault) -> None:
    """
    Entry, lock and what was moved aside; only of this connection (checklist 43).
    """
    vault.write("work2", META, SECRETS)
    with vault.lock("work"):
        pass

    assert vault.delete("work")
    assert not vault.delete("work")
    assert ["work2.json"] == os.listdir(Path(vault.path) / "connections")


def test_many_connections_cost_no_more(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Reading one entry lists no directory, however many entries there are.
    """

    def refuse(path: str) -> list[str]:
        raise AssertionError(path)

    monkeypatch.setattr(os, "listdir", refuse)

    assert SECRETS == vault.read("work").secrets


def test_a_kill_in_the_middle_loses_nothing(vault: Vault) -> None:
    """
    Killed at any moment of writing, the entry is the old one or the new one, whole.
    """
    program = (
        "import itertools\nfrom entrakit.vault import Vault\n"
        f"vault = Vault({vault.path!r})\nprint('ready', flush=True)\n"
        "for n in itertools.count(): vault.write('work', {'n': n}, {'n': n, 'fill': 'x' * 20000})\n"
    )
    for _ in range(20):
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            os.sched_yield()
            process.kill()
        entry = vault.read("work")
        assert entry.metadata.get("n") == entry.secrets.get("n")


def test_the_seal_is_new_each_time(vault: Vault) -> None:
    """
    The same content sealed twice has another nonce and another ciphertext.
    """
    key = bytes(32)

    one, other = (envelope.parse("work", envelope.seal("work", META, SECRETS, key)) for _ in range(2))

    assert one.nonce != other.nonce
    assert one.ciphertext != other.ciphertext
    assert SECRETS == envelope.unseal(one, key)
    with pytest.raises(VaultError):
        envelope.unseal(one, b"\1" * 32)
