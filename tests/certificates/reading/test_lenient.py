"""Certificates whose names break the rules of their string types."""

from __future__ import annotations

import base64
import ssl
import warnings
from typing import TYPE_CHECKING, cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from entrakit import Certificate
from entrakit.certificates.reading.der import SEQUENCE, SET, children, compose
from entrakit.certificates.reading.files import chain_of, read_public_certificate
from entrakit.certificates.reading.glance import _leaf
from entrakit.certificates.reading.lenient import load_certificate
from entrakit.certificates.signers.key_vault import KeyVault
from entrakit.certificates.stores.folder import DirectoryStore
from entrakit.errors import CertificateError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.certificates.conftest import Maker

    from entrakit.services.connected import OpenConnection

PRINTABLE, TELETEX, GENERAL, UTF8, BMP = 0x13, 0x14, 0x1B, 0x0C, 0x1E
NO_CONNECTION = cast("OpenConnection", None)
COMMON_NAME = bytes.fromhex("0603550403")


def name(tag: int, value: bytes) -> bytes:
    """Return a name in DER, with one common name of a string type."""
    return compose(SEQUENCE, compose(SET, compose(SEQUENCE, COMMON_NAME, compose(bytes([tag]), value))))


def certificate(maker: Maker, subject: bytes, issuer: bytes | None = None) -> bytes:
    """Return a certificate with these names, correctly signed, in DER."""
    usual = maker.certificate().public_bytes(serialization.Encoding.DER)
    signed, algorithm, _ = children(usual, SEQUENCE)
    fields = list(children(signed, SEQUENCE))
    fields[3], fields[5] = issuer or subject, subject
    signed = compose(SEQUENCE, *fields)
    signature = maker.key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    return compose(SEQUENCE, signed, algorithm, compose(b"\x03", b"\0" + signature))


def as_pem(der: bytes) -> bytes:
    """Return a certificate as PEM."""
    return ssl.DER_cert_to_PEM_cert(der).encode()


with warnings.catch_warnings():
    # The builder warns, too.
    warnings.simplefilter("ignore")
    LONG = x509.Name([
        x509.NameAttribute(NameOID.COUNTRY_NAME, "DEU", _validate=False),
        x509.NameAttribute(NameOID.COMMON_NAME, "x" * 70, _validate=False),
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("tag", "value", "subject"),
    [
        (PRINTABLE, b"app@contoso.example", "CN=app@contoso.example"),
        (PRINTABLE, b"app!1", "CN=app!1"),
        (PRINTABLE, b"a_b*&", "CN=a_b*&"),
        (PRINTABLE, "Zürich".encode(), "CN=Zürich"),
        (PRINTABLE, "Zürich".encode("latin-1"), "CN=Zürich"),
        (TELETEX, "Zürich".encode("latin-1"), "CN=Zürich"),
        (GENERAL, b"app", "CN=app"),
    ],
)
def test_a_name_that_breaks_its_type_is_read(maker: Maker, tag: int, value: bytes, subject: str) -> None:
    """
    A subject is read whatever characters its string has. The certificate keeps its bytes and its thumbprint.
    """
    der = certificate(maker, name(tag, value))

    found = Certificate.from_bytes(as_pem(der) + maker.key_pem())

    assert (subject, der) == (found.subject, found.der)
    assert found.is_valid(found.not_before.timestamp())
    assert found.sign(b"message")
    assert found.thumbprint == Certificate.from_bytes(der + maker.key_der()).thumbprint
    assert der == Certificate.from_bytes(found.export_pem()).der


@pytest.mark.parametrize(("tag", "value"), [(UTF8, b"Conto\xff"), (BMP, b"abc")])
def test_a_damaged_string_is_reported(maker: Maker, tag: int, value: bytes) -> None:
    """
    UTF-8 and UTF-16 that can't be decoded are damage: they have no other meaning.
    """
    with pytest.raises(CertificateError, match="damaged"):
        Certificate.from_bytes(as_pem(certificate(maker, name(tag, value))) + maker.key_pem())


def test_damaged_names_are_reported_wherever_they_are(maker: Maker, tmp_path: Path) -> None:
    """
    A file without a key reports a damaged name, too, and a search opens the file to see what is wrong with it.
    """
    damaged = certificate(maker, name(UTF8, b"Conto\xff"))
    (tmp_path / "app.cer").write_bytes(damaged)
    (tmp_path / "good.cer").write_bytes(certificate(maker, name(UTF8, b"Contoso")))

    assert "CN=Contoso" == read_public_certificate(str(tmp_path / "good.cer"))[0].subject.rfc4514_string()
    with pytest.raises(CertificateError, match="damaged certificate"):
        read_public_certificate(str(tmp_path / "app.cer"))
    assert _leaf([load_certificate(damaged)]) is None


def test_a_usual_certificate_is_that_of_the_library(maker: Maker) -> None:
    """
    A certificate that the library reads is not changed.
    """
    usual = maker.certificate()

    found = load_certificate(usual.public_bytes(serialization.Encoding.DER))

    assert usual == found
    assert isinstance(found, x509.Certificate)


def test_certificates_are_compared_by_their_bytes(maker: Maker) -> None:
    """
    Two copies of one certificate are equal; another one with the same names is not. A chain of them is put in order.
    """
    authority, app = name(PRINTABLE, b"authority@contoso"), name(PRINTABLE, b"app@contoso")
    der = certificate(maker, app, issuer=authority)
    root_der = certificate(maker, authority)
    root = load_certificate(root_der)
    leaf, same, other = load_certificate(der), load_certificate(der), load_certificate(certificate(maker, app))

    assert leaf == same
    assert hash(leaf) == hash(same)
    assert leaf not in (other, root)
    assert [root] == chain_of(leaf, [same, root])
    assert root_der == root.public_bytes(serialization.Encoding.DER)
    assert (
        leaf.fingerprint(hashes.SHA256()).hex().upper()
        == Certificate.from_bytes(der + maker.key_der()).thumbprint_sha256
    )
    with pytest.raises(ValueError, match="only DER"):
        leaf.public_bytes(serialization.Encoding.PEM)


def test_a_directory_shows_such_a_certificate(maker: Maker, tmp_path: Path) -> None:
    """
    A search in a directory finds such a certificate by its name, in PEM and in PFX.
    """
    der = certificate(maker, name(PRINTABLE, b"app@contoso.example"))
    (tmp_path / "app.pem").write_bytes(as_pem(der) + maker.key_pem())

    (item,) = DirectoryStore(str(tmp_path), "user").contents()

    assert item.certificate is not None
    assert "CN=app@contoso.example" == item.certificate.subject


def test_a_key_vault_returns_such_a_certificate(maker: Maker) -> None:
    """
    A certificate of a key vault is read like one of a file.
    """
    der = certificate(maker, name(PRINTABLE, b"app@contoso.example"))

    class Answers(KeyVault):
        def send(self, method: str, kind: str, name: str, action: str = "", body: object = None) -> dict[str, object]:
            del method, kind, name, action, body
            return {"cer": base64.b64encode(der).decode(), "kid": "https://contoso.vault.azure.net/keys/app/1"}

    found = Certificate(*Answers("contoso", "main", NO_CONNECTION).certificate("app"))

    assert ("CN=app@contoso.example", der) == (found.subject, found.der)


@pytest.mark.parametrize("is_negative", [False, True])
def test_no_certificate_is_a_warning(maker: Maker, recwarn: pytest.WarningsRecorder, is_negative: bool) -> None:
    """
    The library warns of long names and of serial numbers below zero, which `python -W error` makes exceptions.
    """
    certificate = maker.certificate(subject=LONG)
    der = certificate.public_bytes(Encoding.DER)
    length = (certificate.serial_number.bit_length() + 8) // 8
    at = der.index(certificate.serial_number.to_bytes(length, "big"))
    if is_negative:
        der = der[:at] + b"\x80" + der[at + 1 :]

    assert load_certificate(der).subject.rfc4514_string().endswith("C=DEU")
    assert [] == list(recwarn)
