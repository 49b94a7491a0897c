"""Refresh (RFC 6749, 6): a new access token without the user.

    app                                token service
     │ client id, refresh token, scope      │
     ├─────────────────────────────────────▶│  POST /token
     │◀─────────────────────────────────────┤  access token, next refresh token

The refresh token serves every resource that the user may use; the scopes choose one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrakit.http.transport import Transport
    from entrakit.sign_in.discovery import Authority
    from entrakit.sign_in.flow import Flow
    from entrakit.sign_in.grant import Grant


def renew(
    authority: Authority,
    client_id: str,
    transport: Transport,
    scopes: Sequence[str],
    *,
    refresh_token: str,
    claims: str = "",
    app: Flow | None = None,
) -> Grant:
    """Return a new token, with the refresh token that replaces the given one.

    Args:
        authority: The authority that issued the refresh token.
        client_id: The app that it was issued to.
        transport: Transport that sends the requests.
        scopes: Delegated scopes of one resource.
        refresh_token: The newest refresh token of the connection.
        claims: Claims challenge, as JSON; empty for none.
        app: The app's own way to sign in, whose credential is sent too; None for a public client.

    Raises:
        InteractionRequiredError: The refresh token has expired, was revoked, or is not enough: the user must sign in
            again.
        SignInError: The service refused for another reason.
        NetworkError: No usable answer.
    """
    from entrakit.sign_in._msal import TokenService

    def ask(service: TokenService) -> Grant:
        return service.refresh(refresh_token, scopes, claims=claims)

    if app is not None:
        return app.as_app(authority, client_id, transport, ask, flow="refresh")
    return ask(TokenService(authority, client_id, transport, flow="refresh"))
