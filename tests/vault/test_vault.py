"""The vault: one complete file for each connection; a damaged one does not affect others."""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrakit.errors import NotConnectedError, ParameterError, VaultError
from entrakit.vault import Entry, Vault, checked_name, is_name
from entrakit.vault.files import FileStorage
from entrakit.vault.redis import RedisStorage
from entrakit.vault.storage import Storage

if TYPE_CHECKING:
    from entrakit.tokens.jwt import JSON

META: dict[str, JSON] = {"flow": "secret", "expires_at": 1.5}
SECRETS: dict[str, JSON] = {"refresh_token": "canary-refresh", "tokens": {"a": [1, None, True]}}


@pytest.fixture
def vault(private_home: Path) -> Vault:
    """Return a vault with one entry."""
    one = Vault(str(private_home))
    one.write("work", META, SECRETS)
    return one


def directory_of(vault: Vault) -> Path:
    """Return the directory of entries."""
    return Path(vault.place) / "connections"


def file_of(vault: Vault, name: str = "work") -> Path:
    """Return the file of an entry."""
    return directory_of(vault) / f"{name}.json"


def key_file(vault: Vault) -> Path:
    """Return the file of the key."""
    (path,) = Path(vault.place).glob("key-*")
    return path


def test_what_is_written_is_read(vault: Vault) -> None:
    """
    Metadata and secrets are returned unchanged, to another process too, and as new objects.
    """
    entry = Vault(vault.place).read("work")

    assert Entry(META, SECRETS) == entry
    assert "canary" not in repr(entry)
    entry.secrets.clear()
    assert SECRETS == vault.read("work").secrets
    assert META == vault.read_metadata("work")


def test_the_place_and_key_come_from_the_environment(private_home: Path) -> None:
    """
    The defaults are the usual place and key; a relative path is resolved once.
    """
    vault = Vault(environ={"ENTRAKIT_HOME": str(private_home), "ENTRAKIT_VAULT_KEY": "A" * 43})

    assert (str(private_home), "environment") == (vault.place, vault.key_source())
    assert os.path.isabs(Vault("somewhere").place)


def test_secrets_are_nowhere_in_the_clear(vault: Vault) -> None:
    """
    No file of the vault contains a secret in the clear (checklist 38, 41).
    """
    files = [path for path in Path(vault.place).rglob("*") if path.is_file()]

    assert {"key", "vault.json", "vault.id", "work.json"} == {path.name.partition("-")[0] for path in files}
    assert [] == [path for path in files if b"canary" in path.read_bytes()]


def test_everything_is_private(vault: Vault) -> None:
    """
    Directories have mode 0700 and files 0600, regardless of the umask (checklist 39).
    """
    old = os.umask(0)
    try:
        vault.write("other", META, SECRETS)
        with vault.lock("other"):
            pass
        vault.set_current("other")
    finally:
        os.umask(old)

    for path in Path(vault.place).rglob("*"):
        assert (0o700 if path.is_dir() else 0o600) == path.stat().st_mode & 0o777, path


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", ".hidden", "-x", "_x", "a/b", "a\\b", "a" * 65, "a b", "ä", "a\0", "a\n", "\u212a"),
        *("con", "NUL.x", "com1", "x.json", "x.lock", "x."),
    ],
)
def test_a_name_that_no_disk_takes_is_refused(vault: Vault, name: str) -> None:
    """
    Paths, device names of Windows and endings of entrakit's files are refused as names before anything is changed.
    """
    steps = (vault.check, vault.read, vault.read_metadata, vault.delete, vault.lock, vault.set_current)
    for step in steps:
        with pytest.raises(ParameterError, match="can't be the name"):
            step(name)
    with pytest.raises(ParameterError):
        vault.write(name, META, SECRETS)


@settings(deadline=None)
@given(name=st.text(max_size=70) | st.from_regex(r"[A-Za-z0-9._-]{1,66}", fullmatch=True))
def test_a_name_is_a_file_directly_below(name: str) -> None:
    """
    Any name is refused, or its file is in the directory of entries and has this name.
    """
    files = FileStorage("/nowhere")
    with contextlib.suppress(ParameterError):
        assert f"/nowhere/connections/{name.lower()}.json" == os.path.normpath(files._file(checked_name(name)))


def test_case_does_not_distinguish_names(vault: Vault) -> None:
    """
    Names that differ only in case are one connection on every disk.
    """
    assert SECRETS == vault.read("WORK").secrets
    vault.write("Work", META, {"a": 1})
    assert ["work"] == vault.names()
    assert {"a": 1} == vault.read("work").secrets
    vault.check("A.b-c_9")


def test_a_missing_entry_names_the_others(vault: Vault) -> None:
    """
    The error for an unknown name suggests the nearest name and lists all (request 35 of the users).
    """
    with pytest.raises(NotConnectedError) as caught:
        vault.read("wrok")
    assert "Did you mean 'work'? Saved: work." == caught.value.remedy
    with pytest.raises(NotConnectedError) as caught:
        vault.read("zzz")
    assert "Saved: work. Name one: `get_connection('NAME')`." == caught.value.remedy
    with pytest.raises(NotConnectedError) as caught:
        Vault(vault.place + "-empty").read("work")
    assert "Nothing is connected yet." in caught.value.remedy
    assert not Path(vault.place + "-empty").exists()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(data=st.data())
def test_a_changed_file_is_noticed(vault: Vault, data: st.DataObject) -> None:
    """
    Each mutated file gives the right content or a VaultError, never another secret and never a crash.
    """
    vault.write("work", META, SECRETS)
    original = file_of(vault).read_bytes()
    position = data.draw(st.integers(0, len(original) - 1))
    put = data.draw(st.binary(max_size=3))
    file_of(vault).write_bytes(original[:position] + put + original[position + 1 :])

    with contextlib.suppress(VaultError):
        assert Entry(META, SECRETS) == vault.read("work")


def test_an_entry_cannot_be_swapped(vault: Vault) -> None:
    """
    A file under the name of another connection counts as damage, and gives no token.
    """
    vault.write("other", META, {"refresh_token": "theirs"})
    file_of(vault).write_bytes(file_of(vault, "other").read_bytes())

    with pytest.raises(VaultError, match="damaged"):
        vault.read("work")
    assert {"refresh_token": "theirs"} == vault.read("other").secrets


def test_another_key_does_not_open(vault: Vault) -> None:
    """
    With another key, the error names the cause, and the entry stays in place.
    """
    with pytest.raises(VaultError, match="another key"):
        Vault(vault.place, environ={"ENTRAKIT_VAULT_KEY": "another"}).read("work")
    assert SECRETS == vault.read("work").secrets


def test_a_damaged_entry_is_moved_aside(vault: Vault) -> None:
    """
    A damaged entry is moved aside under a name that the error contains, and affects no other entry (checklist 40).
    """
    vault.write("other", META, SECRETS)
    file_of(vault).write_text("{")

    with pytest.raises(VaultError, match="moved to") as caught:
        vault.read("work")
    (aside,) = directory_of(vault).glob("work.damaged-*")
    assert str(aside) in caught.value.problem
    assert (0o600, "{") == (aside.stat().st_mode & 0o777, aside.read_text())
    assert SECRETS == vault.read("other").secrets
    with pytest.raises(NotConnectedError):
        vault.read("work")
    vault.write("work", META, SECRETS)
    assert SECRETS == vault.read("work").secrets


def test_a_damaged_entry_that_cannot_be_moved_is_told(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    If the disk refuses to move a damaged entry, the error reports the damage.
    """

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    file_of(vault).write_text("{")
    monkeypatch.setattr(os, "replace", refuse)

    with pytest.raises(VaultError, match="does not open"):
        vault.read("work")


def test_an_entry_that_was_replaced_meanwhile_is_read(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A process that read a damaged entry does not move away a good one written since.
    """
    good = file_of(vault).read_bytes()
    file_of(vault).write_text("{")
    replace = os.replace

    def late(source: str, target: str) -> None:
        monkeypatch.setattr(os, "replace", replace)
        file_of(vault).write_bytes(good)
        replace(source, target)

    monkeypatch.setattr(os, "replace", late)

    assert SECRETS == vault.read("work").secrets
    assert ["work.json"] == os.listdir(directory_of(vault))


def test_a_later_version_is_refused_politely(vault: Vault) -> None:
    """
    An entry of a later version is not changed (checklist 42).
    """
    data = json.loads(file_of(vault).read_text())
    file_of(vault).write_text(json.dumps(data | {"schema": 2}))

    with pytest.raises(VaultError, match="version 2"):
        vault.read("work")
    assert file_of(vault).exists()


def test_a_listing_needs_no_key(vault: Vault) -> None:
    """
    Metadata is read without the key; an unreadable entry is listed with its problem, and the others are listed, too.
    """
    for name in ("open", "broken"):
        vault.write(name, META, SECRETS)
    file_of(vault, "open").chmod(0o644)
    file_of(vault, "broken").write_text("{")
    (directory_of(vault) / "no name.json").touch()
    key_file(vault).unlink()

    listed = vault.entries()

    assert ["broken", "no name", "open", "work"] == [one.name for one in listed]
    assert [{}, {}, {}, META] == [one.values for one in listed]
    for words, one in zip(("is damaged", "can't be the name", "can be used by others", ""), listed, strict=True):
        assert words in (one.error.problem if one.error else "")


def test_a_directory_that_cannot_be_listed_is_told(private_home: Path) -> None:
    """
    A file in place of the directory gives its own error, for a listing and for a read.
    """
    (private_home / "connections").touch(mode=0o600)

    with pytest.raises(VaultError, match="Not a directory"):
        Vault(str(private_home)).entries()
    with pytest.raises(VaultError, match="is not a directory"):
        Vault(str(private_home)).read("work")


@pytest.mark.parametrize("below", ["", "connections"])
def test_an_open_directory_is_refused(vault: Vault, below: str) -> None:
    """
    A directory that others can use is neither read nor written; the remedy has the chmod command (checklist 39).
    """
    directory = Path(vault.place) / below
    directory.chmod(0o755)

    for step in (lambda: vault.read("work"), lambda: vault.write("work", META, SECRETS)):
        with pytest.raises(VaultError, match="can be used by others") as caught:
            step()
        assert f"`chmod 700 {directory}`" in caught.value.remedy


def test_a_home_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """
    If the directory can't be created, the error names it.
    """
    (tmp_path / "file").touch()

    with pytest.raises(VaultError, match="Not a directory"):
        Vault(str(tmp_path / "file" / "home")).write("work", META, SECRETS)


def test_the_summary_of_one_connection(vault: Vault) -> None:
    """
    One connection is described as in the listing; None is returned for one that does not exist.
    """
    assert vault.entries() == [vault.summary("work")]
    assert vault.summary("nobody") is None


def test_the_current_name(vault: Vault) -> None:
    """
    The only connection is the current one. Of several it is the chosen one, or the one named `default`.
    """
    assert "work" == vault.current()
    vault.write("other", META, SECRETS)
    assert "default" == vault.current()
    vault.set_current("Work")
    assert "work" == vault.current()
    with pytest.raises(NotConnectedError):
        vault.set_current("nobody")
    vault.delete("work")
    assert "other" == vault.current()
    vault.delete("other")
    assert "default" == vault.current()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.binary(max_size=80) | st.sampled_from((b"../evil", b"con", b"", b"x\n")))
def test_the_current_name_is_always_a_name(vault: Vault, content: bytes) -> None:
    """
    An invalid name in the file of the current name is ignored; a valid one that was not chosen in this vault is
    refused.
    """
    path = Path(vault.place) / "current"
    path.touch(mode=0o600)
    path.write_bytes(content)

    if is_name(content.decode("ascii", "replace").strip()):
        with pytest.raises(VaultError, match="was chosen in another vault"):
            vault.current()
    else:
        assert "work" == vault.current()


def test_deleting_removes_every_file_of_it(vault: Vault) -> None:
    """
    Entry, lock, damaged copies and leftovers are removed, only for this connection (checklist 43).
    """
    others = ("work2", "work.damaged-2", "work.json.a", "work.damaged-2.damaged-3")
    for name in others:
        vault.write(name, META, SECRETS)
        with vault.lock(name):
            pass
    left = sorted([f"{name}.{ending}" for name in others for ending in ("json", "lock")] + [".work.json.a.json.0f.new"])
    for name in (".work.json.0f.new", ".work.json.a.json.0f.new", "work.damaged-20260101T000000Z-0f"):
        (directory_of(vault) / name).touch(mode=0o600)
    with vault.lock("work"):
        pass

    assert vault.delete("work")
    assert not vault.delete("work")
    assert left == sorted(os.listdir(directory_of(vault)))


def test_deleting_removes_what_cannot_be_read(vault: Vault) -> None:
    """
    A damaged entry, one of a later version and one with another key can be disconnected.
    """
    file_of(vault).write_text("{")
    vault.entries()

    assert vault.delete("WORK")
    assert [] == os.listdir(directory_of(vault))


def test_deleting_waits_for_who_holds_it(vault: Vault) -> None:
    """
    Nothing is removed during a renewal.
    """
    deleting = threading.Thread(target=vault.delete, args=("work",))
    with vault.lock("work"):
        deleting.start()
        deleting.join(0.2)
        assert deleting.is_alive()
        assert SECRETS == vault.read("work").secrets

    deleting.join(10)
    assert [] == os.listdir(directory_of(vault))


def test_a_listing_removes_what_killed_writers_left(vault: Vault) -> None:
    """
    Leftovers of at least an hour are removed in both directories; newer ones, which may be in use, stay.
    """
    rests = [directory_of(vault) / ".work.json.0f.new", Path(vault.place) / ".key.0f.new"]
    for path in rests:
        path.touch()
        os.utime(path, (1000, 1000))
    busy = directory_of(vault) / ".work.json.1f.new"
    busy.touch()

    assert ["work"] == [one.name for one in vault.entries()]
    assert [False, False, True] == [path.exists() for path in (*rests, busy)]


@pytest.mark.parametrize("storage", [FileStorage, RedisStorage])
def test_a_storage_keeps_the_contract(storage: type) -> None:
    """
    Each storage has every method of the contract, with the same parameters.
    """
    for name, member in vars(Storage).items():
        if callable(member) and not name.startswith("_"):
            assert (
                inspect.signature(member).parameters.keys()
                == inspect.signature(getattr(storage, name)).parameters.keys()
            )
