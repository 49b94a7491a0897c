"""Client credentials with a certificate (RFC 7523): the app signs in as itself.

    app                                     token service
     │ build an assertion, sign it with the key   │
     │ client id, assertion, scope                │
     ├───────────────────────────────────────────▶│  POST /token
     │◀───────────────────────────────────────────┤  access token, no refresh token

The assertion says when it is valid, so a clock that is wrong by minutes makes it worthless. The service's own
`Date` tells how wrong it is: an assertion refused for its time is made once more on the service's clock.
"""

from __future__ import annotations

from entrakit.errors import SignInError
from entrakit.sign_in._msal import TokenService
from entrakit.sign_in.client_assertion import build

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrakit.certificates import Certificate
    from entrakit.http.transport import Transport
    from entrakit.sign_in.discovery import Authority
    from entrakit.sign_in.grant import Grant

OUT_OF_TIME = 700024
TOLERATED_SKEW_S = 60.0


def sign_in(
    authority: Authority, client_id: str, transport: Transport, certificate: Certificate, scopes: Sequence[str], *,
    send_chain: bool = False, claims: str = "",
) -> Grant:  # fmt: skip
    """Return a token for the app itself.

    Args:
        authority: One tenant's authority.
        client_id: The app.
        transport: What sends.
        certificate: The app's certificate with its signer, checked.
        scopes: One `.default` scope.
        send_chain: Send the certificate with its chain (`x5c`), for apps that trust a subject name.
        claims: JSON text of a claims challenge; empty if there is none.

    Raises:
        SignInError: The service said no: certificate not registered, unknown app, no consent.
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
