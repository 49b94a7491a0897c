"""Kinds that are not in the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.emulator.graph.conftest import Graph


@pytest.mark.parametrize("collection", ["organization", "subscribedSkus"])
def test_a_computed_kind_is_listed_read_and_selected(graph: Graph, collection: str) -> None:
    """
    Its objects are listed on one page and read by id; `$select` chooses properties, and unknown ones are refused.
    """
    listed = graph.get(f"/{collection}")["value"]
    one = graph.get(f"/{collection}/{listed[0]['id'].upper()}")
    chosen = graph.get(f"/{collection}?$select=ID")["value"]

    assert listed[0] == {name: value for name, value in one.items() if name != "@odata.context"}
    assert [{"id": each["id"]} for each in listed] == chosen
    assert (400, "BadRequest") == graph.refusal(f"/{collection}?$select=nonsense")[:2]
    assert 400 == graph.refusal(f"/{collection}?$filter=id eq 'x'")[0]
    assert 404 == graph.refusal(f"/{collection}/nonsense")[0]
    assert 400 == graph.refusal(f"/{collection}?$expand=nonsense")[0]
    assert 501 == graph.ask("GET", f"/{collection}/delta()/x").status_code


@pytest.mark.parametrize("one", ["", "/{id}"])
def test_a_relation_of_the_organization_is_refused_by_name(graph: Graph, one: str) -> None:
    """
    The service has relations that the emulator lacks. They are neither ignored nor refused in the service's words.
    """
    path = one.replace("{id}", graph.get("/organization")["value"][0]["id"])

    status, code, message = graph.refusal(f"/organization{path}?$expand=Extensions")

    assert (501, "NotImplemented") == (status, code)
    assert message.startswith("The emulator does not implement Microsoft Graph's $expand=extensions.")
