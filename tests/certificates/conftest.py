"""Keys and certificates, made anew for each run."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime.datetime.now(datetime.UTC)


class Maker:
    """Makes certificates of one key, and PEM and PFX files of them."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(65537, 2048)
        self.other_key = rsa.generate_private_key(65537, 2048)
        self.small_key = rsa.generate_private_key(65537, 1024)
        self.ec_key = ec.generate_private_key(ec.SECP256R1())

    def certificate(
        self, name: str = "app", *, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | None = None,
        begins: float = -1, ends: float = 365, issuer: str | None = None,
    ) -> x509.Certificate:  # fmt: skip
        """Return a certificate; days are counted from now."""
        subject = x509.Name(
            [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Contoso"), x509.NameAttribute(NameOID.COMMON_NAME, name)]
        )
        signed_by = subject
        if issuer is not None:
            signed_by = x509.Name(
                [
                    x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Contoso"),
                    x509.NameAttribute(NameOID.COMMON_NAME, issuer),
                ]
            )
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(signed_by)
            .public_key((key or self.key).public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW + datetime.timedelta(days=begins))
            .not_valid_after(NOW + datetime.timedelta(days=ends))
            .sign(self.key, hashes.SHA256())
        )

    def key_pem(
        self, key: object | None = None, *, password: bytes | None = None,
        form: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8,
    ) -> bytes:  # fmt: skip
        """Return a private key as PEM."""
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if password is not None:
            encryption = serialization.BestAvailableEncryption(password)
        found = key or self.key
        assert isinstance(found, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
        return found.private_bytes(serialization.Encoding.PEM, form, encryption)


def pem(certificate: x509.Certificate) -> bytes:
    """Return a certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="session")
def maker() -> Maker:
    """Return what makes certificates."""
    return Maker()


@pytest.fixture(scope="session")
def as_pem() -> Callable[[x509.Certificate], bytes]:
    """Return what makes PEM of a certificate."""
    return pem
