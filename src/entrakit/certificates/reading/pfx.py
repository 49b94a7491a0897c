"""The structure of PFX files (RFC 7292, 4): safes, and the bags in those that are not encrypted.

PFX ── safe, encrypted          usually the certificates
    └─ safe, not encrypted
        └─ bag                  usually a private key, which is encrypted itself
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.certificates.reading.decryption import decrypted
from entrakit.certificates.reading.der import EXPLICIT, OCTETS, SEQUENCE, children, content, definite

if TYPE_CHECKING:
    from collections.abc import Iterator

IMPLICIT = b"\x80"
# 1.2.840.113549.1.7.1 and .6 (RFC 5652), 1.2.840.113549.1.12.10.1.1 to .3 (RFC 7292), DER-encoded.
DATA = bytes.fromhex("06092a864886f70d010701")
ENCRYPTED = bytes.fromhex("06092a864886f70d010706")
KEY_BAG, SHROUDED_KEY_BAG, CERTIFICATE_BAG = (bytes.fromhex(f"060b2a864886f70d010c0a010{kind}") for kind in (1, 2, 3))


def safes(data: bytes) -> Iterator[tuple[bytes, list[bytes] | None]]:
    """Yield each safe of a PFX file, and its bags; None if it is encrypted.

    Args:
        data: Content of the file, in DER or BER.

    Raises:
        ValueError: The structure is malformed or unusual.
    """
    _, outer, *_ = children(definite(data), SEQUENCE)
    kind, wrapped = children(outer, SEQUENCE)
    if kind != DATA:
        raise ValueError("the content is signed with a key")
    for part in children(_octets(wrapped), SEQUENCE):
        kind, wrapped = children(part, SEQUENCE)
        if kind == ENCRYPTED:
            yield part, None
        elif kind == DATA:
            yield part, list(children(_octets(wrapped), SEQUENCE))


def kind_of(bag: bytes) -> bytes:
    """Return the kind of a bag: `KEY_BAG`, `SHROUDED_KEY_BAG`, `CERTIFICATE_BAG` or another one."""
    return next(children(bag, SEQUENCE), b"")


def key_items(data: bytes) -> list[bytes]:
    """Return the private keys in the unencrypted safes of a PFX file: PKCS #8, each encrypted or not.

    Raises:
        ValueError: The structure is malformed or unusual.
    """
    bags = [bag for _, found in safes(data) for bag in found or ()]
    return [
        content(list(children(bag, SEQUENCE))[1], EXPLICIT)
        for bag in bags
        if kind_of(bag) in (KEY_BAG, SHROUDED_KEY_BAG)
    ]


def certificate_items(data: bytes, password: bytes) -> list[bytes]:
    """Return the certificates of a PFX file, in DER.

    Args:
        data: Content of the file, in DER or BER.
        password: Password of the file; empty if it has none.

    Raises:
        ValueError: The structure is malformed or unusual, the password is wrong, or the encryption is not supported.
    """
    bags: list[bytes] = []
    for part, found in safes(data):
        bags += _decrypted_bags(part, password) if found is None else found
    return [_certificate_in(bag) for bag in bags if kind_of(bag) == CERTIFICATE_BAG]


def is_encrypted(key: bytes) -> bool:
    """Return whether a private key in PKCS #8 is encrypted: its first value is an algorithm, not a version."""
    return next(children(key, SEQUENCE), b"")[:1] == SEQUENCE


def decrypted_key(key: bytes, password: bytes) -> bytes:
    """Return an encrypted private key decrypted, both in PKCS #8.

    Raises:
        ValueError: The password is wrong, or the encryption is not supported.
    """
    algorithm, data = children(key, SEQUENCE)
    return decrypted(algorithm, content(data, OCTETS), password)


def _octets(wrapped: bytes) -> bytes:
    """Return the value in an explicit OCTET STRING, with definite lengths."""
    (octets,) = children(wrapped, EXPLICIT)
    return definite(content(octets, OCTETS))


def _decrypted_bags(safe: bytes, password: bytes) -> list[bytes]:
    """Return the bags of an encrypted safe: SEQUENCE { version, SEQUENCE { type, algorithm, [0] data } }."""
    _, wrapped = children(safe, SEQUENCE)
    (encrypted,) = children(wrapped, EXPLICIT)
    _, inner, *_ = children(encrypted, SEQUENCE)
    _, algorithm, data, *_ = children(inner, SEQUENCE)
    if data[:1] == IMPLICIT:
        cipher_text = content(data, IMPLICIT)
    else:
        # BER can split the data into several strings.
        cipher_text = b"".join(content(one, OCTETS) for one in children(data, EXPLICIT))
    return list(children(definite(decrypted(algorithm, cipher_text, password)), SEQUENCE))


def _certificate_in(bag: bytes) -> bytes:
    """Return the certificate in a bag: SEQUENCE { type, [0] SEQUENCE { type, [0] OCTET STRING } }."""
    _, value, *_ = children(bag, SEQUENCE)
    (inner,) = children(value, EXPLICIT)
    _, wrapped = children(inner, SEQUENCE)
    (octets,) = children(wrapped, EXPLICIT)
    return content(octets, OCTETS)
