"""The unfinished file of an export: interrupted at any moment, it can be gone on with.

    FILE.part         the lines so far
    FILE.part.notes   after each page: how many bytes of it are good, and where each listing goes on
    FILE              the lines, in one step, once all are there

A page's lines are written before the note that counts them in, and the last whole note counts. Whatever lies beyond it
is cut off and read again, so the result is the same as without an interruption. Both files are private from their
creation.
"""

from __future__ import annotations

import json
import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from entrakit.errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

VERSION = 1
LONGEST_NOTE = 16 * 1024 * 1024
_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


class Note(NamedTuple):
    """How far an export has come.

    Args:
        lines: How many lines are good.
        size: How many bytes are.
        links: Where each listing that is not finished goes on: its first address, and the next one.
        total: How many objects there are in all; -1 where that is not known.
    """

    lines: int = 0
    size: int = 0
    links: tuple[tuple[str, str], ...] = ()
    total: int = -1


class Part:
    """The unfinished file of an export.

    Args:
        path: Where the file shall be in the end.
        key: What is exported: the tenant and the whole query. A part of something else is not gone on with.

    Raises:
        ExportError: The files can't be read or written, or are somebody else's; nothing was changed.
    """

    def __init__(self, path: str | os.PathLike[str], key: str) -> None:
        self.path = target_of(path)
        self._part = f"{self.path}.part"
        self._notes_path = f"{self._part}.notes"
        self._key = key
        self._is_finished = False
        self._file = open_private(self._part, self.path)
        try:
            self._notes = open_private(self._notes_path, self.path)
            self.note = self._read()
            if os.fstat(self._file.fileno()).st_size < self.note.size:
                # Not even what the note counts is there: the power went, or somebody cut it.
                self.note = Note()
            self._file.truncate(self.note.size)
            self._file.seek(self.note.size)
            self._notes.seek(0, os.SEEK_END)
        except BaseException as error:
            self._file.close()
            if isinstance(error, OSError):
                raise _failed(self._part, error) from error
            raise

    def lines(self) -> Iterator[bytes]:
        """Return the good lines so far."""
        with open(self._part, "rb") as file:
            yield from file

    def add(self, lines: bytes, count: int, links: Iterable[tuple[str, str]], total: int = -1) -> None:
        """Write a page's lines, and then the note that counts them in.

        Args:
            lines: The lines, each with its end.
            count: How many.
            links: Where each listing that is not finished goes on.
            total: How many objects there are in all.

        Raises:
            ExportError: They can't be written.
        """
        try:
            rest = memoryview(lines)
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise _failed(self._part, error) from error
        self.note = Note(self.note.lines + count, self.note.size + len(lines), tuple(links), total)
        self._write()

    def begin_anew(self) -> None:
        """Forget what was written. Raises ExportError."""
        try:
            self._file.seek(0)
            self._file.truncate(0)
        except OSError as error:
            raise _failed(self._part, error) from error
        self.note = Note()
        self._write()

    def finish(self) -> None:
        """Put the file in its place, whole and on the disk. Raises ExportError."""
        try:
            os.fsync(self._file.fileno())
            os.replace(self._part, self.path)
            self._is_finished = True
            os.unlink(self._notes_path)
        except OSError as error:
            raise _failed(self.path, error) from error

    def close(self) -> None:
        """Leave the unfinished file as it is, or the finished one; nothing where nothing came."""
        if self.note == Note() and not self._is_finished:
            for path in (self._part, self._notes_path):
                with suppress(OSError):
                    os.unlink(path)
        self._file.close()
        self._notes.close()

    def _write(self) -> None:
        """Add a note. Not flushed to the disk: where the power takes it, an older one counts."""
        note = self.note
        text = json.dumps({"count": note.lines, "size": note.size, "links": note.links, "total": note.total})
        try:
            self._notes.write(text.encode() + b"\n")
        except OSError as error:
            raise _failed(self._notes_path, error) from error

    def _read(self) -> Note:
        """Return how far an earlier run came; the beginning, where there was none or it was about something else."""
        size = os.fstat(self._notes.fileno()).st_size
        self._notes.seek(0)
        first = self._notes.readline(LONGEST_NOTE)
        if first != self._heading():
            self._notes.truncate(0)
            self._notes.seek(0)
            self._notes.write(self._heading())
            return Note()
        self._notes.seek(max(len(first), size - LONGEST_NOTE))
        # What comes after the last line's end was cut off when its writer was killed.
        whole = self._notes.read(LONGEST_NOTE).rpartition(b"\n")[0]
        return _parsed(whole.rpartition(b"\n")[2])

    def _heading(self) -> bytes:
        return json.dumps({"entrakit_export": VERSION, "query": self._key}).encode() + b"\n"


def target_of(path: str | os.PathLike[str]) -> str:
    """Return the file that is meant by a path: absolute, and where a symbolic link leads to.

    Raises:
        ExportError: It is there, and no ordinary file: it must not be replaced by one.
    """
    target = os.path.realpath(os.path.expanduser(path))
    if os.path.exists(target) and not os.path.isfile(target):
        what = "a directory" if os.path.isdir(target) else "no ordinary file"
        raise ExportError(f"{target} can't be written: it is {what}.", remedy="Name a file that may be replaced.")
    return target


def _parsed(line: bytes) -> Note:
    try:
        found = json.loads(line)
        links = tuple((str(first), str(following)) for first, following in found["links"])
        note = Note(int(found["count"]), int(found["size"]), links, int(found["total"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return Note()
    return note if min(note.lines, note.size) >= 0 else Note()


def open_private(path: str, target: str) -> BinaryIO:
    """Open a file for reading and writing, unbuffered, ours alone, and keep other processes from it.

    Args:
        path: The file; made if it is not there.
        target: The file that it is on the way to: what the user knows.

    Raises:
        ExportError: It can't be opened, is somebody else's, or another process has it.
    """
    try:
        handle = os.open(path, _FLAGS, 0o600)
        file: BinaryIO = os.fdopen(handle, "r+b", buffering=0)
    except OSError as error:
        raise ExportError(
            f"{target} can't be written: {error.strerror or type(error).__name__}.",
            remedy="Name a file in a directory that can be written.",
        ) from error
    info = os.fstat(handle)
    if not _lock(handle):
        file.close()
        raise ExportError(f"Another process is writing {path}.", remedy="Wait for it, or name another file.")
    is_ours = not hasattr(os, "geteuid") or (info.st_uid == os.geteuid() and not info.st_mode & 0o022)
    if not is_ours or not stat.S_ISREG(info.st_mode):
        # What it holds would become part of the result.
        file.close()
        raise ExportError(
            f"{path} is somebody else's, others can write it, or it is no ordinary file.",
            remedy="Remove it, then try again.",
        )
    return file


def _lock(handle: int) -> bool:
    """Keep a file to ourselves for as long as it is open; where the system has no such locks, believe that it is."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _failed(path: str, error: OSError) -> ExportError:
    return ExportError(
        f"{path} can't be written: {error.strerror or type(error).__name__}.",
        remedy="Name a file in a directory that can be written; what was read so far is kept.",
    )
