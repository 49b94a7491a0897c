"""Signatures with a key that stays in the key vault (REST reference, "Sign"; RFC 7518, 3.3 and 3.5)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from entrakit_emulator.exchange import NotImplementedHereError
from entrakit_emulator.jose import MalformedError, b64url, from_b64url
from entrakit_emulator.key_vault.errors import KeyVaultError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

PADDINGS: dict[str, AsymmetricPadding] = {
    "RS256": padding.PKCS1v15(),
    "PS256": padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size),
}
# Algorithms that the service supports and the emulator does not, and algorithms for other types of keys.
REFUSED = ("RS384", "RS512", "PS384", "PS512", "RSNULL")
ELLIPTIC = ("ES256", "ES256K", "ES384", "ES512")


def sign(body: bytes, key: RSAPrivateKey, kid: str) -> str:
    """Return the requested signature, base64url.

    Args:
        body: JSON: `alg`, and `value`, the SHA-256 digest in base64url.
        key: Key that signs.
        kid: Id of the key, for messages.

    Raises:
        KeyVaultError: The request body is malformed.
        NotImplementedHereError: Only the real service supports the algorithm.
    """
    wanted = _object(body)
    algorithm, value = wanted.get("alg"), wanted.get("value")
    if algorithm in REFUSED:
        raise NotImplementedHereError(f"Key Vault's signatures with {algorithm}")
    if algorithm in ELLIPTIC:
        text = f"Key and signing algorithm are incompatible. Key {kid} is of type 'RSA', and algorithm '{algorithm}' "
        raise KeyVaultError(400, "BadParameter", f"{text}can only be used with a key of type 'EC' or 'EC-HSM'.")
    if not isinstance(algorithm, str) or algorithm not in PADDINGS:
        raise KeyVaultError(400, "BadParameter", "Property alg has an invalid value")
    digest = _digest(value, algorithm)
    return b64url(key.sign(digest, PADDINGS[algorithm], Prehashed(hashes.SHA256())))


def _digest(value: object, algorithm: str) -> bytes:
    if not isinstance(value, str):
        raise KeyVaultError(400, "BadParameter", "Property value is required")
    try:
        digest = from_b64url(value)
    except MalformedError as error:
        raise KeyVaultError(400, "BadParameter", "Property value is not a valid base64url string") from error
    if len(digest) != hashes.SHA256.digest_size:
        text = f"Invalid length of 'value': {len(digest)} bytes. {algorithm} requires 32 bytes, encoded with base64url."
        raise KeyVaultError(400, "BadParameter", text)
    return digest


def _object(body: bytes) -> dict[str, object]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise KeyVaultError(400, "BadParameter", "The request body is not valid JSON.") from error
    if not isinstance(value, dict):
        raise KeyVaultError(400, "BadParameter", "The request body is not a JSON object.")
    return value
