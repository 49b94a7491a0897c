"""A signer with its key in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from entrakit.certificates.public_keys import is_key_of, not_rsa, pss_padding
from entrakit.errors import CertificateError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate as X509Certificate


class SoftwareKey:
    """An RSA key in the memory of this process.

    Args:
        private_key: The key.
    """

    __slots__ = ("_key",)

    def __init__(self, private_key: RSAPrivateKey) -> None:
        self._key = private_key

    def __repr__(self) -> str:
        return "SoftwareKey(…)"

    def __reduce__(self) -> str:
        raise TypeError("a SoftwareKey can't be pickled: the key would leave memory unencrypted")

    @classmethod
    def matching(cls, private_key: object, certificate: X509Certificate) -> SoftwareKey:
        """Return the signer for a private key and its certificate.

        Args:
            private_key: An RSA key of the `cryptography` package.
            certificate: The certificate of the key.

        Raises:
            CertificateError: The key is not an RSA key, or belongs to another certificate.
        """
        if not isinstance(private_key, RSAPrivateKey):
            raise not_rsa(private_key, "The private key")
        if not is_key_of(private_key, certificate):
            raise CertificateError(
                "The private key does not belong to the certificate.",
                remedy="Give the certificate together with its own key.",
            )
        return cls(private_key)

    def sign(self, message: bytes) -> bytes:
        """Return the PS256 signature of a message (RFC 7518, 3.5)."""
        return self._key.sign(message, pss_padding(), hashes.SHA256())

    def export_pem(self) -> bytes:
        """Return the key as unencrypted PKCS#8 in PEM."""
        return self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
