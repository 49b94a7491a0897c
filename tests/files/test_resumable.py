"""Files that outlive an interrupted run: exports are continued, and records are not overwritten."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.files.test_result import writer

from entrakit.errors import ExportError
from entrakit.files.resumable import Checkpoint, RecordFile, ResumableFile

if TYPE_CHECKING:
    from collections.abc import Callable

LINKS = (("https://first", "https://next"),)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a result in an empty directory."""
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "result"


def names(path: Path) -> list[str]:
    """Return the names in the directory of a result."""
    return sorted(os.listdir(path.parent))


def begun(path: Path) -> None:
    """Write the first page of an export."""
    file = ResumableFile(path, "key")
    file.add(b"one\ntwo\n", 2, LINKS, 9)
    file.close()


def test_an_export_continues_from_its_last_note(path: Path) -> None:
    """
    The next run gets the lines and links of the last note; bytes that no note counts are cut off.
    """
    begun(path)
    with open(f"{path}.part", "ab") as part:
        part.write(b"half a li")

    file = ResumableFile(path, "key")

    assert Checkpoint(2, 8, LINKS, 9) == file.checkpoint
    file.add(b"three\n", 1, ())
    assert [b"one\n", b"two\n", b"three\n"] == list(file.lines())
    file.finish()
    file.close()
    assert (b"one\ntwo\nthree\n", ["result"]) == (path.read_bytes(), names(path))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: Path(f"{path}.part").write_bytes(b"one\n"),
        lambda path: Path(f"{path}.part.notes").write_bytes(b""),
        lambda path: Path(f"{path}.part.notes").write_bytes(Path(f"{path}.part.notes").read_bytes()[:-20]),
    ],
    ids=["part cut", "notes gone", "note cut"],
)
def test_what_no_note_vouches_for_is_not_continued(path: Path, spoil: Callable[[Path], object]) -> None:
    """
    If the last note is gone, or counts more than the file has, the export starts from the beginning.
    """
    begun(path)
    spoil(path)

    file = ResumableFile(path, "key")
    file.close()

    assert Checkpoint() == file.checkpoint


def test_another_export_is_not_continued(path: Path) -> None:
    """
    The lines of another query or tenant don't become part of the result.
    """
    begun(path)

    file = ResumableFile(path, "other")

    assert (Checkpoint(), []) == (file.checkpoint, list(file.lines()))
    file.close()
    assert [] == names(path)


def test_starting_over_discards_the_lines(path: Path) -> None:
    """
    After `start_over` the file is empty, and an interruption then continues from the beginning.
    """
    begun(path)
    file = ResumableFile(path, "key")
    file.start_over()
    file.add(b"new\n", 1, LINKS)
    file.close()

    again = ResumableFile(path, "key")
    assert (Checkpoint(1, 4, LINKS), [b"new\n"]) == (again.checkpoint, list(again.lines()))
    again.close()


def test_an_export_in_another_process_is_kept_away(path: Path) -> None:
    """
    While a process writes an export, another one is refused and changes nothing; when it is killed, the next continues.
    """
    begun(path)
    with writer("resumable", "ResumableFile", path, "key") as process:
        with pytest.raises(ExportError, match=r"Another process is writing .*/result.part\."):
            ResumableFile(path, "other")
        process.kill()

    file = ResumableFile(path, "key")
    file.close()

    assert 2 == file.checkpoint.lines
    assert ["result.part", "result.part.notes"] == names(path)


def test_a_file_may_be_closed_by_another_thread(path: Path) -> None:
    """
    The lock belongs to the file and not to the thread that opened it: awaited exports end on any thread.
    """
    file = ResumableFile(path, "key")
    thread = threading.Thread(target=file.close)
    thread.start()
    thread.join()

    ResumableFile(path, "key").close()
    assert [] == names(path)


def test_a_record_stays_until_it_is_finished(path: Path) -> None:
    """
    Flushed content is in `FILE.unfinished`, even after a kill, and the next run refuses to overwrite it.
    """
    record = RecordFile(str(path))
    record.write(b"sent\n")
    record.flush()
    assert b"sent\n" == Path(f"{path}.unfinished").read_bytes()
    with pytest.raises(ExportError, match="Another process is writing"):
        RecordFile(str(path))
    record.close()

    with pytest.raises(ExportError) as caught:
        RecordFile(str(path))
    assert f"{path}.unfinished exists: it contains the results of an interrupted run." == caught.value.problem
    assert ["result.unfinished"] == names(path)


def test_an_empty_record_leaves_nothing(path: Path) -> None:
    """
    If nothing was done, nothing is left, and the next run begins.
    """
    RecordFile(str(path)).close()
    assert [] == names(path)

    record = RecordFile(str(path))
    record.write(b"sent\n")
    record.finish()
    assert (b"sent\n", ["result"]) == (path.read_bytes(), names(path))


def test_a_record_in_another_process_is_kept_away(path: Path) -> None:
    """
    Two batches can't write the same record.
    """
    with writer("resumable", "RecordFile", path) as process:
        with pytest.raises(ExportError, match=r"Another process is writing .*/result.unfinished\."):
            RecordFile(str(path))
        process.kill()

    RecordFile(str(path)).close()
    assert [] == names(path)
