"""Output formats: JSON, NDJSON, CSV and tables, written object by object."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from entrakit.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    from entrakit.cli.context import Context
    from entrakit.cli.output.destination import Destination

    class Writer(Protocol):
        """Writes objects, some at a time."""

        def add(self, items: Sequence[object]) -> None:
            """Write objects."""
            ...

        def end(self) -> None:
            """Write the end of the result."""
            ...


FORMATS = ("json", "ndjson", "csv", "table")
_SHORT = 64 * 1024
_ENDINGS = {".json": "json", ".ndjson": "ndjson", ".jsonl": "ndjson", ".csv": "csv"}


class Array:
    """Writer of a JSON array, object by object.

    Args:
        destination: Destination of the result.
    """

    def __init__(self, destination: Destination) -> None:
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
        destination: Destination of the result.
    """

    def __init__(self, destination: Destination) -> None:
        self._destination = destination

    def add(self, items: Sequence[object]) -> None:
        """Write objects, which are JSON already."""
        for item in items:
            data = _bytes(item)
            self._destination.write((compact(data) if b"\n" in data or b"\r" in data else data) + b"\n")

    def end(self) -> None:
        """Do nothing: each line is complete."""


def format_of(chosen: str | None, context: Context, out: str | None, default: str = "json") -> str:
    """Return the output format: the chosen one, else that of the file name, else the default.

    Args:
        chosen: Value of `--output`; None if it was not given.
        context: Context of the command, which has `--json`.
        out: Name of a file; None for standard output.
        default: Format if nothing else decides.
    """
    if chosen:
        return chosen
    if context.as_json:
        return "json"
    return next((value for ending, value in _ENDINGS.items() if (out or "").lower().endswith(ending)), default)


def writer_for(name: str, destination: Destination, columns: Sequence[str] = (), width: int = 80) -> Writer:
    """Return the writer of a format. It takes JSON for `json` and `ndjson`, and values for `csv` and `table`."""
    if name in ("csv", "table"):
        from entrakit.cli.output.rows import Csv, Table

        return Csv(destination, columns) if name == "csv" else Table(destination, columns, width)
    return Array(destination) if name == "json" else Lines(destination)


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


def refuse_table_file(name: str, out: str | None) -> None:
    """Raise ParameterError for a table in a file: tables cut values off."""
    if name == "table" and out:
        raise ParameterError(
            "A table is for a terminal, because it cuts values off.", remedy="Use --output csv with --out."
        )


def _bytes(item: object) -> bytes:
    return bytes(item)  # type: ignore[call-overload,no-any-return] # msgspec's Raw is a buffer, like bytes
