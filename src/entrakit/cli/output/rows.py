"""Objects as rows: CSV for spreadsheets and programs (RFC 4180), tables for eyes.

Values come from a directory that strangers write in. In CSV a text that a spreadsheet would take for a formula gets an
apostrophe in front (OWASP, "CSV Injection"); in a table control characters are replaced.
"""

from __future__ import annotations

import csv
import io
import json

from entrakit.shown_text import on_terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from entrakit.cli.output.destination import Destination

WIDTH = 80
NARROWEST = 10
_GAP = "  "
# What people know an object by; there may be no room for what comes later.
_FIRST = ("displayName", "name", "userPrincipalName", "id")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class Csv:
    """Objects as CSV. The columns are those that were asked for, or the properties of the first objects.

    Args:
        sink: Where it goes.
        columns: Names of properties; none to take those of the first objects.
    """

    def __init__(self, sink: Destination, columns: Sequence[str] = ()) -> None:
        self._sink = sink
        self.columns = list(columns)
        self.left_out: list[str] = []
        self._fixed = bool(columns)
        self._begun = False

    def add(self, items: Sequence[object]) -> None:
        """Write objects."""
        if not items:
            return
        if not self._begun:
            self._begin(items)
        rows = [properties(item) for item in items]
        self._write([guarded(row_value(row, column)) for column in self.columns] for row in rows)
        if not self._fixed:
            self._note_left_out(rows)

    def end(self) -> None:
        """Write the headings, if nothing else was written."""
        if not self._begun:
            self._begin([])

    def _begin(self, items: Sequence[object]) -> None:
        self._begun = True
        self.columns = self.columns or names_of([properties(item) for item in items])
        if self.columns:
            self._write([[_guard(column) for column in self.columns]])

    def _note_left_out(self, rows: Sequence[Mapping[str, object]]) -> None:
        known = {*self.columns, *self.left_out}
        self.left_out += names_of([row for row in rows if not row.keys() <= known], known)

    def _write(self, lines: Iterable[Sequence[str]]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\r\n").writerows(lines)
        self._sink.write(text.getvalue().encode("utf-8", "replace"))


class Table:
    """Objects as a table that fits a width. Widths follow the first objects; what does not fit ends in an ellipsis.

    Args:
        sink: Where it goes.
        columns: Names of properties; none to take those of the first objects.
        width: How wide it may be.
    """

    def __init__(self, sink: Destination, columns: Sequence[str] = (), width: int = WIDTH) -> None:
        self._sink = sink
        self._width = max(width, NARROWEST)
        self.columns = list(columns)
        self.left_out: list[str] = []
        self._fixed = bool(columns)
        self._widths: list[int] = []

    def add(self, items: Sequence[object]) -> None:
        """Write objects."""
        rows = [properties(item) for item in items]
        if rows and not self._widths:
            self._begin(rows)
        for row in rows:
            self._write([shown_value(row_value(row, column)) for column in self.columns])

    def end(self) -> None:
        """Write the headings, if nothing else was written."""
        if not self._widths and self.columns:
            self._begin([])

    def _begin(self, rows: Sequence[Mapping[str, object]]) -> None:
        asked = self.columns or names_of(rows)
        if not self._fixed:
            asked = [*(name for name in _FIRST if name in asked), *(name for name in asked if name not in _FIRST)]
            # A column that is empty everywhere, as half of a user's are, takes no room from the others.
            asked = [name for name in asked if any(row_value(row, name) not in (None, "", []) for row in rows)] or asked
        fits = max(1, (self._width + len(_GAP)) // (NARROWEST + len(_GAP)))
        self.columns, self.left_out = asked[:fits], asked[fits:]
        natural = [
            max([wide(shown_value(name)), *(wide(shown_value(row_value(row, name))) for row in rows)])
            for name in self.columns
        ]
        self._widths = fitted(natural, self._width - len(_GAP) * (len(self.columns) - 1))
        self._write([shown_value(name) for name in self.columns])

    def _write(self, cells: Sequence[str]) -> None:
        line = _GAP.join(cut(cell, width) for cell, width in zip(cells, self._widths, strict=True))
        self._sink.write((line.rstrip() + "\n").encode("utf-8", "replace"))


def properties(item: object) -> Mapping[str, object]:
    """Return an object's properties; what is none, as an id in a list of ids, is the property `value`."""
    return item if isinstance(item, dict) else {"value": item}


def names_of(rows: Sequence[Mapping[str, object]], known: AbstractSet[str] = frozenset()) -> list[str]:
    """Return the names of all properties, in the order in which they appear, without the service's annotations.

    Args:
        rows: Objects.
        known: Names to leave out.
    """
    names = dict.fromkeys(name for row in rows for name in row if name not in known)
    return [name for name in names if not name.startswith("@odata.")]


def upright(item: Mapping[str, object], columns: Sequence[str] = ()) -> list[dict[str, object]]:
    """Return one object as rows of `property` and `value`; a property that is empty has none, unless it was chosen."""
    names = columns or [name for name in names_of([item]) if item[name] not in (None, "", [])]
    return [{"property": name, "value": row_value(item, name)} for name in names]


def row_value(row: Mapping[str, object], column: str) -> object:
    """Return a property, whatever its case; `a/b` is the property b of the property a. None for what is not there."""
    if column in row:
        return row[column]
    value: object = row
    for part in column.lower().split("/"):
        members = value.items() if isinstance(value, dict) else ()
        value = next((member for name, member in members if name.lower() == part), None)
    return value


def text_of(value: object) -> str:
    """Return a value as text: nested ones as JSON, nothing for null."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def guarded(value: object) -> str:
    """Return a value as the text of a cell that no spreadsheet takes for a formula."""
    return _guard(value) if isinstance(value, str) else text_of(value)


def shown_value(value: object) -> str:
    """Return a value as one line that does nothing to a terminal."""
    return on_terminal(" ".join(text_of(value).split()))


def fitted(natural: Sequence[int], room: int) -> list[int]:
    """Return widths that fit together: the widest columns give way first.

    Args:
        natural: How wide each column would be.
        room: How wide all may be.
    """
    widths = list(natural)
    over = sum(widths) - room
    while over > 0:
        widest = max(widths)
        second = max([width for width in widths if width < widest], default=1)
        at_widest = [index for index, width in enumerate(widths) if width == widest]
        step = max(1, min(widest - second, over // len(at_widest)))
        if widest <= 1:
            break
        for index in at_widest:
            if over <= 0:
                break
            widths[index] -= min(step, over)
            over -= min(step, over)
    return widths


def wide(text: str) -> int:
    """Return how many cells of a terminal a text takes: letters of East Asia take two, marks on letters none."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(one) else 2 if east_asian_width(one) in "WF" else 1 for one in text)


def cut(text: str, width: int) -> str:
    """Return a text at exactly a width, its end replaced by an ellipsis where it is longer."""
    if text.isascii():
        return text.ljust(width) if len(text) <= width else f"{text[: width - 1]}…"
    size = wide(text)
    if size > width:
        while text and wide(text) > width - 1:
            text = text[:-1]
        text += "…"
        size = wide(text)
    return text + " " * (width - size)


def _guard(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
