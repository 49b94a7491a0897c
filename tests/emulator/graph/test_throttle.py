"""Throttling: costs, limits and messages. Times are the tenant's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrakit_emulator.state.bucket import Bucket

if TYPE_CHECKING:
    from tests.emulator.graph.conftest import Graph


@pytest.mark.parametrize(
    ("path", "units"),
    [
        ("/users", 2),
        ("/users?$select=id", 1),
        ("/users?$top=5", 1),
        ("/users?$top=5&$select=id", 1),
        ("/users?$top=50", 2),
        ("/users?$expand=manager", 3),
        ("/users/ada@contoso.example", 1),
        ("/users/ada@contoso.example/memberOf", 2),
        ("/groups", 1),
        ("/applications", 2),
        ("/subscribedSkus", 3),
    ],
)
def test_requests_cost_what_the_table_says(graph: Graph, path: str, units: int) -> None:
    """
    Each answer has its cost; a selection or a small page makes it lower, an expansion higher.
    """
    response = graph.ask("GET", path)

    assert (200, str(units)) == (response.status_code, response.headers["x-ms-resource-unit"])


def test_members_and_checks_cost_more(graph: Graph) -> None:
    """
    Members cost three units, transitive members five, a check of memberships four.
    """
    group = graph.make_group("Dear")["id"]
    checked = graph.ask("POST", f"/groups/{group}/checkMemberGroups", {"groupIds": [group]})

    assert "3" == graph.ask("GET", f"/groups/{group}/members").headers["x-ms-resource-unit"]
    assert "5" == graph.ask("GET", f"/groups/{group}/transitiveMembers").headers["x-ms-resource-unit"]
    assert "4" == checked.headers["x-ms-resource-unit"]


def test_who_asks_too_often_is_told_when_to_come_back(graph: Graph) -> None:
    """
    The answer is 429 with the service's message; before Retry-After the app is refused again, after it accepted.
    """
    graph.tenant.seed.change_settings({"resource_units": 10})
    spent = [graph.ask("GET", "/users") for _ in range(5)]

    refused = graph.ask("GET", "/users")
    wait = int(refused.headers["retry-after"])
    error = refused.json()["error"]
    graph.tenant.clock.advance(wait - 1)
    early = graph.ask("GET", "/users").status_code
    graph.tenant.clock.advance(1)
    late = graph.ask("GET", "/users").status_code

    assert {200} == {one.status_code for one in spent}
    assert (429, 2) == (refused.status_code, wait)
    assert ("TooManyRequests", "Please retry again later.") == (error["code"], error["message"])
    assert {"code", "message", "status", "date", "request-id"} <= set(error["innerError"])
    assert ("429", "429") == (error["innerError"]["code"], error["innerError"]["status"])
    assert (
        f"Tenant_Application/ReadWrite/{graph.tenant.confidential_client}/{graph.tenant.tenant_id}"
        == refused.headers["x-ms-throttle-scope"]
    )
    assert "ResourceUnitLimitExceeded" == refused.headers["x-ms-throttle-information"]
    assert (429, 200) == (early, late)


def test_being_near_the_limit_is_told(graph: Graph) -> None:
    """
    From 0.8 on, a header has the used part of the limit.
    """
    graph.tenant.seed.change_settings({"resource_units": 10})
    headers = [graph.ask("GET", "/groups").headers.get("x-ms-throttle-limit-percentage") for _ in range(10)]

    assert [None] * 7 == headers[:7]
    assert ["0.9", "1.0"] == headers[8:]


def test_writes_have_a_limit_of_their_own(graph: Graph) -> None:
    """
    An app that exceeds the limit of writes can still read.
    """
    graph.tenant.seed.change_settings({"writes": 2})
    group = graph.make_group("Written")["id"]

    change = graph.ask("PATCH", f"/groups/{group}", {"description": "once"})
    refused = graph.ask("PATCH", f"/groups/{group}", {"description": "twice"})

    assert (204, 429) == (change.status_code, refused.status_code)
    assert ("75", "WriteLimitExceeded") == (
        refused.headers["retry-after"], refused.headers["x-ms-throttle-information"],
    )  # fmt: skip
    assert "once" == graph.get(f"/groups/{group}?$select=description")["description"]


def test_actions_that_only_ask_are_no_writes(graph: Graph) -> None:
    """
    A POST that only checks or reads does not count as a write.
    """
    graph.tenant.seed.change_settings({"writes": 1})
    group = graph.make_group("Asked")["id"]

    status = [
        graph.ask("POST", f"/groups/{group}/checkMemberGroups", {"groupIds": [group]}).status_code,
        graph.ask("POST", "/directoryObjects/getByIds", {"ids": [group]}).status_code,
    ]

    assert [200, 200] == status


def test_apps_have_a_bucket_each(graph: Graph, person: Graph) -> None:
    """
    The use of one app does not reduce the allowance of another.
    """
    graph.tenant.seed.change_settings({"resource_units": 2})

    assert [200, 429] == [graph.ask("GET", "/users").status_code for _ in range(2)]
    assert 200 == person.ask("GET", "/me").status_code


def test_it_can_be_switched_off(graph: Graph) -> None:
    """
    Without throttling, costs are still reported, and no request is refused.
    """
    graph.tenant.seed.change_settings({"resource_units": 2, "throttles": False})

    responses = [graph.ask("GET", "/users") for _ in range(4)]

    assert {(200, "2")} == {(one.status_code, one.headers["x-ms-resource-unit"]) for one in responses}


def test_a_request_that_costs_more_than_the_bucket_holds_waits_for_a_full_one() -> None:
    """
    Otherwise such a request would never be accepted.
    """
    bucket = Bucket(2, 10.0, 2, 0.0)

    assert 0.0 == bucket.wait_for(5, 0.0)
    bucket.take(5)
    assert (10.0, 0.0) == (bucket.wait_for(5, 0.0), bucket.wait_for(5, 10.0))
