"""Client assertions: JWTs that authenticate an app with the key of its certificate (RFC 7523, 3; RFC 7515).

    header      alg PS256, typ JWT, x5t#S256; x5c for apps that trust a subject name
    claims      iss and sub are the app, aud is the token endpoint; jti, iat, nbf, exp
    signature   by the signer of the certificate; a new one for each request

Follows Microsoft's "certificate credentials" page. An assertion is valid from the time of issue (`nbf` equals `iat`).
The token service tolerates clock differences of minutes, and for larger ones the caller passes the time of the service.
An earlier `nbf` would only make a stolen assertion valid for longer than the page recommends.
"""

from __future__ import annotations

import json
import uuid
from base64 import b64encode
from typing import TYPE_CHECKING

from entrakit.errors import ParameterError
from entrakit.tokens import base64url

if TYPE_CHECKING:
    from entrakit.certificates import Certificate

LIFETIME_S = 600


def build(
    certificate: Certificate,
    *,
    client_id: str,
    audience: str,
    now: float,
    lifetime_s: int = LIFETIME_S,
    send_chain: bool = False,
) -> str:
    """Return a signed client assertion.

    Args:
        certificate: Certificate of the app.
        client_id: Client id of the app.
        audience: Token endpoint that the assertion is sent to.
        now: Seconds since 1970, by a clock that agrees with the token service.
        lifetime_s: Lifetime in seconds, at most 600.
        send_chain: Include certificate and chain in the header (`x5c`), for apps that trust a subject name.

    Raises:
        CertificateError: The key can't sign, or belongs to another certificate.
        ParameterError: The lifetime is out of range.
    """
    if not 0 < lifetime_s <= LIFETIME_S:
        raise ParameterError(f"The lifetime of a client assertion is 1 to {LIFETIME_S} seconds, not {lifetime_s}.")
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
