"""`$batch`: accepted batches, refused batches, and the separate answers of items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.emulator.graph.conftest import EVENTUAL

from entrakit_emulator import faults

if TYPE_CHECKING:
    from tests.emulator.graph.conftest import Graph

JSON = {"Content-Type": "application/json"}


def send(graph: Graph, *items: object) -> dict[str, dict[str, Any]]:
    """Send a batch that succeeds, and return its answers by their ids."""
    response = graph.ask("POST", "/$batch", {"requests": list(items)})
    assert response.status_code == 200, response.text
    return {one["id"]: one for one in response.json()["responses"]}


def get(key: str, url: str, **more: object) -> dict[str, object]:
    """Return an item of a batch."""
    return {"id": key, "method": "GET", "url": url, **more}


def test_items_are_answered_each_on_its_own(graph: Graph) -> None:
    """
    A batch may contain reads, writes, errors and plain-text answers; its links are absolute.
    """
    graph.make_user("Una")
    body = {"displayName": "Batched", "mailEnabled": False, "mailNickname": "batched", "securityEnabled": True}

    answers = send(
        graph,
        get("page", "/users?$top=1&$select=id"),
        get("count", "/users/$count", headers={"ConsistencyLevel": "eventual"}),
        get("none", "users/nobody@contoso.example"),
        get("elsewhere", "/planner/plans"),
        {"id": "made", "method": "POST", "url": "/groups", "headers": JSON, "body": body},
        {"id": "gone", "method": "DELETE", "url": "/users/una@contoso.example"},
    )

    assert {"page": 200, "count": 200, "none": 404, "elsewhere": 501, "made": 201, "gone": 204} == {
        key: one["status"] for key, one in answers.items()
    }
    assert answers["page"]["body"]["@odata.nextLink"].startswith(f"{graph.root}/users?")
    assert ("text/plain", True) == (answers["count"]["headers"]["Content-Type"], answers["count"]["body"].isdigit())
    assert "Request_ResourceNotFound" == answers["none"]["body"]["error"]["code"]
    assert answers["made"]["body"]["id"] in answers["made"]["headers"]["Location"]
    assert "body" not in answers["gone"]


def test_a_batch_of_beta_asks_beta(graph: Graph) -> None:
    """
    Items have the version of the batch.
    """
    root = graph.root.replace("/v1.0", "/beta")

    response = graph.ask("POST", f"{root}/$batch", {"requests": [get("1", "/users?top=1")]})

    (answer,) = response.json()["responses"]
    assert answer["body"]["@odata.nextLink"].startswith(f"{root}/users?")


def test_answers_come_in_another_order(graph: Graph) -> None:
    """
    The answers are not in the order of the requests, and always in the same order.
    """
    items = [get(str(number), "/users?$top=1") for number in range(5)]

    orders = [
        [one["id"] for one in graph.ask("POST", "/$batch", {"requests": items}).json()["responses"]] for _ in range(2)
    ]

    assert orders[0] == orders[1] != ["0", "1", "2", "3", "4"]
    assert ["0", "1", "2", "3", "4"] == sorted(orders[0])


def test_dependent_items_run_after_what_they_need(graph: Graph) -> None:
    """
    An item with a dependency runs after it, wherever it stands.
    """
    body = {"displayName": "First", "mailEnabled": False, "mailNickname": "first", "securityEnabled": True}

    answers = send(
        graph,
        get("found", "/groups?$filter=mailNickname eq 'first'", dependsOn=["made"]),
        {"id": "made", "method": "POST", "url": "/groups", "headers": JSON, "body": body},
    )

    assert ["First"] == [one["displayName"] for one in answers["found"]["body"]["value"]]


def test_what_depends_on_a_failure_is_not_run(graph: Graph) -> None:
    """
    An item whose dependency failed gets 424, and so do the items that depend on it.
    """
    user = graph.make_user("Kept")["id"]

    answers = send(
        graph,
        get("a", "/users/nobody@contoso.example"),
        {"id": "b", "method": "DELETE", "url": f"/users/{user}", "dependsOn": ["a"]},
        get("c", "/users", dependsOn=["b"]),
        get("d", "/users?$top=1"),
    )

    assert [404, 424, 424, 200] == [answers[key]["status"] for key in "abcd"]
    assert "FailedDependency" == answers["b"]["body"]["error"]["code"]
    assert "Kept" == graph.get(f"/users/{user}")["displayName"]


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([get(str(n), "/users") for n in range(21)], "Number of batch request steps exceeds the maximum value of 20."),
        ([], "Invalid batch payload format."),
        (["/users"], "Invalid batch payload format."),
        ([get("", "/users")], "Request Id must be specified and not be empty."),
        ([get("1", "/users"), get("1", "/users")], "Request Id '1' has to be unique in a batch."),
        ([get("1", "https://graph.microsoft.com/v1.0/users")], "The request url of '1' has to be relative."),
        ([{"id": "1", "method": "BREW", "url": "/users"}], "The request method of '1' is not supported."),
        ([get("1", "/users", headers=["a"])], "The headers of '1' are not an object."),
        ([get("1", "/users", dependsOn="2")], "The dependsOn of '1' is not a list."),
        ([get("1", "/users", dependsOn=["2"])], "Request '1' depends on '2', which is not in the batch."),
        ([get("1", "/users", dependsOn=["1"])], "Request '1' depends on '1', which is not in the batch."),
        (
            [get("1", "/users", dependsOn=["2"]), get("2", "/users", dependsOn=["1"])],
            "The batch has a circular dependency.",
        ),
        (
            [{"id": "1", "method": "POST", "url": "/users", "body": {}}],
            "Write request id : 1 does not contain Content-Type header or body.",
        ),
    ],
)
def test_a_malformed_batch_is_refused_as_a_whole(graph: Graph, items: list[object], message: str) -> None:
    """
    A malformed batch gets 400 before any item runs.
    """
    status, _, text = graph.refusal("/$batch", "POST", {"requests": items})

    assert (400, message) == (status, text)


def test_a_cycle_runs_nothing(graph: Graph) -> None:
    """
    In a batch with a circular dependency, no item runs, not even one outside the circle.
    """
    user = graph.make_user("Safe")["id"]
    items = [
        {"id": "0", "method": "DELETE", "url": f"/users/{user}"},
        get("1", "/users", dependsOn=["2"]),
        get("2", "/users", dependsOn=["1"]),
    ]

    status, *_ = graph.refusal("/$batch", "POST", {"requests": items})

    assert 400 == status
    assert "Safe" == graph.get(f"/users/{user}")["displayName"]


def test_batches_are_posted_and_not_nested(graph: Graph) -> None:
    """
    GET is not supported, and a batch inside a batch is refused.
    """
    inner = {"id": "1", "method": "POST", "url": "/$batch", "headers": JSON, "body": {"requests": []}}

    assert 405 == graph.refusal("/$batch")[0]
    assert 400 == send(graph, inner)["1"]["status"]


def test_each_item_needs_its_own_permission(person: Graph) -> None:
    """
    An item without permission is refused inside the batch.
    """
    answers = send(person, get("own", "/me"), {"id": "all", "method": "DELETE", "url": "/users/x"})

    assert (200, 403) == (answers["own"]["status"], answers["all"]["status"])
    assert "Authorization_RequestDenied" == answers["all"]["body"]["error"]["code"]


def test_each_item_is_throttled_on_its_own(graph: Graph) -> None:
    """
    The batch has status 200 while some items have 429 with Retry-After; after that time they succeed.
    """
    graph.tenant.seed.change_settings({"resource_units": 6})
    items = [get(str(number), "/users") for number in range(5)]

    first = send(graph, *items)
    refused = [one for one in first.values() if one["status"] == 429]
    graph.tenant.clock.advance(int(refused[0]["headers"]["Retry-After"]))
    later = send(graph, items[0])

    assert [200, 200, 200, 429, 429] == sorted(one["status"] for one in first.values())
    assert "TooManyRequests" == refused[0]["body"]["error"]["code"]
    assert {"2"} == {one["headers"]["X-Ms-Resource-Unit"] for one in first.values() if one["status"] == 200}
    assert 200 == later["0"]["status"]


def test_planned_refusals_meet_items_by_their_address(graph: Graph) -> None:
    """
    A test can choose the items to refuse in an otherwise successful batch.
    """
    graph.tenant.faults.add(faults.Item(url="/groups", status=503, retry_after=7))
    items = [get("1", "/users?$top=1"), get("2", "/groups"), get("3", "/groups?$top=1")]

    first, second = send(graph, *items), send(graph, *items)

    assert [200, 503, 200] == [first[key]["status"] for key in "123"]
    assert "7" == first["2"]["headers"]["Retry-After"]
    assert {200} == {one["status"] for one in second.values()}


def test_concurrent_writes_are_refused_as_the_directory_does(graph: Graph) -> None:
    """
    The fault with status 409 has the directory's own code, which tells clients that they may repeat the request.
    """
    graph.tenant.faults.add(faults.Failure(endpoint="graph", status=409))

    assert (409, "Directory_ConcurrencyViolation") == graph.refusal("/users")[:2]


def test_an_item_has_the_headers_of_a_single_answer(graph: Graph) -> None:
    """
    JSON comes with the full media type and OData-Version; errors, counts and empty answers have their own headers.
    """
    user = graph.make_user("Una")["id"]
    urls = {"one": f"/users/{user}", "none": f"/users/{user}x", "count": "/users/$count", "gone": f"/users/{user}"}
    requests: list[dict[str, object]] = [
        {"id": key, "method": "DELETE" if key == "gone" else "GET", "url": url, "headers": EVENTUAL}
        for key, url in urls.items()
    ]
    requests[-1]["dependsOn"] = ["one"]
    answers = graph.ask("POST", "/$batch", {"requests": requests}).json()["responses"]
    headers = {each["id"]: each["headers"] for each in answers}
    single = graph.ask("GET", "/users?$top=1").headers

    assert (single["content-type"], "4.0") == (headers["one"]["Content-Type"], headers["one"]["OData-Version"])
    assert ("application/json", "text/plain") == (headers["none"]["Content-Type"], headers["count"]["Content-Type"])
    assert {"Content-Type", "OData-Version"}.isdisjoint(headers["gone"])
