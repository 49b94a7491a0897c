"""Keys of certificates: one in memory as a signer, and what Microsoft Entra accepts."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from entrakit.errors import CertificateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cryptography.x509 import Certificate as X509Certificate

MIN_KEY_BITS = 2048
SALT_SIZE = 32

_MAKE_ANOTHER = f"Make a certificate with an RSA key of {MIN_KEY_BITS} bits or more."


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

    def __reduce__(self) -> str:
        raise TypeError("a SoftwareKey can't be pickled: it would leave memory unencrypted")

    @classmethod
    def matching(cls, private_key: object, certificate: X509Certificate) -> SoftwareKey:
        """Return the signer of a certificate's key.

        Args:
            private_key: What should be an RSA key of the `cryptography` package.
            certificate: The certificate that it should belong to.

        Raises:
            CertificateError: The key is not RSA, or not the certificate's.
        """
        if not isinstance(private_key, RSAPrivateKey):
            raise not_rsa(private_key, "The private key")
        if not is_key_of(private_key, certificate):
            raise CertificateError(
                "The private key is not that of the certificate.",
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
    return private_key.public_key() == _public_key(certificate)


def is_signed_by(certificate: X509Certificate, message: bytes, signature: bytes) -> bool:
    """Return whether a message has a PS256 signature by the certificate's key."""
    key = _public_key(certificate)
    if not isinstance(key, RSAPublicKey):
        return False
    try:
        key.verify(signature, message, padding.PSS(padding.MGF1(hashes.SHA256()), SALT_SIZE), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def refuse_weak(certificate: X509Certificate, subject: str) -> None:
    """Raise unless a certificate's key is RSA of 2048 bits or more.

    Args:
        certificate: The certificate.
        subject: Its name, for the error.

    Raises:
        CertificateError: The key is of another kind, or too short.
    """
    key = _public_key(certificate)
    if not isinstance(key, RSAPublicKey):
        raise not_rsa(key, f"The key of the certificate {subject}")
    if key.key_size < MIN_KEY_BITS:
        raise CertificateError(
            f"The key of the certificate {subject} has {key.key_size} bits, and {MIN_KEY_BITS} are needed.",
            remedy=_MAKE_ANOTHER,
        )


def describe_key(certificate: X509Certificate) -> str:
    """Return kind and size of a certificate's key, such as `RSA 2048`; `unknown` where it can't be read."""
    key = _public_key(certificate)
    size = getattr(key, "key_size", None)
    name = type(key).__name__.removeprefix("_").removesuffix("PublicKey")
    return "unknown" if key is None else f"{name} {size}" if isinstance(size, int) else name


def not_rsa(key: object, what: str) -> CertificateError:
    """Return the error for a key that Entra can't use.

    Args:
        key: A private or public key; None if its kind is unknown.
        what: How to call it, at the beginning of the sentence.
    """
    name = type(key).__name__.removesuffix("PrivateKey").removesuffix("PublicKey")
    kind = "unknown" if key is None else name
    return CertificateError(
        f"{what} is of the kind {kind}, and Microsoft Entra takes RSA keys only (PS256).", remedy=_MAKE_ANOTHER
    )


def _public_key(certificate: X509Certificate) -> object:
    """Return a certificate's key, or None if it is one that the library can't read."""
    try:
        return certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None
