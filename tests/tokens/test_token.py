"""Tokens: freshness, displayed fields, and the hidden token."""

from __future__ import annotations

import base64
import json
import pickle

import pytest

from entrakit.tokens.token import Account, Token

NOW = 1_800_000_000.0


def jwt(**claims: object) -> str:
    """Return an unsigned JWT."""

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none'})}.{part(claims)}.sig"


def token(access_token: str = "opaque", **fields: float | None) -> Token:
    """Return a token of one hour."""
    return Token(
        access_token,
        issued_at=NOW,
        expires_at=fields.get("expires_at") or NOW + 3600,
        refresh_at=fields.get("refresh_at"),
        scopes=("User.Read",),
        client_id="client",
        tenant_id="tenant",
        account=Account(username="ada@contoso.com"),
        flow="browser",
    )


@pytest.mark.parametrize(("left", "fresh", "expired"), [(301, True, False), (299, False, False), (0, False, True)])
def test_a_token_is_stale_five_minutes_before_its_end(left: float, fresh: bool, expired: bool) -> None:
    """
    Fresh with more than five minutes left, stale below, expired at the end.
    """
    one = token()
    now = one.expires_at - left

    assert (fresh, expired) == (one.is_fresh(now), one.is_expired(now))


def test_the_service_may_ask_for_an_early_renewal() -> None:
    """
    Past `refresh_in` a token is stale, although it is still valid.
    """
    one = token(expires_at=NOW + 86400, refresh_at=NOW + 43200)

    assert (True, False) == (one.is_fresh(NOW + 43199), one.is_fresh(NOW + 43201))


def test_a_clock_that_was_set_back_makes_no_token_young() -> None:
    """
    A token from the future is not trusted: the clock was changed, so its expiry is unknown.
    """
    one = token()

    assert (False, True) == (one.is_fresh(NOW - 301), one.is_expired(NOW - 301))


def test_claims_are_for_display_only() -> None:
    """
    Claims, roles, audience and issuer are read from a JWT; the expiry time is not (checklist 36, 52).
    """
    one = token(jwt(aud="https://graph.microsoft.com", iss="https://sts", roles=["A", "B"], nbf=NOW - 300, exp=1))

    assert "https://graph.microsoft.com" == one.audience
    assert "https://sts" == one.issuer
    assert ("A", "B") == one.roles
    assert NOW - 300 == one.not_before.timestamp()
    assert NOW + 3600 == one.expires_on.timestamp()


@pytest.mark.parametrize("text", ["opaque", "a.b.c", "e30", "a.b.c.d.e", jwt(nbf=[], aud=1, roles="x"), jwt(nbf=1e300)])
def test_an_opaque_token_does_not_crash(text: str) -> None:
    """
    An unreadable token has no claims, and is still a token.
    """
    one = token(text)

    assert ("", "", ()) == (one.audience, one.issuer, one.roles)
    assert one.not_before.tzinfo is not None
    assert text == one.to_json()["access_token"]


def test_the_token_is_not_shown() -> None:
    """
    Neither repr nor a pickle holds the token (checklist 49).
    """
    one = token("canary-token")

    assert "canary" not in repr(one)
    with pytest.raises(TypeError):
        pickle.dumps(one)


def test_a_token_does_not_change() -> None:
    """
    A token is immutable.
    """
    one = token()

    with pytest.raises(AttributeError):
        one.access_token = "other"
    with pytest.raises(AttributeError):
        del one.flow


def test_json_has_both_forms_of_time() -> None:
    """
    Times are given both in seconds since 1970 and in ISO 8601 UTC (request 25 of the users).
    """
    values = token().to_json()

    assert (1_800_003_600, "2027-01-15T09:00:00Z") == (values["expires_on"], values["expires_on_utc"])
