"""What goes wrong on demand."""

from __future__ import annotations

import json
import ssl
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrakit_emulator import faults
from entrakit_emulator.faults import (
    CaptivePortal,
    Challenge,
    Drop,
    Failure,
    Faults,
    Garbage,
    Oversized,
    Redirected,
    Refusal,
    Slow,
    Throttle,
    Tokens,
    from_json,
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
    429 with Retry-After in seconds, for as many requests as asked for, and for that endpoint only.
    """
    caller.tenant.faults.add(Throttle(endpoint=endpoint, retry_after=7, times=2))

    answers = [ADDRESSES[endpoint](caller) for _ in range(3)]
    others = [ask(caller) for name, ask in ADDRESSES.items() if name != endpoint]

    assert [429, 429, False] == [*(one.status_code for one in answers[:2]), answers[2].status_code == 429]
    assert "7" == answers[0].headers["retry-after"]
    assert 429 not in [one.status_code for one in others]


def test_retry_after_may_be_a_date(caller: Caller) -> None:
    """
    RFC 9110, 10.2.3 knows both forms; the date is by the tenant's clock. Without a number there is no header.
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
    JSON of the service that is asked, HTML of a gateway before it, with Retry-After where asked for.
    """
    caller.tenant.faults.add(Failure(endpoint=endpoint, status=status))
    caller.tenant.faults.add(Failure(endpoint=endpoint, status=status, is_html=True, retry_after=3))

    plain, html = ADDRESSES[endpoint](caller), ADDRESSES[endpoint](caller)

    assert (status, status) == (plain.status_code, html.status_code)
    assert "error" in plain.json()
    assert ("text/html; charset=utf-8", "3") == (html.headers["content-type"], html.headers["retry-after"])


def test_a_connection_may_be_dropped_before_a_byte(caller: Caller) -> None:
    """
    Nothing is sent; the journal tells that the request came.
    """
    caller.tenant.faults.add(Drop(endpoint="token"))

    with pytest.raises((httpx2.RemoteProtocolError, httpx2.ReadError)):
        caller.app_token()
    assert [0] == [one.status for one in caller.tenant.journal.of("token")]
    assert 200 == caller.app_token().status_code


def test_a_connection_may_be_dropped_in_the_middle(caller: Caller) -> None:
    """
    Half of the answer is sent, all of it promised.
    """
    caller.tenant.faults.add(Drop(endpoint="token", is_mid_body=True))

    with pytest.raises((httpx2.RemoteProtocolError, httpx2.ReadError)):
        caller.app_token()


def test_a_captive_portal_answers_200_with_html(caller: Caller) -> None:
    """
    What a hotel's network says to everything.
    """
    caller.tenant.faults.add(CaptivePortal(endpoint="token"))

    response = caller.app_token()

    assert (200, "text/html; charset=utf-8") == (response.status_code, response.headers["content-type"])


@pytest.mark.parametrize("form", ["truncated", "text", "empty", "binary"])
def test_json_may_be_none(caller: Caller, form: str) -> None:
    """
    200, a JSON content type, and a body that is no JSON.
    """
    caller.tenant.faults.add(Garbage(endpoint="token", form=form))

    response = caller.app_token()

    assert 200 == response.status_code
    assert response.headers["content-type"].startswith("application/json")
    with pytest.raises(ValueError, match=r"."):
        response.json()


def test_json_may_be_of_another_shape(caller: Caller) -> None:
    """
    JSON, but no object.
    """
    caller.tenant.faults.add(Garbage(endpoint="token", form="array"))

    assert [] == caller.app_token().json()


def test_an_answer_may_be_late(caller: Caller) -> None:
    """
    The honest answer, after a while; a client with less patience gives up.
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
    A redirect to somebody else, that no client may follow with its secrets.
    """
    caller.tenant.faults.add(Redirected(endpoint="token", location="https://evil.example/", status=307))

    response = caller.app_token()

    assert (307, "https://evil.example/") == (response.status_code, response.headers["location"])


def test_an_answer_may_be_without_end(caller: Caller) -> None:
    """
    More bytes than any client should read.
    """
    caller.tenant.faults.add(Oversized(endpoint="token", size=1024 * 1024))

    assert len(caller.app_token().content) > 1024 * 1024


def test_any_error_may_be_chosen(caller: Caller) -> None:
    """
    By its number, with suberror and claims, or with another error and status than the table's.
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
    401 with the claims to ask for, in base64 (service facts, 1.11).
    """
    caller.tenant.faults.add(Challenge(claims='{"access_token":{"acrs":{"value":"c1"}}}'))

    response = caller.graph(caller.password().json()["access_token"])

    assert 401 == response.status_code
    assert (
        'error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6eyJ2YWx1ZSI6ImMxIn19fQ=="'
        in (response.headers["www-authenticate"])
    )


def test_faults_hold_until_cleared(caller: Caller) -> None:
    """
    `times=None` is for all requests; clearing ends it.
    """
    caller.tenant.faults.add(Failure(endpoint="token", times=None))
    caller.tenant.faults.next_polls("approve")
    failed = [caller.app_token().status_code for _ in range(3)]

    caller.tenant.faults.clear()

    assert [503] * 3 == failed
    assert 200 == caller.app_token().status_code
    assert "" == caller.tenant.faults.take_poll()


def test_faults_of_tokens_wait_beside_others() -> None:
    """
    What tokens look like and what happens to requests are taken independently, each in its order.
    """
    one = Faults()
    for fault in (Tokens(lifetime_s=1), Throttle(endpoint="token"), Tokens(lifetime_s=2, times=2)):
        one.add(fault)

    assert [1, 2, 2, None] == [one.take_tokens().lifetime_s for _ in range(4)]
    assert [Throttle(endpoint="token"), None] == [one.take("token") for _ in range(2)]


@pytest.mark.parametrize("kind", sorted(faults.KINDS))
def test_every_kind_has_a_json_form(kind: str) -> None:
    """
    The control plane takes what a process can say.
    """
    needed = {"endpoint": "token", "code": 50076}
    value = {"kind": kind} | {name: one for name, one in needed.items() if kind == "error" or name == "endpoint"}

    assert faults.KINDS[kind] is type(from_json(value))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "JSON object"),
        ({}, "A fault has a kind"),
        ({"kind": "flood", "endpoint": "token"}, "A fault has a kind"),
        ({"kind": "drop"}, "needs a field 'endpoint'"),
        ({"kind": "drop", "endpoint": "nowhere"}, "no endpoint 'nowhere'"),
        ({"kind": "drop", "endpoint": "token", "speed": 1}, "no field 'speed'"),
        ({"kind": "drop", "endpoint": "token", "times": "2"}, "can't be '2'"),
        ({"kind": "error", "endpoint": "token"}, "needs a field 'code'"),
        ({"kind": "garbage", "endpoint": "token", "form": "fruit"}, "no garbage of form"),
        ({"kind": "garbage", "endpoint": "nowhere"}, "no endpoint"),
    ],
)
def test_unknown_faults_are_refused_by_name(value: object, message: str) -> None:
    """
    A misspelt fault is an error, not a fault that never comes.
    """
    with pytest.raises(ValueError, match=message):
        from_json(value)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.dictionaries(st.text(), x)))
def test_any_json_is_a_fault_or_refused(value: object) -> None:
    """
    Nothing from outside ends in anything but a fault or a ValueError.
    """
    with pytest.raises(ValueError, match=r"."):
        from_json(value)


def test_unknown_poll_answers_are_refused() -> None:
    """
    A misspelt answer is refused at once.
    """
    with pytest.raises(ValueError, match="no poll answer 'maybe'"):
        Faults().next_polls("maybe")


def test_no_fault_holds_up_others(caller: Caller) -> None:
    """
    While one request waits, others are answered.
    """
    caller.tenant.faults.add(Slow(endpoint="keys", seconds=30))
    context = ssl.create_default_context(cafile=caller.tenant.ca_path)
    address = f"{caller.tenant.url}/common/discovery/keys"

    with pytest.raises(httpx2.ReadTimeout):
        httpx2.get(address, verify=context, timeout=0.1, trust_env=False)

    assert 200 == caller.http.get("/common/discovery/keys").status_code
