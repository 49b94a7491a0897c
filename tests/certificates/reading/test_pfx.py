"""The structure of PFX files, and files that the library decrypts but does not read."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from tests.certificates.reading.test_lenient import PRINTABLE, TELETEX, as_pem, certificate, name

from entrakit import Certificate
from entrakit.certificates.reading.der import EXPLICIT, OCTETS, SEQUENCE, children, compose, content
from entrakit.certificates.reading.formats import _pfx_keys
from entrakit.certificates.reading.glance import glance
from entrakit.certificates.reading.pfx import (
    CERTIFICATE_BAG,
    DATA,
    IMPLICIT,
    SHROUDED_KEY_BAG,
    certificate_items,
    is_encrypted,
    key_items,
    kind_of,
    safes,
)
from entrakit.errors import CertificateError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.certificates.conftest import Maker

# 1.2.840.113549.1.7.3 (RFC 5652).
ENVELOPED = bytes.fromhex("06092a864886f70d010703")
NEEDS_OPENSSL = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


def exported(maker: Maker, folder: Path, password: str, *options: str) -> tuple[bytes, bytes]:
    """Return a certificate whose subject is not a PrintableString, and a PFX file of OpenSSL with it."""
    der = certificate(maker, name(PRINTABLE, b"app@contoso.example"))
    (folder / "app.pem").write_bytes(as_pem(der) + maker.key_pem())
    command = ["openssl", "pkcs12", "-export", "-in", "app.pem", "-out", "app.pfx", "-passout", f"pass:{password}"]
    subprocess.run([*command, *options], cwd=folder, check=True)
    return der, (folder / "app.pfx").read_bytes()


@NEEDS_OPENSSL
@pytest.mark.parametrize("password", ["right", "pässwörd", ""])
@pytest.mark.parametrize(
    "options",
    [
        (),
        ("-certpbe", "AES-128-CBC", "-macalg", "sha512"),
        ("-certpbe", "AES-192-CBC"),
        ("-certpbe", "DES-EDE3-CBC"),
        ("-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"),
        ("-keypbe", "NONE", "-certpbe", "NONE"),
        ("-nomac",),
    ],
    ids=" ".join,
)
def test_a_name_in_a_pfx_file_may_break_its_type(
    maker: Maker, tmp_path: Path, options: tuple[str, ...], password: str
) -> None:
    """
    The certificate is read, and its bytes are those of the file. The right password is never called wrong.
    """
    der, data = exported(maker, tmp_path, password, *options)

    found = Certificate.from_bytes(data, password or None)

    assert ("CN=app@contoso.example", der) == (found.subject, found.der)
    assert found.sign(b"message")


@NEEDS_OPENSSL
@pytest.mark.parametrize("password", ["right", ""])
def test_a_latin_1_name_in_a_pfx_file_is_read(maker: Maker, tmp_path: Path, password: str) -> None:
    """
    The library reads such a certificate, but not its names. They are read in a file and in a search.
    """
    der = certificate(maker, name(TELETEX, "Zürich".encode("latin-1")))
    (tmp_path / "app.pem").write_bytes(as_pem(der) + maker.key_pem())
    command = ["openssl", "pkcs12", "-export", "-in", "app.pem", "-out", "app.pfx", "-passout", f"pass:{password}"]
    subprocess.run(command, cwd=tmp_path, check=True)
    data = (tmp_path / "app.pfx").read_bytes()

    found = Certificate.from_bytes(data, password or None)

    assert ("CN=Zürich", der) == (found.subject, found.der)
    if not password:
        assert ["CN=Zürich"] == [one.subject.rfc4514_string() for one in glance(data, "the file")]


@NEEDS_OPENSSL
@pytest.mark.parametrize("password", ["wrong", ""])
def test_a_wrong_password_is_still_called_wrong(maker: Maker, tmp_path: Path, password: str) -> None:
    """
    The name of a certificate makes no difference for a password that is wrong or missing.
    """
    _, data = exported(maker, tmp_path, "right")

    with pytest.raises(CertificateError, match="the password is wrong" if password else "no password was given"):
        Certificate.from_bytes(data, password or None)


@NEEDS_OPENSSL
def test_an_old_cipher_is_named_as_the_reason(maker: Maker, tmp_path: Path) -> None:
    """
    RC2 is not decrypted here: the error says that the password is right, and how to export the file.
    """
    _, data = exported(maker, tmp_path, "right", "-legacy")

    with pytest.raises(
        CertificateError, match="the password is right, but a name in one of its certificates"
    ) as caught:
        Certificate.from_bytes(data, "right")
    assert "AES" in caught.value.remedy


def test_the_parts_of_a_file_are_found(maker: Maker) -> None:
    """
    A file has an encrypted safe with the certificates, and one with the encrypted key.
    """
    data = maker.pfx(password=b"pw")
    plain = maker.pfx()

    assert [None, [SHROUDED_KEY_BAG]] == [bags and [kind_of(bag) for bag in bags] for _, bags in safes(data)]
    assert [True] == [is_encrypted(item) for item in key_items(data)]
    assert [False] == [is_encrypted(item) for item in key_items(plain)]
    assert CERTIFICATE_BAG in [kind_of(bag) for _, bags in safes(plain) for bag in bags or ()]


def test_certificates_are_found_in_both_kinds_of_safes(maker: Maker) -> None:
    """
    Certificates are returned as they are in the file, encrypted or not.
    """
    app = maker.certificate()
    der = app.public_bytes(serialization.Encoding.DER)

    assert [der] == certificate_items(maker.pfx(app), b"")
    assert [der] == certificate_items(maker.pfx(app, password=b"pw"), b"pw")


def in_pieces(value: bytes) -> bytes:
    """Return DER with its encrypted data in two strings, as BER allows it (X.690, 8.7.3)."""
    if value[:1] == IMPLICIT:
        data = content(value, IMPLICIT)
        return compose(EXPLICIT, compose(OCTETS, data[:16]), compose(OCTETS, data[16:]))
    if value[:1] == OCTETS and value[4:5] == SEQUENCE:
        return compose(OCTETS, in_pieces(content(value, OCTETS)))
    if value[0] & 0x20:
        return compose(value[:1], *(in_pieces(part) for part in children(value, value[:1])))
    return value


def test_encrypted_data_may_be_in_pieces(maker: Maker) -> None:
    """
    Some programs write the encrypted certificates in several strings.
    """
    app = maker.certificate()
    data = in_pieces(maker.pfx(app, password=b"pw"))

    assert data != maker.pfx(app, password=b"pw")
    assert [app.public_bytes(serialization.Encoding.DER)] == certificate_items(data, b"pw")


def test_other_kinds_of_safes_are_left_out(maker: Maker) -> None:
    """
    A safe that is encrypted for a public key is not read (RFC 7292, 4.1); a signed file is refused.
    """
    version, outer, *_ = children(maker.pfx(), SEQUENCE)
    safe = compose(SEQUENCE, ENVELOPED, compose(EXPLICIT, compose(SEQUENCE)))
    other = compose(SEQUENCE, DATA, compose(EXPLICIT, compose(OCTETS, compose(SEQUENCE, safe))))

    assert [] == list(safes(compose(SEQUENCE, version, other)))
    with pytest.raises(ValueError, match="signed with a key"):
        list(safes(compose(SEQUENCE, version, outer.replace(DATA, ENVELOPED, 1))))


def test_a_key_that_can_not_be_read_is_reported(maker: Maker) -> None:
    """
    If the library returns no key, the keys are read one by one, and the error says that one can't be read.
    """
    with pytest.raises(CertificateError, match="one of its private keys can't be read"):
        _pfx_keys(maker.pfx(password=b"pw"), b"wrong", None, "the file")
