"""Resource owner password credentials (RFC 6749, 4.3), which RFC 9700 advises against.

    user ──▶ app                       token service
               │ whose password is it?      │  GET /common/userrealm/…
               │ client id, name, password  │
               ├───────────────────────────▶│  POST /token
               │◀───────────────────────────┤  access token, refresh token, ID token

It can't do multi-factor authentication, and it shows the password to the app. It is never a fallback: the caller must
name it. If the tenant is federated, MSAL sends the password to the federation service over WS-Trust, and the log says
to which host.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.sign_in._msal import TokenService

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrakit.http.transport import Transport
    from entrakit.secret import UsernamePassword
    from entrakit.sign_in.discovery import Authority
    from entrakit.sign_in.grant import Grant


def sign_in(
    authority: Authority,
    client_id: str,
    transport: Transport,
    scopes: Sequence[str],
    *,
    credential: UsernamePassword,
    claims: str = "",
) -> Grant:
    """Return a token on behalf of the user.

    Args:
        authority: One tenant's authority, or `organizations`.
        client_id: An app that allows public client flows.
        transport: Transport that sends the requests.
        scopes: Delegated scopes of one resource.
        credential: User name and password.
        claims: Claims challenge, as JSON; empty for none.

    Raises:
        SignInError: The service refused: wrong password, locked, disabled, no consent.
        InteractionRequiredError: The user must sign in with a browser: MFA, new password, policy.
        NetworkError: No usable answer.
    """
    service = TokenService(authority, client_id, transport, flow="password")
    return service.grant_password(credential.username, credential.password.reveal(), scopes, claims=claims)
