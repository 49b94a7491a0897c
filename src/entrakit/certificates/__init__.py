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

    from entrakit.certificates.names import Name

WARN_DAYS = 30
DAY_S = 86400


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

    Attributes:
        signer: What signs for it.
        der: The certificate's bytes.
        chain: The bytes of its issuers, upwards.
        subject: The subject's name (RFC 4514), safe to show: what is invisible in it is escaped.
        attributes: The subject as `names.matches` compares it.
        thumbprint: SHA-1 thumbprint, 40 hexadecimal digits in upper case, as certificate stores show it.
        thumbprint_sha256: SHA-256 thumbprint, 64 hexadecimal digits in upper case.
        not_before: When it begins to be valid (aware, UTC).
        not_after: The last moment that it is valid (aware, UTC).

    Raises:
        CertificateError: A certificate is damaged, in its name or its dates.
    """

    __slots__ = (
        *("_x509", "attributes", "chain", "der", "not_after", "not_before"),
        *("signer", "subject", "thumbprint", "thumbprint_sha256"),
    )
    signer: Signer
    der: bytes
    chain: tuple[bytes, ...]
    subject: str
    attributes: Name
    thumbprint: str
    thumbprint_sha256: str
    not_before: datetime
    not_after: datetime
    _x509: X509Certificate

    def __init__(self, certificate: X509Certificate, signer: Signer, chain: Sequence[X509Certificate] = ()) -> None:
        import hashlib

        from cryptography.hazmat.primitives.serialization import Encoding

        from entrakit.certificates.names import attributes_of, shown

        der = certificate.public_bytes(Encoding.DER)
        keep = super().__setattr__
        keep("_x509", certificate)
        keep("signer", signer)
        keep("der", der)
        keep("chain", tuple(one.public_bytes(Encoding.DER) for one in chain))
        keep("thumbprint", hashlib.sha1(der, usedforsecurity=False).hexdigest().upper())
        keep("thumbprint_sha256", hashlib.sha256(der).hexdigest().upper())
        try:
            # The library reads these when they are asked for, so that damage would show anywhere.
            keep("subject", shown(certificate.subject))
            keep("attributes", attributes_of(certificate.subject))
            keep("not_before", certificate.not_valid_before_utc)
            keep("not_after", certificate.not_valid_after_utc)
        except ValueError as error:
            raise CertificateError(
                f"The certificate with the thumbprint {self.thumbprint} is damaged, in its name or its dates.",
                remedy="Get the certificate again, or make a new one.",
            ) from error

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Certificate can't be changed, and so not its {name}")

    def __repr__(self) -> str:
        return (
            f"Certificate(subject={self.subject!r}, thumbprint_sha256={self.thumbprint_sha256!r}, "
            f"not_after={self.not_after.isoformat()!r})"
        )

    def __reduce__(self) -> str:
        raise TypeError("a Certificate can't be pickled: its key would leave memory unencrypted")

    @classmethod
    def from_path(cls, path: str | os.PathLike[str], password: str | None = None) -> Certificate:
        """Return the certificate of a PFX, PEM or DER file.

        Args:
            path: The file; `~` is expanded. Its format is told from its content.
            password: Opens it; None if it needs none.

        Raises:
            CertificateError: The file can't be read or opened, or has no certificate with its private key.
        """
        from entrakit.certificates.reading.files import load_file

        return load_file(os.fspath(path), password)

    @classmethod
    def from_bytes(cls, data: bytes, password: str | None = None) -> Certificate:
        """Return the certificate of a file's content; arguments and errors as for `from_path`."""
        from entrakit.certificates.reading.files import load_bytes

        return load_bytes(data, password, source="the content that was given")

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
        from entrakit.certificates.signers.software import SoftwareKey

        return cls(certificate, SoftwareKey.matching(private_key, certificate), chain)

    @property
    def key_kind(self) -> str:
        """Kind and size of its key, such as `RSA 2048`."""
        from entrakit.certificates.signers.software import describe_key

        return describe_key(self._x509)

    def is_valid(self, now: float) -> bool:
        """Return whether it is valid at `now` (seconds since 1970), both ends included (RFC 5280, 4.1.2.5)."""
        return self.not_before.timestamp() <= now <= self.not_after.timestamp()

    def check(self, now: float) -> str:
        """Return a warning if it ends within 30 days, else an empty text; raise if it can't prove anything now.

        Args:
            now: Seconds since 1970.

        Raises:
            CertificateError: It is not valid now, or its key is too short or not RSA.
        """
        from entrakit.certificates.signers.software import refuse_weak

        refuse_weak(self._x509, self.subject)
        if now < self.not_before.timestamp():
            raise CertificateError(
                f"The certificate {self.subject} is not valid before {_minute(self.not_before)}.",
                remedy="Check this machine's clock, or use another certificate.",
            )
        left = self.not_after.timestamp() - now
        if left < 0:
            raise CertificateError(
                f"The certificate {self.subject} expired on {_minute(self.not_after)}.",
                remedy="Make a new one and upload it to the app registration.",
            )
        if left >= WARN_DAYS * DAY_S:
            return ""
        days = f"{left // DAY_S:.0f} days" if left >= 2 * DAY_S else f"{left // 3600:.0f} hours"
        return f"The certificate {self.subject} expires on {_minute(self.not_after)}, in {days}."

    def sign(self, message: bytes) -> bytes:
        """Return the signer's PS256 signature of a message, once it has proved to be the certificate's.

        A key in a device can't be compared beforehand; so a wrong one is told here, and not by the token service.

        Args:
            message: The signing input of a JWT.

        Raises:
            CertificateError: The key can't sign, or is not the certificate's.
        """
        from entrakit.certificates.signers.software import is_signed_by

        try:
            signature = self.signer.sign(message)
        except (ValueError, TypeError) as error:
            # A signer may be anybody's; what goes wrong in it must not be blamed on the service.
            raise CertificateError(
                f"The signer of the certificate {self.subject} failed: {type(error).__name__}.",
                remedy="Try the signer by itself.",
            ) from error
        if not is_signed_by(self._x509, message, signature):
            raise CertificateError(
                f"What was signed for the certificate {self.subject} was not signed with its key.",
                remedy="Give the certificate together with its own key.",
            )
        return signature

    def export_pem(self) -> bytes:
        """Return certificate, chain and private key as PEM, for the sealed part of the vault.

        Raises:
            CertificateError: The key can't leave where it is.
        """
        from base64 import encodebytes

        from entrakit.certificates.signers.software import SoftwareKey

        if not isinstance(self.signer, SoftwareKey):
            raise CertificateError(
                f"The key of the certificate {self.subject} can't leave where it is, so it can't be kept.",
                remedy="Leave `save_secret` out.",
            )
        texts = [
            b"-----BEGIN CERTIFICATE-----\n" + encodebytes(der) + b"-----END CERTIFICATE-----\n"
            for der in (self.der, *self.chain)
        ]
        return b"".join([*texts, self.signer.export_pem()])


def _minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")
