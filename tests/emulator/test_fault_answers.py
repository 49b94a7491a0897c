"""Answers with a fault."""

from __future__ import annotations

import json
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import httpx2
import pytest

from entrakit_emulator.faults import (
    CaptivePortal,
    Challenge,
    Drop,
    Failure,
    Garbage,
    Oversized,
    Redirected,
    Refusal,
    Slow,
    Throttle,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Caller

ADDRESSES: dict[str, Callable[[Caller], httpx2.Response]] = {
    "token": lambda c: c.app_token(),
    "devicecode": lambda c: c.post("/oauth2/v2.0/devicecode", {}),
    "authorize": lambda c: c.http.get(c.authorize_url()),
    "discovery": lambda c: c.http.get("/common/v2.0/.well-known/openid-configuration"),
    "keys": lambda c: c.http.get("/common/discovery/keys"),
    "instance": lambda c: c.http.get("/common/discovery/instance"),
    "userrealm": lambda c: c.http.get("/common/userrealm/a@b.example"),
    "graph": lambda c: c.graph(""),
}


@pytest.mark.parametrize("endpoint", ADDRESSES)
def test_every_endpoint_can_be_throttled(caller: Caller, endpoint: str) -> None:
    """
    The answer is 429 with Retry-After in seconds, for the chosen number of requests to that endpoint only.
    """
    caller.tenant.faults.add(Throttle(endpoint=endpoint, retry_after=7, times=2))

    answers = [ADDRESSES[endpoint](caller) for _ in range(3)]
    others = [ask(caller) for name, ask in ADDRESSES.items() if name != endpoint]

    assert [429, 429, False] == [*(one.status_code for one in answers[:2]), answers[2].status_code == 429]
    assert "7" == answers[0].headers["retry-after"]
    assert 429 not in [one.status_code for one in others]


def test_retry_after_may_be_a_date(caller: Caller) -> None:
    """
    RFC 9110, 10.2.3 allows both forms; the date is in the tenant's time. Without a number there is no header.
    """
    caller.tenant.clock.set_offset(-5000)
    caller.tenant.faults.add(Throttle(endpoint="token", retry_after=60, is_date=True))
    caller.tenant.faults.add(Throttle(endpoint="token", retry_after=None))

    dated, bare = caller.app_token(), caller.app_token()

    assert abs(parsedate_to_datetime(dated.headers["retry-after"]).timestamp() - time.time() + 4940) < 30
    assert "retry-after" not in bare.headers
    assert "temporarily_unavailable" == bare.json()["error"]


@pytest.mark.parametrize("endpoint", ["token", "graph"])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_server_errors_come_as_json_or_html(caller: Caller, endpoint: str, status: int) -> None:
    """
    Errors are JSON of the service or HTML of a gateway, with Retry-After on request.
    """
    caller.tenant.faults.add(Failure(endpoint=endpoint, status=status))
    caller.tenant.faults.add(Failure(endpoint=endpoint, status=status, is_html=True, retry_after=3))

    plain, html = ADDRESSES[endpoint](caller), ADDRESSES[endpoint](caller)

    assert (status, status) == (plain.status_code, html.status_code)
    assert "error" in plain.json()
    assert ("text/html; charset=utf-8", "3") == (html.headers["content-type"], html.headers["retry-after"])


def test_a_connection_may_be_dropped_before_a_byte(caller: Caller) -> None:
    """
    Nothing is sent; the journal has the request.
    """
    caller.tenant.faults.add(Drop(endpoint="token"))

    with pytest.raises((httpx2.RemoteProtocolError, httpx2.ReadError)):
        caller.app_token()
    assert [0] == [one.status for one in caller.tenant.journal.of("token")]
    assert 200 == caller.app_token().status_code


def test_a_connection_may_be_dropped_in_the_middle(caller: Caller) -> None:
    """
    Half of the answer is sent, with the length of all of it.
    """
    caller.tenant.faults.add(Drop(endpoint="token", is_mid_body=True))

    with pytest.raises((httpx2.RemoteProtocolError, httpx2.ReadError)):
        caller.app_token()


def test_a_captive_portal_answers_200_with_html(caller: Caller) -> None:
    """
    The answer is the page of a guest network.
    """
    caller.tenant.faults.add(CaptivePortal(endpoint="token"))

    response = caller.app_token()

    assert (200, "text/html; charset=utf-8") == (response.status_code, response.headers["content-type"])


@pytest.mark.parametrize("form", ["truncated", "text", "empty", "binary"])
def test_json_may_be_none(caller: Caller, form: str) -> None:
    """
    The answer is 200 with a JSON content type and an invalid body.
    """
    caller.tenant.faults.add(Garbage(endpoint="token", form=form))

    response = caller.app_token()

    assert 200 == response.status_code
    assert response.headers["content-type"].startswith("application/json")
    with pytest.raises(ValueError, match=r"."):
        response.json()


def test_json_may_be_of_another_shape(caller: Caller) -> None:
    """
    The answer is JSON, but not an object.
    """
    caller.tenant.faults.add(Garbage(endpoint="token", form="array"))

    assert [] == caller.app_token().json()


def test_an_answer_may_be_late(caller: Caller) -> None:
    """
    The real answer is delayed; a client with a shorter timeout gives up.
    """
    caller.tenant.faults.add(Slow(endpoint="token", seconds=0.3))
    caller.tenant.faults.add(Slow(endpoint="token", seconds=5))
    started = time.monotonic()

    assert 200 == caller.app_token().status_code
    assert time.monotonic() - started >= 0.3
    caller.http.timeout = httpx2.Timeout(0.2)
    with pytest.raises(httpx2.ReadTimeout):
        caller.app_token()


def test_an_answer_may_be_a_redirect(caller: Caller) -> None:
    """
    The answer is a redirect to another host, where clients must not send secrets.
    """
    caller.tenant.faults.add(Redirected(endpoint="token", location="https://evil.example/", status=307))

    response = caller.app_token()

    assert (307, "https://evil.example/") == (response.status_code, response.headers["location"])


def test_an_answer_may_be_without_end(caller: Caller) -> None:
    """
    The answer has more bytes than a client should read.
    """
    caller.tenant.faults.add(Oversized(endpoint="token", size=1024 * 1024))

    assert len(caller.app_token().content) > 1024 * 1024


def test_any_error_may_be_chosen(caller: Caller) -> None:
    """
    Any number can be sent, with suberror and claims, or with another error and status than in the table.
    """
    claims = json.dumps({"access_token": {"acrs": {"value": "c1"}}})
    caller.tenant.faults.add(Refusal(endpoint="token", code=50079, claims=claims))
    caller.tenant.faults.add(Refusal(endpoint="token", code=50079, error="invalid_grant", suberror="x", status=401))

    table, other = caller.app_token(), caller.app_token()

    assert ("interaction_required", "basic_action", claims) == tuple(
        table.json()[name] for name in ("error", "suberror", "claims")
    )
    assert (401, "invalid_grant", "x") == (other.status_code, other.json()["error"], other.json()["suberror"])


def test_graph_may_challenge(caller: Caller) -> None:
    """
    Graph answers 401 with the claims to request, in base64 (service facts, 1.11).
    """
    caller.tenant.faults.add(Challenge(claims='{"access_token":{"acrs":{"value":"c1"}}}'))

    response = caller.graph(caller.password().json()["access_token"])

    assert 401 == response.status_code
    assert (
        'error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6eyJ2YWx1ZSI6ImMxIn19fQ=="'
        in (response.headers["www-authenticate"])
    )
