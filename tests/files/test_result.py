"""Result files: private, complete or missing, and written by one process at a time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from entrakit.errors import ExportError
from entrakit.files.result import NewFile, target_of

WRITER = (
    "import sys\nfrom entrakit.files.{module} import {kind}\n"
    "file = {kind}(*sys.argv[1:])\nprint('open', flush=True)\nsys.stdin.read()\nfile.close()\n"
)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return an empty directory."""
    path = tmp_path / "out"
    path.mkdir()
    return path


def writer(module: str, kind: str, *words: object) -> subprocess.Popen[str]:
    """Return a process that has a file open until its standard input ends."""
    program = WRITER.format(module=module, kind=kind)
    command = [sys.executable, "-c", program, *map(str, words)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert "open\n" == process.stdout.readline()
    return process


def test_it_takes_its_place_when_it_is_complete(directory: Path) -> None:
    """
    Until `finish`, the old file exists; afterwards only the new one, which is private.
    """
    path = directory / "result"
    path.write_text("old")
    new = NewFile(str(path))
    new.write(b"some")
    new.start_over()
    new.write(b"new")
    new.flush()
    new.sync()
    assert "old" == path.read_text()

    new.finish()
    new.close()

    assert ("new", 0o600) == (path.read_text(), path.stat().st_mode & 0o777)
    assert ["result"] == os.listdir(directory)


def test_a_file_that_was_not_finished_leaves_nothing(directory: Path) -> None:
    """
    After an error the old file exists, and the new one is removed, even if its content can't be written any more.
    """
    path = directory / "result"
    path.write_text("old")
    for _ in range(2):
        new = NewFile(str(path))
        new.write(b"new")
        new.close()
        new.close()

    assert ["result"] == os.listdir(directory)
    assert "old" == path.read_text()


def test_another_process_is_kept_away(directory: Path) -> None:
    """
    While a process writes a file, another one is refused with the file's name; when it is killed, the next continues.
    """
    path = directory / "result"
    with writer("result", "NewFile", path) as process:
        with pytest.raises(ExportError) as caught:
            NewFile(str(path))
        process.kill()
    assert f"Another process is writing {directory}/.result.new." == caught.value.problem

    new = NewFile(str(path))
    new.write(b"new")
    new.finish()

    assert ["result"] == os.listdir(directory)


def test_a_refused_process_takes_nothing_away(directory: Path) -> None:
    """
    The process that was refused leaves the file and the lock of the other one alone.
    """
    path = directory / "result"
    first = NewFile(str(path))
    for _ in range(2):
        with pytest.raises(ExportError, match="Another process"):
            NewFile(str(path))
    first.write(b"first")
    first.finish()

    assert b"first" == path.read_bytes()
    assert ["result"] == os.listdir(directory)


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_a_file_that_others_can_write_is_refused(directory: Path, mode: int) -> None:
    """
    Content that others may have written does not become part of a result, and is not removed.
    """
    left = directory / ".result.new"
    left.touch()
    left.chmod(mode)

    with pytest.raises(ExportError, match="others can write it"):
        NewFile(str(directory / "result"))
    assert [".result.new"] == os.listdir(directory)


def test_a_link_is_not_followed(directory: Path) -> None:
    """
    A link in the place of the unfinished file or of its lock is refused, and its target stays as it was.
    """
    target = directory / "target"
    target.write_text("mine")
    for name in (".result.new", ".result.new.lock"):
        link = directory / name
        link.symlink_to(target)
        with pytest.raises(ExportError, match="can't be written"):
            NewFile(str(directory / "result"))
        link.unlink()

    assert "mine" == target.read_text()
    assert ["target"] == os.listdir(directory)


def test_a_missing_directory_is_not_made(directory: Path) -> None:
    """
    A mistyped directory is an error with the file's name.
    """
    with pytest.raises(ExportError) as caught:
        NewFile(str(directory / "missing" / "result"))

    assert f"{directory}/missing/result can't be written: No such file or directory." == caught.value.problem
    assert [] == os.listdir(directory)


def test_the_target_is_an_ordinary_file(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    `~` and links are followed; a directory and a device are refused.
    """
    monkeypatch.setenv("HOME", str(directory))
    (directory / "link").symlink_to("file")

    assert f"{directory}/file" == target_of("~/link") == target_of(Path(directory / "file"))
    for path in (directory, Path(os.devnull)):
        with pytest.raises(ExportError, match="it is"):
            target_of(path)
