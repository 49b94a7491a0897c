"""The client assertion: a JWT by which an app proves that it has a certificate's key (RFC 7523, 3; RFC 7515).

    header   alg PS256, typ JWT, x5t#S256; x5c where the app trusts a subject name
    claims   iss and sub the app, aud the token endpoint, jti, iat, nbf, exp
    signed   by the certificate's signer, anew for each request

Follows Microsoft's "certificate credentials" page. It begins to be valid (`nbf`) when it is issued, not earlier: the
service itself tolerates clocks that differ by minutes, the caller hands in the service's time where they differ by
more, and an earlier beginning would only make what is stolen valid for longer than the page recommends.
"""

from __future__ import annotations

import json
import uuid
from base64 import b64encode

from entrakit.errors import ParameterError
from entrakit.tokens import base64url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from entrakit.certificates import Certificate

LIFETIME_S = 600


def build(
    certificate: Certificate, *, client_id: str, audience: str, now: float, lifetime_s: int = LIFETIME_S,
    send_chain: bool = False,
) -> str:  # fmt: skip
    """Return a signed client assertion.

    Args:
        certificate: The app's certificate.
        client_id: The app.
        audience: The token endpoint of the authority that it is sent to.
        now: Seconds since 1970, by a clock that agrees with the service's.
        lifetime_s: Seconds until it ends, 600 at the most.
        send_chain: Put certificate and chain into the header (`x5c`), for apps that trust a subject name.

    Raises:
        CertificateError: The key could not sign, or is not the certificate's.
        ParameterError: The lifetime is not within bounds.
    """
    if not 0 < lifetime_s <= LIFETIME_S:
        raise ParameterError(f"A client assertion lives {LIFETIME_S} seconds at the most, not {lifetime_s}.")
    header: dict[str, object] = {
        "alg": "PS256",
        "typ": "JWT",
        "x5t#S256": base64url.encode(bytes.fromhex(certificate.thumbprint_sha256)),
    }
    if send_chain:
        header["x5c"] = [b64encode(der).decode("ascii") for der in (certificate.der, *certificate.chain)]
    issued = int(now)
    claims = {
        "aud": audience,
        "iss": client_id,
        "sub": client_id,
        "jti": str(uuid.uuid4()),
        "iat": issued,
        "nbf": issued,
        "exp": issued + lifetime_s,
    }
    message = f"{_part(header)}.{_part(claims)}"
    return f"{message}.{base64url.encode(certificate.sign(message.encode('ascii')))}"


def _part(value: dict[str, object]) -> str:
    return base64url.encode(json.dumps(value, separators=(",", ":")).encode())
