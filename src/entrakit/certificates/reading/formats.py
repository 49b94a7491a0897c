"""Formats of certificate files: PEM (RFC 7468), PFX (RFC 7292) and DER (X.690). The content tells the format.

    -----BEGIN …        PEM: certificates and keys, in any order, other lines are ignored
    SEQUENCE 3          PFX
    SEQUENCE            DER: certificates and keys, one after another

Many tools write such files, so the parser accepts byte order marks, the line breaks of every system, indented PEM,
UTF-16 as PowerShell writes it, and the old ciphers of PFX. The error for a file that can't be read gives the reason.
"""

from __future__ import annotations

import logging
import re
import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key, pkcs12

from entrakit.errors import CertificateError, CertificatePasswordError

if TYPE_CHECKING:
    from collections.abc import Iterator

_GIVE_BOTH = "Give a PFX file, or a PEM file with the certificate and its private key."

_BEGIN = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----")
_CERTIFICATE = (b"CERTIFICATE", b"X509 CERTIFICATE")
# PFX ::= SEQUENCE { version INTEGER {v3(3)}, …; some tools write an indefinite length (RFC 7292, 4; X.690, 8.1.3).
_PFX = re.compile(rb"\x30(?:[\x00-\x80]|\x81.|\x82..|\x83...|\x84....)\x02\x01\x03", re.DOTALL)

# Exceptions of the parsers for content that they can't read; TypeError is for a password that is not UTF-8.
_DAMAGED = (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion)

# Warning filters are global: two threads that change them at the same time would corrupt them.
_WARNINGS = threading.Lock()

log = logging.getLogger("entrakit.certificates")


class FileContent(NamedTuple):
    """Content of a certificate file.

    Args:
        certificates: The certificates, in the order of the file.
        keys: The private keys, of any kind.
    """

    certificates: list[x509.Certificate]
    keys: list[object]


def is_pfx(data: bytes) -> bool:
    """Return whether bytes begin like a PFX file."""
    return _PFX.match(data) is not None


@contextmanager
def without_warnings() -> Iterator[None]:
    """Suppress warnings of the `cryptography` package on old ciphers: users can't change how their files were made."""
    with _WARNINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def parse(data: bytes, password: str | None, source: str, *, validate_keys: bool = True) -> FileContent:
    """Return certificates and private keys of a file.

    Args:
        data: Content of a PFX, PEM or DER file.
        password: Password of the file; None or empty for a file without one. An unnecessary password is ignored.
        source: Name of the file for error messages.
        validate_keys: Whether RSA keys in PEM and DER are validated, which is slow.

    Raises:
        CertificatePasswordError: The file is encrypted, and no password was given.
        CertificateError: The file can't be opened.
    """
    secret = _encoded(password, source) if password else None
    text = _from_utf16(data)
    with without_warnings():
        if b"-----BEGIN " in text:
            return _read_pem(text, secret, source, validate_keys)
        if is_pfx(data):
            return _read_pfx(data, secret, source)
        return _read_der(data, secret, source, validate_keys)


def public_certificates(data: bytes, source: str) -> list[x509.Certificate]:
    """Return the certificates of a file. Keys in a PEM file are skipped, so they can be encrypted.

    Raises:
        CertificateError: The file can't be read.
    """
    text = _from_utf16(data)
    if b"-----BEGIN " not in text:
        return parse(data, None, source).certificates
    found = []
    for label, block in _blocks(text, source):
        if label in _CERTIFICATE:
            try:
                found.append(x509.load_pem_x509_certificate(block))
            except _DAMAGED as error:
                raise unusable(source, "it contains a damaged certificate") from error
    return found


def unusable(source: str, reason: str) -> CertificateError:
    """Return the error for a file that can't be used.

    Args:
        source: Name of the file.
        reason: The reason, as the end of a sentence.
    """
    return CertificateError(f"Can't use {source}: {reason}.", remedy=_GIVE_BOTH)


def _read_pem(data: bytes, password: bytes | None, source: str, validate_keys: bool) -> FileContent:
    found = FileContent([], [])
    for label, text in _blocks(data, source):
        if label.endswith(b"PRIVATE KEY"):
            found.keys.append(_pem_key(text, password, source, validate_keys))
        elif label in _CERTIFICATE:
            try:
                found.certificates.append(x509.load_pem_x509_certificate(text))
            except _DAMAGED as error:
                raise unusable(source, "it contains a damaged certificate") from error
    return found


def _blocks(data: bytes, source: str) -> Iterator[tuple[bytes, bytes]]:
    """Yield label and text of each block of a PEM file."""
    label, lines = b"", list[bytes]()
    for line in data.splitlines():
        text = line.strip(b" \t\xef\xbb\xbf")
        if begun := _BEGIN.fullmatch(text):
            label, lines = begun[1], [text]
        elif label:
            lines.append(text)
            if text == b"-----END %b-----" % label:
                yield label, b"\n".join([*lines, b""])
                label = b""
    if label:
        raise unusable(source, f"it is incomplete: -----END {label.decode('ascii')}----- is missing")


def _pem_key(text: bytes, password: bytes | None, source: str, validate_keys: bool) -> object:
    encrypted = b"BEGIN ENCRYPTED" in text or b"Proc-Type: 4,ENCRYPTED" in text
    if encrypted and password is None:
        raise _needs_password(source)
    if password is not None and not encrypted:
        _log_unnecessary_password(source)
    try:
        secret = password if encrypted else None
        return load_pem_private_key(text, secret, unsafe_skip_rsa_key_validation=not validate_keys)
    except UnsupportedAlgorithm as error:
        raise unusable(source, "its private key has an unsupported type") from error
    except (ValueError, TypeError) as error:
        raise (_wrong_password(source) if encrypted else unusable(source, "its private key is damaged")) from error


def _read_pfx(data: bytes, password: bytes | None, source: str) -> FileContent:
    # Tools write files without a password in two ways: with no password, and with an empty one.
    for attempt in (None, b"") if password is None else (password, None, b""):
        try:
            bundle = pkcs12.load_pkcs12(data, attempt)
        except _DAMAGED:
            continue
        if password is not None and attempt != password:
            _log_unnecessary_password(source)
        return FileContent(
            [one.certificate for one in (bundle.cert, *bundle.additional_certs) if one is not None],
            [bundle.key] if bundle.key is not None else [],
        )
    raise _needs_password(source) if password is None else _wrong_password(source)


def _read_der(data: bytes, password: bytes | None, source: str, validate_keys: bool) -> FileContent:
    found = FileContent([], [])
    for item in _items(data):
        try:
            found.certificates.append(x509.load_der_x509_certificate(item))
        except _DAMAGED:
            key = _der_key(item, password, source, validate_keys)
            if key is not None:
                found.keys.append(key)
    if not found.certificates and not found.keys:
        raise unusable(source, "it is neither PFX nor PEM nor DER, or it is damaged")
    return found


def _items(data: bytes) -> Iterator[bytes]:
    """Yield the values of concatenated DER (X.690, 8.1), up to the first incomplete one."""
    position = 0
    while position + 2 <= len(data):
        length, begin = data[position + 1], position + 2
        if length > 0x80:
            begin += length - 0x80
            length = int.from_bytes(data[position + 2 : begin], "big")
        end = begin + length
        if end > len(data):
            return
        yield data[position:end]
        position = end


def _der_key(item: bytes, password: bytes | None, source: str, validate_keys: bool) -> object | None:
    """Return a private key in DER; None for another value."""
    try:
        key = load_der_private_key(item, None, unsafe_skip_rsa_key_validation=not validate_keys)
    except TypeError as error:
        if password is None:
            raise _needs_password(source) from error
        try:
            return load_der_private_key(item, password)
        except (ValueError, UnsupportedAlgorithm) as wrong:
            raise _wrong_password(source) from wrong
    except (ValueError, UnsupportedAlgorithm):
        return None
    if password is not None:
        _log_unnecessary_password(source)
    return key


def _from_utf16(data: bytes) -> bytes:
    """Return UTF-16 text, as Windows PowerShell writes with `>`, in UTF-8; return other content unchanged."""
    if not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data
    return data.decode("utf-16", "replace").encode()


def _encoded(password: str, source: str) -> bytes:
    try:
        # Bytes of a variable or of standard input that are not UTF-8 were decoded as surrogates. This restores them.
        return password.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        # Without the cause, because that exception contains the password.
        raise _wrong_password(source) from None


def _log_unnecessary_password(source: str) -> None:
    log.debug("A password was given for %s, which does not need one.", source)


def _needs_password(source: str) -> CertificatePasswordError:
    return CertificatePasswordError(
        f"Can't open {source}: it is encrypted, and no password was given.",
        remedy="Give the password: `certificate_password=…`.",
    )


def _wrong_password(source: str) -> CertificateError:
    return CertificateError(
        f"Can't open {source}: the password is wrong, or the file is damaged.",
        remedy="Check the password and the file.",
    )
