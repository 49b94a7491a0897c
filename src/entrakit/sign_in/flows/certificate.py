"""Client credentials with a certificate (RFC 7523): the app signs in as itself.

    app                                     token service
     │ build an assertion, sign it with the key   │
     │ client id, assertion, scope                │
     ├───────────────────────────────────────────▶│  POST /token
     │◀───────────────────────────────────────────┤  access token, no refresh token

The assertion says when it is valid, so the service refuses it if this machine's clock is wrong by minutes. The `Date`
header of the service's answers shows the difference: an assertion that was refused for its time is built again, with
the time of the service.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.errors import SignInError
from entrakit.sign_in._msal import TokenService
from entrakit.sign_in.client_assertion import build

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrakit.certificates import Certificate
    from entrakit.http.transport import Transport
    from entrakit.sign_in.discovery import Authority
    from entrakit.sign_in.grant import Grant

OUT_OF_TIME = 700024
TOLERATED_SKEW_S = 60.0


def sign_in(
    authority: Authority,
    client_id: str,
    transport: Transport,
    scopes: Sequence[str],
    *,
    certificate: Certificate,
    send_chain: bool = False,
    claims: str = "",
) -> Grant:
    """Return a token for the app itself.

    Args:
        authority: One tenant's authority.
        client_id: The app.
        transport: Transport that sends the requests.
        scopes: One `.default` scope.
        certificate: The app's certificate with its signer, checked.
        send_chain: Whether to send the certificate with its chain (`x5c`), for apps that trust a subject name.
        claims: Claims challenge, as JSON; empty for none.

    Raises:
        SignInError: The service refused: certificate not registered, unknown app, no consent.
        CertificateError: The key could not sign.
        NetworkError: No usable answer.
    """

    def assertion() -> str:
        skew = transport.skew_s or 0.0
        now = transport.clock.time() + (skew if abs(skew) > TOLERATED_SKEW_S else 0.0)
        return build(
            certificate, client_id=client_id, audience=authority.token_endpoint, now=now, send_chain=send_chain
        )

    service = TokenService(authority, client_id, transport, flow="certificate", assertion=assertion)
    skew_before = transport.skew_s
    try:
        return service.grant_client(scopes, claims=claims)
    except SignInError as error:
        if error.code != OUT_OF_TIME or skew_before is not None:
            raise
    return service.grant_client(scopes, claims=claims)
