"""Output formats: the same objects as JSON, NDJSON, CSV or a table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.cli.commands.test_request import answering
from tests.graph.conftest import USERS, Answer

if TYPE_CHECKING:
    from tests.cli.conftest import GraphCommand


def test_json_is_the_form_that_json_asks_for(graph: GraphCommand) -> None:
    """
    `--json` makes an array of all objects; `--output` takes precedence.
    """
    assert USERS == len(json.loads(graph("request", "GET", "/users", "--all", "--json").output))
    assert USERS == len(graph("request", "GET", "/users", "--all", "--json", "--output", "ndjson").output.splitlines())


@pytest.mark.parametrize("form", ["ndjson", "csv", "table"])
def test_one_page_comes_in_every_form(graph: GraphCommand, form: str) -> None:
    """
    Without --all the first page is printed, with a note.
    """
    result = graph("request", "GET", "/users", "--output", form)

    assert 50 + (form != "ndjson") == len(result.output.splitlines())
    assert "first 50" in result.error


def test_one_object_in_other_forms(graph: GraphCommand) -> None:
    """
    One object is a row of CSV, a line of NDJSON, or a table from top to bottom.
    """
    words = ("request", "GET", "/users/id-0001", "--output")

    assert '"id","userPrincipalName"\n"id-0001","b0001@contoso.com"' == "\n".join(
        graph(*words, "csv").output.split("\r\n")[:2]
    )
    assert '{"id":"id-0001","userPrincipalName":"b0001@contoso.com"}\n' == graph(*words, "ndjson").output
    assert ["property", "id", "userPrincipalName"] == [
        line.split()[0] for line in graph(*words, "table").output.splitlines()
    ]


def test_what_is_no_text_stays_an_escape(graph: GraphCommand) -> None:
    """
    Half of a surrogate pair, which is valid in JSON but not in UTF-8, breaks no format.
    """
    answering(graph.server, "/v1.0/odd", Answer(200, b'{"id": "1", "name": "\\ud800"}'))

    result = graph("request", "GET", "/odd")

    assert {"id": "1", "name": "\ud800"} == json.loads(result.output)
    assert result.output.isascii()


def test_a_line_is_one_line(graph: GraphCommand) -> None:
    """
    Objects that the service formats on several lines are one line each in NDJSON.
    """
    answering(graph.server, "/v1.0/odds", Answer(200, b'{"value": [{\n "id": "1",\r\n "name": "\xc3\xb6"}]}'))

    assert '{"id":"1","name":"ö"}\n' == graph("request", "GET", "/odds", "--all", "--output", "ndjson").output


def test_columns_that_come_later_are_told(graph: GraphCommand) -> None:
    """
    The note names at most five properties without a column.
    """
    graph.server.users[60:61] = [{"id": "x", **{f"extra{n}": "1" for n in range(7)}}]

    result = graph("request", "GET", "/users", "--all", "--output", "csv")

    assert "without a column: extra0, extra1, extra2, extra3, extra4 and 2 more.\n" in result.error
    assert "--select" in result.error
