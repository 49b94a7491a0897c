"""Writes with an unknown outcome: which requests may double, and what their errors say."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrakit.errors import (
    EntraError,
    GraphError,
    NetworkError,
    OutcomeUnknownError,
    ServiceUnavailableError,
    UnexpectedAnswerError,
)
from entrakit.services.fetch import as_json, fetch
from entrakit.services.operation import HeldPermissions, Request, Response, Undelivered, Wait
from entrakit.services.outcome import as_unknown, may_double

BASE = "https://graph.microsoft.com/v1.0"
ITEM = {"id": "1", "method": "POST", "url": "/users", "body": {"displayName": "Ada"}}
READ = {"id": "2", "method": "GET", "url": "/users"}
CHANGE = {"id": "3", "method": "PATCH", "url": "/users/ada", "body": {"city": "London"}}
# Requests, and whether repeating them does something twice.
REQUESTS: list[tuple[str, str, object, bool]] = [
    ("GET", "/users", None, False),
    ("HEAD", "/users", None, False),
    ("PUT", "/users/ada/manager/$ref", {"@odata.id": f"{BASE}/users/bob"}, False),
    ("DELETE", "/users/ada", None, False),
    ("POST", "/users", {"displayName": "Ada"}, True),
    ("POST", "/users?$select=id", {"displayName": "Ada"}, True),
    ("POST", "/users/ada/revokeSignInSessions", None, True),
    ("POST", "/groups/g/members/$ref", {"@odata.id": f"{BASE}/users/bob"}, True),
    ("POST", "/directoryObjects/getByIds", {"ids": ["x"]}, False),
    ("POST", "/directoryObjects/microsoft.graph.getByIds", {"ids": ["x"]}, False),
    ("POST", "/me/getMemberGroups/", {"securityEnabledOnly": True}, False),
    ("POST", "/users/ada/checkMemberGroups", {"groupIds": ["x"]}, False),
    ("POST", "/search/query", {"requests": []}, False),
    ("POST", "/users/getByIds/todo/lists", {}, True),
    ("PATCH", "/users/ada", {"city": "London", "passwordProfile": {"password": "x"}}, False),
    ("PATCH", "/users/ada", {"@odata.type": "#microsoft.graph.user", "city": "London"}, False),
    ("PATCH", "/groups/g", {"members@odata.bind": [f"{BASE}/users/bob"]}, True),
    ("PATCH", "/planner/x", {"a": [{"b": {"c@odata.bind": "x"}}]}, True),
    ("PATCH", "/users", {"users@delta": []}, True),
    ("PATCH", "/x", {"#microsoft.graph.wipe": {}}, True),
    ("PATCH", "/devices/d/microsoft.graph.wipe", {"keepUserData": False}, True),
    ("PATCH", "/x", [{"op": "add", "path": "/tags/-", "value": "a"}], True),
    ("PATCH", "/x", b"{", True),
    ("PATCH", "/x", b"", True),
    ("MERGE", "/x", {}, True),
    ("POST", "/$batch", {"requests": [READ, CHANGE]}, False),
    ("POST", "/$batch", {"requests": [READ, ITEM]}, True),
    ("POST", "/$batch", b"[", True),
    ("POST", "/$batch", {"requests": [5]}, True),
]
# Failures, and whether the request may have been done: lost answers, or statuses of Microsoft Graph.
LOST = [(NetworkError("lost"), True), (NetworkError("lost", may_have_arrived=False), False)]
LOST += [(UnexpectedAnswerError("too large", retryable=False), True)]
STATUSES = {400: False, 404: False, 408: True, 409: False, 429: False, 500: True, 501: False, 502: True}
STATUSES |= {503: False, 504: True, 505: False, 507: False, 511: False, 520: True, 599: True}


def request_of(method: str, path: str, body: object, *, is_graph: bool = True) -> Request:
    """Return a request."""
    content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    return Request(method, f"{BASE}{path}", {"content-type": "application/json"}, content, is_graph=is_graph)


@pytest.mark.parametrize(("method", "path", "body", "doubles"), REQUESTS)
def test_which_requests_may_double(method: str, path: str, body: object, *, doubles: bool) -> None:
    """
    A repeated POST may double, unless it only reads; so may a PATCH that does more than set properties. A batch counts
    by its items.
    """
    assert doubles == may_double(request_of(method, path, body))


def test_an_action_of_another_service_may_double() -> None:
    """
    Names of actions that only read are known for Microsoft Graph only.
    """
    assert may_double(request_of("POST", "/getByIds", {}, is_graph=False))


EVENTS = st.lists(
    st.one_of(
        st.sampled_from(LOST),
        st.sampled_from(sorted(STATUSES)),
        st.sampled_from(["cut", "page", "portal", "plain 503"]),
    ),
    min_size=1,
    max_size=12,
)


@given(st.sampled_from(REQUESTS), EVENTS, st.booleans(), st.booleans())
def test_nothing_that_may_double_is_called_retryable(
    asked: tuple[str, str, object, bool],
    events: list[object],
    has_code: bool,
    is_graph: bool,
) -> None:
    """
    For any answers and failures: if it may have been done, and a repeat may do it twice, it is not sent again, its
    error is not retryable, and says that the outcome is unknown. Other errors don't say that.
    """
    method, path, body, doubles = asked
    request = request_of(method, path, body, is_graph=is_graph)
    doubles = doubles or (method == "POST" and not is_graph and not path.startswith("/$batch"))
    steps = fetch(request, as_json)
    step = next(steps)
    may_be_done = False
    remaining = iter(events)
    error: EntraError | None = None
    try:
        while True:
            if isinstance(step, Wait):
                step = next(steps)
            elif isinstance(step, HeldPermissions):
                step = steps.send(())
            else:
                assert isinstance(step, Request)
                assert not (may_be_done and doubles)
                outcome, is_done = happened(step, next(remaining, 204), has_code=has_code, is_graph=is_graph)
                may_be_done = may_be_done or is_done
                step = steps.throw(outcome) if isinstance(outcome, Undelivered) else steps.send(outcome)
    except StopIteration:
        return
    except EntraError as failure:
        error = failure

    is_unknown = may_be_done and doubles
    assert is_unknown == error.outcome_unknown == isinstance(error, OutcomeUnknownError)
    assert not (is_unknown and error.retryable)
    assert isinstance(error, NetworkError | GraphError)
    assert is_unknown == (error.exit_code == 14)
    assert not is_unknown or "Look first" in error.remedy


def happened(request: Request, event: object, *, has_code: bool, is_graph: bool) -> tuple[Response | Undelivered, bool]:
    """Return the answer or failure of a request, and whether it may have been done."""
    if isinstance(event, tuple):
        return Undelivered(event[0]), event[1]
    if event == "cut":
        return Response(request, 201, {"content-type": "application/json"}, b'{"id"'), True
    if event in ("page", "portal"):
        return Response(request, 200, {"content-type": "text/html"}, b"<html>"), True
    if event == "plain 503":
        return Response(request, 503, {"content-type": "text/html"}, b"<html>"), True
    assert isinstance(event, int)
    body = b'{"error":{"code":"Broken","message":"No."}}' if has_code else b""
    done = event == 204 or STATUSES[event] or (event == 503 and not is_graph)
    return Response(request, event, {"content-type": "application/json"}, b"" if event == 204 else body, 1.0), done


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (NetworkError("It broke.", host="h", correlation_id="c"), NetworkError),
        (UnexpectedAnswerError("It broke.", host="h", correlation_id="c"), UnexpectedAnswerError),
        (ServiceUnavailableError("It broke.", host="h", correlation_id="c"), ServiceUnavailableError),
        (GraphError("It broke.", status=500, code="x", inner={"a": 1}, client_request_id="c"), GraphError),
    ],
)
def test_an_error_stays_of_its_kind(error: NetworkError | GraphError, kind: type[EntraError]) -> None:
    """
    The clauses that caught an error before catch it still, and no others do; its facts stay.
    """
    unknown = as_unknown(error, "It broke, and nobody knows.")

    assert isinstance(unknown, kind)
    assert isinstance(unknown, OutcomeUnknownError)
    assert isinstance(error, GraphError) == isinstance(unknown, GraphError)
    assert isinstance(error, NetworkError) == isinstance(unknown, NetworkError)
    assert (14, True, False) == (unknown.exit_code, unknown.outcome_unknown, unknown.retryable)
    assert error.ids() == unknown.ids()
    assert "It broke, and nobody knows." == unknown.problem
