"""Output formats: JSON, NDJSON, CSV, TSV and tables, written object by object."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    from entrakit.cli.context import Context
    from entrakit.cli.output.destination import Writable

    class Writer(Protocol):
        """Writes objects, some at a time."""

        def add(self, items: Sequence[object]) -> None:
            """Write objects."""
            ...

        def end(self) -> None:
            """Write the end of the result."""
            ...


# Formats with columns, which need the values of objects.
COLUMNS = ("csv", "tsv", "table")
_SHORT = 64 * 1024


class Array:
    """Writer of a JSON array, object by object.

    Args:
        destination: Writable of the result.
    """

    def __init__(self, destination: Writable) -> None:
        self._destination = destination
        self._opened = False

    def add(self, items: Sequence[object]) -> None:
        """Write objects, which are JSON already."""
        from entrakit.services import decoding

        for item in items:
            self._destination.write(b",\n  " if self._opened else b"[\n  ")
            self._destination.write(decoding.indented(_bytes(item)).replace(b"\n", b"\n  "))
            self._opened = True

    def end(self) -> None:
        """Close the array."""
        self._destination.write(b"\n]\n" if self._opened else b"[]\n")


class Lines:
    """Writer of one JSON value per line (NDJSON).

    Args:
        destination: Writable of the result.
    """

    def __init__(self, destination: Writable) -> None:
        self._destination = destination

    def add(self, items: Sequence[object]) -> None:
        """Write objects, which are JSON already."""
        for item in items:
            data = _bytes(item)
            self._destination.write((compact(data) if b"\n" in data or b"\r" in data else data) + b"\n")

    def end(self) -> None:
        """Do nothing: each line is complete."""


def writer_for(name: str, destination: Writable, columns: Sequence[str] = (), width: int = 80) -> Writer:
    """Return the writer of a format. It takes JSON for `json` and `ndjson`, and values for the others."""
    if name in COLUMNS:
        from entrakit.cli.output.rows import Csv, Table, Tsv

        if name == "table":
            return Table(destination, columns, width)
        return (Csv if name == "csv" else Tsv)(destination, columns)
    return Array(destination) if name == "json" else Lines(destination)


def write_value(
    destination: Writable, name: str, value: object, columns: Sequence[str] = (), width: int = 80
) -> Writer | None:
    """Write an object, or a list of objects.

    Args:
        destination: Writable of the result.
        name: Output format.
        value: A dict; or a list of values, and each value becomes a row or a line.
        columns: Properties to print as columns; empty for all of them.
        width: Width of a table.

    Returns:
        The writer, which knows the properties without a column; None if all were written.
    """
    if name == "json":
        destination.write(_json(value, indent=2) + b"\n")
        return None
    if name == "table" and isinstance(value, dict):
        from entrakit.cli.output.rows import upright

        # One object is easier to read from top to bottom.
        writer_for(name, destination, ("property", "value"), width).add(upright(value, columns))
        return None
    rows = value if isinstance(value, list) else [value]
    writer = writer_for(name, destination, columns, width)
    writer.add([_json(row) for row in rows] if name == "ndjson" else rows)
    writer.end()
    return writer


def width_of(context: Context) -> int:
    """Return the width of tables: that of the terminal, or 80 in a pipe."""
    if not context.is_terminal(context.streams.output):
        return 80
    from shutil import get_terminal_size

    return get_terminal_size((80, 24)).columns


def indented(data: bytes) -> bytes:
    """Return JSON with indentation. Long JSON is not parsed."""
    if len(data) < _SHORT:
        value = json.loads(data)
        try:
            return json.dumps(value, indent=2, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            # Half of a surrogate pair can only be written as an escape.
            return json.dumps(value, indent=2).encode()
    from entrakit.services import decoding

    return decoding.indented(data)


def compact(data: bytes) -> bytes:
    """Return JSON on one line."""
    from entrakit.services import decoding

    return decoding.compact(decoding.Raw(data))


def parsed(data: bytes) -> object:
    """Return the value of JSON."""
    value: object = json.loads(data)
    return value


def note_omitted(context: Context, writer: Writer) -> None:
    """Report the properties that have no column."""
    omitted: list[str] = getattr(writer, "omitted", [])
    if not omitted:
        return
    names = ", ".join(omitted[:5]) + (f" and {len(omitted) - 5} more" if len(omitted) > 5 else "")
    context.note(f"without a column: {names}.\n  Next: Name the columns with --select.")


def _json(value: object, indent: int | None = None) -> bytes:
    separators = (",", ": ") if indent else (",", ":")
    text = json.dumps(value, ensure_ascii=False, indent=indent, separators=separators)
    return text.encode("utf-8", "backslashreplace")


def _bytes(item: object) -> bytes:
    return bytes(item)  # type: ignore[call-overload,no-any-return] # msgspec's Raw is a buffer, like bytes
