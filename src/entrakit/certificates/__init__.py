"""A certificate whose private key can sign, wherever the key lives.

The key is a `Signer`: it gives signatures, and need not give itself. Whatever the source (file, bytes, store), an
assertion is built in one way, by `assertion.build`.
"""

from __future__ import annotations

import os
from typing import Protocol, runtime_checkable

from entrakit.errors import CertificateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509 import Certificate as X509Certificate

MIN_KEY_BITS = 2048
WARN_DAYS = 30


@runtime_checkable
class Signer(Protocol):
    """What signs for a certificate; the key may never leave its device."""

    def sign(self, message: bytes) -> bytes:
        """Return the PS256 signature of a message (RFC 7518, 3.5: RSASSA-PSS, SHA-256, salt of 32 bytes).

        Raises:
            CertificateError: The key can't sign.
        """
        ...


class Certificate:
    """A certificate with its signer. Immutable; `repr` shows what is public.

    Args:
        certificate: The certificate, of the `cryptography` package.
        signer: What signs for it.
        chain: Certificates of its issuers, upwards, without itself.
    """

    __slots__ = ("_x509", "chain", "signer")

    def __init__(self, certificate: X509Certificate, signer: Signer, chain: Sequence[X509Certificate] = ()) -> None:
        self._x509 = certificate
        self.signer = signer
        self.chain = tuple(_der(one) for one in chain)

    def __repr__(self) -> str:
        return (
            f"Certificate(subject={self.subject!r}, thumbprint_sha256={self.thumbprint_sha256!r}, "
            f"not_after={self.not_after.isoformat()!r})"
        )

    def __reduce__(self) -> str:
        raise TypeError("a Certificate can't be pickled: its key would leave memory unencrypted")

    @classmethod
    def from_path(cls, path: str | os.PathLike[str], password: str | None = None) -> Certificate:
        """Return the certificate of a PFX or PEM file.

        Args:
            path: The file; `~` is expanded. Its format is told from its content.
            password: Opens it; None if it needs none.

        Raises:
            CertificateError: The file can't be read or opened, or has no certificate with its private key.
        """
        from entrakit.certificates.files import load_file

        return load_file(os.fspath(path), password)

    @classmethod
    def from_bytes(cls, data: bytes, password: str | None = None) -> Certificate:
        """Return the certificate of a PFX or PEM file's content; arguments and errors as for `from_path`."""
        from entrakit.certificates.files import load_bytes

        return load_bytes(data, password, source="the bytes")

    @classmethod
    def from_pair(
        cls, private_key: RSAPrivateKey, certificate: X509Certificate, chain: Sequence[X509Certificate] = ()
    ) -> Certificate:
        """Return the certificate of a private key and a certificate of the `cryptography` package.

        Args:
            private_key: The RSA key.
            certificate: Its certificate.
            chain: Certificates of its issuers, upwards.

        Raises:
            CertificateError: The key is not RSA, or not the certificate's.
        """
        from entrakit.certificates.keys import SoftwareKey

        return cls(certificate, SoftwareKey.matching(private_key, certificate), chain)

    @property
    def der(self) -> bytes:
        """The certificate's bytes."""
        return _der(self._x509)

    @property
    def subject(self) -> str:
        """The subject's name (RFC 4514)."""
        return self._x509.subject.rfc4514_string()

    @property
    def thumbprint(self) -> str:
        """SHA-1 thumbprint, 40 hexadecimal digits, as certificate stores show it."""
        import hashlib

        return hashlib.sha1(self.der, usedforsecurity=False).hexdigest().upper()

    @property
    def thumbprint_sha256(self) -> str:
        """SHA-256 thumbprint, 64 hexadecimal digits."""
        import hashlib

        return hashlib.sha256(self.der).hexdigest().upper()

    @property
    def not_before(self) -> datetime:
        """When it begins to be valid (aware, UTC)."""
        return self._x509.not_valid_before_utc

    @property
    def not_after(self) -> datetime:
        """When it ends (aware, UTC)."""
        return self._x509.not_valid_after_utc

    def is_valid(self, now: float) -> bool:
        """Return whether it is valid at `now` (seconds since 1970)."""
        return self.not_before.timestamp() <= now <= self.not_after.timestamp()

    def check(self, now: float) -> str:
        """Return a warning if it ends within 30 days, else an empty text; raise if it can't prove anything now.

        Args:
            now: Seconds since 1970.

        Raises:
            CertificateError: It is not valid now, or its key is too short or not RSA.
        """
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

        key = self._x509.public_key()
        if not isinstance(key, RSAPublicKey):
            raise CertificateError(
                f"The certificate {self.subject} has no RSA key, and Microsoft Entra takes RSA only (PS256).",
                remedy="Make a certificate with an RSA key of 2048 bits or more.",
            )
        if key.key_size < MIN_KEY_BITS:
            raise CertificateError(
                f"The key of the certificate {self.subject} has {key.key_size} bits; {MIN_KEY_BITS} are needed.",
                remedy="Make a certificate with an RSA key of 2048 bits or more.",
            )
        if now < self.not_before.timestamp():
            raise CertificateError(
                f"The certificate {self.subject} is not valid before {_day(self.not_before)}.",
                remedy="Check this machine's clock, or use another certificate.",
            )
        left = self.not_after.timestamp() - now
        if left <= 0:
            raise CertificateError(
                f"The certificate {self.subject} expired on {_day(self.not_after)}.",
                remedy="Make a new one and upload it to the app registration.",
            )
        if left < WARN_DAYS * 86400:
            return f"The certificate {self.subject} expires on {_day(self.not_after)}, in {left / 86400:.0f} days."
        return ""

    def export_pem(self) -> bytes:
        """Return certificate, chain and private key as PEM, for the sealed part of the vault.

        Raises:
            CertificateError: The key can't leave where it is.
        """
        from entrakit.certificates.keys import SoftwareKey

        if not isinstance(self.signer, SoftwareKey):
            raise CertificateError(
                f"The key of the certificate {self.subject} can't leave where it is, so it can't be kept.",
                remedy="Leave --save-secret out.",
            )
        from base64 import encodebytes

        texts = [
            b"-----BEGIN CERTIFICATE-----\n" + encodebytes(der) + b"-----END CERTIFICATE-----\n"
            for der in (self.der, *self.chain)
        ]
        return b"".join([*texts, self.signer.export_pem()])


def _der(certificate: X509Certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.DER)


def _day(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")
