"""Batches: any number of requests, each with its own response, retries and error."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.services.fake_service import reply, run

from entrakit.errors import DependencyError, EntraError, GraphError, NetworkError, ParameterError
from entrakit.graph.batch import Item, batch
from entrakit.services.request import call
from entrakit.services.service import Service

if TYPE_CHECKING:
    from entrakit.services.operation import Call, Request, Response, Wait

GRAPH = Service("graph", "https://graph.microsoft.com/v1.0", "https://graph.microsoft.com", is_graph=True)
ARM = Service("azure", "https://management.azure.com", "https://management.azure.com")
# Faults of items, in turn; and of whole batches.
ITEM = st.lists(st.sampled_from([429, 503, 500, 504]), max_size=3)
WHOLE = st.lists(
    st.sampled_from(["", "", "429", "503", "500", "lost", "lost after", "text", "left out", "unsent"]), max_size=6
)
METHODS = st.sampled_from(["GET", "POST", "DELETE"])


class Pretender:
    """A service with batches and a list of faults; it counts the effects of each request.

    Args:
        items: For each path, the statuses of its responses before it succeeds.
        wholes: Faults of whole batches, in turn.
    """

    def __init__(self, items: dict[str, list[int]] | None = None, wholes: list[str] | None = None) -> None:
        self.items = items or {}
        self.wholes = list(wholes or [])
        self.effects: Counter[str] = Counter()
        self.sizes: list[int] = []
        self.order: list[str] = []

    def __call__(self, request: Request) -> Response | NetworkError:
        """Answer."""
        if not request.url.endswith("/$batch"):
            happens = self.wholes.pop(0) if self.wholes else ""
            if happens in ("lost", "lost after", "unsent"):
                if happens == "lost after":
                    self.one(request.method, request.url.partition("v1.0")[2])
                return NetworkError("lost", may_have_arrived=happens != "unsent")
            status, body = self.one(request.method, request.url.partition("v1.0")[2])
            return reply(request, status, body)
        asked = json.loads(request.body or b"")["requests"]
        self.sizes.append(len(asked))
        assert len({one["id"] for one in asked}) == len(asked)
        happens = self.wholes.pop(0) if self.wholes else ""
        if happens in ("429", "503", "500"):
            return reply(request, int(happens), {"error": {"code": "X", "message": "later"}}, retry_after="1")
        if happens in ("lost", "unsent"):
            return NetworkError("lost", may_have_arrived=happens == "lost")
        done = [(one["id"], *self.one(one["method"], one["url"])) for one in asked]
        if happens == "lost after":
            return NetworkError("lost")
        if happens == "text":
            return reply(request, 200, "none")
        answers = [{"id": key, "status": status, "headers": {}, "body": body} for key, status, body in done]
        return reply(request, 200, {"responses": answers[::-1][1 if happens == "left out" else 0 :]})

    def one(self, method: str, url: str) -> tuple[int, object]:
        """Process one request."""
        waiting = self.items.get(url, [])
        if waiting:
            status = waiting.pop(0)
            if status in (500, 504):
                # After these faults the effect is unknown; here the requests had one.
                self.effects[f"{method} {url}"] += 1
            return status, {"error": {"code": "X", "message": "later"}}
        self.effects[f"{method} {url}"] += 1
        self.order.append(url)
        return 200, {"url": url}


def calls(methods: list[str]) -> list[Call[object]]:
    """Return calls to numbered addresses."""
    return [call(GRAPH, method, f"/users/{number}", type=object) for number, method in enumerate(methods)]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_request_is_lost_and_no_write_is_doubled(data: st.DataObject) -> None:
    """
    With any faults of batches and items, there is one result per request, in their order; no write that is not
    idempotent is done twice; and a result means that the request was done.
    """
    methods = data.draw(st.lists(METHODS, max_size=70))
    items = {f"/users/{number}": data.draw(ITEM) for number in range(len(methods)) if data.draw(st.booleans())}
    service = Pretender(items, data.draw(WHOLE))

    results = run(batch(GRAPH, calls(methods), at_once=data.draw(st.integers(1, 5))), service)

    assert len(methods) == len(results)
    assert all(size <= 20 for size in service.sizes)
    for number, (method, result) in enumerate(zip(methods, results, strict=True)):
        done = service.effects[f"{method} /users/{number}"]
        assert isinstance(result, EntraError) or result == {"url": f"/users/{number}"}
        assert method != "POST" or done <= 1
        assert isinstance(result, EntraError) or done >= 1


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_what_depends_comes_after_and_never_without(data: st.DataObject) -> None:
    """
    A request is sent after all its dependencies, and not at all if one of them failed.
    """
    count = data.draw(st.integers(1, 40))
    after = [
        tuple(data.draw(st.sets(st.integers(0, number - 1), max_size=3))) if number else () for number in range(count)
    ]
    refused = data.draw(st.sets(st.integers(0, count - 1), max_size=3))
    service = Pretender({f"/users/{number}": [400] * 9 for number in refused})

    made = [Item(one, needed) for one, needed in zip(calls(["POST"] * count), after, strict=True)]
    results = run(batch(GRAPH, made), service)

    for number, result in enumerate(results):
        if isinstance(result, DependencyError):
            assert any(isinstance(results[needed], EntraError) for needed in after[number])
            assert service.effects[f"POST /users/{number}"] == 0
        elif isinstance(result, dict):
            places = [service.order.index(f"/users/{one}") for one in (*after[number], number)]
            assert places[-1] == max(places)


def test_requests_are_packed_in_twenties() -> None:
    """
    2,000 requests make 100 batches.
    """
    service = Pretender()

    run(batch(GRAPH, calls(["GET"] * 2000)), service)

    assert [20] * 100 == service.sizes


def test_large_bodies_are_spread_over_batches() -> None:
    """
    A batch does not exceed the size limit of the service.
    """
    service = Pretender()
    large = [call(GRAPH, "POST", f"/users/{number}", body={"text": "x" * 1_000_000}) for number in range(5)]

    run(batch(GRAPH, large), service)

    assert 5 == len(service.effects)
    assert max(service.sizes) <= 3


@pytest.mark.parametrize("after", [[(0,)], [(1,), (0,)], [(5,)], [(1,), (2,), (0,)], [(-1,)]])
def test_what_can_never_be_sent_is_refused(after: list[tuple[int, ...]]) -> None:
    """
    A dependency on itself, in a circle, or on a missing request is an error before a request is sent.
    """
    made = [Item(one, needed) for one, needed in zip(calls(["GET"] * len(after)), after, strict=True)]
    service = Pretender()

    with pytest.raises(ParameterError):
        run(batch(GRAPH, made), service)

    assert [] == service.sizes


def test_what_may_not_be_sent_any_more_is_not() -> None:
    """
    `on_send` is called before each item; if it raises an error, that is the result of the payload, and none is lost.
    """
    service = Pretender()
    sent: list[int] = []
    stop = ParameterError("enough")

    def sending() -> None:
        if service.sizes:
            raise stop
        sent.append(1)

    results = run(batch(GRAPH, [Item(one, on_send=sending) for one in calls(["POST"] * 45)], at_once=1), service)

    assert [20, [20], 20] == [len(sent), service.sizes, len(service.effects)]
    assert [stop] * 25 == results[20:]


def test_names_are_what_errors_call_them() -> None:
    """
    Errors about failed dependencies and circles contain the names of the items.
    """
    one, other = calls(["GET", "GET"])
    failed = run(batch(GRAPH, [Item(one, name="first"), Item(other, (0,))]), Pretender({"/users/0": [403] * 9}))

    assert "request first of the batch failed" in str(failed[1])
    with pytest.raises(ParameterError, match=r"circle: first, 2\."):
        run(batch(GRAPH, [Item(one, (1,), "first"), Item(other, (0,))]), Pretender())


def test_an_error_of_an_item_is_its_result() -> None:
    """
    If the service refuses an item, the error is the result of that item only.
    """
    results = run(batch(GRAPH, calls(["GET"] * 3)), Pretender({"/users/1": [403] * 9}))

    assert isinstance(results[1], GraphError)
    assert [{"url": "/users/0"}, {"url": "/users/2"}] == [results[0], results[2]]


def test_a_file_goes_alone() -> None:
    """
    A body without the media type of JSON is sent unchanged, even if it looks like JSON.
    """
    content = b'{"a" : 1,\n"a":2}'
    bodies: list[bytes | None] = []

    def service(request: Request) -> Response:
        bodies.append(request.body)
        return reply(request, 204)

    asked = [
        call(GRAPH, "PUT", f"/me/drive/root:/{kind}:/content", body=content, headers={"content-type": kind})
        for kind in ("text/plain", "application/octet-stream")
    ]
    run(batch(GRAPH, asked), service)

    assert [content, content] == bodies


def test_the_longest_quiet_that_is_asked_for_is_kept() -> None:
    """
    If several items are throttled, none is sent again before the longest pause has passed.
    """
    waits: list[Wait] = []
    statuses = [429, 200]

    def service(request: Request) -> Response:
        status = statuses.pop(0)
        answers = [
            {"id": number, "status": status, "headers": {"Retry-After": seconds}, "body": {}}
            for number, seconds in (("1", "30"), ("2", "60"))
        ]
        return reply(request, 200, {"responses": answers})

    run(batch(GRAPH, calls(["GET"] * 2)), service, waits)

    assert [60.0] == [wait.seconds for wait in waits]
    assert all(wait.is_throttled for wait in waits)


def test_other_services_are_asked_one_by_one() -> None:
    """
    A service without batches gets single requests; the results are the same.
    """
    service = Pretender()
    asked = [call(ARM, "GET", f"/v1.0/users/{number}") for number in range(3)]

    assert [{"url": f"/users/{number}"} for number in range(3)] == run(batch(ARM, asked), service)
    assert [] == service.sizes


@pytest.mark.parametrize("status", [400, 501, 505, 511])
def test_a_permanent_answer_of_an_item_is_not_repeated(status: int) -> None:
    """
    An item with an answer that stays the same is sent once, and its error is not retryable.
    """
    service = Pretender({"/users/1": [status] * 5})

    first, _ = run(batch(GRAPH, [call(GRAPH, "GET", "/users/1"), call(GRAPH, "POST", "/users/2")]), service)

    assert isinstance(first, EntraError)
    assert not first.retryable
    assert [2] == service.sizes
