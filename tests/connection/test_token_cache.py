"""The token cache: one renewal for any number of threads and processes, and the token that is returned if it fails."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from tests.connection.conftest import Counter
from tests.heartbeat import run_async

from entrakit import get_connection
from entrakit.errors import (
    NetworkError,
    SignInError,
)
from entrakit_emulator import faults

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import FakeClock, TokenServer

    from entrakit import Connection, Transport
    from entrakit_emulator import Tenant

GRAPH = "https://graph.microsoft.com"


def test_a_stale_token_is_renewed(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock
) -> None:
    """
    With less than five minutes left the next call gets a new token.
    """
    token_server.answer = Counter()
    connection = open_app()
    clock.advance(3400)

    assert "token-2" == connection.token().access_token


def test_a_failed_early_renewal_returns_the_valid_token(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock
) -> None:
    """
    While the token can be used, a failed renewal is not an error, and is not repeated at every call.
    """
    answer = token_server.answer = Counter()
    connection = open_app()
    answer.status = 503
    clock.advance(3400)

    assert "token-1" == connection.token().access_token
    asked = len(token_server.forms)
    assert "token-1" == connection.token().access_token
    assert asked == len(token_server.forms)


def test_an_expired_token_is_never_returned(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock
) -> None:
    """
    Past its end a token that can't be renewed is an error.
    """
    answer = token_server.answer = Counter()
    connection = open_app()
    answer.status = 503
    clock.advance(3601)

    with pytest.raises(NetworkError):
        connection.token()


def test_a_clock_set_back_does_not_keep_a_token_alive(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock
) -> None:
    """
    A token from the future is renewed: its times can't be trusted (checklist 52).
    """
    token_server.answer = Counter()
    connection = open_app()
    clock.now -= 7200

    assert "token-2" == connection.token().access_token


def test_refresh_in_renews_early(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock
) -> None:
    """
    The service may name a time for an early renewal of a long-lived token.
    """
    token_server.answer = Counter(expires_in=86400, refresh_in=43200)
    connection = open_app()

    clock.advance(43100)
    assert "token-1" == connection.token().access_token
    clock.advance(200)
    assert "token-2" == connection.token().access_token


def test_min_validity_renews_earlier(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock
) -> None:
    """
    A caller who needs the token for longer gets a new one before it is stale.
    """
    token_server.answer = Counter()
    connection = open_app()
    clock.advance(1900)

    assert "token-1" == connection.token(min_validity_s=1600).access_token
    assert "token-2" == connection.token(min_validity_s=1800).access_token


def test_many_threads_renew_once(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock
) -> None:
    """
    Thirty-two threads that find the token expired make one request (checklist 51).
    """
    answer = token_server.answer = Counter()
    connection = open_app()
    clock.advance(4000)
    token_server.answer = after(lambda: clock.wait_for_threads(32), answer)

    seen = run_together(32, lambda: connection.token().access_token)

    assert ["token-2"] * 32 == seen
    assert 2 == answer.count


def test_a_failed_renewal_is_shared_by_those_who_wait(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock
) -> None:
    """
    Threads that waited for a renewal that failed get its error, instead of failing one after another.
    """
    token_server.answer = Counter()
    connection = open_app()
    clock.advance(4000)
    asked = len(token_server.forms)
    refused = 401, {"error": "invalid_client", "error_description": "AADSTS7000222: over", "error_codes": [7000222]}
    token_server.answer = after(lambda: clock.wait_for_threads(8), lambda form: refused)

    def ask() -> str:
        with pytest.raises(SignInError) as caught:
            connection.token()
        return caught.value.error

    assert ["invalid_client"] * 8 == run_together(8, ask)
    assert asked + 1 == len(token_server.forms)


def test_a_claims_challenge_gets_one_new_token(token_server: TokenServer, open_app: Callable[..., Connection]) -> None:
    """
    A challenge skips the cached token, is sent with the client's capability, and counts once (checklist 35).
    """
    answer = token_server.answer = Counter()
    connection = open_app()
    challenge = '{"access_token": {"nbf": {"essential": true, "value": "1"}}}'

    token = connection.token(claims=base64.b64encode(challenge.encode()).decode().rstrip("="))

    sent = json.loads(token_server.forms[-1]["claims"])
    assert "token-2" == token.access_token
    assert ["nbf", "xms_cc"] == sorted(sent["access_token"])
    assert 2 == answer.count


def test_threads_with_the_same_challenge_share_the_token(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock
) -> None:
    """
    Many requests refused with one challenge need one new token, not one each.
    """
    answer = token_server.answer = Counter()
    connection = open_app()
    clock.advance(1)
    token_server.answer = after(lambda: clock.wait_for_threads(8), answer)

    seen = run_together(8, lambda: connection.token(claims='{"id_token": {}}').access_token)

    assert ["token-2"] * 8 == seen
    assert 2 == answer.count


def after(
    wait: Callable[[], None], answer: Callable[[dict[str, str]], tuple[int, object]]
) -> Callable[[dict[str, str]], tuple[int, object]]:
    """Return an answer that is given after `wait` returns."""

    def held(form: dict[str, str]) -> tuple[int, object]:
        wait()
        return answer(form)

    return held


def run_together(count: int, call: Callable[[], str]) -> list[str]:
    """Call in the given number of threads at once, and return the results."""
    with ThreadPoolExecutor(count) as pool:
        return [done.result(20) for done in [pool.submit(call) for _ in range(count)]]


def test_a_refused_token_is_not_handed_out_again(
    token_server: TokenServer, open_app: Callable[..., Connection]
) -> None:
    """
    After a claims challenge every method returns the new token.
    """
    token_server.answer = Counter()
    connection = open_app()

    connection.token(claims="{}")

    assert "token-2" == connection.token().access_token
    assert {"Authorization": "Bearer token-2"} == connection.headers()


@pytest.mark.parametrize("lifetime", [0, -5, "0"])
def test_a_token_that_is_over_is_over(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock, lifetime: object
) -> None:
    """
    A lifetime of zero is accepted: the token is renewed at the next call.
    """
    token_server.answer = Counter(expires_in=lifetime)
    connection = open_app()
    clock.advance(1)

    assert "token-2" == connection.token().access_token


def test_an_early_renewal_does_not_make_its_caller_wait(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock
) -> None:
    """
    With a token that can still be used, one attempt is made without waiting; Retry-After is remembered.
    """
    answer = token_server.answer = Counter()
    connection = open_app()
    answer.status = 503
    clock.advance(3400)
    asked = len(token_server.forms)

    assert "token-1" == connection.token().access_token
    assert asked + 1 == len(token_server.forms)
    assert [] == clock.sleeps


def test_a_service_gets_the_token_that_is_there_where_there_is_no_better(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock
) -> None:
    """
    A token with CAE is requested once in a while; until one is granted, the one without is used.
    """
    answer = token_server.answer = Counter()
    connection = open_app()
    scope = " ".join(connection.info.scopes)
    answer.status = 503
    asked = len(token_server.forms)

    assert ["token-1"] * 3 == [connection._tokens.service_token(scope).access_token for _ in range(3)]
    assert asked + 1 == len(token_server.forms)

    answer.status = 200
    clock.advance(60)
    assert connection._tokens.service_token(scope).access_token != "token-1"

    clock.advance(4000)
    answer.status = 503
    with pytest.raises(NetworkError):
        connection._tokens.service_token(scope)


def test_a_token_that_was_refused_stands_in_no_more(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock
) -> None:
    """
    If the token for a challenge can't be granted, the next call fails too: the refused token is not used again.
    """
    answer = token_server.answer = Counter()
    connection = open_app()
    scope = " ".join(connection.info.scopes)
    answer.status = 503
    assert connection._tokens.service_token(scope).access_token == "token-1"
    clock.advance(40)

    with pytest.raises(NetworkError):
        connection._tokens.service_token(scope, claims='{"access_token": {}}', issued_after=clock.time())
    with pytest.raises(NetworkError):
        connection._tokens.service_token(scope)


NO_REFRESH_TOKEN = faults.Tokens(times=None, is_without_refresh_token=True)


@pytest.mark.parametrize(
    "fault",
    [
        NO_REFRESH_TOKEN,
        faults.Failure(endpoint="token", status=503, times=None),
        faults.Throttle(endpoint="token", retry_after=600, times=None),
        faults.Refusal(endpoint="token", code=70011, error="invalid_scope", times=None),
        faults.Refusal(endpoint="token", code=53003, error="invalid_grant", times=None),
        faults.Drop(endpoint="token", times=None),
    ],
)
@pytest.mark.parametrize("client", ["graph", "aio", "azure"])
def test_the_token_of_the_sign_in_serves_requests(
    emulator: Callable[..., Connection], entra_tenant: Tenant, clock: FakeClock, caplog: pytest.LogCaptureFixture,
    fault: faults.AnyFault, client: str,
) -> None:  # fmt: skip
    """
    A user's fresh token is used for requests although no token for `.default` is granted: the exchange fails silently,
    without a wait.
    """
    if fault is NO_REFRESH_TOKEN:
        entra_tenant.faults.add(fault)
    connection = emulator(open_browser=entra_tenant.person().open_browser, graph_url=entra_tenant.url)
    entra_tenant.faults.add(fault)

    if client == "azure":
        assert connection.token().access_token == connection.get_token(f"{GRAPH}/.default", enable_cae=True).token
    elif client == "aio":
        assert "Ada" in str(run_async(connection.aio.graph.get("/me"))["displayName"])
    else:
        assert "Ada" in str(connection.graph.get("/me")["displayName"])

    assert [] == clock.sleeps
    assert [] == [record for record in caplog.records if record.levelname == "WARNING"]


def test_any_token_of_the_resource_serves_requests_until_it_is_refused_or_expired(
    token_server: TokenServer, open_person: Callable[..., Connection], clock: FakeClock
) -> None:
    """
    A token for another scope of the same resource is used; one of another resource, a refused one, and an expired
    one don't. A caller who names a permission never gets another token.
    """
    answer = token_server.answer = Counter(refresh_token="r")
    connection = open_person()
    clock.advance(2000)
    connection.token("Mail.Read")
    connection.token("api://orders/Read")
    answer.status = 400

    def service_token(resource: str = GRAPH) -> str:
        return connection._tokens.service_token(f"{resource}/.default").access_token

    assert ["token-2", "token-3"] == [service_token(), service_token("api://orders")]
    for refused in (lambda: service_token("api://invoices"), lambda: connection.token(f"{GRAPH}/.default")):
        with pytest.raises(SignInError):
            refused()
    clock.advance(1)
    with pytest.raises(SignInError):
        connection._tokens.service_token(f"{GRAPH}/.default", issued_after=clock.time() - 1)
    with pytest.raises(SignInError):
        service_token()
    clock.advance(3600)
    with pytest.raises(SignInError):
        service_token("api://orders")


def test_a_token_of_the_vault_serves_requests(
    token_server: TokenServer, open_person: Callable[..., Connection], transport: Transport, clock: FakeClock
) -> None:
    """
    The token that another process saved is used, too.
    """
    answer = token_server.answer = Counter(refresh_token="r")
    open_person("work")
    answer.status = 400

    with get_connection("work", transport=transport, clock=clock) as connection:
        assert "token-1" == connection._tokens.service_token(f"{GRAPH}/.default").access_token
