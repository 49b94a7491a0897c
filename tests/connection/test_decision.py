"""What to do with the cached tokens: each row of the table of `decide()`."""

from __future__ import annotations

import pytest

from entrakit.connection.decision import Decision, MustRenew, TryToRenew, Use, decide
from entrakit.tokens.request import TokenRequest
from entrakit.tokens.token import Token

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
        (CAE, FRESH, {"others": (STALE,)}, Use(FRESH)),
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
        (CAE, None, {"others": (FRESH,)}, TryToRenew(FRESH)),
        (CAE, EXPIRED, {"others": (STALE,)}, TryToRenew(STALE)),
        (CAE, STALE, {"others": (FRESH,)}, TryToRenew(STALE)),
        (CAE, None, {"others": (FRESH,), "pause_until": NOW + 30}, Use(FRESH)),
        (CAE, None, {"others": (EXPIRED,)}, MustRenew()),
        (CAE, None, {"others": (OLD,), "refused_at": NOW - 120}, MustRenew()),
        (CAE, None, {"others": (OLD,), "refused_at": NOW - 121}, TryToRenew(OLD)),
        (CAE._replace(min_validity_s=3000), None, {"others": (OLD,)}, TryToRenew(OLD)),
        (CAE._replace(min_validity_s=3001), None, {"others": (OLD,)}, MustRenew()),
        # Of several others, the first that is sufficient is the fallback.
        (CAE, None, {"others": (EXPIRED, STALE, FRESH)}, TryToRenew(STALE)),
        (CAE, None, {"others": (OLD, FRESH), "refused_at": NOW - 60}, TryToRenew(FRESH)),
        # A claims challenge is answered by a token that was issued for it, and never by a fallback.
        (CHALLENGE, FRESH, {"answered": CHALLENGE.claims}, Use(FRESH)),
        (CHALLENGE, FRESH, {}, MustRenew()),
        (CHALLENGE, FRESH, {"answered": '{"id_token": {}}'}, MustRenew()),
        (CHALLENGE, STALE, {"answered": CHALLENGE.claims}, MustRenew()),
        (CHALLENGE, OLD, {"answered": CHALLENGE.claims}, MustRenew()),
        (CHALLENGE, None, {"others": (FRESH,)}, MustRenew()),
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
