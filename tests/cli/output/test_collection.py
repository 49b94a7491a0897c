"""Reading a whole collection: other responses, empty collections, and destinations."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.graph.conftest import Answer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import GraphCommand


@pytest.mark.parametrize("answer", [b'{"id":"ada"}', b"3008"])
def test_what_is_no_collection_is_said_to_be_none(graph: GraphCommand, tmp_path: Path, answer: bytes) -> None:
    """
    For an object or a count the error says that the request is wrong, and no file is left.
    """
    graph.server.answer = lambda method, target, body: Answer(200, answer)  # type: ignore[method-assign]

    printed = graph("request", "GET", "/me", "--all")
    written = graph("request", "GET", "/me", "--all", "--out", str(tmp_path / "me.ndjson"))

    assert [10, 10] == [printed.code, written.code]
    assert "/me is not a collection" in printed.error
    assert "Request it as a single object" in written.error
    assert [] == list(tmp_path.glob("me*"))


def test_no_objects_are_said_to_be_none(graph: GraphCommand) -> None:
    """
    An empty table has a message, so that the user sees that the command is done.
    """
    graph.server.answer = lambda method, target, body: Answer(200, b'{"value":[]}')  # type: ignore[method-assign]

    for more in ((), ("--all",)):
        result = graph("request", "GET", "/users", "--output", "table", *more)

        assert (0, "", "No objects.\n") == (result.code, result.output, result.error)


def test_a_dash_is_standard_output(graph: GraphCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    `--out -` is standard output, as in other commands.
    """
    monkeypatch.chdir(tmp_path)

    assert '"id-0001"' in graph("request", "GET", "/users/id-0001", "--out", "-").output
    assert 230 == len(
        graph("request", "GET", "/users", "--all", "--output", "ndjson", "--out", "-").output.splitlines()
    )
    assert not (tmp_path / "-").exists()


def test_a_missing_directory_is_told_as_it_is(graph: GraphCommand, tmp_path: Path) -> None:
    """
    The error names the file as typed, and speaks of no partial result, because nothing was read.
    """
    out = tmp_path / "none" / "users.ndjson"

    result = graph("request", "GET", "/users", "--all", "--out", str(out))

    assert f"{out} can't be written: No such file or directory." in result.error
    assert "kept" not in result.error


def test_reading_in_parts_is_shown_beforehand(graph: GraphCommand) -> None:
    """
    The preview says that the requests for ranges differ from the one that is shown.
    """
    assert "read in ranges" in graph("request", "GET", "/users", "--parallel", "4", "--what-if").error
    assert "read in ranges" not in graph("request", "GET", "/users", "--what-if").error


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (("/users",), "/v1.0/users?$top=999"),
        (("/beta/groups/ID/members", "--select", "id"), "/beta/groups/ID/members?$select=id&$top=999"),
        (("/users", "--top", "5"), "/v1.0/users?$top=5"),
        (("/users?$top=5",), "/v1.0/users?$top=5"),
        (("/subscribedSkus",), "/v1.0/subscribedSkus"),
    ],
)
def test_all_pages_are_the_largest(graph: GraphCommand, words: tuple[str, ...], asked: str) -> None:
    """
    With `--all` the first request asks for the largest pages that its collection has, unless it gives a size.
    """
    preview = json.loads(graph("request", "GET", *words, "--all", "--what-if", "--json").output)

    assert asked == preview["url"].removeprefix(graph.server.url)


def test_fewer_requests_read_everything(graph: GraphCommand) -> None:
    """
    Pages of 999 objects are requested, and all objects are returned.
    """
    result = graph("request", "GET", "/users", "--all")

    assert 0 == result.code, result.error
    _, target, _ = next(one for one in graph.server.asked if "/users" in one[1])
    assert "$top=999" in target
