"""Files that decide what this program does: only those that no other user can have written."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from entrakit.files.trusted import MAX_SIZE, read_trusted

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file two directories below one that only this user can write."""
    tmp_path.chmod(0o755)
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True, mode=0o755)
    folder.parent.chmod(0o755)
    path = folder / "config.toml"
    path.write_text("x = 1")
    path.chmod(0o644)
    return path


def test_a_file_that_others_can_read_is_read(file: Path) -> None:
    """
    Others may read the file and its directories, as usual for a configuration.
    """
    assert b"x = 1" == read_trusted(str(file))


def test_a_missing_file_is_none(file: Path) -> None:
    """
    Neither the file nor its directories have to exist.
    """
    assert None is read_trusted(str(file.parent / "other"))
    assert None is read_trusted(str(file.parent / "other" / "config.toml"))
    assert None is read_trusted(str(file / "config.toml"))


@pytest.mark.parametrize("mode", [0o020, 0o002])
@pytest.mark.parametrize("above", [0, 1, 2])
def test_a_file_or_directory_that_others_can_write_is_refused(file: Path, mode: int, above: int) -> None:
    """
    The group or all users may write neither the file nor a directory above it, even far above; the error names it.
    """
    at = [file, *file.parents][above]
    at.chmod(at.stat().st_mode | mode)

    with pytest.raises(OSError, match="other users can write to it") as caught:
        read_trusted(str(file))

    assert str(at) == caught.value.filename


def test_a_directory_that_others_share_without_replacing_files_is_accepted(file: Path) -> None:
    """
    In a sticky directory, such as `/tmp`, others can't replace a directory of this user.
    """
    file.parents[1].chmod(0o1777)

    assert b"x = 1" == read_trusted(str(file))


@pytest.mark.parametrize("above", [0, 1, 2])
def test_what_belongs_to_another_user_is_refused(file: Path, above: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Another user's file or directory is refused, whatever its mode: the owner can change that.
    """
    if os.geteuid() == 0:
        os.chown([file, *file.parents][above], 54321, 54321)
    else:
        # Only root can give a file away, so this process takes another id: then everything is another user's.
        monkeypatch.setattr("os.geteuid", lambda: 54321)

    with pytest.raises(OSError, match="belongs to another user"):
        read_trusted(str(file))


def test_the_directories_behind_a_link_are_checked(file: Path, tmp_path: Path) -> None:
    """
    A link, as of collected dotfiles, is followed; the way that it leads is checked like the other.
    """
    link = tmp_path / "link"
    link.symlink_to("a")
    again = tmp_path / "again"
    again.symlink_to(link)
    path = str(again / "b" / "config.toml")
    before = read_trusted(path)
    file.parent.chmod(0o777)

    assert b"x = 1" == before
    with pytest.raises(OSError, match="other users can write to it"):
        read_trusted(path)


def test_a_circle_of_links_ends(tmp_path: Path) -> None:
    """
    Links that lead in a circle are an error.
    """
    (tmp_path / "x").symlink_to("y")
    (tmp_path / "y").symlink_to("x")

    with pytest.raises(OSError, match="symbolic links"):
        read_trusted(str(tmp_path / "x"))


def test_what_is_not_a_file_of_a_sensible_size_is_refused(file: Path) -> None:
    """
    A directory, a pipe, which would block, and a huge file are not read.
    """
    file.write_bytes(b"#" * (MAX_SIZE + 1))
    pipe = file.parent / "pipe"
    os.mkfifo(pipe, 0o600)

    with pytest.raises(OSError, match="larger than 1 MiB"):
        read_trusted(str(file))
    for other in (file.parent, pipe):
        with pytest.raises(OSError, match="not a file"):
            read_trusted(str(other))
