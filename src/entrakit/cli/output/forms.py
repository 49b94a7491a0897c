"""What a service answered, in the form that was asked for: JSON, NDJSON, CSV or a table; written as it comes."""

from __future__ import annotations

import json

from entrakit.errors import ParameterError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    from entrakit.cli.context import Context
    from entrakit.cli.output.destination import Destination

    class Form(Protocol):
        """What writes objects, some at a time."""

        def add(self, items: Sequence[object]) -> None:
            """Write objects."""
            ...

        def end(self) -> None:
            """Write what belongs at the end."""
            ...


FORMS = ("json", "ndjson", "csv", "table")
SHORT = 64 * 1024
_ENDINGS = {".json": "json", ".ndjson": "ndjson", ".jsonl": "ndjson", ".csv": "csv"}


class Array:
    """JSON texts as an array, object by object.

    Args:
        sink: Where it goes.
    """

    def __init__(self, sink: Destination) -> None:
        self._sink = sink
        self._opened = False

    def add(self, items: Sequence[object]) -> None:
        """Write JSON texts."""
        from entrakit.services import decoding

        for item in items:
            self._sink.write(b",\n  " if self._opened else b"[\n  ")
            self._sink.write(decoding.indented(_bytes(item)).replace(b"\n", b"\n  "))
            self._opened = True

    def end(self) -> None:
        """Close the array."""
        self._sink.write(b"\n]\n" if self._opened else b"[]\n")


class Lines:
    """JSON texts, one per line (NDJSON).

    Args:
        sink: Where it goes.
    """

    def __init__(self, sink: Destination) -> None:
        self._sink = sink

    def add(self, items: Sequence[object]) -> None:
        """Write JSON texts."""
        for item in items:
            data = _bytes(item)
            self._sink.write((compact(data) if b"\n" in data or b"\r" in data else data) + b"\n")

    def end(self) -> None:
        """Do nothing: each line is whole."""


def form_of(chosen: str | None, context: Context, out: str | None, default: str = "json") -> str:
    """Return the form of a result: the one that was chosen, else the one that a file's name ends in, else the default.

    Args:
        chosen: `--output`.
        context: Says whether `--json` was given.
        out: Name of a file.
        default: What it is where nothing says so.
    """
    if chosen:
        return chosen
    if context.as_json:
        return "json"
    return next((form for ending, form in _ENDINGS.items() if (out or "").lower().endswith(ending)), default)


def form_in(name: str, sink: Destination, columns: Sequence[str] = (), width: int = 80) -> Form:
    """Return what writes objects in a form: JSON texts for `json` and `ndjson`, values for `csv` and `table`."""
    if name in ("csv", "table"):
        from entrakit.cli.output.rows import Csv, Table

        return Csv(sink, columns) if name == "csv" else Table(sink, columns, width)
    return Array(sink) if name == "json" else Lines(sink)


def width_of(context: Context) -> int:
    """Return how wide a table may be: as the terminal is; 80 in a pipe."""
    if not context.is_terminal(context.streams.output):
        return 80
    from shutil import get_terminal_size

    return get_terminal_size((80, 24)).columns


def indented(data: bytes) -> bytes:
    """Return JSON text laid out for people; a long one without taking it apart."""
    if len(data) < SHORT:
        value = json.loads(data)
        try:
            return json.dumps(value, indent=2, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            # Half a surrogate pair, which only an escape can write.
            return json.dumps(value, indent=2).encode()
    from entrakit.services import decoding

    return decoding.indented(data)


def compact(data: bytes) -> bytes:
    """Return JSON text on one line."""
    from entrakit.services import decoding

    return decoding.compact(decoding.Raw(data))


def parsed(data: bytes) -> object:
    """Return what JSON text says."""
    value: object = json.loads(data)
    return value


def note_left_out(context: Context, form: Form) -> None:
    """Tell which properties had no column."""
    left_out: list[str] = getattr(form, "left_out", [])
    if not left_out:
        return
    names = ", ".join(left_out[:5]) + (f" and {len(left_out) - 5} more" if len(left_out) > 5 else "")
    context.tell(f"Note: without a column: {names}.\n  Next: Name the columns with --select.")


def refuse_width(form: str, out: str | None) -> None:
    """Refuse a table in a file: it is made for eyes. Raises ParameterError."""
    if form == "table" and out:
        raise ParameterError("A table is for a terminal and cuts values off.", remedy="Use --output csv with --out.")


def _bytes(item: object) -> bytes:
    return bytes(item)  # type: ignore[call-overload,no-any-return] # msgspec's Raw is a buffer, as bytes are
