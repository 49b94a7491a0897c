"""A quick look into a file of a store: which certificate is it, without opening its key.

Opening an RSA key costs 36 ms, since the library tests its primes. A store of a thousand files would take half a
minute, and all but one of these keys are opened for nothing. So the certificates of a PFX file are read without its
key (RFC 7292), and keys of PEM and DER without that test; the file that is chosen is then opened whole.
"""

from __future__ import annotations

from typing import NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import pkcs12

from entrakit.certificates import Certificate
from entrakit.certificates.reading.files import load_bytes
from entrakit.certificates.reading.formats import is_pfx, quiet
from entrakit.errors import CertificateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography.x509 import Certificate as X509Certificate

# Version 3, and SHA-1 without parameters.
VERSION, SHA1 = bytes.fromhex("020103"), bytes.fromhex("300906052b0e03021a0500")
SEQUENCE, OCTETS, EXPLICIT = 0x30, 0x04, 0xA0
# 1.2.840.113549.1.7.1 and .6 (RFC 5652), 1.2.840.113549.1.12.10.1.3 (RFC 7292), DER-encoded.
DATA = bytes.fromhex("06092a864886f70d010701")
ENCRYPTED = bytes.fromhex("06092a864886f70d010706")
CERTIFICATE_BAG = bytes.fromhex("060b2a864886f70d010c0a0103")


class UnopenedKey(NamedTuple):
    """The key of a file that was looked at only.

    Args:
        source: The file, for errors.
    """

    source: str

    def sign(self, message: bytes) -> bytes:
        """Refuse: the file has to be opened first."""
        del message
        raise CertificateError(f"The key in {self.source} was not opened.")


def glance(data: bytes, source: str) -> Certificate:
    """Return the certificate that a file without a password holds; its key may not be open.

    Args:
        data: The file's content.
        source: Where it came from, for errors.

    Raises:
        CertificateError: As `files.load_bytes`, except for what only the key would show.
    """
    if is_pfx(data):
        leaf = _leaf(_certificates_of(data))
        if leaf is not None:
            return Certificate(leaf, UnopenedKey(source))
    return load_bytes(data, None, source=source, tests_keys=False)


def _leaf(certificates: list[X509Certificate]) -> X509Certificate | None:
    """Return the one certificate that has issued none of the others; None where that is not clear."""
    try:
        issuers = {one.issuer for one in certificates if one.issuer != one.subject}
        leaves = [one for one in certificates if one.subject not in issuers]
    except ValueError:
        return None
    return leaves[0] if len(leaves) == 1 else None


def _certificates_of(data: bytes) -> list[X509Certificate]:
    """Return the certificates of a PFX that has a key and no password; none if it is written in an unusual way."""
    try:
        stripped = _without_keys(data)
    except (ValueError, IndexError):
        return []
    for mac in (b"", _mac(stripped)):
        try:
            with quiet():
                bundle = pkcs12.load_pkcs12(_pfx(stripped, mac), None)
        except (ValueError, UnsupportedAlgorithm):
            continue
        return [one.certificate for one in (bundle.cert, *bundle.additional_certs) if one is not None]
    return []


def _without_keys(data: bytes) -> bytes:
    """Return the safes of a PFX without the bags that are in the open and hold no certificate.

    Raises:
        ValueError: It is not built as usual, or has no key.
    """
    _, content, *_ = _inside(data, SEQUENCE)
    kind, wrapped = _inside(content, SEQUENCE)
    (octets,) = _inside(wrapped, EXPLICIT)
    if kind != DATA:
        raise ValueError("signed with a key")
    kept, has_key = [], False
    for part in _inside(_value(octets, OCTETS), SEQUENCE):
        kind, wrapped = _inside(part, SEQUENCE)
        if kind == ENCRYPTED:
            kept.append(part)
        elif kind == DATA:
            (inner,) = _inside(wrapped, EXPLICIT)
            bags = list(_inside(_value(inner, OCTETS), SEQUENCE))
            certificates = [bag for bag in bags if next(iter(_inside(bag, SEQUENCE))) == CERTIFICATE_BAG]
            has_key = has_key or len(certificates) < len(bags)
            if certificates:
                safe = _built(OCTETS, _built(SEQUENCE, *certificates))
                kept.append(_built(SEQUENCE, DATA, _built(EXPLICIT, safe)))
    if not has_key:
        raise ValueError("no key in the open")
    return _built(SEQUENCE, *kept)


def _pfx(safes: bytes, mac: bytes) -> bytes:
    content = _built(SEQUENCE, DATA, _built(EXPLICIT, _built(OCTETS, safes)))
    return _built(SEQUENCE, VERSION, content, mac)


def _mac(safes: bytes) -> bytes:
    """Return the MAC of safes for an empty password (RFC 7292, 4 and B.2).

    It tells the library that the password is empty; where there is no MAC it takes it that there is no password, and
    the old ciphers make another key of that. It protects nothing, and need not.
    """
    import hashlib
    import hmac

    salt = bytes(64)
    key = hashlib.sha1(b"\3" * 64 + salt + bytes(64), usedforsecurity=False).digest()
    digest = hmac.new(key, safes, hashlib.sha1).digest()
    return _built(SEQUENCE, _built(SEQUENCE, SHA1, _built(OCTETS, digest)), _built(OCTETS, salt))


def _inside(item: bytes, tag: int) -> Iterator[bytes]:
    """Return the values inside a constructed value (X.690, 8.1)."""
    content, position = _value(item, tag), 0
    while position < len(content):
        end = position + sum(_sizes(content[position:]))
        yield content[position:end]
        position = end


def _value(item: bytes, tag: int) -> bytes:
    """Return the content of a value of a kind."""
    head, size = _sizes(item)
    if item[0] != tag or head + size > len(item):
        raise ValueError("another value")
    return item[head : head + size]


def _sizes(item: bytes) -> tuple[int, int]:
    """Return how long head and content of a value are."""
    first = item[1]
    if first < 0x80:
        return 2, first
    if first == 0x80:
        raise ValueError("of indefinite length")
    return 2 + first - 0x80, int.from_bytes(item[2 : 2 + first - 0x80], "big")


def _built(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 + len(length))) + length + content
