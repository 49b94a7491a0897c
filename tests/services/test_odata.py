"""Query options: values from outside can't change the meaning of a query."""

from __future__ import annotations

import datetime
import re
import urllib.parse
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrakit.errors import ParameterError
from entrakit.services import odata

TEXTS = st.text(max_size=60)


def read_literal(text: str) -> str:
    """Return the value of an OData string literal (OData 4.01 URL conventions, 5.1.1.14.1)."""
    assert re.fullmatch(r"'(?:[^']|'')*'", text, re.DOTALL), text
    return text[1:-1].replace("''", "'")


@given(TEXTS)
def test_any_text_is_one_literal(text: str) -> None:
    """
    A string with any quotes becomes one literal with the same value.
    """
    assert text == read_literal(odata.literal(text))


@given(TEXTS, TEXTS)
def test_what_fills_a_filter_stays_inside_its_quotes(first: str, second: str) -> None:
    """
    A value in an expression ends where its quotes end: no part of it becomes an operator.
    """
    filled = odata.fill("startsWith(displayName,{}) or mail eq {}", first, second)

    found = re.fullmatch(r"startsWith\(displayName,('(?:[^']|'')*')\) or mail eq ('(?:[^']|'')*')", filled, re.DOTALL)
    assert found is not None
    assert [first, second] == [read_literal(one) for one in found.groups()]


@given(st.dictionaries(st.text(min_size=1, max_size=20), TEXTS, max_size=5))
def test_parameters_arrive_as_they_were_given(parameters: dict[str, str]) -> None:
    """
    A server that parses an address gets the original parameters, with any characters.
    """
    query = odata.encoded(parameters)

    assert set() == set(query) & set(' #+"<>\n')
    assert parameters == dict(urllib.parse.parse_qsl(query, keep_blank_values=True, strict_parsing=bool(parameters)))


@given(TEXTS)
def test_a_segment_is_one_segment(text: str) -> None:
    """
    An id or a name remains one segment of a path.
    """
    escaped = odata.segment(text)

    assert set() == set(escaped) & set("/?# %"[:4])
    assert text == urllib.parse.unquote(escaped)


@given(st.dictionaries(st.sampled_from(["displayName", "mail", "description"]), TEXTS, min_size=1))
def test_a_search_clause_ends_at_its_own_quote(texts: dict[str, str]) -> None:
    """
    A search string with any quotes and backslashes ends where its clause ends.
    """
    found = re.findall(r'"((?:[^"\\]|\\.)*)"', odata.parameters({"search": texts})["$search"], re.DOTALL)

    assert [f"{name}:{text}" for name, text in texts.items()] == [
        re.sub(r"\\(.)", r"\1", one, flags=re.DOTALL) for one in found
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (1.5, "1.5"),
        ("O'Neil", "'O''Neil'"),
        (datetime.date(2026, 1, 31), "2026-01-31"),
        (
            datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.timezone(datetime.timedelta(hours=2))),
            "2026-01-31T10:00:00Z",
        ),
        (uuid.UUID(int=7), "00000000-0000-0000-0000-000000000007"),
    ],
)
def test_each_kind_of_literal(value: odata.Literal, text: str) -> None:
    """
    Each type of value becomes a literal as in OData 4.01 URL conventions, 5.1.1.14.
    """
    assert text == odata.literal(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), datetime.datetime(2026, 1, 1), b"x", object()])  # noqa: DTZ001 - no zone
def test_what_is_no_literal_is_refused(value: object) -> None:
    """
    NaN and infinity, a time without a time zone, and values of other types can't be literals.
    """
    with pytest.raises(ParameterError):
        odata.literal(value)  # type: ignore[arg-type] # on purpose


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"select": ["id", "mail"]}, {"$select": "id,mail"}),
        ({"select": "id,mail"}, {"$select": "id,mail"}),
        (
            {"filter": {"displayName": "O'Neil", "accountEnabled": True}},
            {"$filter": "displayName eq 'O''Neil' and accountEnabled eq true"},
        ),
        ({"search": {"displayName": 'a "b"'}}, {"$search": '"displayName:a \\"b\\""'}),
        ({"orderby": ["displayName desc"]}, {"$orderby": "displayName desc"}),
        ({"expand": ["manager($select=id)"]}, {"$expand": "manager($select=id)"}),
        ({"top": 5, "count": True}, {"$top": "5", "$count": "true"}),
        ({"count": False, "select": []}, {}),
        ({"options": {"api-version": "2022-12-01"}}, {"api-version": "2022-12-01"}),
    ],
)
def test_each_option(query: odata.Query, expected: dict[str, str]) -> None:
    """
    Each option becomes the parameter of the same name.
    """
    assert expected == odata.parameters(query)


@pytest.mark.parametrize(
    "query",
    [
        {"top": 0},
        {"top": True},
        {"top": "5"},
        {"selct": "id"},
        {"select": 5},
        {"filter": {"a b": 1}},
        {"select": [""]},
        {"filter": 7},
    ],
)
def test_options_that_can_not_be_right_are_refused(query: dict[str, object]) -> None:
    """
    A misspelt option and an invalid value are errors before a request is sent.
    """
    with pytest.raises(ParameterError):
        odata.parameters(query)  # type: ignore[arg-type] # on purpose


def test_a_filter_needs_as_many_values_as_places() -> None:
    """
    The number of values must be that of the places.
    """
    with pytest.raises(ParameterError, match="2 places"):
        odata.fill("a eq {} and b eq {}", 1)
