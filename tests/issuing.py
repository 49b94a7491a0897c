"""A certificate authority for tests, which issues good and bad certificates for servers on loopback."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import subprocess
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from pathlib import Path

DAY = datetime.timedelta(days=1)


class Authority:
    """A certificate authority.

    Args:
        directory: Directory for its files; `ca.pem` becomes its certificate.
        name: Common name.
    """

    def __init__(self, directory: Path, name: str = "Test CA") -> None:
        self.directory = directory
        self.file = directory / "ca.pem"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._issued = 0
        self.file.write_bytes(
            self._builder(self._name, self._key.public_key(), DAY, is_ca=True)
            .sign(self._key, hashes.SHA256())
            .public_bytes(serialization.Encoding.PEM)
        )

    def hashed_directory(self) -> str:
        """Return a directory with the certificate, as `openssl rehash` prepares it."""
        directory = self.directory / "hashed"
        directory.mkdir()
        (directory / "ca.pem").write_bytes(self.file.read_bytes())
        subprocess.run(["openssl", "rehash", directory], check=True, capture_output=True)
        return str(directory)

    def server_context(
        self,
        *,
        names: tuple[str, ...] = ("localhost",),
        addresses: tuple[str, ...] = (),
        ends_in: datetime.timedelta = DAY,
    ) -> ssl.SSLContext:
        """Return the TLS context of a server with a new certificate.

        Args:
            names: DNS names in the certificate.
            addresses: IP addresses in the certificate.
            ends_in: Time from now to the end of its validity.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
        alternatives = [
            *(x509.DNSName(name) for name in names),
            *(x509.IPAddress(ipaddress.ip_address(address)) for address in addresses),
        ]
        certificate = (
            self._builder(subject, key.public_key(), ends_in, is_ca=False)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        pem, der_key = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        self._issued += 1
        file = self.directory / f"server-{self._issued}.pem"
        file.write_bytes(certificate.public_bytes(pem) + key.private_bytes(pem, der_key, serialization.NoEncryption()))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, ends_in: datetime.timedelta, *, is_ca: bool
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        usage = dict.fromkeys(
            ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only",
             "decipher_only"), False,
        )  # fmt: skip
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 10 * DAY)
            .not_valid_after(now + ends_in)
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
            # Python 3.13 requires these extensions of every certificate (RFC 5280, 4.2.1.1 to 4.2.1.3).
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .add_extension(
                x509.KeyUsage(digital_signature=not is_ca, key_cert_sign=is_ca, crl_sign=is_ca, **usage), critical=True
            )
        )
