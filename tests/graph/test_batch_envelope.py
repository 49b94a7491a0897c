"""The wire form of a JSON batch."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.services.fake_service import reply, run

from entrakit.errors import DependencyError, EntraError, GraphError, OutcomeUnknownError, UnexpectedAnswerError
from entrakit.graph.batch import Item, batch
from entrakit.graph.batch_envelope import envelope, json_of, replies
from entrakit.services.operation import Request, Response, Undelivered
from entrakit.services.request import call
from entrakit.services.service import Service

GRAPH = Service("graph", "https://graph.microsoft.com/v1.0", "https://graph.microsoft.com", is_graph=True)


def test_an_answer_with_half_a_character_loses_no_other() -> None:
    """
    Half a surrogate pair, which UTF-8 can't represent, affects no other request of a batch.
    """

    def service(request: Request) -> Response:
        answers = [
            {"id": "1", "status": 201, "body": {"id": "new"}},
            {"id": "2", "status": 200, "body": {"n": "\ud83d"}},
        ]
        return reply(request, 200, {"responses": answers})

    asked = [call(GRAPH, "POST", "/users", body=b'{"n":"\\ud83d"}'), call(GRAPH, "GET", "/users/2")]

    assert [{"id": "new"}, {"n": "\ufffd"}] == run(batch(GRAPH, asked), service)


def asked(*paths: str) -> list[Request]:
    """Return a GET for each path."""
    return [call(GRAPH, "GET", path).request for path in paths]


def answered(requests: list[Request], *items: object) -> list[Response | Undelivered]:
    """Return the replies to requests from the items of a batch response."""
    return replies(requests, reply(envelope(GRAPH, requests), 200, {"responses": items}, request_id="r-1"))


def test_requests_are_numbered_and_relative() -> None:
    """
    An envelope numbers its requests from 1, and gives their addresses below the base address with their query.
    """
    post = call(GRAPH, "POST", "/users", body={"displayName": "Ada"}).request
    made = envelope(GRAPH, [*asked("/users?$top=1"), post])
    items = json.loads(made.body or b"")["requests"]

    assert ("POST", f"{GRAPH.url}/$batch") == (made.method, made.url)
    assert [("1", "GET", "/users?$top=1"), ("2", "POST", "/users")] == [
        (one["id"], one["method"], one["url"]) for one in items
    ]
    assert "body" not in items[0]
    assert {"displayName": "Ada"} == items[1]["body"]


def test_an_envelope_needs_the_newest_token_of_its_requests() -> None:
    """
    The claims challenge and the latest required time of issue of any request apply to the whole batch.
    """
    one, other, third = asked("/a", "/b", "/c")
    made = envelope(GRAPH, [one, other._replace(claims="{}", issued_after=5.0), third._replace(issued_after=9.0)])

    assert ("{}", 9.0) == (made.claims, made.issued_after)
    assert one.client_request_id == made.headers["client-request-id"]


def test_answers_are_matched_by_number() -> None:
    """
    Items may come in any order; of two with the same number the first counts, and others are ignored.
    """
    requests = asked("/a", "/b")
    found = answered(
        requests, {"id": "2", "status": 404}, {"id": 1, "status": 200}, {"id": "1", "status": 500},
        {"id": "7", "status": 200}, "text", {"id": "1", "status": "200"},
    )  # fmt: skip

    assert [(requests[0], 200), (requests[1], 404)] == [
        (one.request, one.status) for one in found if isinstance(one, Response)
    ]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"responses":5}', b'{"responses":[]}', b'{"responses":[null]}'])
def test_a_missing_answer_is_a_lost_one(body: bytes) -> None:
    """
    A request that the batch response leaves out is undelivered; its error names the request and its id.
    """
    requests = asked("/a")
    (found,) = replies(requests, Response(envelope(GRAPH, requests), 200, {}, body))

    assert isinstance(found, Undelivered)
    assert isinstance(found.error, UnexpectedAnswerError)
    assert "GET /v1.0/a" in found.error.problem
    assert found.error.remedy
    assert requests[0].client_request_id == found.error.correlation_id


def test_headers_of_an_item_take_precedence() -> None:
    """
    An item without its own request id has the one of the batch; header names are compared without case.
    """
    plain, own = answered(
        asked("/a", "/b"),
        {"id": "1", "status": 429, "headers": {"Retry-After": 5}},
        {"id": "2", "status": 200, "headers": {"Request-Id": "r-2"}},
    )

    assert isinstance(plain, Response)
    assert isinstance(own, Response)
    assert ("5", "r-1", "r-2") == (plain.headers["retry-after"], plain.request_id, own.request_id)


@pytest.mark.parametrize(
    ("body", "kind", "expected"),
    [
        (None, "application/json", b""),
        ({"a": "ä"}, "application/json; charset=utf-8", rb'{"a":"\u00e4"}'),
        ("text", "application/json", b'"text"'),
        (base64.b64encode(b"\x89PNG").decode(), "image/png", b"\x89PNG"),
        ("no base64!", "text/html", b"no base64!"),
        ("1234", "text/plain", b"1234"),
    ],
)
def test_a_body_is_read_by_its_type(body: object, kind: str, expected: bytes) -> None:
    """
    JSON stays JSON, other bodies are decoded from base64, and a count stays the digits that it is.
    """
    (found,) = answered(asked("/a"), {"id": "1", "status": 200, "headers": {"Content-Type": kind}, "body": body})

    assert isinstance(found, Response)
    assert expected == found.body


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"[" * 100_000])
def test_text_that_is_not_json_is_none(text: bytes) -> None:
    """
    Text that is not JSON, or is nested too deeply, gives None.
    """
    assert json_of(text) is None


@pytest.mark.parametrize("status", [True, "200", 200.0, None, [], {}, 0, -1, 99, 100, 199, 600, 2**70])
def test_a_malformed_result_is_a_lost_one_and_affects_no_other(status: object) -> None:
    """
    A result whose status is not one of HTTP is undelivered, and its error says so; the others are returned.
    """
    requests = asked("/a", "/b")
    lost, found = answered(requests, {"id": "1", "status": status}, {"id": "2", "status": 204})

    assert isinstance(lost, Undelivered)
    assert "no readable result for GET /v1.0/a" in lost.error.problem
    assert (True, "r-1") == (lost.error.may_have_arrived, lost.error.request_id)
    assert isinstance(found, Response)
    assert 204 == found.status


def test_the_first_result_that_can_be_read_counts() -> None:
    """
    A malformed result does not hide a good one of the same request.
    """
    (found,) = answered(
        asked("/a"), {"id": "1", "status": True}, {"id": "1", "status": 204}, {"id": "1", "status": 500}
    )

    assert isinstance(found, Response)
    assert 204 == found.status


# Any JSON value, and items whose members have wrong types more often than not.
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
ITEM = st.fixed_dictionaries(
    {},
    optional={
        "id": ANYTHING | st.sampled_from(["1", "2", 1, 2, 1.0, "9", True]),
        "status": ANYTHING | st.sampled_from([200, 201, 404, 429, 503, True, "200", 200.0]),
        "headers": ANYTHING
        | st.sampled_from([{"Retry-After": "x"}, {"Content-Type": None}, {"content-type": "image/png"}]),
        "body": ANYTHING,
    },
)


@given(ANYTHING | st.lists(ITEM | ANYTHING, max_size=6))
def test_no_response_to_a_batch_hides_what_was_done(items: object) -> None:
    """
    For any answer to a batch, each request has a result; a write without a readable one has an unknown outcome, and the
    result of the good one is returned.
    """
    good = {"id": "3", "status": 201, "body": {"id": "new"}}

    def service(request: Request) -> Response:
        listed = [*items, good] if isinstance(items, list) else [good]
        return reply(request, 200, {"responses": [one for one in listed if one is good or not _is_third(one)]})

    def alone(request: Request) -> Response:
        return service(request) if request.url.endswith("/$batch") else reply(request, 204)

    calls = [call(GRAPH, "POST", "/users", body={}), call(GRAPH, "GET", "/a"), call(GRAPH, "POST", "/users", body={})]
    write, read, done = run(batch(GRAPH, calls), alone)

    assert {"id": "new"} == done
    assert not isinstance(write, EntraError) or write.outcome_unknown or isinstance(write, GraphError)
    assert not isinstance(read, OutcomeUnknownError)


def _is_third(item: object) -> bool:
    return isinstance(item, dict) and str(item.get("id")) == "3"


def test_a_success_that_is_no_batch_response_does_not_tell_that_requests_were_done() -> None:
    """
    A batch that is answered with 204 or 202 has no results, so no item succeeds.
    """
    calls = [call(GRAPH, "POST", "/users", body={}), call(GRAPH, "POST", "/users", body={})]

    results = run(batch(GRAPH, calls), lambda request: reply(request, 202))

    assert [OutcomeUnknownError, OutcomeUnknownError] == [
        OutcomeUnknownError if isinstance(one, OutcomeUnknownError) else type(one) for one in results
    ]


def test_a_request_that_waits_for_an_unknown_one_is_not_sent() -> None:
    """
    An item that depends on a write with an unknown outcome is not sent; its error does not advise to send both again.
    """
    calls = [
        Item(call(GRAPH, "POST", "/users", body={})),
        Item(call(GRAPH, "DELETE", "/users/b"), after=(0,)),
    ]

    _, waiting = run(batch(GRAPH, calls), lambda request: reply(request, 500))

    assert isinstance(waiting, DependencyError)
    assert "not known whether request 1" in waiting.problem
    assert "Look first" in waiting.remedy
