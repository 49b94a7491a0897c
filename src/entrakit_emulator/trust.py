"""Trust for one run: a certificate authority for loopback names only, and one server certificate issued by it.

    make    CA key, CA certificate       name constraints: localhost, 127.0.0.0/8, ::1 (RFC 5280, 4.2.1.10)
            server key, certificate      signed by the CA, whose key is then discarded
    write   ca.pem                       into a private directory, removed at the end

Adding `ca.pem` to a trust store gives nobody power over any other site.
"""

from __future__ import annotations

import datetime
import ipaddress
import shutil
import ssl
import tempfile
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPublicKeyTypes

CA_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Entra emulator CA (loopback only)")])
LEAF_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])


class Trust:
    """The CA certificate in a file, and the TLS context of the server.

    Attributes:
        ca_path: PEM file with the CA certificate.
        context: TLS context of the server.
    """

    def __init__(self) -> None:
        directory = Path(tempfile.mkdtemp(prefix="entra-emulator-"))
        self._remove = weakref.finalize(self, shutil.rmtree, directory, ignore_errors=True)
        ca_pem, leaf_pem = _certify()
        self.ca_path = directory / "ca.pem"
        self.ca_path.write_bytes(ca_pem)
        leaf_path = directory / "server.pem"
        leaf_path.touch(mode=0o600)
        leaf_path.write_bytes(leaf_pem)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.load_cert_chain(leaf_path)
        leaf_path.unlink()

    def remove(self) -> None:
        """Remove the file of the CA certificate and its directory."""
        self._remove()


def pinned_context() -> tuple[ssl.SSLContext, str]:
    """Return the TLS context of a server with a certificate that no authority issued, and its SHA-1 thumbprint."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Managed identity of Service Fabric (emulated)")])
    certificate = _builder(name, key.public_key(), key, is_ca=False, issuer=name).sign(key, hashes.SHA256())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    with tempfile.TemporaryDirectory(prefix="entra-emulator-") as directory:
        path = Path(directory) / "server.pem"
        path.touch(mode=0o600)
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + _pem(key))
        context.load_cert_chain(path)
    # Service Fabric names the certificate by this hash; it protects nothing here.
    return context, certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303


def _certify() -> tuple[bytes, bytes]:
    """Return the CA certificate, and the server's certificate with its key, both as PEM."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    loopback = [x509.DNSName("localhost")]
    networks = [ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")]
    addresses = [ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")]
    ca = (
        _builder(CA_NAME, ca_key.public_key(), ca_key, is_ca=True)
        .add_extension(
            x509.NameConstraints([*loopback, *(x509.IPAddress(network) for network in networks)], None), critical=True
        )
        .sign(ca_key, hashes.SHA256())
    )
    leaf = (
        _builder(LEAF_NAME, key.public_key(), ca_key, is_ca=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([*loopback, *(x509.IPAddress(address) for address in addresses)]),
            critical=False,
        )
        .sign(ca_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    return ca.public_bytes(pem), leaf.public_bytes(pem) + _pem(key)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _builder(
    subject: x509.Name,
    key: CertificateIssuerPublicKeyTypes,
    ca_key: ec.EllipticCurvePrivateKey,
    *,
    is_ca: bool,
    issuer: x509.Name = CA_NAME,
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=0 if is_ca else None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=not is_ca,
                key_cert_sign=is_ca,
                crl_sign=is_ca,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
    )
