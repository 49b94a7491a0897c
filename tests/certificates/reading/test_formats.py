"""Formats of certificate files: all usual ones open, and the error for an unusable file gives the reason."""

from __future__ import annotations

import base64
import shutil
import subprocess
import time
import warnings
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import PrivateFormat, pkcs12
from hypothesis import given, settings
from hypothesis import strategies as st

from entrakit import Certificate
from entrakit.certificates.reading.files import read_public_certificate
from entrakit.errors import CertificateError, CertificatePasswordError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography.x509 import Certificate as X509Certificate
    from tests.certificates.conftest import Maker

    AsBytes = Callable[[X509Certificate], bytes]

APP = "CN=app,O=Contoso"
NEEDS_OPENSSL = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


@pytest.mark.parametrize(
    ("form", "password"),
    [
        (PrivateFormat.PKCS8, None),
        (PrivateFormat.TraditionalOpenSSL, None),
        (PrivateFormat.PKCS8, "canary-pässword"),
        (PrivateFormat.TraditionalOpenSSL, "canary-pässword"),
    ],
)
@pytest.mark.parametrize("key_first", [True, False])
@pytest.mark.parametrize("line_break", [b"\n", b"\r\n", b"\r"])
def test_pem_in_every_form(
    maker: Maker, as_pem: AsBytes, form: PrivateFormat, password: str | None, key_first: bool, line_break: bytes
) -> None:
    """
    PKCS#1 and PKCS#8 keys open, plain and encrypted, in either order, with the line breaks of any system and a BOM.
    """
    key = maker.key_pem(form=form, password=password.encode() if password else None)
    parts = [key, as_pem(maker.certificate())]
    data = b"\xef\xbb\xbf" + b"junk\n" + b"".join(parts if key_first else parts[::-1])

    found = Certificate.from_bytes(data.replace(b"\n", line_break), password)

    assert APP == found.subject


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: data.replace(b"-----BEGIN", b"\xef\xbb\xbf-----BEGIN"),
        lambda data: b"Bag Attributes\n    friendlyName: app\n" + data,
        lambda data: b"".join(b"    " + line + b"  \n" for line in data.splitlines()),
        lambda data: data.decode().encode("utf-16"),
        lambda data: b"\xfe\xff" + data.decode().encode("utf-16-be"),
    ],
    ids=["bom", "bom in between", "bag attributes", "indented", "UTF-16 little", "UTF-16 big"],
)
def test_pem_as_tools_write_it(maker: Maker, change: Callable[[bytes], bytes]) -> None:
    """
    PEM files that other tools joined, indented, annotated or re-encoded are read.
    """
    assert APP == Certificate.from_bytes(change(maker.pem())).subject


def on_one_line(data: bytes, separator: bytes) -> bytes:
    """Return PEM without line breaks."""
    return separator.join(data.split(b"\n"))


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
@pytest.mark.parametrize("password", [None, b"canary"])
@pytest.mark.parametrize("separator", [b" ", rb"\n", rb"\r\n", b"\t "], ids=["space", "n", "r n", "tab"])
def test_pem_on_one_line(
    maker: Maker, as_pem: AsBytes, form: PrivateFormat, password: bytes | None, separator: bytes
) -> None:
    r"""
    Variables and web forms remove the line breaks of PEM, or write them as `\n`. Such a file is read.
    """
    data = as_pem(maker.certificate()) + maker.key_pem(form=form, password=password)

    found = Certificate.from_bytes(on_one_line(data, separator), password.decode() if password else None)

    assert APP == found.subject


def test_pem_without_any_separator(maker: Maker) -> None:
    """
    PEM whose line breaks were removed without a replacement is read.
    """
    assert APP == Certificate.from_bytes(maker.pem().replace(b"\n", b"")).subject


def test_a_public_certificate_on_one_line(maker: Maker, as_pem: AsBytes, tmp_path: Path) -> None:
    """
    The file next to a signing program or a key vault is read in the same forms.
    """
    for data in (on_one_line(as_pem(maker.certificate()), b" "), base64.b64encode(as_pem(maker.certificate()))):
        (tmp_path / "app.pem").write_bytes(data)
        certificate, _ = read_public_certificate(str(tmp_path / "app.pem"))
        assert APP == certificate.subject.rfc4514_string()


@pytest.mark.parametrize("password", [None, b"canary"])
@pytest.mark.parametrize(
    "change",
    [
        base64.b64encode,
        base64.encodebytes,
        base64.urlsafe_b64encode,
        lambda data: base64.encodebytes(data).replace(b"\n", b"\r\n"),
        lambda data: b"\xef\xbb\xbf" + base64.b64encode(data) + b"\n",
        lambda data: base64.b64encode(data).decode().encode("utf-16"),
        lambda data: base64.b64encode(data).rstrip(b"="),
    ],
    ids=["one line", "lines", "url", "CRLF", "bom", "UTF-16", "without padding"],
)
@pytest.mark.parametrize("kind", ["pfx", "pem", "der"])
def test_base64_of_a_file_is_read(
    maker: Maker, as_der: AsBytes, kind: str, change: Callable[[bytes], bytes], password: bytes | None
) -> None:
    """
    Azure Key Vault returns a PFX file in base64, and pipelines keep any file so. The text is read like the file.
    """
    certificate = maker.certificate()
    data = {
        "pfx": maker.pfx(certificate, password=password),
        "pem": maker.pem(certificate).split(b"-----BEGIN PRIV")[0] + maker.key_pem(password=password),
        "der": as_der(certificate) + maker.key_der(password=password),
    }[kind]

    found = Certificate.from_bytes(change(data), password.decode() if password else None)

    assert APP == found.subject


@pytest.mark.parametrize("kind", ["pfx", "pem key", "der key"])
@pytest.mark.parametrize("password", ["ri\0ght", "\0"])
def test_a_password_with_nul_is_reported(maker: Maker, as_der: AsBytes, kind: str, password: str) -> None:
    """
    A NUL character is named as the reason. The library ends in a panic otherwise.
    """
    with pytest.raises(CertificateError, match="contains a NUL character") as caught:
        Certificate.from_bytes(encrypted(maker, as_der, kind), password)
    assert "ght" not in str(caught.value)


@pytest.mark.parametrize("key_first", [True, False])
@pytest.mark.parametrize("password", [None, b"canary"])
def test_der_with_both(maker: Maker, as_der: AsBytes, key_first: bool, password: bytes | None) -> None:
    """
    A certificate and a key in concatenated DER open in either order, with the key encrypted or not.
    """
    parts = [as_der(maker.certificate()), maker.key_der(password=password)]

    found = Certificate.from_bytes(
        b"".join(parts[::-1] if key_first else parts), password.decode() if password else None
    )

    assert APP == found.subject


@pytest.mark.parametrize(
    ("written", "given_password"),
    [(None, None), (None, ""), (b"canary", "canary"), ("pässwörd".encode(), "pässwörd")],
)
def test_pfx_with_and_without_password(maker: Maker, written: bytes | None, given_password: str | None) -> None:
    """
    A PFX file opens with its password. An empty password is the same as none.
    """
    assert APP == Certificate.from_bytes(maker.pfx(password=written), given_password).subject


@pytest.mark.parametrize("scheme", ["PBESv1SHA1And3KeyTripleDESCBC", "PBESv2SHA256AndAES256CBC"])
def test_pfx_of_either_age(maker: Maker, scheme: str) -> None:
    """
    PFX files of old and new Windows versions open.
    """
    encryption = (
        PrivateFormat.PKCS12.encryption_builder()
        .key_cert_algorithm(getattr(pkcs12.PBES, scheme))
        .hmac_hash(hashes.SHA1())  # noqa: S303 - old Windows versions write it
        .build(b"canary")
    )
    data = pkcs12.serialize_key_and_certificates(b"x", maker.key, maker.certificate(), None, encryption)

    assert APP == Certificate.from_bytes(data, "canary").subject


@NEEDS_OPENSSL
@pytest.mark.parametrize(
    "options",
    [
        (),
        ("-legacy",),
        ("-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES"),
        ("-keypbe", "NONE", "-certpbe", "NONE"),
        ("-keypbe", "NONE", "-certpbe", "NONE", "-nomac"),
        ("-macalg", "sha512", "-name", "Fr\u00e4nkie"),
    ],
    ids=["AES", "RC2", "3DES", "plain", "plain without MAC", "SHA-512"],
)
@pytest.mark.parametrize("password", ["", "canary"])
def test_pfx_of_openssl(maker: Maker, tmp_path: Path, options: tuple[str, ...], password: str) -> None:
    """
    PFX files of OpenSSL open in its default form (AES) and in its legacy forms (RC2, 3DES), also with an empty password
    (request 18 of the users).
    """
    source, target = tmp_path / "app.pem", tmp_path / "app.pfx"
    source.write_bytes(maker.pem())
    command = ["openssl", "pkcs12", "-export", "-in", str(source), "-out", str(target), *options]
    subprocess.run([*command, "-passout", f"pass:{password}"], check=True, capture_output=True)
    target.chmod(0o600)

    assert APP == Certificate.from_path(target, password or None).subject


@pytest.mark.parametrize("kind", ["pfx", "pem", "der"])
def test_an_unnecessary_password_is_ignored(
    maker: Maker, as_der: AsBytes, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    """
    A password for a file without one is accepted, and the log says so without the password.
    """
    plain = {"pfx": maker.pfx, "pem": maker.pem, "der": lambda: as_der(maker.certificate()) + maker.key_der()}
    with caplog.at_level("DEBUG", "entrakit.certificates"):
        found = Certificate.from_bytes(plain[kind](), "canary")

    assert APP == found.subject
    assert "which does not need one" in caplog.text
    assert "canary" not in caplog.text


@pytest.mark.parametrize("kind", ["pfx", "pem", "der"])
@pytest.mark.parametrize("password", ["canary-wrong", "canary\udcff", "canary\ud800"])  # noqa: PT014 - three values; ruff takes lone surrogates for equal
def test_a_wrong_password_is_reported_and_not_shown(maker: Maker, as_der: AsBytes, kind: str, password: str) -> None:
    """
    Neither the error nor its cause contains the password, even if it is not UTF-8 (checklist 28).
    """
    with pytest.raises(CertificateError, match="the password is wrong") as caught:
        Certificate.from_bytes(encrypted(maker, as_der, kind), password)

    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None or "canary" not in repr(caught.value.__cause__)


@pytest.mark.parametrize("kind", ["pfx", "pem", "der"])
def test_a_missing_password_has_its_own_error(maker: Maker, as_der: AsBytes, kind: str) -> None:
    """
    An encrypted file without a password raises CertificatePasswordError, so that a program can prompt for the password.
    """
    with pytest.raises(CertificatePasswordError, match="no password was given"):
        Certificate.from_bytes(encrypted(maker, as_der, kind))


def encrypted(maker: Maker, as_der: AsBytes, kind: str) -> bytes:
    """Return a file with a password."""
    if kind == "pfx":
        return maker.pfx(password=b"right")
    if kind == "pem":
        return maker.pem().replace(maker.key_pem(), maker.key_pem(password=b"right"))
    return as_der(maker.certificate()) + maker.key_der(password=b"right")


def test_a_password_that_is_not_utf_8_opens_its_file(maker: Maker, as_pem: AsBytes) -> None:
    """
    Bytes of an environment variable that are not UTF-8 are used unchanged.
    """
    data = as_pem(maker.certificate()) + maker.key_pem(password=b"\xff\xfe")

    assert APP == Certificate.from_bytes(data, b"\xff\xfe".decode("utf-8", "surrogateescape")).subject


def strange_key(maker: Maker) -> bytes:
    """Return a PEM key of an unknown type."""
    oid = bytes.fromhex("2a864886f70d010101")
    body = base64.encodebytes(maker.key_der().replace(oid, oid[:-1] + b"\x7f"))
    return b"-----BEGIN PRIVATE KEY-----\n" + body + b"-----END PRIVATE KEY-----\n"


def of_version_9(der: bytes) -> bytes:
    """Return a certificate with a version that does not exist (RFC 5280, 4.1.2.1)."""
    return der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x08", 1)


def in_pem(der: bytes) -> bytes:
    """Return a DER certificate as PEM."""
    return b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda m, p, d: b"hello", "neither PFX nor PEM"),
        (lambda m, p, d: p(m.certificate()) + m.key_pem(m.ec_key), "has the type EC"),
        (lambda m, p, d: p(m.certificate()).replace(b"MII", b"AAA") + m.key_pem(), "it contains a damaged certificate"),
        (lambda m, p, d: p(m.certificate()) + m.key_pem().replace(b"MII", b"AAA"), "private key is damaged"),
        (lambda m, p, d: p(m.certificate()) + strange_key(m), "has an unsupported type"),
        (lambda m, p, d: p(m.certificate()) + m.key_pem()[:-30], "-----END PRIVATE KEY----- is missing"),
        (lambda m, p, d: m.pem()[:-1].replace(b"-----END PRIVATE KEY-----", b""), "it is incomplete"),
        (lambda m, p, d: b"-----BEGIN NOTHING-----\nAAAA\n-----END NOTHING-----\n", "no certificate"),
        (lambda m, p, d: d(m.certificate()), "a certificate without its private key"),
        (lambda m, p, d: m.key_der(), "a private key without its certificate"),
        (lambda m, p, d: d(m.certificate())[:-1], "damaged"),
        (lambda m, p, d: of_version_9(d(m.certificate())) + m.key_der(), "a private key without its certificate"),
        (lambda m, p, d: in_pem(of_version_9(d(m.certificate()))) + m.key_pem(), "it contains a damaged certificate"),
        (lambda m, p, d: d(m.certificate()) + b"\x30\x80\x00\x00", "without its private key"),
    ],
)
def test_the_error_for_an_unusable_file_has_its_reason(
    maker: Maker, as_pem: AsBytes, as_der: AsBytes, make: Callable[[Maker, AsBytes, AsBytes], bytes], words: str
) -> None:
    """
    The error for an unusable file has the reason and a remedy.
    """
    with pytest.raises(CertificateError, match=words) as caught:
        Certificate.from_bytes(make(maker, as_pem, as_der))

    assert caught.value.remedy


def test_a_deprecated_certificate_causes_no_warning(
    maker: Maker, as_der: AsBytes, recwarn: pytest.WarningsRecorder
) -> None:
    """
    Properties that the library deprecates, such as a negative serial number, cause no warning for users (request 37 of
    the users). Other warnings are not suppressed.
    """
    one = maker.certificate()
    serial = one.serial_number.to_bytes((one.serial_number.bit_length() + 8) // 8, "big")
    negative = as_der(one).replace(serial, b"\x80" + serial[1:])

    assert APP == Certificate.from_bytes(negative + maker.key_der()).subject
    assert [] == recwarn.list
    with pytest.warns(UserWarning, match="other"):
        warnings.warn("other", UserWarning, stacklevel=1)


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=300))
def test_any_bytes_are_an_error(data: bytes) -> None:
    """
    Random bytes give a CertificateError.
    """
    with pytest.raises(CertificateError):
        Certificate.from_bytes(data)


@settings(deadline=None)
@given(st.data())
def test_a_damaged_file_is_a_certificate_or_an_error(data: st.DataObject) -> None:
    """
    A file with a flipped bit gives a usable certificate or a CertificateError.
    """
    maker, content = _session()
    place = data.draw(st.integers(0, len(content) - 1))
    changed = bytearray(content)
    changed[place] ^= 1 << data.draw(st.integers(0, 7))

    try:
        one = Certificate.from_bytes(bytes(changed))
        one.check(time.time())
        signature = one.sign(b"message")
    except CertificateError:
        return
    assert maker.key.public_key().public_numbers().n.bit_length() == 8 * len(signature)


_MADE: list[tuple[Maker, bytes]] = []


def _session() -> tuple[Maker, bytes]:
    """Return one maker and one DER file for all examples, because key generation is slow."""
    if not _MADE:
        from cryptography.hazmat.primitives.asymmetric import rsa
        from tests.certificates.conftest import Maker as KeyMaker

        maker = KeyMaker.__new__(KeyMaker)
        maker.key = rsa.generate_private_key(65537, 2048)
        _MADE.append((maker, maker.certificate().public_bytes(serialization.Encoding.DER) + maker.key_der()))
    return _MADE[0]
