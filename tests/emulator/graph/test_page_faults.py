"""Faults of pages and batches: foreign links, repeated pages, other orders, tokens that expire between pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrakit_emulator import faults

if TYPE_CHECKING:
    from tests.emulator.graph.conftest import Graph


def turn(graph: Graph, path: str) -> list[list[str]]:
    """Return the ids of each page, following each link."""
    pages: list[list[str]] = []
    while path:
        page = graph.get(path, Prefer="odata.maxpagesize=2")
        pages.append([one["id"] for one in page["value"]])
        path = page.get("@odata.nextLink", "")
    return pages


def test_a_next_link_leads_to_another_host(graph: Graph) -> None:
    """
    The fault gives a next link to a host that must not get a token.
    """
    graph.tenant.faults.add(faults.Misled(form="foreign", host="graph.example"))

    page = graph.get("/users?$top=2")

    assert page["@odata.nextLink"].startswith("https://graph.example/v1.0/users?")
    assert graph.get("/users?$top=2")["@odata.nextLink"].startswith(graph.root)


@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize("path", ["/users?$select=id,displayName", "/users/delta?$select=displayName"])
def test_a_page_comes_twice(graph: Graph, path: str, after: int) -> None:
    """
    The first or a later page is repeated under another link; then the listing continues.
    """
    honest = turn(graph, path)
    graph.tenant.faults.add(faults.Misled(form="twice", after=after))

    assert len(honest) > 2
    assert [*honest[: after + 1], honest[after], *honest[after + 1 :]] == turn(graph, path)


def test_items_come_in_another_order(graph: Graph) -> None:
    """
    The items of a page and the answers of a batch can be reordered.
    """
    batch = {"requests": [{"id": str(n), "method": "GET", "url": "/users?$top=1"} for n in range(3)]}
    page, answers = graph.get("/users"), graph.ask("POST", "/$batch", batch).json()
    graph.tenant.faults.add(faults.Misled(form="reordered", times=2))

    assert page["value"][::-1] == graph.get("/users")["value"]
    other = graph.ask("POST", "/$batch", batch).json()
    assert [one["id"] for one in answers["responses"]][::-1] == [one["id"] for one in other["responses"]]


def test_what_is_no_page_is_left_as_it_is(graph: Graph) -> None:
    """
    A plain text, an answer without a body, and a page without a next link are not changed.
    """
    graph.tenant.faults.add(faults.Misled(form="foreign", times=None))
    user = graph.make_user("Una")["id"]

    assert graph.ask("GET", "/users/$count", ConsistencyLevel="eventual").text.isdigit()
    assert (204, b"") == ((gone := graph.ask("DELETE", f"/users/{user}")).status_code, gone.content)
    assert {"@odata.context", "value"} == set(graph.get("/users?$top=999"))


def test_a_token_expires_in_the_middle_of_a_listing(graph: Graph) -> None:
    """
    The second page is refused as for an expired token; with an accepted token it is returned.
    """
    graph.tenant.faults.add(faults.Expired(after=1))
    link = graph.get("/users?$top=2")["@odata.nextLink"]

    refused = graph.ask("GET", link)

    assert (401, "InvalidAuthenticationToken") == (refused.status_code, refused.json()["error"]["code"])
    assert "the token is expired" in refused.json()["error"]["message"]
    assert refused.headers["www-authenticate"].startswith("Bearer ")
    assert 2 == len(graph.get(link)["value"])


def test_the_control_plane_takes_them_too(graph: Graph) -> None:
    """
    The control plane accepts these faults by kind, with the same fields.
    """
    planned = [
        {"kind": "item", "url": "/groups", "status": 503, "retry_after": None},
        {"kind": "misled", "form": "twice", "after": 3},
        {"kind": "expired", "times": None},
    ]
    root = graph.root.removesuffix("/v1.0")
    headers = {"X_Emulator_Key": graph.tenant.control_key}

    response = graph.ask("POST", f"{root}/_emulator/faults", planned, **headers)

    assert ["item", "misled", "expired"] == [one["kind"] for one in response.json()]
    assert [0, 3, 0] == [one["after"] for one in response.json()]


@pytest.mark.parametrize("body", [{"kind": "misled", "form": "sideways"}, {"kind": "item", "status": "busy"}])
def test_what_they_do_not_know_is_refused(graph: Graph, body: dict[str, object]) -> None:
    """
    The control plane answers with 400 and adds no fault.
    """
    root = graph.root.removesuffix("/v1.0")

    response = graph.ask("POST", f"{root}/_emulator/faults", [body], X_Emulator_Key=graph.tenant.control_key)

    assert 400 == response.status_code
    assert [] == graph.tenant.faults.waiting
