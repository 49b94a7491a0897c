"""A private key in memory, as a signer."""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from entrakit.errors import CertificateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cryptography.x509 import Certificate as X509Certificate

SALT_SIZE = 32


class SoftwareKey:
    """An RSA key in this process's memory.

    Args:
        private_key: The key.
    """

    __slots__ = ("_key",)

    def __init__(self, private_key: RSAPrivateKey) -> None:
        self._key = private_key

    def __repr__(self) -> str:
        return "SoftwareKey(…)"

    @classmethod
    def matching(cls, private_key: object, certificate: X509Certificate) -> SoftwareKey:
        """Return the signer of a certificate's key.

        Raises:
            CertificateError: The key is not RSA, or not the certificate's.
        """
        if not isinstance(private_key, RSAPrivateKey):
            raise not_rsa(private_key)
        if not is_key_of(private_key, certificate):
            raise CertificateError(
                f"The private key is not that of the certificate {certificate.subject.rfc4514_string()}.",
                remedy="Give the certificate together with its own key.",
            )
        return cls(private_key)

    def sign(self, message: bytes) -> bytes:
        """Return the PS256 signature of a message (RFC 7518, 3.5)."""
        return self._key.sign(message, padding.PSS(padding.MGF1(hashes.SHA256()), SALT_SIZE), hashes.SHA256())

    def export_pem(self) -> bytes:
        """Return the key as unencrypted PKCS#8 PEM."""
        return self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


def is_key_of(private_key: RSAPrivateKey, certificate: X509Certificate) -> bool:
    """Return whether a key is the certificate's."""
    try:
        public_key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return False
    return public_key == private_key.public_key()


def not_rsa(private_key: object) -> CertificateError:
    """Return the error for a key that Entra can't use."""
    curve = isinstance(private_key, EllipticCurvePrivateKey)
    name = "an elliptic curve key (EC)" if curve else f"of another kind ({type(private_key).__name__})"
    return CertificateError(
        f"The private key is {name}, and Microsoft Entra takes RSA only (PS256).",
        remedy="Make a certificate with an RSA key of 2048 bits or more.",
    )
