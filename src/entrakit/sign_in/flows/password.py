"""Resource owner password credentials (RFC 6749, 4.3), which RFC 9700 advises against.

    person ─▶ app                      token service
               │ whose password is it?      │  GET /common/userrealm/…
               │ client id, name, password  │
               ├───────────────────────────▶│  POST /token
               │◀───────────────────────────┤  access token, refresh token, ID token

It can't do multi-factor authentication, and it shows the password to the app. It is never a fallback: only a caller
that names it gets it. Where the tenant is federated, MSAL takes the password to the federation service over
WS-Trust, and the log says to which host.
"""

from __future__ import annotations

from entrakit.sign_in._msal import TokenService

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrakit.http.transport import Transport
    from entrakit.secret import Credential
    from entrakit.sign_in.discovery import Authority
    from entrakit.sign_in.grant import Grant


def sign_in(
    authority: Authority, client_id: str, transport: Transport, credential: Credential, scopes: Sequence[str], *,
    claims: str = "",
) -> Grant:  # fmt: skip
    """Return a token on behalf of the person.

    Args:
        authority: One tenant's authority, or `organizations`.
        client_id: An app that allows public client flows.
        transport: What sends.
        credential: User name and password.
        scopes: Delegated scopes of one resource.
        claims: JSON text of a claims challenge; empty if there is none.

    Raises:
        SignInError: The service said no: wrong password, locked, disabled, no consent.
        InteractionRequiredError: The person must sign in with a browser: MFA, new password, policy.
        NetworkError: No usable answer.
    """
    service = TokenService(authority, client_id, transport, flow="password")
    return service.grant_password(credential.username, credential.password.reveal(), scopes, claims=claims)
