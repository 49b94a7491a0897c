"""Key vaults: their objects and access policies.

A certificate consists of three objects with the same name and version: certificate, key and secret ("Composition of a
certificate", in "About Azure Key Vault certificates"). All values are immutable; a change replaces the key vault.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization

from entrakit_emulator.state.keys import make_certificate, make_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

PFX = "application/x-pkcs12"
PEM = "application/x-pem-file"
PERMISSIONS = (
    "keys/get",
    "keys/list",
    "keys/sign",
    "certificates/get",
    "certificates/list",
    "secrets/get",
    "secrets/list",
)


@dataclass(frozen=True, slots=True)
class KeyVaultCertificate:
    """One version of a certificate, with its key and its secret.

    Args:
        certificate: The certificate.
        key: Its private key.
        is_exportable: Whether the secret contains the private key.
        is_hsm: Whether the key is in hardware (`RSA-HSM`).
        content_type: `application/x-pkcs12` or `application/x-pem-file`.
        is_enabled: False for a disabled version.
        created: Seconds since 1970.
        version: 32 hexadecimal digits.
    """

    certificate: x509.Certificate
    key: RSAPrivateKey = field(repr=False)
    is_exportable: bool = True
    is_hsm: bool = False
    content_type: str = PFX
    is_enabled: bool = True
    created: int = 0
    version: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def certificate_pem(self) -> str:
        """The certificate, PEM text."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def not_before(self) -> int:
        """Start of validity, seconds since 1970."""
        return int(self.certificate.not_valid_before_utc.timestamp())

    @property
    def not_after(self) -> int:
        """End of validity, seconds since 1970."""
        return int(self.certificate.not_valid_after_utc.timestamp())


@dataclass(frozen=True, slots=True)
class KeyVaultSecret:
    """One version of a plain secret.

    Args:
        value: The secret.
        content_type: Content type given by the owner; empty if there is none.
        expires_at: Seconds since 1970; None for never.
        is_enabled: False for a disabled version.
        created: Seconds since 1970.
        version: 32 hexadecimal digits.
    """

    value: str = field(repr=False)
    content_type: str = ""
    expires_at: int | None = None
    is_enabled: bool = True
    created: int = 0
    version: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass(frozen=True, slots=True)
class KeyVault:
    """A key vault.

    Args:
        name: Name, lower case.
        tenant_id: Id of the tenant whose tokens are accepted.
        certificates: Versions of certificates by name, newest last.
        secrets: Versions of plain secrets by name, newest last.
        access: Permissions by object id of a user or service principal.
    """

    name: str
    tenant_id: str
    certificates: Mapping[str, tuple[KeyVaultCertificate, ...]] = field(default_factory=dict)
    secrets: Mapping[str, tuple[KeyVaultSecret, ...]] = field(default_factory=dict)
    access: Mapping[str, frozenset[str]] = field(default_factory=dict)


def new_certificate(subject: str, *, is_exportable: bool = True, is_hsm: bool = False) -> KeyVaultCertificate:
    """Return a new self-signed certificate with a new key.

    Args:
        subject: Common name of the subject.
        is_exportable: Whether the private key is exportable.
        is_hsm: Whether the key is in hardware.
    """
    key = make_key()
    return KeyVaultCertificate(make_certificate(subject, key), key, is_exportable, is_hsm)
