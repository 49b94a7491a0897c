"""Objects as rows: CSV for spreadsheets and programs (RFC 4180), TSV for programs such as `cut`, tables for users.

Many people write into a directory, so its values are not trusted. In CSV a string that a spreadsheet would execute as a
formula gets an apostrophe in front (OWASP, "CSV Injection"), and every cell is quoted. A spreadsheet can also divide
lines at semicolons or tabs, whatever the file is called: semicolons separate lists in half of Europe. Then a cell is
divided in spite of its quotes, so that what follows such a sign gets an apostrophe, too. TSV is for programs, which
must get values as they are: it has one line for each object and no quotes, and tabs and line breaks become spaces. In a
table control characters are replaced.
"""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING

from entrakit.shown_text import on_terminal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from entrakit.cli.output.destination import Writable

WIDTH = 80
NARROWEST = 10
_GAP = "  "
# Properties that identify an object come first, because there may be no space for later columns.
_FIRST = ("displayName", "name", "userPrincipalName", "id")
# Signs that begin a formula, and all characters whose compatibility form (NFKC) begins with one.
_SIGNS = r"=+\-@\u207a-\u207c\u208a-\u208c\u2212\u2a75\u2a76\ufb29\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20"
# Characters that are invisible or that a spreadsheet skips: spaces, control and format characters, fillers. And the
# quotation mark, since a quoted cell may begin behind a semicolon.
_SKIPPED = (
    r"\s\x00-\x1f\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202f"
    r"\u205f-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff\""
)
_BREAKS = ";\t\r\n"
# A run of skipped characters and breaks, as long as possible, before a sign: at the beginning, or behind other text.
_FORMULA = re.compile(rf"\A([{_SKIPPED};]*+)(?=[{_SIGNS}])|(?<![{_SKIPPED};])([{_SKIPPED};]++)(?=[{_SIGNS}])")
_FIRST_BREAK = ("\t", "\r", "\n")


class Csv:
    """Writer of CSV.

    Args:
        destination: Writable of the result.
        columns: Names of properties; empty for those of the first objects.
    """

    def __init__(self, destination: Writable, columns: Sequence[str] = ()) -> None:
        self._destination = destination
        self.columns = list(columns)
        self.omitted: list[str] = []
        self._fixed = bool(columns)
        self._begun = False

    def add(self, items: Sequence[object]) -> None:
        """Write objects."""
        if not items:
            return
        if not self._begun:
            self._begin(items)
        rows = [properties(item) for item in items]
        self._write([self._cell(row_value(row, column)) for column in self.columns] for row in rows)
        if not self._fixed:
            self._note_omitted(rows)

    def end(self) -> None:
        """Write the headings if there were no objects."""
        if not self._begun:
            self._begin([])

    def _begin(self, items: Sequence[object]) -> None:
        self._begun = True
        self.columns = self.columns or names_of([properties(item) for item in items])
        if self.columns:
            self._write([[self._cell(column) for column in self.columns]])

    def _note_omitted(self, rows: Sequence[Mapping[str, object]]) -> None:
        known = {*self.columns, *self.omitted}
        self.omitted += names_of([row for row in rows if not row.keys() <= known], known)

    def _cell(self, value: object) -> str:
        return guarded(value)

    def _write(self, lines: Iterable[Sequence[str]]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\r\n", quoting=csv.QUOTE_ALL).writerows(lines)
        self._destination.write(text.getvalue().encode("utf-8", "replace"))


class Tsv(Csv):
    """Writer of tab-separated values; arguments as for `Csv`."""

    def _cell(self, value: object) -> str:
        return " ".join(re.split(r"[\t\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+", text_of(value)))

    def _write(self, lines: Iterable[Sequence[str]]) -> None:
        text = "".join("\t".join(cells) + "\n" for cells in lines)
        self._destination.write(text.encode("utf-8", "replace"))


class Table:
    """Writer of a table of limited width. The first objects determine the widths; longer values end in an ellipsis.

    Args:
        destination: Writable of the result.
        columns: Names of properties; empty for those of the first objects.
        width: Width of the table.
    """

    def __init__(self, destination: Writable, columns: Sequence[str] = (), width: int = WIDTH) -> None:
        self._destination = destination
        self._width = max(width, NARROWEST)
        self.columns = list(columns)
        self.omitted: list[str] = []
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
        """Write the headings if there were no objects."""
        if not self._widths and self.columns:
            self._begin([])

    def _begin(self, rows: Sequence[Mapping[str, object]]) -> None:
        names = self.columns or names_of(rows)
        if not self._fixed:
            names = [*(name for name in _FIRST if name in names), *(name for name in names if name not in _FIRST)]
            # Half of a user's properties are usually empty: columns without any value are omitted.
            names = [name for name in names if any(row_value(row, name) not in (None, "", []) for row in rows)] or names
        fits = max(1, (self._width + len(_GAP)) // (NARROWEST + len(_GAP)))
        self.columns, self.omitted = names[:fits], names[fits:]
        natural = [
            max([wide(shown_value(name)), *(wide(shown_value(row_value(row, name))) for row in rows)])
            for name in self.columns
        ]
        self._widths = fitted(natural, self._width - len(_GAP) * (len(self.columns) - 1))
        self._write([shown_value(name) for name in self.columns])

    def _write(self, cells: Sequence[str]) -> None:
        line = _GAP.join(cut(cell, width) for cell, width in zip(cells, self._widths, strict=True))
        self._destination.write((line.rstrip() + "\n").encode("utf-8", "replace"))


def properties(item: object) -> Mapping[str, object]:
    """Return the properties of an object. Another value, such as an id in a list, becomes the property `value`."""
    return item if isinstance(item, dict) else {"value": item}


def names_of(rows: Sequence[Mapping[str, object]], known: AbstractSet[str] = frozenset()) -> list[str]:
    """Return the names of all properties in order of appearance, without annotations of the service.

    Args:
        rows: Objects.
        known: Names to omit.
    """
    names = dict.fromkeys(name for row in rows for name in row if name not in known)
    return [name for name in names if not name.startswith("@odata.")]


def upright(item: Mapping[str, object], columns: Sequence[str] = ()) -> list[dict[str, object]]:
    """Return one object as rows of `property` and `value`. Empty properties are omitted, unless they were selected."""
    names = columns or [name for name in names_of([item]) if item[name] not in (None, "", [])]
    return [{"property": name, "value": row_value(item, name)} for name in names]


def row_value(row: Mapping[str, object], column: str) -> object:
    """Return a property by its name in any case, or None. `a/b` is the property b of the property a."""
    if column in row:
        return row[column]
    value: object = row
    for part in column.lower().split("/"):
        members = value.items() if isinstance(value, dict) else ()
        value = next((member for name, member in members if name.lower() == part), None)
    return value


def text_of(value: object) -> str:
    """Return a value as a string: nested values as JSON, null as the empty string."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def guarded(value: object) -> str:
    """Return a value as the content of a cell that no spreadsheet executes as a formula."""
    return _guard(text_of(value)) if isinstance(value, str | list | dict) else text_of(value)


def shown_value(value: object) -> str:
    """Return a value as one line that is safe to print on a terminal."""
    return on_terminal(" ".join(text_of(value).split()))


def fitted(natural: Sequence[int], room: int) -> list[int]:
    """Return column widths that fit: the widest columns are reduced first.

    Args:
        natural: Widths that the columns need.
        room: Total width.
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
    """Return the width of a string in terminal cells: East Asian characters take two, combining marks none."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(one) else 2 if east_asian_width(one) in "WF" else 1 for one in text)


def cut(text: str, width: int) -> str:
    """Return a string of exactly this width; a longer one ends in an ellipsis."""
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
    guarded = _FORMULA.sub(_with_apostrophes, text)
    return f"'{guarded}" if guarded.startswith(_FIRST_BREAK) else guarded


def _with_apostrophes(found: re.Match[str]) -> str:
    """Return the characters before a sign, with an apostrophe where a cell could begin."""
    run = found[0]
    last = max(map(run.rfind, _BREAKS))
    if last >= 0:
        run = f"{run[: last + 1]}'{run[last + 1 :]}"
    is_first = found[1] is not None
    return f"'{run}" if is_first and not run.startswith(("'", *_FIRST_BREAK)) else run
