"""Where the bytes of a result go: standard output, or a file that appears whole or not at all."""

from __future__ import annotations

import io
import os
import re
from contextlib import contextmanager, suppress
from errno import EAGAIN

from entrakit.errors import ExportError, ParameterError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO, Protocol

    from entrakit.cli.context import Context

    class Sink(Protocol):
        """What takes the bytes of a result."""

        def write(self, data: bytes) -> None:
            """Take bytes."""
            ...

        def flush(self) -> None:
            """Hand on what was taken: who reads it has it then."""
            ...

        def sync(self) -> None:
            """Hand it on, and to the disk where it is a file."""
            ...

        def finish(self) -> None:
            """End the result well."""
            ...

        def close(self) -> None:
            """End it; what was not finished is as if it had not been."""
            ...


# What a terminal would obey. JSON has another way to write them; what is between its parts is none of them.
_HARMFUL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Output:
    """Standard output. On a terminal control characters are written as JSON escapes, which mean the same.

    Args:
        context: Where it is.
    """

    def __init__(self, context: Context) -> None:
        self._stream = context.streams.output
        self._is_terminal = context.is_terminal(self._stream)
        self._bytes: BinaryIO | None = None if self._is_terminal else getattr(self._stream, "buffer", None)
        if self._bytes is not None:
            self._stream.flush()

    def write(self, data: bytes) -> None:
        """Write bytes."""
        if self._bytes is not None:
            rest = memoryview(data)
            while rest:
                # With PYTHONUNBUFFERED this is the file itself, which may take a part only, as where a disk is full.
                taken: int | None = self._bytes.write(rest)
                if taken is None:
                    raise BlockingIOError(EAGAIN, os.strerror(EAGAIN))
                rest = rest[taken:]
            return
        text = data.decode("utf-8", "replace")
        self._stream.write(_HARMFUL.sub(lambda one: f"\\u{ord(one[0]):04x}", text) if self._is_terminal else text)

    def flush(self) -> None:
        """Hand on what was written."""
        (self._bytes or self._stream).flush()

    def sync(self) -> None:
        """Hand on what was written, to the disk where it is a file."""
        self.flush()
        try:
            os.fsync(self._stream.fileno())
        except (OSError, ValueError):
            # A pipe, a terminal, or a stream in memory: it has it.
            return

    def finish(self) -> None:
        """Hand on what was written."""
        self.flush()

    def close(self) -> None:
        """Leave it open: it is the process's."""


class NewFile:
    """A file that replaces another, in one step, once it is whole; private.

    Args:
        path: Its name.
        is_record: Whether it tells what was done, which can't be found out again: then it is in `FILE.unfinished`
            meanwhile, stays there where it can't be finished, and one that stayed there is not written over.

    Raises:
        ExportError: It can't be written there, another process writes it, or an earlier record is there.
    """

    def __init__(self, path: str, *, is_record: bool = False) -> None:
        from entrakit.files.resumable import open_private, target_of

        self.path = target_of(path)
        directory, name = os.path.split(self.path)
        self._is_record = is_record
        self._temporary = f"{self.path}.unfinished" if is_record else os.path.join(directory, f".{name}.new")
        raw = open_private(self._temporary, self.path)
        self._file = io.BufferedWriter(raw)
        self._is_over = False
        if is_record and os.fstat(raw.fileno()).st_size:
            self._file.close()
            raise ExportError(
                f"{self._temporary} is there: it tells what an interrupted run had done.",
                remedy="Look what is in it, then remove it.",
            )
        with _telling(self.path):
            self._file.truncate(0)

    def write(self, data: bytes) -> None:
        """Write bytes. Raises ExportError."""
        with _telling(self.path):
            self._file.write(data)

    def flush(self) -> None:
        """Hand a record on; nobody reads another file before it is finished. Raises ExportError."""
        if self._is_record:
            with _telling(self.path):
                self._file.flush()

    def sync(self) -> None:
        """Hand it on, as `flush`."""
        self.flush()

    def begin_anew(self) -> None:
        """Forget what was written. Raises ExportError."""
        with _telling(self.path):
            self._file.seek(0)
            self._file.truncate()

    def finish(self) -> None:
        """Put the file in its place, whole and on the disk. Raises ExportError."""
        with _telling(self.path):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            os.replace(self._temporary, self.path)
        self._is_over = True

    def close(self) -> None:
        """Remove what was not finished; a record of something stays."""
        if self._is_over:
            return
        self._is_over = True
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):
            if not self._is_record or not os.path.getsize(self._temporary):
                os.unlink(self._temporary)


def open_sink(context: Context, out: str | None, *, is_record: bool = False) -> Sink:
    """Return where a result goes.

    Args:
        context: Where standard output is.
        out: Name of a file; None for standard output.
        is_record: As for `NewFile`.

    Raises:
        ExportError: It can't be written there.
    """
    return NewFile(out, is_record=is_record) if out else Output(context)


def file_of(out: str | None) -> str | None:
    """Return the file that `--out` names; None for standard output, which is `-` as well. Raises ParameterError."""
    if out is not None and not out.strip():
        raise ParameterError("--out names no file.", remedy="Name one; a shell may have replaced a $name.")
    return None if out == "-" else out


@contextmanager
def _telling(path: str) -> Iterator[None]:
    """Raise what goes wrong as an error that names the file."""
    try:
        yield
    except OSError as error:
        raise ExportError(
            f"{path} can't be written: {error.strerror or type(error).__name__}.",
            remedy="Name a file in a directory that can be written.",
        ) from error
