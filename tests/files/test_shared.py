"""Files of the user that other programs read, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrakit.files.shared import read_shared, write_shared

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_that_does_not_exist_is_empty(tmp_path: Path) -> None:
    """
    It is written with its directory.
    """
    path = tmp_path / "a" / "b"

    assert "" == read_shared(str(path))
    write_shared(str(path), "x\n")
    assert b"x\n" == path.read_bytes()


def test_a_file_keeps_its_mode_its_name_and_its_bytes(tmp_path: Path) -> None:
    """
    A link stays a link, and bytes that are not UTF-8 and line ends stay as they are.
    """
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(b"\xff\r\n")
    real.chmod(0o640)
    link.symlink_to(real)

    write_shared(str(link), read_shared(str(link)) + "x\n")

    assert (b"\xff\r\nx\n", 0o640, True) == (real.read_bytes(), real.stat().st_mode & 0o777, link.is_symlink())
    assert ["link", "real"] == sorted(one.name for one in tmp_path.iterdir() if one.name != "home")


def test_an_empty_text_removes_the_file(tmp_path: Path) -> None:
    """
    Nothing is left of a file that only had text to be removed.
    """
    path = tmp_path / "file"
    path.write_text("x")

    write_shared(str(path), "")

    assert not path.exists()


def test_a_file_that_can_not_be_written_is_an_error(tmp_path: Path) -> None:
    """
    The error is that of the system, and names the path.
    """
    (tmp_path / "file").write_text("x")

    with pytest.raises(OSError, match="file"):
        write_shared(str(tmp_path / "file" / "below"), "x")
