"""The certificate of a file without its private key, so that a directory of many files can be searched fast.

Opening a PFX file takes about 35 ms, because the library validates the RSA key and has no option to skip that. A
directory of 1,000 files would take 35 s, and all keys but one would be validated for nothing. This module takes less
than 1 s for 1,000 files: it removes the private key from the PFX structure (RFC 7292), and the library reads only the
certificates. The key of a PEM or DER file is read without validation. A file without a password can contain its key in
plain text or encrypted with an empty password; both forms are supported.

The caller opens the file of the certificate that it selects completely, with `files`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509 import InvalidVersion

from entrakit.certificates.reading.files import parse_certificate
from entrakit.certificates.reading.formats import is_pfx, without_warnings

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


def glance(data: bytes, source: str) -> X509Certificate:
    """Return the certificate of a file without a password. Its private key is not validated.

    Args:
        data: Content of the file.
        source: Name of the file for error messages.

    Raises:
        CertificateError: The file can't be opened, or has no certificate with its private key.
    """
    leaf = pfx_leaf(data) if is_pfx(data) else None
    return leaf or parse_certificate(data, None, source=source, validate_keys=False).certificate


def pfx_leaf(data: bytes) -> X509Certificate | None:
    """Return the certificate of a PFX file without opening its private key; None if only the key can tell which it is.

    Args:
        data: Content of the file.
    """
    return _leaf(_certificates_of(data))


def _leaf(certificates: list[X509Certificate]) -> X509Certificate | None:
    """Return the only certificate that did not issue another one; None if there is not exactly one."""
    try:
        issuers = {one.issuer for one in certificates if one.issuer != one.subject}
        leaves = [one for one in certificates if one.subject not in issuers]
    except ValueError:
        return None
    return leaves[0] if len(leaves) == 1 else None


def _certificates_of(data: bytes) -> list[X509Certificate]:
    """Return the certificates of a PFX file with a key and without a password; empty if its structure is unusual."""
    try:
        stripped = _without_keys(data)
    except (ValueError, IndexError):
        return []
    for mac in (b"", _mac(stripped)):
        try:
            with without_warnings():
                bundle = pkcs12.load_pkcs12(_pfx(stripped, mac), None)
        except (ValueError, InvalidVersion, UnsupportedAlgorithm):
            continue
        return [one.certificate for one in (bundle.cert, *bundle.additional_certs) if one is not None]
    return []


def _without_keys(data: bytes) -> bytes:
    """Return the safes of a PFX file. Unencrypted safes keep only their certificates.

    Raises:
        ValueError: The structure is unusual, or contains no key.
    """
    _, content, *_ = _children(data, SEQUENCE)
    kind, wrapped = _children(content, SEQUENCE)
    (octets,) = _children(wrapped, EXPLICIT)
    if kind != DATA:
        raise ValueError("the content is signed with a key")
    safes, has_key = [], False
    for part in _children(_content(octets, OCTETS), SEQUENCE):
        kind, wrapped = _children(part, SEQUENCE)
        if kind == ENCRYPTED:
            safes.append(part)
        elif kind == DATA:
            (inner,) = _children(wrapped, EXPLICIT)
            bags = list(_children(_content(inner, OCTETS), SEQUENCE))
            certificates = [bag for bag in bags if next(_children(bag, SEQUENCE), b"") == CERTIFICATE_BAG]
            has_key = has_key or len(certificates) < len(bags)
            if certificates:
                safe = _der(OCTETS, _der(SEQUENCE, *certificates))
                safes.append(_der(SEQUENCE, DATA, _der(EXPLICIT, safe)))
    if not has_key:
        raise ValueError("no unencrypted safe contains a key")
    return _der(SEQUENCE, *safes)


def _pfx(safes: bytes, mac: bytes) -> bytes:
    content = _der(SEQUENCE, DATA, _der(EXPLICIT, _der(OCTETS, safes)))
    return _der(SEQUENCE, VERSION, content, mac)


def _mac(safes: bytes) -> bytes:
    """Return a MAC of safes for an empty password (RFC 7292, 4 and B.2).

    The MAC tells the library that the password is empty. Without a MAC the library assumes that there is no password,
    and the old ciphers derive another key from that. The MAC has no security purpose here.
    """
    import hashlib
    import hmac

    salt = bytes(64)
    key = hashlib.sha1(b"\3" * 64 + salt + bytes(64), usedforsecurity=False).digest()
    digest = hmac.new(key, safes, hashlib.sha1).digest()
    return _der(SEQUENCE, _der(SEQUENCE, SHA1, _der(OCTETS, digest)), _der(OCTETS, salt))


def _children(item: bytes, tag: int) -> Iterator[bytes]:
    """Yield the values inside a constructed value (X.690, 8.1)."""
    content, position = _content(item, tag), 0
    while position < len(content):
        end = position + sum(_sizes(content[position:]))
        yield content[position:end]
        position = end


def _content(item: bytes, tag: int) -> bytes:
    """Return the content of a value; raise ValueError if its tag is another one or it is incomplete."""
    head, size = _sizes(item)
    if item[0] != tag or head + size > len(item):
        raise ValueError("unexpected tag, or incomplete value")
    return item[head : head + size]


def _sizes(item: bytes) -> tuple[int, int]:
    """Return the sizes of header and content of a value."""
    first = item[1]
    if first < 0x80:
        return 2, first
    if first == 0x80:
        raise ValueError("indefinite length")
    return 2 + first - 0x80, int.from_bytes(item[2 : 2 + first - 0x80], "big")


def _der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 + len(length))) + length + content
