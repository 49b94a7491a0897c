"""Files of the emulator are written only where no other user could have chosen the place."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from entrakit_emulator import start
from entrakit_emulator.own_files import place_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_a_link_of_another_user_is_not_followed(planted: Callable[[Path], Path], tmp_path: Path) -> None:
    """
    Neither in place of a snapshot, nor in place of its directory; the link and its target stay.
    """
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "precious").write_text("precious")
    to_file, to_directory = planted(mine / "precious"), planted(mine)
    with start() as tenant:
        for path in (to_file, to_directory / "precious"):
            with pytest.raises(PermissionError, match="a link that another user may have put there"):
                tenant.snapshot(str(path))

    assert to_file.is_symlink()
    assert ["precious"] == os.listdir(mine)
    assert "precious" == (mine / "precious").read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user, and replace it")
def test_a_file_of_another_user_is_not_replaced(tmp_path: Path) -> None:
    """
    In a directory like /tmp, root replaces no file of somebody else.
    """
    tmp_path.chmod(0o1777)
    theirs = tmp_path / "tenant"
    theirs.write_text("precious")
    os.chown(theirs, 54321, 54321)
    with start() as tenant, pytest.raises(PermissionError, match="belongs to another user"):
        tenant.snapshot(str(theirs))

    assert ("precious", 54321) == (theirs.read_text(), theirs.stat().st_uid)


def test_our_own_links_are_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The file to which our link leads is replaced, and the link stays. Paths mean what the system means.
    """
    monkeypatch.chdir(tmp_path)
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "real" / "up").symlink_to("..")
    (tmp_path / "absolute").symlink_to(tmp_path / "real" / "tenant")
    for path in ("link/tenant", "link/../real/./tenant", "link/up/real/tenant", "absolute"):
        assert os.path.realpath(tmp_path / "real" / "tenant") == place_of(path)
    with start() as tenant:
        tenant.snapshot("absolute")

    assert (tmp_path / "absolute").is_symlink()
    assert (tmp_path / "real" / "tenant").stat().st_size > 1000


def test_links_in_a_circle_are_an_error(tmp_path: Path) -> None:
    """
    A circle ends.
    """
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="symbolic links"):
        place_of(str(tmp_path / "a"))
