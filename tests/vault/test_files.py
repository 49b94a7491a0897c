"""Saved connections as files: the place of their directory, and its checks."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from entrakit.errors import VaultError
from entrakit.vault.files import FileStorage, state_dir

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"ENTRAKIT_HOME": "/srv/entra", "HOME": "/home/ada"}, "/srv/entra"),
        ({"XDG_STATE_HOME": "/state", "HOME": "/home/ada"}, "/state/entrakit"),
        ({"HOME": "/home/ada"}, "/home/ada/.local/state/entrakit"),
        ({"XDG_STATE_HOME": "", "HOME": "/home/ada"}, "/home/ada/.local/state/entrakit"),
    ],
)
def test_the_place_follows_the_environment(environ: dict[str, str], expected: str) -> None:
    """
    `ENTRAKIT_HOME` has priority over the XDG variables (checklist 44).
    """
    assert expected == state_dir(environ)


@pytest.mark.parametrize("environ", [{}, {"XDG_STATE_HOME": "relative"}])
def test_without_a_home_it_says_what_to_set(environ: dict[str, str]) -> None:
    """
    Without a home directory, the error names the variable to set.
    """
    with pytest.raises(VaultError) as caught:
        state_dir(environ)

    assert "ENTRAKIT_HOME" in caught.value.remedy


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_other_systems_have_their_own_place(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    On macOS and Windows, platformdirs gives the directory.
    """
    monkeypatch.setattr(sys, "platform", platform)

    assert state_dir({}).endswith("entrakit")


def test_preparing_makes_the_directories_and_returns_the_note(private_home: Path) -> None:
    """
    One step makes both directories private and returns the note of the key, which does not exist at first.
    """
    storage = FileStorage(str(private_home / "vault"))
    assert storage.prepare() is None
    modes = [path.stat().st_mode & 0o777 for path in (private_home / "vault", private_home / "vault" / "connections")]
    assert [0o700, 0o700] == modes

    assert storage.swap_key_note(None, b"note", "id")
    assert (b"note", "id") == storage.read_notes()
    assert b"note" == storage.prepare()
    assert not storage.swap_key_note(b"another", None, "")
    assert storage.swap_key_note(b"note", b"note", "other")
    assert (b"note", "other") == storage.read_notes()
    assert storage.swap_key_note(b"note", None, "")
    assert (None, "") == storage.read_notes()


@pytest.mark.parametrize("place", [".", "connections"])
@pytest.mark.parametrize("step", ["prepare", "read", "lock"])
def test_each_operation_checks_both_directories(private_home: Path, place: str, step: str) -> None:
    """
    A directory that others can use is refused by every operation that begins there, even after an earlier check.
    """
    storage = FileStorage(str(private_home))
    storage.prepare()
    storage.write("work", b"entry")
    (private_home / place).chmod(0o755)

    words = {"prepare": (), "read": ("work",), "lock": ("work", 0.0)}[step]
    with pytest.raises(VaultError, match="can be used by others"):
        getattr(storage, step)(*words)


def test_a_lock_of_an_entry_stays_and_others_leave_nothing(private_home: Path) -> None:
    """
    The lock file of an entry stays for the next process; that of the key is removed.
    """
    storage = FileStorage(str(private_home))
    for name in ("work", ".key"):
        with storage.lock(name, 0.0):
            assert (private_home / "connections" / f"{name}.lock").exists()

    assert ["work.lock"] == os.listdir(private_home / "connections")
