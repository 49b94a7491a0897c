"""JSON web signatures, implemented here, so that no JWT library is needed to issue or check the emulator's tokens.

RFC 7515 (JWS), 7517 (JWK), 7518 (RS256, PS256).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import TYPE_CHECKING, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey


class MalformedError(ValueError):
    """The text is not a JSON web token, or not base64url."""


class Parts(NamedTuple):
    """The parts of a token, not verified.

    Args:
        header: Decoded header.
        payload: Decoded claims.
        signed: The bytes that the signature covers.
        signature: The signature.
    """

    header: dict[str, object]
    payload: dict[str, object]
    signed: bytes
    signature: bytes


def b64url(data: bytes) -> str:
    """Return bytes in base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_b64url(text: str) -> bytes:
    """Decode base64url, padded or not.

    Raises:
        MalformedError: The text is not base64url.
    """
    try:
        return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedError("not base64url") from error


def sign(header: Mapping[str, object], payload: Mapping[str, object], key: RSAPrivateKey) -> str:
    """Return a token signed with RS256."""
    signed = ".".join(b64url(json.dumps(part, separators=(",", ":")).encode()) for part in (header, payload))
    return f"{signed}.{b64url(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def split(token: str) -> Parts:
    """Split a compact token into its parts.

    Raises:
        MalformedError: The token does not have three parts, or one of them can't be decoded.
    """
    pieces = token.split(".")
    if len(pieces) != 3:
        raise MalformedError("not three parts")
    header, payload = (_json_object(from_b64url(piece)) for piece in pieces[:2])
    return Parts(header, payload, ".".join(pieces[:2]).encode(), from_b64url(pieces[2]))


def is_signed_by(parts: Parts, key: RSAPublicKey) -> bool:
    """Return whether a key made the signature of a token, RS256 or PS256 as the header says."""
    schemes = {
        "RS256": padding.PKCS1v15(),
        # RFC 7518, 3.5: the salt is as long as the hash.
        "PS256": padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size),
    }
    scheme = schemes.get(str(parts.header.get("alg")))
    if scheme is None:
        return False
    try:
        key.verify(parts.signature, parts.signed, scheme, hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def thumbprints(certificate_der: bytes) -> tuple[str, str]:
    """Return the SHA-1 and the SHA-256 thumbprint of a certificate, in base64url, as in `x5t` and `x5t#S256`."""
    # RFC 7515, 4.1.7: x5t only names the certificate; no security depends on SHA-1 here.
    sha1 = hashlib.sha1(certificate_der, usedforsecurity=False).digest()
    return b64url(sha1), b64url(hashlib.sha256(certificate_der).digest())


def _json_object(data: bytes) -> dict[str, object]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise MalformedError("not JSON") from error
    if not isinstance(value, dict):
        raise MalformedError("not a JSON object")
    return value
