"""The retry loop: repeated requests, their waits, and the end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrakit.errors import NetworkError, UnexpectedAnswerError
from entrakit.services.errors import error_of
from entrakit.services.operation import Request, Response, Undelivered, Wait
from entrakit.services.retrying import ATTEMPTS, PATIENCE_S, send

URL = "https://graph.microsoft.com/v1.0/users"
METHODS = st.sampled_from(["GET", "POST", "PATCH", "PUT", "DELETE"])
STATUSES = st.sampled_from([200, 204, 400, 401, 403, 404, 408, 409, 429, 500, 502, 503, 504])
AFTER = st.one_of(st.none(), st.floats(0, 1000), st.sampled_from(["", "soon", "-5", "Wed, 21 Oct 2015 07:28:00 GMT"]))
EVENTS = st.lists(st.one_of(st.tuples(STATUSES, AFTER), st.booleans()), min_size=1, max_size=40)


def answer(request: Request, status: int, **headers: str) -> Response:
    """Return a response."""
    return Response(request, status, {name.replace("_", "-"): value for name, value in headers.items()}, b"", 1000.0)


@given(METHODS, EVENTS, st.floats(0, 0.999))
def test_the_budget_holds_whatever_comes(method: str, events: list[tuple[int, object] | bool], chance: float) -> None:
    """
    With any responses, the number of attempts is limited, and the waits stay within the budget.

    A wait is never shorter than the service requires.
    """
    steps = send(Request(method, URL), random=lambda: chance)
    sent, waited, asked = 0, 0.0, None
    step = next(steps)
    remaining = iter(events)
    try:
        while True:
            if isinstance(step, Wait):
                waited += step.seconds
                assert asked is None or step.seconds >= asked
                step = next(steps)
                continue
            assert isinstance(step, Request)
            sent += 1
            event = next(remaining, (200, None))
            asked = None
            if isinstance(event, bool):
                step = steps.throw(Undelivered(NetworkError("lost", may_have_arrived=event)))
                continue
            status, after = event
            asked = after if isinstance(after, float) else None
            headers = {} if after is None else {"retry_after": str(after)}
            step = steps.send(answer(step, status, **headers))
    except (StopIteration, NetworkError):
        pass

    # One additional attempt with a new token after a 401.
    assert sent <= ATTEMPTS + 1
    assert waited <= PATIENCE_S


@given(METHODS, st.lists(st.booleans(), max_size=10))
def test_what_may_have_arrived_is_sent_again_only_if_that_is_safe(method: str, arrived: list[bool]) -> None:
    """
    A method that is not idempotent is never sent again once it may have reached the service.
    """
    steps = send(Request(method, URL))
    step = next(steps)
    may_be_done = False
    try:
        for event in arrived:
            assert isinstance(step, Request)
            assert not may_be_done or step.is_idempotent
            may_be_done = may_be_done or event
            step = steps.throw(Undelivered(NetworkError("lost", may_have_arrived=event)))
            while isinstance(step, Wait):
                step = next(steps)
    except NetworkError:
        pass
    finally:
        steps.close()

    assert method in ("GET", "PUT", "DELETE") or sum(arrived[: arrived.index(True)] if True in arrived else []) == 0


@pytest.mark.parametrize("status", [500, 502, 504, 408])
def test_a_post_is_not_repeated_after_an_unclear_error(status: int) -> None:
    """
    A POST is not sent again after a server error without a promise.
    """
    steps = send(Request("POST", URL))
    request = next(steps)

    with pytest.raises(StopIteration) as end:
        steps.send(answer(request, status))  # type: ignore[arg-type] # a request

    assert status == end.value.value.status


def test_the_token_stays_behind_when_a_redirect_leaves_the_origin() -> None:
    """
    A redirect to another origin is followed without the token and without our headers.
    """
    steps = send(Request("GET", f"{URL}/photo", {"client-request-id": "id", "accept": "x"}))
    request = next(steps)

    followed = steps.send(answer(request, 302, location="https://files.example/a?sig=1"))  # type: ignore[arg-type]

    assert isinstance(followed, Request)
    assert (False, {}, "https://files.example/a?sig=1") == (
        followed.is_authorized,
        dict(followed.headers),
        followed.url,
    )


def test_a_redirect_on_the_same_origin_keeps_it() -> None:
    """
    A redirect within the service is followed with the token.
    """
    steps = send(Request("GET", URL, {"accept": "x"}))
    request = next(steps)

    followed = steps.send(answer(request, 307, location="/v1.0/people"))  # type: ignore[arg-type]

    assert isinstance(followed, Request)
    assert (True, "https://graph.microsoft.com/v1.0/people") == (followed.is_authorized, followed.url)


def test_the_usual_port_is_the_same_origin() -> None:
    """
    Addresses with and without `:443` have the same origin.
    """
    steps = send(Request("GET", URL))
    followed = steps.send(answer(next(steps), 302, location="https://GRAPH.microsoft.com:443/v1.0/me"))  # type: ignore[arg-type]

    assert isinstance(followed, Request)
    assert followed.is_authorized


@pytest.mark.parametrize(
    ("method", "headers", "is_graph", "is_repeated"),
    [
        ("POST", {"content-type": "text/html"}, True, False),
        ("POST", {"content-type": "text/html", "retry-after": "1"}, True, True),
        ("POST", {"content-type": "application/json"}, True, True),
        ("POST", {}, True, True),
        ("POST", {"content-type": "application/json", "retry-after": "1"}, False, False),
        ("GET", {"content-type": "text/html"}, False, True),
    ],
)
def test_not_everybodys_503_is_a_promise(
    method: str, headers: dict[str, str], is_graph: bool, is_repeated: bool
) -> None:
    """
    A 503 promises that the request had no effect only if it is from Microsoft Graph; a web page is from a proxy.
    """
    steps = send(Request(method, URL, is_graph=is_graph))
    answered = Response(next(steps), 503, headers, b"")  # type: ignore[arg-type] # a request

    try:
        repeated = isinstance(steps.send(answered), Wait)
    except StopIteration:
        repeated = False

    assert is_repeated == repeated


def test_a_token_that_was_left_behind_does_not_come_back() -> None:
    """
    A redirect back to the service, from elsewhere, does not bring the token back.
    """
    steps = send(Request("GET", URL))
    first = next(steps)
    second = steps.send(answer(first, 302, location="https://elsewhere.example/"))  # type: ignore[arg-type]
    third = steps.send(answer(second, 302, location=URL))  # type: ignore[arg-type]

    assert isinstance(third, Request)
    assert not third.is_authorized


@pytest.mark.parametrize(
    "location",
    [
        "http://graph.microsoft.com/v1.0/users",
        "ftp://x/",
        "javascript:1",
        "https://[evil/x",
        "//[x",
        "https://evil.example\\@graph.microsoft.com/",
        "https://graph.microsoft.com@evil.example/",
        "https://graph.microsoft.com./",
        "https://gr\u0430ph.microsoft.com/",
    ],
)
def test_a_redirect_away_from_tls_is_an_error(location: str) -> None:
    """
    A redirect to an address without TLS, or to one that clients could read in different ways, is not followed.
    """
    steps = send(Request("GET", URL))
    request = next(steps)

    with pytest.raises(UnexpectedAnswerError):
        steps.send(answer(request, 302, location=location))  # type: ignore[arg-type]


def test_redirects_end() -> None:
    """
    After five redirects in a circle, the request ends with an error.
    """
    steps = send(Request("GET", URL))
    step = next(steps)
    for _ in range(5):
        step = steps.send(answer(step, 302, location=URL))  # type: ignore[arg-type]

    with pytest.raises(UnexpectedAnswerError):
        steps.send(answer(step, 302, location=URL))  # type: ignore[arg-type]


def test_a_write_is_not_redirected() -> None:
    """
    A redirect of a write is returned and not followed: its effect elsewhere was not requested.
    """
    steps = send(Request("POST", URL))
    request = next(steps)

    with pytest.raises(StopIteration) as end:
        steps.send(answer(request, 307, location=f"{URL}/x"))  # type: ignore[arg-type]

    assert end.value.value.status == 307


def test_what_is_gone_after_a_lost_delete_was_deleted() -> None:
    """
    If the response to a DELETE was lost, a 404 of the repeated request counts as success.
    """
    steps = send(Request("DELETE", f"{URL}/id"))
    request = next(steps)
    steps.throw(Undelivered(NetworkError("lost")))
    next(steps)

    with pytest.raises(StopIteration) as end:
        steps.send(answer(request, 404))  # type: ignore[arg-type]

    assert end.value.value.status == 204


def test_a_delete_of_what_is_not_there_is_not_found() -> None:
    """
    A 404 of the first DELETE is an error.
    """
    steps = send(Request("DELETE", f"{URL}/id"))
    request = next(steps)

    with pytest.raises(StopIteration) as end:
        steps.send(answer(request, 404))  # type: ignore[arg-type]

    assert end.value.value.status == 404


def test_concurrent_writes_of_the_directory_are_repeated() -> None:
    """
    409 with `Directory_ConcurrencyViolation` promises that the request had no effect; another 409 does not.
    """
    steps = send(Request("POST", URL))
    request = next(steps)
    assert isinstance(request, Request)
    body = b'{"error":{"code":"Directory_ConcurrencyViolation"}}'

    step = steps.send(Response(request, 409, {}, body))

    assert isinstance(step, Wait)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_name_that_is_not_found_is_tried_twice(method: str) -> None:
    """
    A request to a name that can't be resolved is sent again once, whatever its method: it did not arrive.
    """
    steps = send(Request(method, URL))
    error = NetworkError("not found", may_have_arrived=False, name_not_found=True)

    next(steps)
    assert isinstance(steps.throw(Undelivered(error)), Wait)
    next(steps)
    with pytest.raises(NetworkError) as caught:
        steps.throw(Undelivered(error))

    assert error is caught.value


@pytest.mark.parametrize("status", [400, 404, 409, 501, 505, 506, 507, 508, 510, 511])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_permanent_answer_is_not_repeated(method: str, status: int) -> None:
    """
    An answer that stays the same is returned at once, and its error is not retryable, nor is its outcome unknown.
    """
    steps = send(Request(method, URL, is_graph=True))
    request = next(steps)

    with pytest.raises(StopIteration) as end:
        steps.send(answer(request, status, retry_after="1"))  # type: ignore[arg-type] # a request

    error = error_of(end.value.value)
    assert (1, False, False) == (end.value.value.attempts, error.retryable, error.outcome_unknown)
    assert "Try again later" not in error.remedy
