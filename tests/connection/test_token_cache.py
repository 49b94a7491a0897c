"""The token cache: each row of the table of `decide()`, and one renewal for any number of threads and processes."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from tests.connection.conftest import Counter

from entrakit.connection.token_cache import Decision, MustRenew, TryToRenew, Use, decide
from entrakit.errors import (
    NetworkError,
    SignInError,
)
from entrakit.tokens.request import TokenRequest
from entrakit.tokens.token import Token

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import FakeClock, TokenServer

    from entrakit import Connection


NOW = 1_000_000.0
SCOPES = ("https://graph.microsoft.com/.default",)
PLAIN, CAE = TokenRequest(SCOPES), TokenRequest(SCOPES, cae=True)
CHALLENGE = TokenRequest(SCOPES, claims='{"access_token": {}}', cae=True, issued_after=NOW - 60)


def token(left_s: float, *, age_s: float = 0.0, refresh_in_s: float | None = None) -> Token:
    """Return a token that expires in so many seconds, and was issued so many seconds ago."""
    refresh_at = None if refresh_in_s is None else NOW + refresh_in_s
    return Token("canary", issued_at=NOW - age_s, expires_at=NOW + left_s, refresh_at=refresh_at)


FRESH, STALE, EXPIRED = token(3600), token(299), token(-1, age_s=3600)
LONG_ENOUGH, DUE = token(301), token(3600, refresh_in_s=0)
FUTURE = token(7200, age_s=-3600)
OLD = token(3000, age_s=120)


@pytest.mark.parametrize(
    ("request_", "cached", "others", "expected"),
    [
        # The token is fresh.
        (PLAIN, FRESH, {}, Use(FRESH)),
        (PLAIN, LONG_ENOUGH, {}, Use(LONG_ENOUGH)),
        (CAE, FRESH, {"plain": STALE}, Use(FRESH)),
        (PLAIN, FRESH, {"pause_until": NOW + 30}, Use(FRESH)),
        # It is stale: by its end, or by the time that the service named.
        (PLAIN, STALE, {}, TryToRenew(STALE)),
        (PLAIN, DUE, {}, TryToRenew(DUE)),
        (PLAIN, STALE, {"pause_until": NOW + 30}, Use(STALE)),
        (PLAIN, STALE, {"pause_until": NOW}, TryToRenew(STALE)),
        # It is expired, missing, or issued in the future by a clock that was set back since.
        (PLAIN, EXPIRED, {}, MustRenew()),
        (PLAIN, None, {}, MustRenew()),
        (PLAIN, FUTURE, {}, MustRenew()),
        (PLAIN, None, {"pause_until": NOW + 30}, MustRenew()),
        # It ends before the minimum lifetime, whether fresh or stale.
        (PLAIN._replace(min_validity_s=3600), FRESH, {}, Use(FRESH)),
        (PLAIN._replace(min_validity_s=3601), FRESH, {}, MustRenew()),
        (PLAIN._replace(min_validity_s=299), STALE, {}, TryToRenew(STALE)),
        (PLAIN._replace(min_validity_s=300), STALE, {}, MustRenew()),
        # It was issued before the required time: a service has refused it.
        (CAE._replace(issued_after=NOW - 121), OLD, {}, Use(OLD)),
        (CAE._replace(issued_after=NOW - 120), OLD, {}, MustRenew()),
        # Without a token with CAE, the plain one is the fallback, unless a service has refused it.
        (CAE, None, {"plain": FRESH}, TryToRenew(FRESH)),
        (CAE, EXPIRED, {"plain": STALE}, TryToRenew(STALE)),
        (CAE, STALE, {"plain": FRESH}, TryToRenew(STALE)),
        (CAE, None, {"plain": FRESH, "pause_until": NOW + 30}, Use(FRESH)),
        (CAE, None, {"plain": EXPIRED}, MustRenew()),
        (CAE, None, {"plain": OLD, "refused_at": NOW - 120}, MustRenew()),
        (CAE, None, {"plain": OLD, "refused_at": NOW - 121}, TryToRenew(OLD)),
        (CAE._replace(min_validity_s=3000), None, {"plain": OLD}, TryToRenew(OLD)),
        (CAE._replace(min_validity_s=3001), None, {"plain": OLD}, MustRenew()),
        # A claims challenge is answered by a token that was issued for it, and never by a fallback.
        (CHALLENGE, FRESH, {"answered": CHALLENGE.claims}, Use(FRESH)),
        (CHALLENGE, FRESH, {}, MustRenew()),
        (CHALLENGE, FRESH, {"answered": '{"id_token": {}}'}, MustRenew()),
        (CHALLENGE, STALE, {"answered": CHALLENGE.claims}, MustRenew()),
        (CHALLENGE, OLD, {"answered": CHALLENGE.claims}, MustRenew()),
        (CHALLENGE, None, {"plain": FRESH}, MustRenew()),
        (CHALLENGE, STALE, {"pause_until": NOW + 30}, MustRenew()),
        # A token that was issued for a challenge serves requests without one.
        (CAE, FRESH, {"answered": CHALLENGE.claims}, Use(FRESH)),
    ],
)
def test_each_row_of_the_table(
    request_: TokenRequest, cached: Token | None, others: dict[str, object], expected: Decision
) -> None:
    """
    Use a token, try to renew it, or renew: the decision depends on the arguments only.
    """
    decision = decide(NOW, request_, cached, **others)  # type: ignore[arg-type] # one of each type

    assert (type(expected), expected) == (type(decision), decision)


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
