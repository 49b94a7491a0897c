"""Iteration counts of password protection."""

from __future__ import annotations

import base64
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import PrivateFormat, pkcs12

from entrakit.certificates.reading.der import INTEGER, OCTETS, SEQUENCE, children, compose, content, definite
from entrakit.certificates.reading.iterations import (
    MAX_ITERATIONS,
    TooManyIterationsError,
    check_iterations,
    iterations,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.certificates.conftest import Maker

NEEDS_OPENSSL = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
LOAD = """
import sys
from entrakit import Certificate
from entrakit.errors import CertificateError
try:
    Certificate.from_bytes(sys.stdin.buffer.read(), sys.argv[1] or None)
except CertificateError as error:
    print(error.problem)
"""


def integer(number: int) -> bytes:
    """Return an INTEGER in DER."""
    return compose(INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def changed(value: bytes, old: int, new: int) -> bytes:
    """Return DER with an integer replaced wherever it occurs, also in nested DER."""
    if value == integer(old):
        return integer(new)
    if value[0] & 0x20:
        return compose(value[:1], *(changed(part, old, new) for part in children(value, value[:1])))
    if value[:1] == OCTETS:
        try:
            inside = content(value, OCTETS)
            return compose(OCTETS, changed(inside, old, new)) if definite(inside) == inside else value
        except ValueError:
            return value
    return value


def pfx(maker: Maker, count: int) -> bytes:
    """Return a PFX file with the password `pw`, whose encrypted parts claim a number of iterations."""
    encryption = PrivateFormat.PKCS12.encryption_builder().kdf_rounds(2345).hmac_hash(hashes.SHA256()).build(b"pw")
    data = pkcs12.serialize_key_and_certificates(None, maker.key, maker.certificate(), None, encryption)
    return changed(data, 2345, count)


def bomb(maker: Maker, kind: str) -> bytes:
    """Return a file whose password protection takes 2^31 - 1 iterations."""
    if kind == "pfx":
        return pfx(maker, 2**31 - 1)
    if kind == "mac":
        *parts, mac = children(maker.pfx(password=b"pw"), SEQUENCE)
        digest, salt, *_ = children(mac, SEQUENCE)
        return compose(SEQUENCE, *parts, compose(SEQUENCE, digest, salt, integer(2**31 - 1)))
    key = maker.key_der(password=b"pw")
    bad = changed(key, iterations(key), 2**31 - 1)
    if kind == "der":
        return der_of(maker) + bad
    text = (
        b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n" + base64.encodebytes(bad) + b"-----END ENCRYPTED PRIVATE KEY-----\n"
    )
    return text + maker.pem()


def der_of(maker: Maker) -> bytes:
    """Return a certificate in DER."""
    return base64.b64decode(b"".join(maker.pem().split(b"-----BEGIN PRIV")[0].splitlines()[1:-1]))


@pytest.mark.parametrize(
    ("kind", "password"),
    [("pfx", "pw"), ("pfx", "wrong"), ("pfx", ""), ("mac", "pw"), ("mac", ""), ("pem", "pw"), ("der", "pw")],
)
def test_a_file_that_takes_an_hour_is_refused_at_once(maker: Maker, kind: str, password: str) -> None:
    """
    A file with 2^31 - 1 iterations is refused before anything is derived, with or without the right password. The
    process can't be stopped otherwise: the library keeps the interpreter locked.
    """
    done = subprocess.run(
        [sys.executable, "-c", LOAD, password], input=bomb(maker, kind), capture_output=True, timeout=15, check=True
    )

    assert "2,147,483,647 iterations, and at most 10,000,000 are accepted" in done.stdout.decode()


@NEEDS_OPENSSL
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("-v2 aes-256-cbc -iter 777", 777),
        ("-v1 PBE-SHA1-3DES -iter 778", 778),
        ("-scrypt -scrypt_N 1024 -scrypt_r 8 -scrypt_p 2", 16384),
    ],
)
def test_each_protection_of_a_key_is_counted(maker: Maker, tmp_path: Path, options: str, expected: int) -> None:
    """
    PBKDF2, the older schemes and scrypt are counted; the work of scrypt is the product of its three numbers.
    """
    (tmp_path / "key.pem").write_bytes(maker.key_pem())
    command = ["openssl", "pkcs8", "-topk8", "-in", "key.pem", "-passout", "pass:pw", "-outform", "DER", "-out", "key"]
    subprocess.run([*command, *options.split()], cwd=tmp_path, check=True)

    assert expected == iterations((tmp_path / "key").read_bytes())


@NEEDS_OPENSSL
@pytest.mark.parametrize("options", ["-iter 2999", "-iter 2999 -legacy"])
def test_each_part_of_a_pfx_file_is_counted(maker: Maker, tmp_path: Path, options: str) -> None:
    """
    The MAC, the key and the certificates of a PFX file each have a count; the highest one is returned.
    """
    (tmp_path / "app.pem").write_bytes(maker.pem())
    command = ["openssl", "pkcs12", "-export", "-in", "app.pem", "-passout", "pass:pw", "-out", "app.pfx"]
    subprocess.run([*command, *options.split()], cwd=tmp_path, check=True)

    assert 2999 == iterations((tmp_path / "app.pfx").read_bytes())


def test_the_mac_of_newer_files_is_counted() -> None:
    """
    PBMAC1 has its count inside its algorithm (RFC 9579): SEQUENCE { OID, SEQUENCE { PBKDF2, HMAC } }.
    """
    parameters = compose(SEQUENCE, compose(OCTETS, b"salt"), integer(4321), integer(32))
    pbkdf2 = compose(SEQUENCE, bytes.fromhex("06092a864886f70d01050c"), parameters)
    pbmac1 = compose(SEQUENCE, bytes.fromhex("06092a864886f70d01050e"), compose(SEQUENCE, pbkdf2))
    mac = compose(SEQUENCE, compose(SEQUENCE, pbmac1, compose(OCTETS)), compose(OCTETS), integer(1))

    assert 4321 == iterations(compose(SEQUENCE, integer(3), compose(SEQUENCE), mac))


def test_many_parts_are_added(maker: Maker) -> None:
    """
    The usual parts may all have the maximum; a file with many parts is refused.
    """
    data = pfx(maker, MAX_ITERATIONS)

    check_iterations(data)
    with pytest.raises(TooManyIterationsError, match=r"50000000|60000000"):
        check_iterations(compose(SEQUENCE, *[data] * 3))


def test_ber_is_counted(maker: Maker) -> None:
    """
    A file with an indefinite length is counted like one with a definite length.
    """
    data = pfx(maker, MAX_ITERATIONS + 1)

    assert MAX_ITERATIONS + 1 == iterations(b"\x30\x80" + content(data, SEQUENCE) + b"\0\0")


@pytest.mark.parametrize("levels", [8, 400])
def test_a_count_can_not_be_hidden(maker: Maker, levels: int) -> None:
    """
    A count next to deeply nested values is found, or the file is refused.
    """
    deep = b"\x30\x80" * levels + b"\0\0" * levels

    with pytest.raises(ValueError, match=r"10000001|too many nested values"):
        check_iterations(compose(SEQUENCE, compose(OCTETS, compose(SEQUENCE, pfx(maker, 10_000_001), deep))))


def test_a_file_without_protection_has_no_iterations(maker: Maker) -> None:
    """
    A key or a certificate in plain text has no iteration count.
    """
    assert 0 == iterations(maker.key_der())
    assert 0 == iterations(der_of(maker))
