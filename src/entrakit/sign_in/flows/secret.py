"""Client credentials with a client secret (RFC 6749, 4.4 and 2.3.1): the app signs in as itself.

app                         token service
 │ client id, secret, scope      │
 ├──────────────────────────────▶│  POST /token
 │◀──────────────────────────────┤  access token, no refresh token
"""

from __future__ import annotations

from entrakit.sign_in._msal import TokenService

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrakit.http.transport import Transport
    from entrakit.secret import Secret
    from entrakit.sign_in.discovery import Authority
    from entrakit.sign_in.grant import Grant


def sign_in(
    authority: Authority, client_id: str, transport: Transport, secret: Secret, scopes: Sequence[str], *,
    claims: str = "",
) -> Grant:  # fmt: skip
    """Return a token for the app itself.

    Args:
        authority: One tenant's authority.
        client_id: The app.
        transport: What sends.
        secret: The app's client secret.
        scopes: One `.default` scope.
        claims: JSON text of a claims challenge; empty if there is none.

    Raises:
        SignInError: The service said no: wrong or expired secret, unknown app, no consent.
        NetworkError: No usable answer.
    """
    service = TokenService(authority, client_id, transport, flow="secret", secret=secret.reveal())
    return service.grant_client(scopes, claims=claims)
