"""Certificates that can sign, with private keys in memory, a store, a token, a key vault or behind a program.

`Certificate` is the public type. Its key is a `Signer`, which creates signatures and does not have to reveal the key.
`sign_in.client_assertion` builds the same client assertion from every certificate.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from entrakit.errors import CertificateError
from entrakit.frames import clears_locals

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509 import Certificate as X509Certificate

    from entrakit.certificates.names import Name
    from entrakit.certificates.reading.files import CertificateAndKey

WARN_DAYS = 30
DAY_S = 86400


@runtime_checkable
class Signer(Protocol):
    """The private key of a certificate, as an object that creates signatures. The key can stay in a device."""

    def sign(self, message: bytes) -> bytes:
        """Return the PS256 signature of a message (RFC 7518, 3.5: RSASSA-PSS, SHA-256, salt of 32 bytes).

        Raises:
            CertificateError: The key can't sign.
        """
        ...


class Certificate:
    """A certificate with its signer. Immutable; `repr` shows only public data.

    Args:
        certificate: The certificate, an object of the `cryptography` package.
        signer: Signer with the private key of the certificate.
        chain: Certificates of the issuers, from the certificate upwards.

    Attributes:
        signer: Signer with the private key of the certificate.
        der: The certificate in DER.
        chain: Certificates of the issuers in DER, from the certificate upwards.
        subject: The subject (RFC 4514), safe to show: characters that are not printable are escaped.
        attributes: Attributes of the subject, as `names.matches` compares them.
        thumbprint: SHA-1 thumbprint, 40 hexadecimal digits in upper case, as certificate stores show it.
        thumbprint_sha256: SHA-256 thumbprint, 64 hexadecimal digits in upper case.
        not_before: Start of the validity (aware, UTC).
        not_after: Last moment of the validity (aware, UTC).

    Raises:
        CertificateError: The subject or a date of the certificate is damaged.
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

        from entrakit.certificates.names import attributes_of, display_name

        der = certificate.public_bytes(Encoding.DER)
        set_attribute = super().__setattr__
        set_attribute("_x509", certificate)
        set_attribute("signer", signer)
        set_attribute("der", der)
        set_attribute("chain", tuple(one.public_bytes(Encoding.DER) for one in chain))
        set_attribute("thumbprint", hashlib.sha1(der, usedforsecurity=False).hexdigest().upper())
        set_attribute("thumbprint_sha256", hashlib.sha256(der).hexdigest().upper())
        try:
            # The library parses these on access. Reading them here reports damage at one place.
            set_attribute("subject", display_name(certificate.subject))
            set_attribute("attributes", attributes_of(certificate.subject))
            set_attribute("not_before", certificate.not_valid_before_utc)
            set_attribute("not_after", certificate.not_valid_after_utc)
        except ValueError as error:
            raise CertificateError(
                f"The subject or a date of the certificate with the thumbprint {self.thumbprint} is damaged.",
                remedy="Get the certificate again, or create a new one.",
            ) from error

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Certificate is immutable, so {name!r} can't be set")

    def __repr__(self) -> str:
        return (
            f"Certificate(subject={self.subject!r}, thumbprint_sha256={self.thumbprint_sha256!r}, "
            f"not_after={self.not_after.isoformat()!r})"
        )

    def __reduce__(self) -> str:
        raise TypeError("a Certificate can't be pickled: its key would leave memory unencrypted")

    @classmethod
    @clears_locals
    def from_path(
        cls, path: str | os.PathLike[str], password: str | None = None, thumbprint: str | None = None
    ) -> Certificate:
        """Return the certificate of a PFX, PEM or DER file. Log a warning if other users can read the file.

        Args:
            path: The file; `~` is expanded. The content tells the format.
            password: Password of the file; None for a file without one.
            thumbprint: SHA-1 or SHA-256 thumbprint that chooses one of several certificates; None for the only one.

        Raises:
            CertificatePasswordError: The file is encrypted, and no password was given.
            CertificateError: The file can't be read or opened, has no certificate with its private key, has several, or
                none with the thumbprint.
            ParameterError: The thumbprint is invalid.
        """
        from entrakit.certificates.names import parse_thumbprint
        from entrakit.certificates.reading.files import read_certificate_file

        digits = parse_thumbprint(thumbprint) if thumbprint is not None else ""
        return cls._with_key(read_certificate_file(os.fspath(path), password, digits))

    @classmethod
    @clears_locals
    def from_bytes(cls, data: bytes, password: str | None = None) -> Certificate:
        """Return the certificate of a file's content; arguments and errors as for `from_path`."""
        from entrakit.certificates.reading.files import parse_certificate

        return cls._with_key(parse_certificate(data, password, source="the certificate data"))

    @classmethod
    @clears_locals
    def from_pair(
        cls, private_key: RSAPrivateKey, certificate: X509Certificate, chain: Sequence[X509Certificate] = ()
    ) -> Certificate:
        """Return the certificate of a private key and a certificate of the `cryptography` package.

        Args:
            private_key: The RSA key.
            certificate: The certificate of the key.
            chain: Certificates of the issuers, from the certificate upwards.

        Raises:
            CertificateError: The key is not an RSA key, or belongs to another certificate.
        """
        from entrakit.certificates.signers.software import SoftwareKey

        return cls(certificate, SoftwareKey.matching(private_key, certificate), chain)

    @classmethod
    def _with_key(cls, found: CertificateAndKey) -> Certificate:
        from entrakit.certificates.signers.software import SoftwareKey

        return cls(found.certificate, SoftwareKey(found.private_key), found.chain)

    @property
    def key_kind(self) -> str:
        """Kind and size of the key, such as `RSA 2048`."""
        from entrakit.certificates.public_keys import describe_key

        return describe_key(self._x509)

    def is_valid(self, now: float) -> bool:
        """Return whether the certificate is valid at a time. Both ends are included (RFC 5280, 4.1.2.5).

        Args:
            now: Seconds since 1970.
        """
        return self.not_before.timestamp() <= now <= self.not_after.timestamp()

    def check(self, now: float) -> str:
        """Check that an app can sign in with the certificate. Return a warning if it expires within 30 days, or "".

        Args:
            now: Seconds since 1970.

        Raises:
            CertificateError: The certificate is not valid at this time, or its key is too short or not an RSA key.
        """
        from entrakit.certificates.public_keys import require_strong_key

        require_strong_key(self._x509, self.subject)
        if now < self.not_before.timestamp():
            raise CertificateError(
                f"The certificate {self.subject} is not valid before {_minute(self.not_before)}.",
                remedy="Check the clock of this machine, or use another certificate.",
            )
        left = self.not_after.timestamp() - now
        if left < 0:
            raise CertificateError(
                f"The certificate {self.subject} expired on {_minute(self.not_after)}.",
                remedy="Create a new certificate and upload it to the app registration.",
            )
        if left >= WARN_DAYS * DAY_S:
            return ""
        days = f"{left // DAY_S:.0f} days" if left >= 2 * DAY_S else f"{left // 3600:.0f} hours"
        return f"The certificate {self.subject} expires on {_minute(self.not_after)}, in {days}."

    def sign(self, message: bytes) -> bytes:
        """Return the PS256 signature of the signer for a message, after verifying it with the certificate.

        The key of a device can't be compared with the certificate in advance. Verifying the signature finds a wrong key
        before the token service does.

        Args:
            message: The signing input of a JWT.

        Raises:
            CertificateError: The key can't sign, or belongs to another certificate.
        """
        from entrakit.certificates.public_keys import is_signed_by

        try:
            signature = self.signer.sign(message)
        except (ValueError, TypeError) as error:
            # A program can pass its own signer. Exceptions of a signer must not look like errors of the token service.
            raise CertificateError(
                f"The signer of the certificate {self.subject} failed: {type(error).__name__}.",
                remedy="Test the signer alone.",
            ) from error
        if not is_signed_by(self._x509, message, signature):
            raise CertificateError(
                f"The signature for the certificate {self.subject} was not made with the key of the certificate.",
                remedy="Give the certificate together with its own key.",
            )
        return signature

    def export_pem(self) -> bytes:
        """Return certificate, chain and private key as PEM, for the encrypted part of a vault entry.

        Raises:
            CertificateError: The private key is not exportable.
        """
        from base64 import encodebytes

        from entrakit.certificates.signers.software import SoftwareKey

        if not isinstance(self.signer, SoftwareKey):
            raise CertificateError(
                f"The private key of the certificate {self.subject} is not exportable, so it can't be saved.",
                remedy="Connect without `save_secret`.",
            )
        blocks = [
            b"-----BEGIN CERTIFICATE-----\n" + encodebytes(der) + b"-----END CERTIFICATE-----\n"
            for der in (self.der, *self.chain)
        ]
        return b"".join([*blocks, self.signer.export_pem()])


def _minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")
