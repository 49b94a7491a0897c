"""Destinations of a result: standard output as it is, or a file; a terminal never obeys what a result holds."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import pytest
from tests.cli.conftest import Terminal

from entrakit.cli.context import Context, Streams
from entrakit.cli.output.destination import StandardOutput, open_destination
from entrakit.files.result import NewFile
from entrakit.files.resumable import RecordFile

if TYPE_CHECKING:
    from pathlib import Path


class Reluctant(io.RawIOBase):
    """A file that takes a few bytes at a time, and at last none."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.content = b""

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: object) -> int | None:
        """Take up to three bytes."""
        part = bytes(data)[: min(3, self.room)]  # type: ignore[call-overload] # it is a buffer
        self.content += part
        self.room -= len(part)
        return len(part) or None


def context_of(stream: io.TextIOBase) -> Context:
    """Return a context with a stream as its standard output."""
    return Context(Streams(io.StringIO(), stream, io.StringIO()), {})  # type: ignore[arg-type] # streams in memory


def test_standard_output_gets_the_bytes_as_they_are() -> None:
    """
    A pipe gets exactly the bytes of the result, also if they are not UTF-8, after what was printed before.
    """
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="utf-8")
    print("before", file=stream)
    output = StandardOutput(context_of(stream))
    output.write(b"\xff\x00")
    output.sync()
    output.finish()
    output.close()

    assert b"before\n\xff\x00" == raw.getvalue()


def test_a_terminal_gets_no_control_characters() -> None:
    """
    On a terminal control characters are JSON escapes; line breaks and tabs stay.
    """
    terminal = Terminal()
    output = StandardOutput(context_of(terminal))
    output.write('{"a":\t"\x1b[2J\u202e"}\n'.encode())
    output.flush()

    assert '{"a":\t"\\u001b[2J\\u202e"}\n' == terminal.getvalue()


def test_output_that_takes_a_part_gets_the_rest() -> None:
    """
    An unbuffered stream may take a part of the bytes; one that takes nothing more is an error and not an endless loop.
    """
    raw = Reluctant(8)
    stream = io.StringIO()
    stream.buffer = raw  # type: ignore[misc, assignment] # what an unbuffered stream has
    output = StandardOutput(context_of(stream))
    output.write(b"12345678")
    assert b"12345678" == raw.content

    with pytest.raises(BlockingIOError, match=os.strerror(11)):
        output.write(b"9")


def test_a_name_is_a_file(tmp_path: Path) -> None:
    """
    With a name the result goes to a file; a record of what was done goes to one that an interrupted run leaves.
    """
    context = context_of(io.StringIO())
    path = str(tmp_path / "result")

    for is_record, kind in ((False, NewFile), (True, RecordFile)):
        opened = open_destination(context, path, is_record=is_record)
        opened.close()
        assert kind is type(opened)
    assert isinstance(open_destination(context, None), StandardOutput)
