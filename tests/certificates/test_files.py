"""Certificate files: every format that people have, and a clear word for each that can't be used."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import PrivateFormat, pkcs12
from hypothesis import given
from hypothesis import strategies as st

from entrakit import Certificate
from entrakit.errors import CertificateError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography.x509 import Certificate as X509Certificate
    from tests.certificates.conftest import Maker

    AsPem = Callable[[X509Certificate], bytes]


def pfx(maker: Maker, password: bytes | None, chain: list[X509Certificate] | None = None, **options: object) -> bytes:
    """Return a PFX file."""
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password is not None:
        encryption = serialization.BestAvailableEncryption(password)
    return pkcs12.serialize_key_and_certificates(b"My \xc3\xa4pp", maker.key, maker.certificate(), chain, encryption)


@pytest.mark.parametrize(
    ("form", "password"),
    [
        (PrivateFormat.PKCS8, None),
        (PrivateFormat.TraditionalOpenSSL, None),
        (PrivateFormat.PKCS8, b"canary-password"),
        (PrivateFormat.TraditionalOpenSSL, b"canary-password"),
    ],
)
@pytest.mark.parametrize("key_first", [True, False])
@pytest.mark.parametrize("line_break", [b"\n", b"\r\n"])
def test_pem_in_every_form(
    maker: Maker, as_pem: AsPem, form: PrivateFormat, password: bytes | None, key_first: bool, line_break: bytes
) -> None:
    """
    PKCS#1 and PKCS#8, plain and encrypted, in either order, with the line breaks of any system and a BOM.
    """
    parts = [maker.key_pem(form=form, password=password), as_pem(maker.certificate())]
    data = b"\xef\xbb\xbf" + b"junk\n" + b"".join(parts if key_first else parts[::-1])

    found = Certificate.from_bytes(data.replace(b"\n", line_break), password.decode() if password else None)

    assert "CN=app,O=Contoso" == found.subject


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_the_chain_is_put_in_order(maker: Maker, as_pem: AsPem, order: tuple[int, ...]) -> None:
    """
    However the file is ordered, the chain goes upwards from the leaf, which it does not hold.
    """
    leaf = maker.certificate("app", issuer="middle")
    middle = maker.certificate("middle", key=maker.other_key, issuer="root")
    root = maker.certificate("root", key=maker.other_key)
    texts = [as_pem(one) for one in (leaf, middle, root)]

    found = Certificate.from_bytes(b"".join(texts[index] for index in order) + maker.key_pem())

    assert "CN=app,O=Contoso" == found.subject
    assert tuple(one.public_bytes(serialization.Encoding.DER) for one in (middle, root)) == found.chain


@pytest.mark.parametrize(
    ("written", "given_password"),
    [(None, None), (b"", None), (b"canary", "canary"), ("pässwörd".encode(), "pässwörd")],
)
def test_pfx_with_and_without_password(maker: Maker, written: bytes | None, given_password: str | None) -> None:
    """
    No password and an empty one are two things in a PFX; both open without any.
    """
    data = pfx(maker, written or None)

    assert "CN=app,O=Contoso" == Certificate.from_bytes(data, given_password if written else None).subject


def test_pfx_with_a_chain(maker: Maker) -> None:
    """
    The chain of a PFX is kept.
    """
    middle = maker.certificate("middle", key=maker.other_key)
    key = maker.certificate("app", issuer="middle")
    data = pkcs12.serialize_key_and_certificates(None, maker.key, key, [middle], serialization.NoEncryption())

    assert 1 == len(Certificate.from_bytes(data).chain)


@pytest.mark.parametrize("scheme", ["PBESv1SHA1And3KeyTripleDESCBC", "PBESv2SHA256AndAES256CBC"])
def test_pfx_of_either_age(maker: Maker, scheme: str) -> None:
    """
    Files of old and of new Windows open.
    """
    encryption = (
        PrivateFormat.PKCS12.encryption_builder()
        .key_cert_algorithm(getattr(pkcs12.PBES, scheme))
        .hmac_hash(hashes.SHA1())  # noqa: S303 - what old Windows writes
        .build(b"canary")
    )
    data = pkcs12.serialize_key_and_certificates(b"x", maker.key, maker.certificate(), None, encryption)

    assert "CN=app,O=Contoso" == Certificate.from_bytes(data, "canary").subject


@pytest.mark.parametrize("options", [[], ["-legacy"], ["-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES"]])
@pytest.mark.parametrize("password", ["", "canary"])
def test_pfx_of_openssl(maker: Maker, as_pem: AsPem, tmp_path: Path, options: list[str], password: str) -> None:
    """
    OpenSSL's files open, of its own making (AES) and in its legacy form (RC2, 3DES), with an empty password too.
    """
    source, target = tmp_path / "app.pem", tmp_path / "app.pfx"
    source.write_bytes(as_pem(maker.certificate()) + maker.key_pem())
    command = ["openssl", "pkcs12", "-export", "-in", str(source), "-out", str(target), *options]
    subprocess.run([*command, "-passout", f"pass:{password}"], check=True, capture_output=True)
    target.chmod(0o600)

    assert "CN=app,O=Contoso" == Certificate.from_path(target, password or None).subject


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda m, p: b"", "is empty"),
        (lambda m, p: b"x" * (1024 * 1024 + 1), "too large"),
        (lambda m, p: b"hello", "neither PFX nor PEM"),
        (lambda m, p: p(m.certificate()), "no private key"),
        (lambda m, p: m.key_pem(), "no certificate"),
        (lambda m, p: p(m.certificate()) + m.key_pem(m.other_key), "belongs to none"),
        (lambda m, p: p(m.certificate()) + m.key_pem(m.ec_key), "elliptic curve"),
        (lambda m, p: p(m.certificate()) + m.key_pem(password=b"x"), "no password was given"),
        (lambda m, p: m.certificate().public_bytes(serialization.Encoding.DER), "without its private key"),
        (lambda m, p: pfx(m, b"canary"), "no password was given"),
        (lambda m, p: p(m.certificate()).replace(b"MII", b"AAA") + m.key_pem(), "damaged"),
        (lambda m, p: p(m.certificate()) + m.key_pem().replace(b"MII", b"AAA"), "damaged"),
        (lambda m, p: b"-----BEGIN NOTHING-----\nAAAA\n-----END NOTHING-----\n", "no certificate"),
    ],
)
def test_what_cannot_be_used_says_why(
    maker: Maker, as_pem: AsPem, make: Callable[[Maker, AsPem], bytes], words: str
) -> None:
    """
    Each file that can't be used has its own reason, and what to give instead.
    """
    with pytest.raises(CertificateError, match=words) as caught:
        Certificate.from_bytes(make(maker, as_pem))

    assert caught.value.remedy


def test_a_der_key_alone_is_told(maker: Maker) -> None:
    """
    A key without its certificate is no certificate, in DER as in PEM.
    """
    data = maker.key.private_bytes(serialization.Encoding.DER, PrivateFormat.PKCS8, serialization.NoEncryption())

    with pytest.raises(CertificateError, match="without its certificate"):
        Certificate.from_bytes(data)


@pytest.mark.parametrize("kind", ["pfx", "pem"])
def test_a_wrong_password_is_told_and_not_shown(maker: Maker, as_pem: AsPem, kind: str) -> None:
    """
    The password never stands in the error (checklist 28).
    """
    data = pfx(maker, b"right") if kind == "pfx" else as_pem(maker.certificate()) + maker.key_pem(password=b"right")

    with pytest.raises(CertificateError, match="does not open") as caught:
        Certificate.from_bytes(data, "canary-wrong")

    assert "canary" not in str(caught.value)


def test_a_path_is_expanded(
    maker: Maker, as_pem: AsPem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """
    `~` stands for the home directory, and a private file causes no warning (request 22 of the users).
    """
    path = tmp_path / "app.pem"
    path.write_bytes(as_pem(maker.certificate()) + maker.key_pem())
    path.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))

    assert "CN=app,O=Contoso" == Certificate.from_path("~/app.pem").subject
    assert "" == caplog.text


def test_a_key_that_others_can_read_is_warned_of(
    maker: Maker, as_pem: AsPem, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A key file that group or others can read is used, and warned of (checklist 29).
    """
    path = tmp_path / "app.pem"
    path.write_bytes(as_pem(maker.certificate()) + maker.key_pem())
    path.chmod(0o644)

    Certificate.from_path(path)

    assert f"chmod 600 {path}" in caplog.text


@pytest.mark.parametrize("name", ["missing.pfx", "."])
def test_a_path_that_cannot_be_read_is_told(tmp_path: Path, name: str) -> None:
    """
    A missing file and a directory are told with their path.
    """
    with pytest.raises(CertificateError, match="can't be read") as caught:
        Certificate.from_path(tmp_path / name)

    assert str(tmp_path) in str(caught.value)


@given(st.binary(min_size=1, max_size=300))
def test_any_bytes_are_an_error(data: bytes) -> None:
    """
    Whatever bytes are given, the answer is a certificate or a CertificateError.
    """
    with pytest.raises(CertificateError):
        Certificate.from_bytes(data)


def test_a_saved_certificate_opens_again(maker: Maker, as_pem: AsPem) -> None:
    """
    What is kept of a certificate makes the same certificate again, chain included.
    """
    middle = maker.certificate("middle", key=maker.other_key)
    one = Certificate.from_pair(maker.key, maker.certificate("app", issuer="middle"), [middle])

    again = Certificate.from_bytes(one.export_pem())

    assert (one.der, one.chain) == (again.der, again.chain)
