"""Refresh tokens: redeemed for the scopes of one resource, and refused when they are spent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.conftest import granted

from entrakit.authority.clouds import find_cloud
from entrakit.errors import InteractionRequiredError
from entrakit.sign_in.discovery import discover
from entrakit.sign_in.flows import refresh

if TYPE_CHECKING:
    from tests.conftest import TokenServer

    from entrakit.http.transport import Transport
    from entrakit.sign_in.grant import Grant

CLIENT = "aaaaaaaa-2222-3333-4444-555555555555"
SCOPE = "https://vault.azure.net/user_impersonation"


def redeem(server: TokenServer, transport: Transport, *, claims: str = "") -> Grant:
    """Redeem a refresh token."""
    authority = discover(find_cloud(server.url), server.tenant_id, transport, directory=None)
    return refresh.renew(authority, CLIENT, transport, [SCOPE], refresh_token="canary-first", claims=claims)


def test_a_refresh_token_gets_the_next(token_server: TokenServer, transport: Transport) -> None:
    """
    The refresh token, the scopes and the claims are sent; the answer has the next refresh token.
    """
    token_server.answer = lambda form: (200, granted(refresh_token="canary-next", scope=SCOPE))

    grant = redeem(token_server, transport, claims="{}")

    sent = token_server.forms[-1]
    assert ("refresh_token", "canary-first", "{}") == (sent["grant_type"], sent["refresh_token"], sent["claims"])
    assert SCOPE in sent["scope"].split()
    assert ("canary-next", (SCOPE,)) == (grant.refresh_token, grant.scopes)


def test_a_spent_refresh_token_needs_the_user(token_server: TokenServer, transport: Transport) -> None:
    """
    A refused refresh token means, for any reason, that the user has to sign in; the token is not shown.
    """
    token_server.answer = lambda form: (400, {"error": "invalid_grant", "error_description": "canary-first is spent"})

    with pytest.raises(InteractionRequiredError) as caught:
        redeem(token_server, transport)

    assert "canary" not in str(caught.value) + caught.value.description
