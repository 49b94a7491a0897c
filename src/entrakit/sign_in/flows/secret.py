"""Client credentials with a client secret (RFC 6749, 4.4 and 2.3.1): the app signs in as itself.

app                         token service
 │ client id, secret, scope      │
 ├──────────────────────────────▶│  POST /token
 │◀──────────────────────────────┤  access token, no refresh token
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.sign_in._msal import TokenService

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrakit.http.transport import Transport
    from entrakit.secret import Secret
    from entrakit.sign_in.discovery import Authority
    from entrakit.sign_in.grant import Grant


def sign_in(
    authority: Authority,
    client_id: str,
    transport: Transport,
    scopes: Sequence[str],
    *,
    secret: Secret,
    claims: str = "",
) -> Grant:
    """Return a token for the app itself.

    Args:
        authority: One tenant's authority.
        client_id: The app.
        transport: Transport that sends the requests.
        scopes: One `.default` scope.
        secret: The app's client secret.
        claims: Claims challenge, as JSON; empty for none.

    Raises:
        SignInError: The service refused: wrong or expired secret, unknown app, no consent.
        NetworkError: No usable answer.
    """
    service = TokenService(authority, client_id, transport, flow="secret", secret=secret.reveal())
    return service.grant_client(scopes, claims=claims)
