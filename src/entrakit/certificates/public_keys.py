"""Public keys of certificates: type and size, what Microsoft Entra accepts, and which keys and signatures match."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from entrakit.errors import CertificateError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509 import Certificate as X509Certificate

MIN_KEY_BITS = 2048
# Length of the salt of a PS256 signature in bytes (RFC 7518, 3.5).
SALT_SIZE = 32

_REMEDY = f"Create a certificate with an RSA key of {MIN_KEY_BITS} bits or more."


def pss_padding() -> padding.PSS:
    """Return the padding of PS256 signatures (RFC 7518, 3.5)."""
    return padding.PSS(padding.MGF1(hashes.SHA256()), SALT_SIZE)


def is_key_of(private_key: RSAPrivateKey, certificate: X509Certificate) -> bool:
    """Return whether a private key belongs to a certificate."""
    return private_key.public_key() == _public_key(certificate)


def is_signed_by(certificate: X509Certificate, message: bytes, signature: bytes) -> bool:
    """Return whether a signature is a PS256 signature of a message by the key of a certificate."""
    key = _public_key(certificate)
    if not isinstance(key, RSAPublicKey):
        return False
    try:
        key.verify(signature, message, pss_padding(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def require_strong_key(certificate: X509Certificate, subject: str) -> None:
    """Raise CertificateError if the key of a certificate is not an RSA key of at least 2048 bits.

    Args:
        certificate: The certificate.
        subject: Name of the certificate for the error message.

    Raises:
        CertificateError: The key has another type, or is too short.
    """
    key = _public_key(certificate)
    if not isinstance(key, RSAPublicKey):
        raise not_rsa(key, f"The key of the certificate {subject}")
    if key.key_size < MIN_KEY_BITS:
        raise CertificateError(
            f"The key of the certificate {subject} has {key.key_size} bits, but at least {MIN_KEY_BITS} are required.",
            remedy=_REMEDY,
        )


def describe_key(certificate: X509Certificate) -> str:
    """Return type and size of the key of a certificate, such as `RSA 2048`; `unknown` if the key can't be read."""
    key = _public_key(certificate)
    size = getattr(key, "key_size", None)
    name = type(key).__name__.removeprefix("_").removesuffix("PublicKey")
    return "unknown" if key is None else f"{name} {size}" if isinstance(size, int) else name


def not_rsa(key: object, subject: str) -> CertificateError:
    """Return the error for a key that is not an RSA key, which Microsoft Entra does not accept.

    Args:
        key: A private or public key; None if its type is unknown.
        subject: Subject of the error message, such as "The private key".
    """
    name = type(key).__name__.removesuffix("PrivateKey").removesuffix("PublicKey")
    kind = "unknown" if key is None else name
    return CertificateError(
        f"{subject} has the type {kind}, but Microsoft Entra accepts RSA keys only (PS256).", remedy=_REMEDY
    )


def _public_key(certificate: X509Certificate) -> object:
    """Return the key of a certificate, or None if its type is unknown or it is damaged."""
    try:
        return certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None
