"""The unfinished file of an export: interrupted at any moment, it can be gone on with.

    FILE.part        the lines so far
    FILE.part.json   how many of its bytes are good, and where each listing goes on
    FILE             the lines, in one step, once all are there

A page's lines are written before the note that counts them in. Whatever is found after the last note was made is cut
off and read again, so the result is the same as without an interruption. Both files are private until they are done.
"""

from __future__ import annotations

import contextlib
import json
import os
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
        self.path = os.path.abspath(os.path.expanduser(path))
        self._part = f"{self.path}.part"
        self._key = key
        try:
            handle = os.open(self._part, _FLAGS, 0o600)
            self._file: BinaryIO = os.fdopen(handle, "r+b", buffering=0)
            try:
                self._own(handle)
            except ExportError:
                self._file.close()
                raise
            # Only now, when no other process can be at it.
            self.note = self._read()
            if os.fstat(handle).st_size < self.note.size:
                # Not even what the note counts is there: the power went, or somebody cut it.
                self.note = Note()
            self._file.truncate(self.note.size)
            self._file.seek(self.note.size)
        except OSError as error:
            raise _failed(self._part, error) from error

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
            self._file.close()
            os.replace(self._part, self.path)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{self._part}.json")
        except OSError as error:
            raise _failed(self.path, error) from error

    def close(self) -> None:
        """Leave the unfinished file as it is."""
        self._file.close()

    def _own(self, handle: int) -> None:
        """Refuse a file that others may write: what it holds would become part of the result."""
        info = os.fstat(handle)
        if not _lock(handle):
            raise ExportError(f"Another process is writing {self.path}.", remedy="Wait for it, or name another file.")
        if hasattr(os, "geteuid") and (info.st_uid != os.geteuid() or info.st_mode & 0o022):
            raise ExportError(
                f"{self._part} is somebody else's file, or others can write it.", remedy="Remove it, then try again."
            )

    def _write(self) -> None:
        note = self.note
        text = json.dumps(
            {
                "entrakit_export": VERSION, "query": self._key, "count": note.lines, "size": note.size,
                "links": note.links, "total": note.total,
            }
        )  # fmt: skip
        temporary = f"{self._part}.json.new"
        try:
            # Not flushed to the disk: a note that is lost with the power is an older one, and that is enough.
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0), 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(temporary, f"{self._part}.json")
        except OSError as error:
            raise _failed(temporary, error) from error

    def _read(self) -> Note:
        """Return how far an earlier run came; the beginning, where there was none or it was about something else."""
        try:
            with open(f"{self._part}.json", encoding="utf-8") as file:
                text = file.read(LONGEST_NOTE)
        except FileNotFoundError:
            return Note()
        except UnicodeDecodeError:
            return Note()
        except OSError as error:
            raise _failed(f"{self._part}.json", error) from error
        try:
            parsed = json.loads(text)
            links = tuple((str(first), str(following)) for first, following in parsed["links"])
            note = Note(int(parsed["count"]), int(parsed["size"]), links, int(parsed["total"]))
            if parsed["entrakit_export"] != VERSION or parsed["query"] != self._key or min(note.lines, note.size) < 0:
                return Note()
        except (ValueError, KeyError, TypeError, RecursionError):
            return Note()
        return note


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
