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

from entrakit.certificates.reading.der import EXPLICIT, OCTETS, SEQUENCE, compose
from entrakit.certificates.reading.files import parse_certificates
from entrakit.certificates.reading.formats import decoded, is_pfx
from entrakit.certificates.reading.iterations import check_iterations
from entrakit.certificates.reading.lenient import bundled_certificates, without_warnings
from entrakit.certificates.reading.pfx import CERTIFICATE_BAG, DATA, KEY_BAG, SHROUDED_KEY_BAG, kind_of, safes

if TYPE_CHECKING:
    from cryptography.x509 import Certificate as X509Certificate

# Version 3, and SHA-1 without parameters.
VERSION, SHA1 = bytes.fromhex("020103"), bytes.fromhex("300906052b0e03021a0500")


def glance(data: bytes, source: str) -> list[X509Certificate]:
    """Return the certificates of a file without a password that have a private key. The keys are not validated.

    Args:
        data: Content of the file.
        source: Name of the file for error messages.

    Raises:
        CertificateError: The file can't be opened, or has no certificate with its private key.
    """
    data = decoded(data)
    leaf = pfx_leaf(data) if is_pfx(data) else None
    if leaf is not None:
        return [leaf]
    return [one.certificate for one in parse_certificates(data, None, source=source, validate_keys=False)]


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
        check_iterations(data)
        stripped = _without_keys(data)
    except ValueError:
        return []
    for mac in (b"", _mac(stripped)):
        try:
            with without_warnings():
                bundle = pkcs12.load_pkcs12(_pfx(stripped, mac), None)
        except (ValueError, InvalidVersion, UnsupportedAlgorithm):
            continue
        return bundled_certificates(bundle)
    return []


def _without_keys(data: bytes) -> bytes:
    """Return the safes of a PFX file. Unencrypted safes keep only their certificates.

    Raises:
        ValueError: The structure is unusual, or contains no key or several.
    """
    parts, keys = [], 0
    for part, bags in safes(data):
        if bags is None:
            parts.append(part)
            continue
        certificates = [bag for bag in bags if kind_of(bag) == CERTIFICATE_BAG]
        keys += sum(kind_of(bag) in (KEY_BAG, SHROUDED_KEY_BAG) for bag in bags)
        if certificates:
            safe = compose(OCTETS, compose(SEQUENCE, *certificates))
            parts.append(compose(SEQUENCE, DATA, compose(EXPLICIT, safe)))
    if keys != 1:
        raise ValueError("the unencrypted safes contain no key or several")
    return compose(SEQUENCE, *parts)


def _pfx(safes: bytes, mac: bytes) -> bytes:
    content = compose(SEQUENCE, DATA, compose(EXPLICIT, compose(OCTETS, safes)))
    return compose(SEQUENCE, VERSION, content, mac)


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
    return compose(SEQUENCE, compose(SEQUENCE, SHA1, compose(OCTETS, digest)), compose(OCTETS, salt))
