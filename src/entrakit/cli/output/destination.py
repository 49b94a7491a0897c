"""Where the bytes of a result go: standard output, or a file."""

from __future__ import annotations

import os
from errno import EAGAIN
from typing import TYPE_CHECKING, Protocol

from entrakit.shown_text import in_json

if TYPE_CHECKING:
    from typing import BinaryIO

    from entrakit.cli.context import Context


class Writable(Protocol):
    """Takes bytes."""

    def write(self, data: bytes) -> None:
        """Write bytes."""
        ...


class Destination(Writable, Protocol):
    """Takes the bytes of a result."""

    def flush(self) -> None:
        """Pass on what was written, so that its reader has it."""
        ...

    def sync(self) -> None:
        """Pass on what was written; if it is a file, to the disk."""
        ...

    def finish(self) -> None:
        """Complete the result."""
        ...

    def close(self) -> None:
        """Discard the result unless it was completed."""
        ...


class StandardOutput:
    """Standard output. On a terminal, control characters are written as JSON escapes, which mean the same.

    Args:
        context: Context with the stream.
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
                # With PYTHONUNBUFFERED this is the file itself, which may take only a part, for example on a full disk.
                taken: int | None = self._bytes.write(rest)
                if taken is None:
                    raise BlockingIOError(EAGAIN, os.strerror(EAGAIN))
                rest = rest[taken:]
            return
        text = data.decode("utf-8", "replace")
        self._stream.write(in_json(text) if self._is_terminal else text)

    def flush(self) -> None:
        """Pass on what was written."""
        (self._bytes or self._stream).flush()

    def sync(self) -> None:
        """Pass on what was written; if it is a file, to the disk."""
        self.flush()
        try:
            os.fsync(self._stream.fileno())
        except (OSError, ValueError):
            # A pipe, a terminal or a stream in memory has no disk.
            return

    def finish(self) -> None:
        """Pass on what was written."""
        self.flush()

    def close(self) -> None:
        """Leave the stream open: it belongs to the process."""


def open_destination(context: Context, out: str | None, *, is_record: bool = False) -> Destination:
    """Return the destination of a result.

    Args:
        context: Context with standard output.
        out: Name of a file; None for standard output.
        is_record: Whether the result records what was done: an interrupted run leaves it in `FILE.unfinished`.

    Raises:
        ExportError: The file can't be written.
    """
    if not out:
        return StandardOutput(context)
    if is_record:
        from entrakit.files.resumable import RecordFile

        return RecordFile(out)
    from entrakit.files.result import NewFile

    return NewFile(out)
