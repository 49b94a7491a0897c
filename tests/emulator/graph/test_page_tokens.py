"""Tokens of next links."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.emulator.graph.conftest import Graph


def test_a_link_is_for_its_query_and_its_time(graph: Graph) -> None:
    """
    A token of another query and an expired token are refused.
    """
    link = graph.get("/users?$top=2")["@odata.nextLink"]
    graph.tenant.clock.advance(60)
    fine = graph.ask("GET", link).status_code
    elsewhere = graph.refusal(link.replace("/users?", "/groups?"))

    assert (200, 400) == (fine, elsewhere[0])
