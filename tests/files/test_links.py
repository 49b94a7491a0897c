"""Symbolic links in paths of a user: followed only if no other user could have put them there."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from entrakit.errors import EntraError
from entrakit.files.links import follow, read_unlinked
from entrakit.files.result import NewFile
from entrakit.files.resumable import RecordFile, ResumableFile
from entrakit.files.shared import write_shared
from entrakit.graph.delta_session import DeltaSession
from entrakit_emulator.own_files import place_of

if TYPE_CHECKING:
    from collections.abc import Callable

WRITERS: dict[str, Callable[[Path], object]] = {
    "out-file": lambda path: NewFile(str(path)),
    "record": lambda path: RecordFile(str(path)),
    "export": lambda path: ResumableFile(path, "key"),
    "start file": lambda path: write_shared(str(path), "x"),
    "start file removed": lambda path: write_shared(str(path), ""),
    "session": lambda path: DeltaSession(path).keep("a", "https://a"),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_a_link_of_another_user_is_not_followed(planted: Callable[[Path], Path], tmp_path: Path, writer: str) -> None:
    """
    For each writer of files that a user names: the target of such a link keeps its content, and nothing is made next to
    it; the link stays.
    """
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "precious").write_text("precious")
    link = planted(mine / "precious")

    with pytest.raises((EntraError, OSError)) as caught:
        WRITERS[writer](link)

    assert "link" in str(caught.value)
    assert str(link) in str(caught.value)
    assert ["precious"] == os.listdir(mine)
    assert "precious" == (mine / "precious").read_text()
    assert link.is_symlink()


@pytest.mark.parametrize("writer", WRITERS)
def test_a_directory_behind_a_link_of_another_user_is_not_used(
    planted: Callable[[Path], Path], tmp_path: Path, writer: str
) -> None:
    """
    Nor is a file made in a directory to which another user's link leads.
    """
    mine = tmp_path / "mine"
    mine.mkdir()
    link = planted(mine)

    with pytest.raises((EntraError, OSError), match="another user may have put there"):
        WRITERS[writer](link / "file")

    assert [] == os.listdir(mine)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user, and replace it")
@pytest.mark.parametrize("writer", WRITERS)
def test_a_file_of_another_user_is_not_replaced(tmp_path: Path, writer: str) -> None:
    """
    In a directory like /tmp, root replaces no file of somebody else, as any other user can't.
    """
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    theirs = shared / "result.json"
    theirs.write_text("precious")
    os.chown(theirs, 54321, 54321)

    with pytest.raises((EntraError, OSError)) as caught:
        WRITERS[writer](theirs)

    assert "belongs to another user" in str(caught.value)
    assert ("precious", 54321) == (theirs.read_text(), theirs.stat().st_uid)
    assert ["result.json"] == os.listdir(shared)


def test_our_own_file_in_a_shared_directory_is_replaced(tmp_path: Path) -> None:
    """
    A second run replaces the result of the first one; so does a file of a colleague in a directory of a team, whose
    members may replace all files.
    """
    tmp_path.chmod(0o1777)
    (tmp_path / "ours").write_text("old")
    (tmp_path / "team").mkdir()
    (tmp_path / "team").chmod(0o777)
    theirs = tmp_path / "team" / "theirs"
    theirs.write_text("old")
    if os.geteuid() == 0:
        os.chown(theirs, 54321, 54321)
    for path in (tmp_path / "ours", theirs):
        with closing(NewFile(str(path))) as file:
            file.write(b"new")
            file.finish()

        assert "new" == path.read_text()


@pytest.mark.parametrize("writer", ["out-file", "export", "start file", "session"])
def test_our_own_links_are_followed(tmp_path: Path, writer: str) -> None:
    """
    Our link in our directory is followed, as for a start file that is kept elsewhere.
    """
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to("elsewhere")

    made = WRITERS[writer](tmp_path / "link" / "file")
    if isinstance(made, NewFile | ResumableFile):
        made.finish()
        made.close()

    assert ["file"] == os.listdir(tmp_path / "elsewhere")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("a", "a"),
        ("missing/b", "missing/b"),
        ("link", "real"),
        ("link/x", "real/x"),
        ("chain/x", "real/x"),
        ("link/../a", "a"),
        ("./real/./x", "real/x"),
        ("absolute/y", "real/y"),
        ("deep/up/z", "z"),
    ],
)
def test_paths_mean_what_the_system_means(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, expected: str
) -> None:
    """
    The result is that of `os.path.realpath`.
    """
    monkeypatch.chdir(tmp_path)
    for name in ("real", "deep"):
        Path(name).mkdir()
    Path("link").symlink_to("real")
    Path("chain").symlink_to("./link")
    Path("absolute").symlink_to(tmp_path / "real")
    Path("deep/up").symlink_to("..")

    assert os.path.join(os.path.realpath(tmp_path), expected) == follow(given) == os.path.realpath(given)


def test_links_in_a_circle_are_an_error(tmp_path: Path) -> None:
    """
    A circle is an OSError that names a link.
    """
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")

    with pytest.raises(OSError, match="symbolic links"):
        follow(tmp_path / "a")


@pytest.mark.parametrize("path", ["/dev/stdout", "/etc/../bin", "~"])
def test_links_of_the_system_are_followed(path: str) -> None:
    """
    Only root can write in the directories of the system.
    """
    assert os.path.realpath(os.path.expanduser(path)) == follow(path)


def test_an_absolute_path_needs_no_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A result is written to an absolute path although the working directory was removed; a snapshot, too.
    """
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()

    path = os.path.realpath(tmp_path / "result")
    assert path == follow(path) == place_of(path)


def test_a_file_that_must_not_be_a_link_is_read_itself(tmp_path: Path) -> None:
    """
    At most the given number of bytes is read; a link is refused, wherever it leads.
    """
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to(tmp_path / "file")

    assert b"1234" == read_unlinked(str(tmp_path / "file"), 4)
    with pytest.raises(OSError, match="symbolic links"):
        read_unlinked(str(tmp_path / "link"), 4)
