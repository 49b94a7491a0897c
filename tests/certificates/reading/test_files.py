"""Certificate files: paths, permissions, the matching key, and the chain."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import pkcs12
from tests.certificates.conftest import encryption

from entrakit import Certificate
from entrakit.certificates.reading.der import EXPLICIT, OCTETS, SEQUENCE, compose
from entrakit.certificates.reading.files import MAX_FILE, _read_error, parse_certificates, read_public_certificate
from entrakit.certificates.reading.pfx import DATA, safes
from entrakit.certificates.stores.folder import DirectoryStore
from entrakit.certificates.stores.store import find_by_thumbprint
from entrakit.errors import CertificateError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography import x509
    from tests.certificates.conftest import Maker

    AsBytes = Callable[[x509.Certificate], bytes]


@pytest.fixture
def pem_file(tmp_path: Path, maker: Maker) -> Path:
    """Return a file that only its owner can read."""
    path = tmp_path / "app.pem"
    path.write_bytes(maker.pem())
    path.chmod(0o600)
    return path


def test_a_path_is_expanded(pem_file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """
    `~` is the home directory, and a private file causes no warning (request 22 of the users).
    """
    monkeypatch.setenv("HOME", str(pem_file.parent))

    assert "CN=app,O=Contoso" == Certificate.from_path("~/app.pem").subject
    assert "" == caplog.text


def test_the_name_of_a_file_makes_no_difference(pem_file: Path, maker: Maker) -> None:
    """
    The content of a file tells its format: a PFX file that is named .pem opens.
    """
    pem_file.write_bytes(maker.pfx())

    assert "CN=app,O=Contoso" == Certificate.from_path(pem_file).subject


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_readable_key_causes_a_warning(pem_file: Path, caplog: pytest.LogCaptureFixture, mode: int) -> None:
    """
    A key file that group or other users can read is used, and a warning has the command to type (checklist 29).
    """
    path = pem_file.rename(pem_file.with_name("my app.pem"))
    path.chmod(mode)

    Certificate.from_path(path)

    assert ["entrakit.certificates"] == [record.name for record in caplog.records]
    assert f"`chmod 600 '{path}'`" in caplog.text


def test_a_file_without_a_key_causes_no_warning(
    pem_file: Path, maker: Maker, as_pem: AsBytes, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A certificate alone is public, so all users can read it.
    """
    pem_file.write_bytes(as_pem(maker.certificate()))
    pem_file.chmod(0o644)

    with pytest.raises(CertificateError, match="without its private key"):
        Certificate.from_path(pem_file)

    assert "" == caplog.text


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.pfx", "The file {0}/missing.pfx does not exist"),
        (".", "Can't use {0}: it is a directory"),
        ("app.pem/more", "Can't read {0}/app.pem/more: Not a directory"),
        ("a\0b", "Can't read '{0}/a.x00b': its name contains an invalid character"),
        ("line\nbreak", "The file '{0}/line.nbreak' does not exist"),
    ],
)
def test_an_unreadable_path_is_reported(pem_file: Path, name: str, words: str) -> None:
    """
    A missing file, a directory and an invalid name each give an error with the full path and a remedy.
    """
    with pytest.raises(CertificateError, match=words.format(pem_file.parent)) as caught:
        Certificate.from_path(f"{pem_file.parent}/{name}")

    assert caught.value.remedy


def test_an_empty_path_is_reported() -> None:
    """
    An empty path, such as the value of an empty variable, is not the current directory.
    """
    with pytest.raises(CertificateError, match="name of the certificate file is empty"):
        Certificate.from_path("")


def test_a_file_of_another_user_is_reported(pem_file: Path) -> None:
    """
    A file without read permission is not reported as missing.
    """
    error = _read_error(str(pem_file), PermissionError(13, "Permission denied"))

    assert f"Can't read {pem_file}: permission denied." == error.problem


@pytest.mark.parametrize(("size", "words"), [(0, "it is empty"), (MAX_FILE + 1, "larger than 1 MiB")])
def test_a_file_of_an_impossible_size_is_refused(pem_file: Path, size: int, words: str) -> None:
    """
    An empty file and one of more than 1 MiB are refused before they are parsed.
    """
    pem_file.write_bytes(b"x" * size)

    with pytest.raises(CertificateError, match=words) as caught:
        Certificate.from_path(pem_file)

    assert str(pem_file) in caught.value.problem


def test_an_endless_file_is_not_read_completely(tmp_path: Path) -> None:
    """
    At most the maximum size of a certificate file is read, even from a device.
    """
    if not os.path.exists("/dev/zero"):
        pytest.skip("this system has no endless file")

    with pytest.raises(CertificateError, match="larger than 1 MiB"):
        Certificate.from_path("/dev/zero")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda m, p: p(m.certificate()), "a certificate without its private key"),
        (lambda m, p: m.key_pem(), "a private key without its certificate"),
        (lambda m, p: p(m.certificate()) + m.key_pem(m.other_key), "does not belong to any certificate"),
    ],
)
def test_certificate_and_key_must_match(
    maker: Maker, as_pem: AsBytes, make: Callable[[Maker, AsBytes], bytes], words: str
) -> None:
    """
    A certificate alone, a key alone and a pair that does not match are refused, each with its reason (checklist 27).
    """
    with pytest.raises(CertificateError, match=words):
        Certificate.from_bytes(make(maker, as_pem))


def test_the_matching_pair_is_returned(maker: Maker, as_pem: AsBytes) -> None:
    """
    Of several keys and certificates, the matching pair is returned.
    """
    data = as_pem(maker.certificate("other", key=maker.other_key)) + maker.key_pem(maker.ec_key) + maker.pem()

    found = Certificate.from_bytes(data)

    assert "CN=app,O=Contoso" == found.subject
    assert () == found.chain


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
@pytest.mark.parametrize("kind", ["pem", "pfx"])
def test_the_chain_is_put_in_order(
    maker: Maker, as_pem: AsBytes, as_der: AsBytes, order: tuple[int, ...], kind: str
) -> None:
    """
    In any order of the file, the chain goes upwards from the certificate, which is not part of it.
    """
    leaf = maker.certificate("app", issuer="middle")
    middle = maker.certificate("middle", key=maker.other_key, issuer="root")
    root = maker.certificate("root", key=maker.other_key)
    ordered = [(leaf, middle, root)[index] for index in order]

    found = Certificate.from_bytes(
        b"".join(map(as_pem, ordered)) + maker.key_pem()
        if kind == "pem"
        else maker.pfx(leaf, chain=[one for one in ordered if one is not leaf])
    )

    assert "CN=app,O=Contoso" == found.subject
    assert (as_der(middle), as_der(root)) == found.chain


@pytest.mark.parametrize("renewed_first", [True, False])
def test_the_issuer_is_the_one_that_signed(maker: Maker, as_pem: AsBytes, as_der: AsBytes, renewed_first: bool) -> None:
    """
    Of two authorities with the same name, the chain has the one that made the signature (request 18 of the users).
    """
    leaf = maker.certificate("app", issuer="root", signed_with=maker.other_key)
    old = maker.certificate("root", key=maker.small_key)
    signer = maker.certificate("root", key=maker.other_key)
    roots = [signer, old] if renewed_first else [old, signer]

    found = Certificate.from_bytes(maker.pem(leaf) + b"".join(map(as_pem, roots)))

    assert (as_der(signer),) == found.chain


def two_pairs(maker: Maker, as_pem: AsBytes, kind: str) -> bytes:
    """Return a file with two key pairs, as a key store of Java has them. The certificates come first or last."""
    one, two = maker.certificate("one"), maker.certificate("two", key=maker.other_key)
    if kind == "pem":
        return as_pem(one) + maker.key_pem() + maker.key_pem(maker.other_key) + as_pem(two)
    secret = encryption(b"pw" if kind == "encrypted pfx" else None)
    return joined(
        pkcs12.serialize_key_and_certificates(b"one", maker.key, one, None, secret),
        pkcs12.serialize_key_and_certificates(b"two", maker.other_key, two, None, secret),
        mac_password=b"pw" if kind == "encrypted pfx" else b"",
    )


def joined(*files: bytes, mac_password: bytes) -> bytes:
    """Return one PFX file with the safes of several."""
    parts = compose(SEQUENCE, *(part for file in files for part, _ in safes(file)))
    content = compose(SEQUENCE, DATA, compose(EXPLICIT, compose(OCTETS, parts)))
    salt = bytes(8)
    # RFC 7292, B.2, for one iteration and one block of input each.
    text = mac_password.decode().encode("utf-16-be") + b"\0\0"
    key = hashlib.sha1(b"\3" * 64 + salt * 8 + (text * 64)[:64], usedforsecurity=False).digest()
    digest = hmac.new(key, parts, hashlib.sha1).digest()
    sha1 = bytes.fromhex("300906052b0e03021a0500")
    mac = compose(SEQUENCE, compose(SEQUENCE, sha1, compose(OCTETS, digest)), compose(OCTETS, salt))
    return compose(SEQUENCE, b"\x02\x01\x03", content, mac)


@pytest.mark.parametrize("kind", ["pem", "pfx", "encrypted pfx"])
def test_two_key_pairs_are_named(maker: Maker, as_pem: AsBytes, kind: str) -> None:
    """
    A file with two key pairs is refused: the error names both certificates with their thumbprints, and says how to
    choose. None is used silently.
    """
    password = "pw" if kind == "encrypted pfx" else None

    with pytest.raises(CertificateError, match="contains several certificates with their private keys: ") as caught:
        Certificate.from_bytes(two_pairs(maker, as_pem, kind), password)

    assert 2 == len(re.findall(r"CN=(?:one|two),O=Contoso \(thumbprint [0-9A-F]{40}\)", caught.value.problem))
    assert "`certificate_thumbprint`" in caught.value.remedy


@pytest.mark.parametrize("kind", ["pem", "pfx", "encrypted pfx"])
@pytest.mark.parametrize("wanted", ["one", "two"])
@pytest.mark.parametrize("place", [0, 1])
def test_the_thumbprint_chooses_among_key_pairs(
    maker: Maker, as_pem: AsBytes, tmp_path: Path, kind: str, wanted: str, place: int
) -> None:
    """
    Next to the file, the SHA-1 or the SHA-256 thumbprint chooses the certificate, also in a file with a password.
    Another thumbprint is an error that lists the certificates.
    """
    file = tmp_path / "both"
    file.write_bytes(two_pairs(maker, as_pem, kind))
    file.chmod(0o600)
    password = "pw" if kind == "encrypted pfx" else None
    both = {
        one.certificate.subject.rfc4514_string(): one.certificate
        for one in parse_certificates(file.read_bytes(), password, source="both")
    }
    thumbprints = {
        name: (one.fingerprint(SHA1()).hex(":"), one.fingerprint(SHA256()).hex())  # noqa: S303
        for name, one in both.items()
    }

    found = Certificate.from_path(file, password, next(t for n, t in thumbprints.items() if f"CN={wanted}" in n)[place])
    assert f"CN={wanted}" in found.subject
    with pytest.raises(
        CertificateError, match=r"has its private key and the thumbprint 0{40}\. It contains CN="
    ) as caught:
        Certificate.from_path(file, password, "0" * 40)
    assert "`certificate_thumbprint`" in caught.value.remedy


@pytest.mark.parametrize("kind", ["pem", "pfx"])
@pytest.mark.parametrize("wanted", ["one", "two"])
def test_a_search_chooses_among_key_pairs(
    maker: Maker, as_pem: AsBytes, tmp_path: Path, kind: str, wanted: str
) -> None:
    """
    In a directory, each certificate of such a file is a separate item, and the selected one signs with its own key.
    """
    (tmp_path / f"both.{kind}").write_bytes(two_pairs(maker, as_pem, kind))
    store = DirectoryStore(str(tmp_path), "user")
    thumbprints = {one.certificate.subject: one.certificate.thumbprint for one in store.contents() if one.certificate}

    found = find_by_thumbprint(thumbprints[f"CN={wanted},O=Contoso"], [store])

    assert {"CN=one,O=Contoso", "CN=two,O=Contoso"} == set(thumbprints)
    assert f"CN={wanted},O=Contoso" == found.subject
    assert found.sign(b"message")


def test_many_key_pairs_are_counted(maker: Maker, as_pem: AsBytes) -> None:
    """
    Up to five certificates are named, the others are counted.
    """
    keys = [rsa.generate_private_key(65537, 1024) for _ in range(7)]
    data = b"".join(maker.key_pem(key) + as_pem(maker.certificate(f"n{n}", key=key)) for n, key in enumerate(keys))

    with pytest.raises(CertificateError, match=r"CN=n4,O=Contoso \(thumbprint \w+\) and 2 more\."):
        Certificate.from_bytes(data)


def test_a_key_that_occurs_twice_is_one_pair(maker: Maker, as_pem: AsBytes) -> None:
    """
    The same key with its renewed certificate, or written twice, counts once: the first certificate is used.
    """
    data = maker.key_pem() * 2 + as_pem(maker.certificate("first")) + as_pem(maker.certificate("second"))

    assert "CN=first,O=Contoso" == Certificate.from_bytes(data).subject


def test_a_second_key_without_a_certificate_is_ignored(maker: Maker, as_pem: AsBytes) -> None:
    """
    Only a key with a certificate of the file can be meant.
    """
    data = maker.key_pem(maker.other_key) + maker.pem()

    assert "CN=app,O=Contoso" == Certificate.from_bytes(data).subject


def test_a_ring_of_issuers_ends(maker: Maker, as_pem: AsBytes, as_der: AsBytes) -> None:
    """
    Authorities that name each other as issuer do not give an endless chain.
    """
    leaf = maker.certificate("app", issuer="one")
    one = maker.certificate("one", key=maker.other_key, issuer="two")
    two = maker.certificate("two", key=maker.other_key, issuer="one")

    found = Certificate.from_bytes(maker.pem(leaf) + as_pem(one) + as_pem(two))

    assert (as_der(one), as_der(two)) == found.chain


def test_a_damaged_issuer_is_reported(maker: Maker, as_pem: AsBytes, as_der: AsBytes) -> None:
    """
    An unreadable name in the chain is reported as damage of the file.
    """
    middle = as_der(maker.certificate("middle", key=maker.other_key)).replace(b"Contoso", b"Conto\xff\xff")
    leaf = maker.certificate("app", issuer="middle")

    with pytest.raises(CertificateError, match="it contains a damaged certificate"):
        Certificate.from_bytes(as_der(leaf) + middle + maker.key_der())


def test_the_chain_of_a_pair_is_kept(maker: Maker) -> None:
    """
    The chain that a program passes is used unchanged.
    """
    middle = maker.certificate("middle", key=maker.other_key)

    found = Certificate.from_pair(maker.key, maker.certificate(), [middle])

    assert (middle.public_bytes(serialization.Encoding.DER),) == found.chain


def test_a_public_certificate_needs_no_key(pem_file: Path, maker: Maker) -> None:
    """
    The certificate of a file is read without its key, which can be encrypted. The chain comes with it.
    """
    middle = maker.certificate("middle", key=maker.other_key)
    leaf = maker.certificate("app", issuer="middle")
    pem_file.write_bytes(
        b"".join(
            (
                leaf.public_bytes(serialization.Encoding.PEM),
                middle.public_bytes(serialization.Encoding.PEM),
                maker.key_pem(password=b"canary"),
            )
        )
    )

    assert (leaf, [middle]) == read_public_certificate(str(pem_file))
    pem_file.write_bytes(maker.key_pem())
    with pytest.raises(CertificateError, match="it contains no certificate"):
        read_public_certificate(str(pem_file))
