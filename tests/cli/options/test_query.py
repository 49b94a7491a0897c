"""Query options and header fields reach the service as they were typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cli.conftest import GraphCommand


def test_query_options_reach_the_service(graph: GraphCommand) -> None:
    """
    Options, --query and spaces of the address are escaped; search gets the quotes that Microsoft Graph requires.
    """
    words = ("--filter", "city eq 'O''Neil & Söhne'", "--search", "displayName:north", "--top", "5", "--count",
             "--orderby", "displayName", "--expand", "manager", "--query", "$skip=1",
             "--header", "Prefer:a=b")  # fmt: skip
    shown = graph("request", "GET", "/users?x=a b", *words, "--what-if").output

    assert "x=a%20b&" in shown
    assert "$filter=city%20eq%20'O''Neil%20%26%20S%C3%B6hne'" in shown
    assert "$search=%22displayName:north%22" in shown
    assert all(one in shown for one in ("$top=5", "$count=true", "$expand=manager", "$skip=1", "prefer: a=b"))
    assert "consistencylevel: eventual" in shown
