"""Refresh (RFC 6749, 6): a new access token without a person.

    app                                token service
     │ client id, refresh token, scope      │
     ├─────────────────────────────────────▶│  POST /token
     │◀─────────────────────────────────────┤  access token, next refresh token

The refresh token serves every resource that the person may use; the scopes choose one.
"""

from __future__ import annotations

from entrakit.sign_in._msal import TokenService

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrakit.http.transport import Transport
    from entrakit.sign_in.discovery import Authority
    from entrakit.sign_in.grant import Grant


def renew(
    authority: Authority, client_id: str, transport: Transport, refresh_token: str, scopes: Sequence[str], *,
    claims: str = "",
) -> Grant:  # fmt: skip
    """Return a new token, with the refresh token that replaces the one given.

    Args:
        authority: The authority that issued the refresh token.
        client_id: The app that it was issued to.
        transport: What sends.
        refresh_token: The newest refresh token of the connection.
        scopes: Delegated scopes of one resource.
        claims: JSON text of a claims challenge; empty if there is none.

    Raises:
        InteractionRequiredError: The refresh token is spent, revoked, or not enough: a person must sign in again.
        SignInError: The service said no otherwise.
        NetworkError: No usable answer.
    """
    service = TokenService(authority, client_id, transport, flow="refresh")
    return service.refresh(refresh_token, scopes, claims=claims)
