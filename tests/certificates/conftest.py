"""Keys and certificates for the tests, created again in each run."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NOW = datetime.datetime.now(datetime.UTC)


def named(common_name: str) -> x509.Name:
    """Return a subject of the organization Contoso."""
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Contoso"), x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    )


class Maker:
    """Creates certificates for a key, and PEM, DER and PFX files."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(65537, 2048)
        self.other_key = rsa.generate_private_key(65537, 2048)
        self.small_key = rsa.generate_private_key(65537, 1024)
        self.ec_key = ec.generate_private_key(ec.SECP256R1())

    def certificate(
        self,
        name: str = "app",
        *,
        key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | None = None,
        public_key: rsa.RSAPublicKey | None = None,
        begins: float = -1,
        ends: float = 365,
        issuer: str | None = None,
        signed_with: rsa.RSAPrivateKey | None = None,
        subject: x509.Name | None = None,
    ) -> x509.Certificate:
        """Return a certificate. Its validity begins and ends a number of days from now."""
        return (
            x509.CertificateBuilder()
            .subject_name(subject or named(name))
            .issuer_name(subject or named(issuer or name))
            .public_key(public_key or (key or self.key).public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW + datetime.timedelta(days=begins))
            .not_valid_after(NOW + datetime.timedelta(days=ends))
            .sign(signed_with or self.key, hashes.SHA256())
        )

    def key_pem(
        self,
        key: object | None = None,
        *,
        password: bytes | None = None,
        form: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8,
    ) -> bytes:
        """Return a private key as PEM."""
        found = key or self.key
        assert isinstance(found, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
        return found.private_bytes(serialization.Encoding.PEM, form, encryption(password))

    def key_der(self, *, password: bytes | None = None) -> bytes:
        """Return the private key as DER."""
        return self.key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, encryption(password)
        )

    def pem(self, certificate: x509.Certificate | None = None) -> bytes:
        """Return a certificate with the key as PEM."""
        return pem(certificate or self.certificate()) + self.key_pem()

    def pfx(
        self,
        certificate: x509.Certificate | None = None,
        *,
        password: bytes | None = None,
        chain: Sequence[x509.Certificate] = (),
    ) -> bytes:
        """Return a certificate with the key as PFX."""
        return pkcs12.serialize_key_and_certificates(
            "My äpp".encode(), self.key, certificate or self.certificate(), list(chain), encryption(password)
        )


def encryption(password: bytes | None) -> serialization.KeySerializationEncryption:
    """Return the encryption with a password; None means no encryption."""
    return serialization.NoEncryption() if password is None else serialization.BestAvailableEncryption(password)


def pem(certificate: x509.Certificate) -> bytes:
    """Return a certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="session")
def maker() -> Maker:
    """Return a maker of certificates."""
    return Maker()


@pytest.fixture(scope="session")
def as_pem() -> Callable[[x509.Certificate], bytes]:
    """Return a function that converts a certificate to PEM."""
    return pem


@pytest.fixture(scope="session")
def as_der() -> Callable[[x509.Certificate], bytes]:
    """Return a function that converts a certificate to DER."""
    return lambda certificate: certificate.public_bytes(serialization.Encoding.DER)
