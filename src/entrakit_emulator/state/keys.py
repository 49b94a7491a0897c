"""Keys that sign tokens: several are published, one is active."""

from __future__ import annotations

import base64
import datetime
from typing import TYPE_CHECKING, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from entrakit_emulator.jose import b64url, thumbprints

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


class SigningKey(NamedTuple):
    """One key and its certificate.

    Args:
        kid: Key id: the certificate's SHA-1 thumbprint in base64url, as in the real service.
        key: Private key.
        certificate: The certificate, DER.
    """

    kid: str
    key: RSAPrivateKey
    certificate: bytes


class KeyRing:
    """The published keys; the first one signs.

    Args:
        keys: At least two keys.
    """

    def __init__(self, keys: list[SigningKey]) -> None:
        self._keys = keys

    @property
    def active(self) -> SigningKey:
        """The key that signs."""
        return self._keys[0]

    def find(self, kid: str) -> SigningKey | None:
        """Return the published key with an id."""
        return next((key for key in self._keys if key.kid == kid), None)

    def rotate(self, new: SigningKey) -> None:
        """Sign with a new key from now on, and keep publishing the one before."""
        self._keys = [new, *self._keys[:2]]

    def published(self, issuer: str | None) -> list[dict[str, object]]:
        """Return the entries of the key document.

        Args:
            issuer: Issuer for the v2 document; None for the v1 document, which has no issuer.
        """
        return [_entry(key, issuer) for key in self._keys]


def make_certificate(
    common_name: str, key: RSAPrivateKey, *, days: int = 365, start_days: int = -1
) -> x509.Certificate:
    """Return a self-signed certificate.

    Args:
        common_name: Common name of the subject.
        key: Private key of the certificate, which also signs it.
        days: Days from now until the end of validity; negative is in the past.
        start_days: Days from now until the start of validity; negative is in the past.
    """
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=start_days))
        .not_valid_after(now + datetime.timedelta(days=days))
        .sign(key, hashes.SHA256())
    )


def make_key() -> RSAPrivateKey:
    """Return a new RSA key of 2048 bits."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def make_signing_key() -> SigningKey:
    """Return a new key for signing tokens, with its certificate."""
    key = make_key()
    der = make_certificate("accounts.emulator.example", key).public_bytes(serialization.Encoding.DER)
    return SigningKey(thumbprints(der)[0], key, der)


def _entry(key: SigningKey, issuer: str | None) -> dict[str, object]:
    numbers = key.key.public_key().public_numbers()
    entry: dict[str, object] = {
        "kty": "RSA",
        "use": "sig",
        "kid": key.kid,
        "x5t": key.kid,
        "n": b64url(numbers.n.to_bytes(256, "big")),
        "e": b64url(numbers.e.to_bytes(3, "big")),
        # RFC 7517, 4.7: plain base64 of the DER certificate, not base64url.
        "x5c": [base64.b64encode(key.certificate).decode()],
    }
    if issuer is not None:
        entry["issuer"] = issuer
    return entry
