"""Certificates whose names break the rules of their string types.

Authorities write `@`, `!` or `_` into a PrintableString, and Latin-1 into a TeletexString (X.680, 41; X.520). OpenSSL
and Microsoft Entra read such names. The `cryptography` package refuses the certificate or its names. Here it reads a
copy with all names in UTF-8; the certificate keeps its own bytes, so thumbprint and chain are those of the original.

The package warns of negative serial numbers and long names, which `python -W error` makes exceptions. Users cannot
change how their certificates were made, so these warnings are suppressed.
"""

from __future__ import annotations

import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from entrakit.certificates.reading.der import SEQUENCE, SET, children, compose, content, definite

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12KeyAndCertificates

UTF8_STRING = b"\x0c"
# NumericString, PrintableString, TeletexString, VideotexString, IA5String, GraphicString, VisibleString, GeneralString
# (X.680, 8.4). Other strings that can't be read are damaged.
_LENIENT = frozenset(bytes([tag]) for tag in (0x12, 0x13, 0x14, 0x15, 0x16, 0x19, 0x1A, 0x1B))

# Filters of warnings belong to the process.
_WARNINGS = threading.RLock()


@contextmanager
def without_warnings() -> Iterator[None]:
    """Suppress warnings of the `cryptography` package, such as those on old ciphers, during a block."""
    with _WARNINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def load_certificate(der: bytes) -> x509.Certificate:
    """Return a certificate. Its names are read even if they break the rules of their string types.

    Args:
        der: The certificate in DER.

    Raises:
        ValueError: The certificate is damaged, other than in its names.
        cryptography.x509.InvalidVersion: The certificate has an unknown version.
    """
    with without_warnings():
        try:
            return _parsed(der)
        except ValueError:
            try:
                copy = _parsed(_with_utf8_names(der))
            except ValueError:
                # The names are damaged. A caller that reads them gets the error of the library.
                return x509.load_der_x509_certificate(der)
            return cast("x509.Certificate", _CertificateWithNames(copy, der))


def bundled_certificates(bundle: PKCS12KeyAndCertificates) -> list[x509.Certificate]:
    """Return the certificates of a PFX file that the library has read, each as `load_certificate` returns it."""
    found = [one.certificate for one in (bundle.cert, *bundle.additional_certs) if one is not None]
    return [load_certificate(one.public_bytes(Encoding.DER)) for one in found]


class _CertificateWithNames:
    """A certificate of the `cryptography` package that was read from a copy with other names.

    Args:
        copy: The copy. Its signature does not fit its names.
        der: The original certificate in DER.
    """

    def __init__(self, copy: x509.Certificate, der: bytes) -> None:
        self._copy = copy
        self._der = der

    def __getattr__(self, name: str) -> object:
        return getattr(self._copy, name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _CertificateWithNames) and self._der == other._der

    def __hash__(self) -> int:
        return hash(self._der)

    def public_bytes(self, encoding: Encoding) -> bytes:
        if encoding is not Encoding.DER:
            raise ValueError("only DER is supported")
        return self._der

    def fingerprint(self, algorithm: hashes.HashAlgorithm) -> bytes:
        digest = hashes.Hash(algorithm)
        digest.update(self._der)
        return digest.finalize()


def _parsed(der: bytes) -> x509.Certificate:
    """Return a certificate whose names can be read."""
    found = x509.load_der_x509_certificate(der)
    # The library parses names on access; ValueError tells that it can't.
    _ = found.subject, found.issuer
    return found


def _with_utf8_names(der: bytes) -> bytes:
    """Return a copy of a certificate with UTF8String in the names of issuer and subject.

    Raises:
        ValueError: The certificate is damaged.
    """
    signed, *rest = children(definite(der), SEQUENCE)
    # TBSCertificate ::= SEQUENCE { [0] version, serialNumber, signature, issuer, validity, subject, … } (RFC 5280, 4.1)
    fields = list(children(signed, SEQUENCE))
    if len(fields) < 7:
        raise ValueError("the certificate has too few fields")
    fields[3], fields[5] = _utf8_name(fields[3]), _utf8_name(fields[5])
    return compose(SEQUENCE, compose(SEQUENCE, *fields), *rest)


def _utf8_name(name: bytes) -> bytes:
    """Return a name with its strings in UTF-8: SEQUENCE OF SET OF SEQUENCE { type, value }."""
    relative = []
    for part in children(name, SEQUENCE):
        pairs = (tuple(children(pair, SEQUENCE)) for pair in children(part, SET))
        relative.append(compose(SET, *(compose(SEQUENCE, kind, _utf8(value)) for kind, value in pairs)))
    return compose(SEQUENCE, *relative)


def _utf8(value: bytes) -> bytes:
    if value[:1] not in _LENIENT:
        return value
    text = content(value, value[:1])
    try:
        text.decode()
    except UnicodeError:
        text = text.decode("latin-1").encode()
    return compose(UTF8_STRING, text)
