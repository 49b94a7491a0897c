"""Private files: 0600 from creation, complete or missing, and refused if others could have changed them."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from entrakit.errors import VaultError
from entrakit.files import private


def mode(path: Path) -> int:
    """Return the permissions of a file."""
    return path.stat().st_mode & 0o777


@pytest.fixture
def kept(private_home: Path) -> Path:
    """Return a private file with content."""
    path = private_home / "kept"
    private.write_file(str(path), b"before")
    return path


def on_small_disk(where: Path, program: str) -> str:
    """Run a program with a disk of 64 KiB mounted in its own namespace, and return its output."""
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine does not allow mounting a disk")
    script = 'mount -t tmpfs -o size=64k,mode=700 none "$0" && exec "$1" -c "$2" "$0"'
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, where, sys.executable, program],
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return done.stdout


def test_everything_is_private_from_creation(tmp_path: Path) -> None:
    """
    Directories and their missing parents have mode 0700 and files 0600, regardless of the umask (checklist 39).
    """
    directory = tmp_path / "a" / "b" / "c"
    old = os.umask(0)
    try:
        private.make_directory(str(directory))
        private.write_file(str(directory / "one"), b"1")
        assert private.create_file(str(directory / "other"), b"2")
    finally:
        os.umask(old)

    assert [0o700] * 3 == [mode(path) for path in (directory, *directory.parents[:2])]
    assert [0o600] * 2 == [mode(path) for path in sorted(directory.iterdir())]


def test_what_is_written_is_read(kept: Path) -> None:
    """
    The last content is read, even if it is empty; a missing file gives None.
    """
    assert b"before" == private.read_file(str(kept))
    private.write_file(str(kept), b"")
    assert b"" == private.read_file(str(kept))
    assert private.read_file(str(kept) + "-else") is None


def test_a_file_is_created_once(kept: Path) -> None:
    """
    The second call to create a file returns False and changes nothing.
    """
    assert not private.create_file(str(kept), b"second")
    assert b"before" == kept.read_bytes()
    assert ["kept"] == os.listdir(kept.parent)


def test_a_file_is_created_once_on_a_disk_without_hard_links(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A disk without hard links, such as a USB stick, can be used, too.
    """

    def link(source: str, target: str) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    other = kept.with_name("other")

    assert private.create_file(str(other), b"first")
    assert not private.create_file(str(other), b"second")
    assert (b"first", 0o600) == (other.read_bytes(), mode(other))
    assert ["kept", "other"] == sorted(os.listdir(kept.parent))


def test_removing_says_whether_there_was_one(kept: Path) -> None:
    """
    Removing a missing file is not an error; a failed removal is.
    """
    assert private.remove_file(str(kept))
    assert not private.remove_file(str(kept))
    with pytest.raises(VaultError, match="Can't remove"):
        private.remove_file(str(kept.parent))


@pytest.mark.parametrize("given", [0o640, 0o604, 0o620, 0o602, 0o666])
def test_a_file_that_others_can_use_is_refused(kept: Path, given: int) -> None:
    """
    A file that others can read or write is refused with its path, its mode and the chmod command (checklist 39).
    """
    kept.chmod(given)

    with pytest.raises(VaultError) as caught:
        private.read_file(str(kept))

    assert f"{kept} can be used by others (mode {given:o}), so it is not used." == caught.value.problem
    assert f"`chmod 600 {kept}`" in caught.value.remedy


@pytest.mark.parametrize("given", [0o755, 0o770, 0o711])
def test_a_directory_that_others_can_use_is_refused(private_home: Path, given: int) -> None:
    """
    A directory that others can use is refused with the chmod command (checklist 39).
    """
    private_home.chmod(given)

    with pytest.raises(VaultError, match=f"mode {given:o}") as caught:
        private.make_directory(str(private_home))

    assert f"`chmod 700 {private_home}`" in caught.value.remedy


def test_a_link_is_refused(kept: Path) -> None:
    """
    A symbolic link in place of file or directory is not followed, regardless of its target (checklist 39).
    """
    link = kept.with_name("link")
    link.symlink_to(kept)
    with pytest.raises(VaultError, match="is a symbolic link"):
        private.read_file(str(link))

    link.unlink()
    link.symlink_to(kept.parent)
    with pytest.raises(VaultError, match="is a symbolic link"):
        private.make_directory(str(link))


def test_writing_replaces_a_link_and_not_its_target(kept: Path) -> None:
    """
    A planted link does not cause another file to be overwritten.
    """
    link = kept.with_name("link")
    link.symlink_to(kept)

    private.write_file(str(link), b"after")

    assert (b"before", b"after") == (kept.read_bytes(), link.read_bytes())
    assert not link.is_symlink()


def test_what_is_no_file_is_refused(private_home: Path) -> None:
    """
    A directory, or a pipe without a writer, is an error at once.
    """
    (private_home / "directory").mkdir(mode=0o700)
    os.mkfifo(private_home / "pipe", 0o600)
    (private_home / "file").touch(mode=0o600)

    for name in ("directory", "pipe"):
        with pytest.raises(VaultError, match="is not a file"):
            private.read_file(str(private_home / name))
    with pytest.raises(VaultError, match="is not a directory"):
        private.make_directory(str(private_home / "file"))


def test_an_oversized_file_is_refused(kept: Path) -> None:
    """
    A file larger than the limit is not read into memory, and none is written.
    """
    largest = b"x" * private.MAX_FILE
    private.write_file(str(kept), largest)
    with pytest.raises(VaultError, match="more than one connection may have"):
        private.write_file(str(kept), largest + b"x")
    assert largest == private.read_file(str(kept))

    with kept.open("wb") as file:
        file.truncate(private.MAX_FILE + 1)

    with pytest.raises(VaultError, match="larger"):
        private.read_file(str(kept))


def test_somebody_elses_is_refused(kept: Path) -> None:
    """
    A file or directory of another user is refused (checklist 39).
    """
    directory = kept.with_name("theirs")
    directory.mkdir(mode=0o700)
    try:
        os.chown(kept, 12345, 12345)
        os.chown(directory, 12345, 12345)
    except OSError:
        directory = Path("/")
        if directory.stat().st_uid == os.geteuid():
            pytest.skip("no file here belongs to another user, and no file can be given away")
    else:
        with pytest.raises(VaultError, match=r"belongs to another user \(id 12345\)"):
            private.read_file(str(kept))

    with pytest.raises(VaultError, match="belongs to another user"):
        private.check_directory(str(directory))


def test_what_stands_in_the_way_is_told(kept: Path) -> None:
    """
    With a file in place of a directory, each operation gives an error with the path.
    """
    inside = str(kept / "inside")

    for step in (
        private.make_directory,
        private.check_directory,
        private.read_file,
        private.remove_file,
    ):
        with pytest.raises(VaultError, match="Not a directory"):
            step(inside)
    for write in (private.write_file, private.create_file):
        with pytest.raises(VaultError, match="Not a directory"):
            write(inside, b"x")


def test_a_disk_that_fails_while_reading_is_told(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A read error in the middle of a file is a VaultError, not shorter content.
    """

    def fail(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "read", fail)

    with pytest.raises(VaultError, match=r"Can't read .*: Input/output error"):
        private.read_file(str(kept))


def test_a_refused_write_keeps_the_old_content(kept: Path) -> None:
    """
    If the system truncates a write, the error says so, the old content stays, and no temporary file is left.
    """
    program = (
        "import resource, signal, sys\nfrom entrakit.errors import VaultError\n"
        "from entrakit.files import private as p\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nresource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))\n"
        "try: p.write_file(sys.argv[1], b'x' * 4096)\nexcept VaultError as error: print(error.problem)\n"
    )
    # With -B: Python 3.11 would store bytecode that the limit has truncated.
    done = subprocess.run([sys.executable, "-B", "-c", program, kept], capture_output=True, text=True, check=True)

    assert f"Can't write {kept}: File too large.\n" == done.stdout
    assert b"before" == kept.read_bytes()
    assert ["kept"] == os.listdir(kept.parent)


def test_a_full_disk_loses_nothing(private_home: Path) -> None:
    """
    On a full disk the remedy is to make room, and the old content stays.
    """
    program = """
import os, sys
from entrakit.errors import VaultError
from entrakit.files import private
path = sys.argv[1] + "/kept"
private.write_file(path, b"before")
for write in (private.write_file, private.create_file):
    try: write(path, b"x" * 200_000)
    except VaultError as error: print(error.problem, error.remedy, sep="|")
print(private.read_file(path), os.listdir(sys.argv[1]))
"""
    told = f"Can't write {private_home}/kept: No space left on device.|Make room on the disk, then try again.\n"

    assert told * 2 + "b'before' ['kept']\n" == on_small_disk(private_home, program)


def test_a_read_only_disk_is_told(private_home: Path) -> None:
    """
    Reading works on a read-only disk; writing and removing give an error that says so.
    """
    program = """
import subprocess, sys
from entrakit.errors import VaultError
from entrakit.files import private
path = sys.argv[1] + "/kept"
private.write_file(path, b"before")
subprocess.run(["mount", "-o", "remount,ro", sys.argv[1]], check=True)
assert private.read_file(path) == b"before"
for step in (
    lambda: private.write_file(path, b"x"),
    lambda: private.create_file(path, b"x"),
    lambda: private.remove_file(path),
    lambda: private.make_directory(sys.argv[1] + "/a/b"),
    lambda: private.set_aside(path, path + ".aside", b"before"),
):
    try: step()
    except VaultError as error: print(error.problem.split()[1], "ENTRAKIT_HOME" in error.remedy)
"""

    assert "write True\nwrite True\nremove True\nmake True\nmove True\n" == on_small_disk(private_home, program)


def test_setting_aside_takes_only_what_was_read(kept: Path) -> None:
    """
    A file that another process has replaced since it was read stays where it is; a missing file is not an error.
    """
    aside = kept.with_name("aside")

    assert not private.set_aside(str(kept), str(aside), b"what it was")
    assert [b"before"] == [path.read_bytes() for path in kept.parent.iterdir()]
    assert private.set_aside(str(kept), str(aside), b"before")
    assert [b"before"] == [path.read_bytes() for path in kept.parent.iterdir()]
    assert not private.set_aside(str(kept), str(aside), b"before")
    assert [aside] == list(kept.parent.iterdir())


def test_rests_of_killed_writers_are_removed(kept: Path) -> None:
    """
    Old leftovers of killed writers are removed; newer ones and all other files stay.
    """
    old, young = (kept.with_name(f".kept.{name}.new") for name in ("old", "young"))
    for path in (old, young, kept.with_name(".other")):
        path.touch()
        os.utime(path, (1000, 1000 if path != young else 3000))

    private.remove_leftovers(str(kept.parent), 2000)
    private.remove_leftovers(str(kept.parent / "missing"), 2000)

    assert [".kept.young.new", ".other", "kept"] == sorted(os.listdir(kept.parent))
    assert ["kept", "", ""] == [private.intended_name(path.name) for path in (young, kept, kept.with_name(".other"))]


def test_where_there_are_no_owners_nothing_is_refused(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    On Windows mode and owner have no meaning; the access list of the profile protects the files.
    """
    monkeypatch.setattr(private, "POSIX", False)
    kept.chmod(0o644)

    private.write_file(str(kept.with_name("other")), b"1")

    assert b"before" == private.read_file(str(kept))
