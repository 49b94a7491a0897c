"""Decryption of the certificates in a PFX file; `test_pfx` decrypts files of OpenSSL."""

from __future__ import annotations

import pytest

from entrakit.certificates.reading.decryption import decrypted
from entrakit.certificates.reading.der import OCTETS, SEQUENCE, compose

PBES2, PBKDF2 = bytes.fromhex("06092a864886f70d01050d"), bytes.fromhex("06092a864886f70d01050c")
AES_256 = bytes.fromhex("060960864801650304012a")
COUNT, SHA3 = bytes.fromhex("02020800"), bytes.fromhex("300b060960864801650304020a")
RC2_40 = bytes.fromhex("060a2a864886f70d010c0106")


def pbes2(cipher: bytes = AES_256, function: bytes = b"") -> bytes:
    """Return an algorithm of PBES2."""
    derivation = compose(SEQUENCE, PBKDF2, compose(SEQUENCE, compose(OCTETS, b"salt"), COUNT, function))
    encryption = compose(SEQUENCE, cipher, compose(OCTETS, bytes(16)))
    return compose(SEQUENCE, PBES2, compose(SEQUENCE, derivation, encryption))


@pytest.mark.parametrize(
    "algorithm",
    [
        compose(SEQUENCE, RC2_40, compose(SEQUENCE, compose(OCTETS, b"salt"), COUNT)),
        pbes2(cipher=bytes.fromhex("0603550403")),
        pbes2(function=SHA3),
    ],
    ids=["RC2", "another cipher", "another hash"],
)
def test_other_encryption_is_refused(algorithm: bytes) -> None:
    """
    An algorithm that is not supported raises ValueError.
    """
    with pytest.raises(ValueError, match="unsupported encryption"):
        decrypted(algorithm, bytes(16), b"pw")


def test_a_wrong_password_is_refused() -> None:
    """
    Data that was encrypted with another password has no valid padding.
    """
    with pytest.raises(ValueError, match="padding"):
        decrypted(pbes2(), bytes(16), b"pw")
