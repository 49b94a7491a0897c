"""Objects as rows: CSV without formulas, tables that fit, and nothing that controls a terminal."""

from __future__ import annotations

import csv
import io
import sys
import time
import unicodedata
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrakit.cli.output.rows import Csv, Table, cut, fitted, guarded, row_value, upright, wide

if TYPE_CHECKING:
    from collections.abc import Sequence


class Sink:
    """A destination in memory."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        """Keep the bytes."""
        self.data += data

    def flush(self) -> None:
        """Do nothing."""

    sync = finish = close = flush


def csv_of(items: Sequence[object], *columns: str) -> str:
    """Return objects as CSV."""
    sink = Sink()
    form = Csv(sink, columns)
    form.add(items)
    form.end()
    return sink.data.decode()


def table_of(items: Sequence[object], *columns: str, width: int = 80) -> list[str]:
    """Return objects as the lines of a table."""
    sink = Sink()
    form = Table(sink, columns, width)
    form.add(items)
    form.end()
    return sink.data.decode().splitlines()


def test_csv_has_the_columns_of_the_first_objects() -> None:
    """
    Headings are in order of appearance, without annotations of the service; lines end as RFC 4180 requires.
    """
    text = csv_of([{"@odata.type": "x", "id": 1, "mail": None}, {"id": 2.5, "mail": "a@b", "ok": True}])

    assert '"id","mail","ok"\r\n"1","",""\r\n"2.5","a@b","true"\r\n' == text


def test_csv_takes_the_columns_that_were_chosen() -> None:
    """
    `--select` determines the columns and their order; `a/b` is a property of a property.
    """
    assert '"b","a/c"\r\n"2","3"\r\n"",""\r\n' == csv_of([{"a": {"c": 3}, "b": 2}, {"a": None}], "b", "a/c")


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_text_becomes_a_formula(begin: str) -> None:
    """
    A string that a spreadsheet would execute gets an apostrophe; numbers stay.
    """
    text = csv_of([{"name": f"{begin}cmd|' /C calc'!A0", "number": -5}])

    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert f"'{begin}cmd|' /C calc'!A0" == row["name"]
    assert "-5" == row["number"]


def test_headings_are_no_formulas_either() -> None:
    """
    Names of properties are guarded too, because others can extend the schema.
    """
    assert '"\'=x"\r\n"1"\r\n' == csv_of([{"=x": 1}])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("A;=cmd|' /C calc'!A0", "A;'=cmd|' /C calc'!A0"),
        ("A\t=1", "A\t'=1"),
        ("A\n-1", "A\n'-1"),
        ('A;"=1"', 'A;\'"=1"'),
        ("A; ;\u200b@x", "A; ;'\u200b@x"),
        ("\uff1dcmd", "'\uff1dcmd"),
        ("\uff0b1", "'\uff0b1"),
        ("\uff0d1", "'\uff0d1"),
        ("\uff20x", "'\uff20x"),
        ("\u22121", "'\u22121"),
        (" =1", "' =1"),
        ("\ufeff=1", "'\ufeff=1"),
        ("\u200b\u2066\u00a0=1", "'\u200b\u2066\u00a0=1"),
        ("\x0b\x00=1", "'\x0b\x00=1"),
        ("\u3164=1", "'\u3164=1"),
        ("ada@contoso.com; bob@contoso.com", "ada@contoso.com; bob@contoso.com"),
        ("a = b", "a = b"),
        (["x;=1"], '["x;\'=1"]'),
    ],
)
def test_no_part_of_a_text_becomes_a_formula(value: object, expected: str) -> None:
    """
    A sign that begins a formula gets an apostrophe behind a semicolon, a tab and a line break; in full width; and
    behind invisible characters. Other text stays.
    """
    (row,) = csv.DictReader(io.StringIO(csv_of([{"name": value}]), newline=""))

    assert expected == row["name"]


def test_no_other_form_of_a_sign_begins_a_formula() -> None:
    """
    Every character that a spreadsheet may convert to a sign that begins a formula (NFKC) gets an apostrophe.
    """
    signs = [
        one
        for one in map(chr, range(sys.maxunicode + 1))
        if unicodedata.normalize("NFKC", one).startswith(("=", "+", "-", "@", "\u2212"))
    ]

    assert len(signs) > 20
    assert [f"'{sign}1" for sign in signs] == [guarded(f"{sign}1") for sign in signs]


NASTY = st.text(
    st.sampled_from('=+-@;;,\t\r\n""\' aA1|\u200b\ufeff\u00a0\u202e\uff1d\uff0b\uff0d\uff20\u2212\x00\x0b\u3164\u2028')
)


@given(st.lists(NASTY, min_size=3, max_size=3), st.sampled_from(",;\t"))
def test_a_spreadsheet_with_another_separator_finds_no_formula(values: list[str], separator: str) -> None:
    """
    For any names in a directory: read with a comma, a semicolon or a tab, no cell begins with a sign of a
    formula, also behind invisible characters.
    """
    text = csv_of([{"a": values[0], "b": values[1], "c": [values[2]]}])

    for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
        for cell in row:
            seen = [one for one in cell if unicodedata.category(one)[0] not in "CZ" and one != "\u3164"]
            assert not seen or unicodedata.normalize("NFKC", seen[0]) not in {*"=+-@", "\u2212"}


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=4))
def test_csv_reads_back(values: list[str]) -> None:
    """
    Another CSV reader gets every value back, except for apostrophes.
    """
    text = csv_of([{f"c{place}": value for place, value in enumerate(values)}, {"c0": "end"}])

    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert [value.replace("'", "") for value in values] == [cell.replace("'", "") for cell in rows[1]]
    assert 3 == len(rows)


@pytest.mark.parametrize("text", ["\t" * 200_000, "; " * 100_000 + "x", "-;" * 50_000, '"' * 200_000])
def test_a_long_value_is_guarded_in_time(text: str) -> None:
    """
    The time for a value grows with its length, not with the square of it.
    """
    begun = time.process_time()
    csv_of([{"name": text}])

    assert time.process_time() - begun < 2


def test_nested_values_are_compact_json() -> None:
    """
    Lists and objects are JSON on one line, letters of any script as they are.
    """
    assert '"a"\r\n"{""b"":[1,""Ö""]}"\r\n' == csv_of([{"a": {"b": [1, "Ö"]}}])


def test_half_a_surrogate_pair_breaks_nothing() -> None:
    """
    Half of a surrogate pair, which UTF-8 does not have, is replaced.
    """
    assert '"a"\r\n"?"\r\n' == csv_of([{"a": "\ud800"}])


def test_an_empty_page_decides_nothing() -> None:
    """
    A first page without objects, which Graph can send, determines neither columns nor widths.
    """
    sink = Sink()
    form = Csv(sink)
    form.add([])
    form.add([{"id": 1}])
    table = Sink()
    drawn = Table(table, ["id"])
    drawn.add([])
    drawn.add([{"id": "longer than its heading"}])

    assert b'"id"\r\n"1"\r\n' == sink.data
    assert b"longer than its heading\n" in table.data


def test_properties_that_come_later_are_named() -> None:
    """
    CSV can't get more columns later, so the missing ones are known.
    """
    form = Csv(Sink())
    form.add([{"a": 1}])
    form.add([{"a": 1, "b": 2}, {"b": 3, "c": 4}])

    assert ["b", "c"] == form.omitted


def test_a_collection_of_texts_has_one_column() -> None:
    """
    A list of ids has one column.
    """
    assert '"value"\r\n"x"\r\n"y"\r\n' == csv_of(["x", "y"])


def test_headings_stand_alone_without_objects() -> None:
    """
    An empty collection has only its headings, if they are known.
    """
    assert '"id","mail"\r\n' == csv_of([], "id", "mail")
    assert ["id  mail"] == table_of([], "id", "mail")
    assert [] == table_of([])
    assert "" == csv_of([])


USER: dict[str, object] = {
    "businessPhones": [], "displayName": "Ada Lovelace of the Analytical Engines Department", "givenName": "Ada",
    "jobTitle": None, "mail": "ada.lovelace@analytical-engines.contoso.com", "mobilePhone": "+44 20 7946 0000",
    "officeLocation": "12/1110", "preferredLanguage": "en-GB", "surname": "Lovelace",
    "userPrincipalName": "ada.lovelace@analytical-engines.contoso.com", "id": "6ea91a8d-e32e-41a1-b7bd-d2d185eed0e0",
}  # fmt: skip


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_a_table_fits(width: int) -> None:
    """
    No line is longer than the terminal; longer values end in an ellipsis, and empty columns are omitted.
    """
    lines = table_of([USER, USER], width=width)

    assert [] == [line for line in lines if wide(line) > width]
    assert 3 == len(lines)
    assert "jobTitle" not in lines[0]
    assert all("…" in line for line in lines[1:])


def test_what_had_no_room_is_named() -> None:
    """
    Columns that would be too narrow are omitted, and known.
    """
    form = Table(Sink(), width=40)
    form.add([USER])

    assert ["displayName", "userPrincipalName", "id"] == form.columns
    assert "givenName" in form.omitted


def test_a_table_does_nothing_to_the_terminal() -> None:
    """
    Control characters, line breaks and bidi controls are replaced.
    """
    (_, line) = table_of([{"name": "\x1b[2Jevil\nsecond \u202eline\x9b"}])

    assert "�[2Jevil second �line�" == line


def test_wide_letters_take_two_cells() -> None:
    """
    East Asian characters take two cells, combining marks none, and columns stay aligned.
    """
    lines = table_of([{"a": "日本", "b": "x"}, {"a": "e\u0301", "b": "y"}])

    assert ["a     b", "日本  x", "e\u0301     y"] == lines
    assert "日… " == cut("日本語日本語", 4)
    assert 4 == wide(cut("日本語日本語", 4))


@given(st.lists(st.integers(1, 300), min_size=1, max_size=8), st.integers(8, 200))
def test_widths_fit_together(natural: list[int], room: int) -> None:
    """
    Columns take at most the total width, none grows, and none shrinks without need.
    """
    widths = fitted(natural, room)

    assert [1, 1, 1] == fitted([1, 1, 1], 2)
    assert sum(widths) <= max(room, len(natural))
    assert all(1 <= width <= before for width, before in zip(widths, natural, strict=True))
    if sum(natural) <= room:
        assert natural == widths
    else:
        assert sum(widths) == room


def test_one_object_reads_from_top_to_bottom() -> None:
    """
    The properties of one object are rows; empty ones are omitted unless they were selected.
    """
    one = {"@odata.context": "x", "id": 1, "mail": None, "of": {"a": 2}}

    assert [{"property": "id", "value": 1}, {"property": "of", "value": {"a": 2}}] == upright(one)
    assert [{"property": "mail", "value": None}, {"property": "of/a", "value": 2}] == upright(one, ["mail", "of/a"])
    assert row_value({"a/b": 1}, "a/b") == 1
