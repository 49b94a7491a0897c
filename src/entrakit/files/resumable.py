"""Result files that outlive an interrupted run: an export is continued from its file, a batch is recorded in one.

    FILE.part         lines of an export so far
    FILE.part.notes   one note after each page: how many bytes are good, and where each listing continues
    FILE.part.lock    held while a process writes them
    FILE.unfinished   results of a batch so far, with FILE.unfinished.lock
    FILE              the result, put in place in one step at the end

An export writes a page's lines before the note that counts them, and the last complete note counts. Lines
beyond it are cut off and read again, so the result is the same as without an interruption. All files are private from
their creation.
"""

from __future__ import annotations

import json
import os
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, NamedTuple

from entrakit.errors import ExportError
from entrakit.files.result import NewFile, hold, open_private, target_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from io import FileIO

VERSION = 1
LONGEST_NOTE = 16 * 1024 * 1024


class Checkpoint(NamedTuple):
    """Progress of an export, as a note holds it.

    Args:
        lines: Number of good lines.
        size: Number of good bytes.
        links: First and next address of each listing that is not finished.
        total: Number of objects in the collection; -1 if unknown.
    """

    lines: int = 0
    size: int = 0
    links: tuple[tuple[str, str], ...] = ()
    total: int = -1


class ResumableFile:
    """The file of an export, which a later run continues if this one is interrupted.

    Args:
        path: The result file.
        key: Identity of the export: the tenant and the whole query. A file of another key is not continued.

    Raises:
        ExportError: The files can't be read or written, another process is writing them, or they belong to another
            user; nothing was changed.
    """

    def __init__(self, path: str | os.PathLike[str], key: str) -> None:
        self.path = target_of(path)
        self._part = f"{self.path}.part"
        self._notes_path = f"{self._part}.notes"
        self._key = key
        self._is_finished = False
        with ExitStack() as undo:
            self._lock = hold(self._part, self.path)
            undo.callback(self._lock.release)
            self._file = undo.enter_context(open_private(self._part, self.path))
            self._notes = undo.enter_context(open_private(self._notes_path, self.path))
            try:
                self.checkpoint = self._continued()
            except OSError as error:
                raise _failed(self._part, error) from error
            undo.pop_all()

    def lines(self) -> Iterator[bytes]:
        """Return the good lines so far."""
        with open(self._part, "rb") as file:
            yield from file

    def add(self, lines: bytes, count: int, links: Iterable[tuple[str, str]], total: int = -1) -> None:
        """Write a page's lines, and then the note that counts them.

        Args:
            lines: The lines, each with its end.
            count: Number of lines.
            links: First and next address of each listing that is not finished.
            total: Number of objects in the collection; -1 if unknown.

        Raises:
            ExportError: The lines can't be written.
        """
        try:
            rest = memoryview(lines)
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise _failed(self._part, error) from error
        before = self.checkpoint
        self._note(Checkpoint(before.lines + count, before.size + len(lines), tuple(links), total))

    def start_over(self) -> None:
        """Discard what was written. Raises ExportError."""
        try:
            self._file.seek(0)
            self._file.truncate(0)
        except OSError as error:
            raise _failed(self._part, error) from error
        self._note(Checkpoint())

    def finish(self) -> None:
        """Put the file in its place, complete and on the disk. Raises ExportError."""
        try:
            os.fsync(self._file.fileno())
            # Before the move: Windows can't move or remove an open file.
            self._file.close()
            os.replace(self._part, self.path)
            self._is_finished = True
            self._notes.close()
            os.unlink(self._notes_path)
        except OSError as error:
            raise _failed(self.path, error) from error

    def close(self) -> None:
        """Leave the files for another run, unless nothing was written; a finished file stays as it is."""
        self._file.close()
        self._notes.close()
        if self.checkpoint == Checkpoint() and not self._is_finished:
            for path in (self._part, self._notes_path):
                with suppress(OSError):
                    os.unlink(path)
        self._lock.release()

    def _note(self, checkpoint: Checkpoint) -> None:
        """Add a note. It is not flushed to the disk: after a power cut, an earlier one counts."""
        self.checkpoint = checkpoint
        lines, size, links, total = checkpoint
        text = json.dumps({"count": lines, "size": size, "links": links, "total": total})
        try:
            self._notes.write(text.encode() + b"\n")
        except OSError as error:
            raise _failed(self._notes_path, error) from error

    def _continued(self) -> Checkpoint:
        """Return the checkpoint of an earlier run, with both files cut and positioned to continue from there."""
        checkpoint = self._last_checkpoint()
        if os.fstat(self._file.fileno()).st_size < checkpoint.size:
            # Lines that the note counts are missing: because of a power cut, or because the file was shortened.
            checkpoint = Checkpoint()
        self._file.truncate(checkpoint.size)
        self._file.seek(checkpoint.size)
        self._notes.seek(0, os.SEEK_END)
        return checkpoint

    def _last_checkpoint(self) -> Checkpoint:
        """Return the last noted checkpoint; the beginning if there is none or the notes are about another export."""
        size = os.fstat(self._notes.fileno()).st_size
        self._notes.seek(0)
        first = self._notes.readline(LONGEST_NOTE)
        if first != self._heading():
            self._notes.truncate(0)
            self._notes.seek(0)
            self._notes.write(self._heading())
            return Checkpoint()
        self._notes.seek(max(len(first), size - LONGEST_NOTE))
        # An incomplete last line was cut off when its writer was killed.
        complete = self._notes.read(LONGEST_NOTE).rpartition(b"\n")[0]
        return _parsed(complete.rpartition(b"\n")[2])

    def _heading(self) -> bytes:
        return json.dumps({"entrakit_export": VERSION, "query": self._key}).encode() + b"\n"


class RecordFile(NewFile):
    """A file that records the results of a batch, which can't be determined again.

    It is `FILE.unfinished` while it is written and stays there if it can't be finished.

    Args:
        path: The file.

    Raises:
        ExportError: The file can't be written there, another process is writing it, or an interrupted run
            left a record.
    """

    def flush(self) -> None:
        """Pass the written bytes to the system, so that they outlive this process. Raises ExportError."""
        with self._reported():
            self._file.flush()

    def _name_while_written(self) -> str:
        return f"{self.path}.unfinished"

    def _begin(self, raw: FileIO) -> None:
        if os.fstat(raw.fileno()).st_size:
            raise ExportError(
                f"{self._unfinished} exists: it contains the results of an interrupted run.",
                remedy="Check its contents, then remove it.",
            )

    def _discard(self) -> None:
        if not os.path.getsize(self._unfinished):
            os.unlink(self._unfinished)


def _parsed(line: bytes) -> Checkpoint:
    try:
        note = json.loads(line)
        links = tuple((str(first), str(following)) for first, following in note["links"])
        checkpoint = Checkpoint(int(note["count"]), int(note["size"]), links, int(note["total"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return Checkpoint()
    return checkpoint if min(checkpoint.lines, checkpoint.size) >= 0 else Checkpoint()


def _failed(path: str, error: OSError) -> ExportError:
    return ExportError(
        f"{path} can't be written: {error.strerror or type(error).__name__}.",
        remedy="Name a file in a directory that can be written; what was read so far is kept.",
    )
