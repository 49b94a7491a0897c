"""What certificate files hold: PEM (RFC 7468), PFX (RFC 7292) and DER (X.690), told apart by their content.

    -----BEGIN …        PEM: certificates and keys, in any order, between any text
    SEQUENCE 3          PFX
    SEQUENCE            DER: certificates and keys, one after another

Files come from many tools. So byte order marks, the line breaks of any system, indented PEM, UTF-16 as PowerShell
writes it, and the old ciphers of PFX are all read; what can't be read is told with its reason.
"""

from __future__ import annotations

import logging
import re
import threading
import warnings
from contextlib import contextmanager
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key, pkcs12

from entrakit.errors import CertificateError, CertificatePasswordError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_GIVE_BOTH = "Give a PFX file, or a PEM file with the certificate and its private key."

_BEGIN = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----")
_CERTIFICATE = (b"CERTIFICATE", b"X509 CERTIFICATE")
# PFX ::= SEQUENCE { version INTEGER {v3(3)}, …; some writers leave the length open (RFC 7292, 4; X.690, 8.1.3).
_PFX = re.compile(rb"\x30(?:[\x00-\x80]|\x81.|\x82..|\x83...|\x84....)\x02\x01\x03", re.DOTALL)

# What the parsers raise on what they can't read; TypeError for a password that is no UTF-8.
_DAMAGED = (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion)

# The filters of warnings belong to the whole process: two threads that changed them at once would spoil them.
_WARNINGS = threading.Lock()

log = logging.getLogger("entrakit.certificates")


class Bundle(NamedTuple):
    """What a file holds.

    Args:
        certificates: Its certificates, in the file's order.
        keys: Its private keys, of whatever kind.
    """

    certificates: list[x509.Certificate]
    keys: list[object]


def is_pfx(data: bytes) -> bool:
    """Return whether bytes begin as a PFX file does."""
    return _PFX.match(data) is not None


@contextmanager
def quiet() -> Iterator[None]:
    """Hold back what the library says of old ciphers: the file is not ours to mend."""
    with _WARNINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def read(data: bytes, password: str | None, source: str, *, tests_keys: bool = True) -> Bundle:
    """Return what bytes hold.

    Args:
        data: Content of a PFX, PEM or DER file.
        password: Opens it; None or empty if it needs none. One that is not needed does no harm.
        source: Where they came from, for errors.
        tests_keys: False to leave out the costly test of RSA keys of PEM and DER.

    Raises:
        CertificatePasswordError: They are encrypted, and there is no password.
        CertificateError: They can't be opened.
    """
    secret = _encoded(password, source) if password else None
    text = _from_utf16(data)
    with quiet():
        if b"-----BEGIN " in text:
            return _read_pem(text, secret, source, tests_keys)
        if is_pfx(data):
            return _read_pfx(data, secret, source)
        return _read_der(data, secret, source, tests_keys)


def public_certificates(data: bytes, source: str) -> list[x509.Certificate]:
    """Return the certificates that bytes hold; of a PEM file keys are not looked at, so they may be encrypted.

    Raises:
        CertificateError: They can't be read.
    """
    text = _from_utf16(data)
    if b"-----BEGIN " not in text:
        return read(data, None, source).certificates
    found = []
    for label, block in _blocks(text, source):
        if label in _CERTIFICATE:
            try:
                found.append(x509.load_pem_x509_certificate(block))
            except _DAMAGED as error:
                raise unreadable(source, "a certificate in it is damaged") from error
    return found


def unreadable(source: str, reason: str) -> CertificateError:
    """Return the error for a file that can't be used.

    Args:
        source: Where it is.
        reason: Why, as the end of a sentence.
    """
    return CertificateError(f"Can't use {source}: {reason}.", remedy=_GIVE_BOTH)


def _read_pem(data: bytes, password: bytes | None, source: str, tests_keys: bool) -> Bundle:
    found = Bundle([], [])
    for label, text in _blocks(data, source):
        if label.endswith(b"PRIVATE KEY"):
            found.keys.append(_pem_key(text, password, source, tests_keys))
        elif label in _CERTIFICATE:
            try:
                found.certificates.append(x509.load_pem_x509_certificate(text))
            except _DAMAGED as error:
                raise unreadable(source, "a certificate in it is damaged") from error
    return found


def _blocks(data: bytes, source: str) -> Iterator[tuple[bytes, bytes]]:
    """Return the blocks of a PEM file, as (label, text), in one pass."""
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
        raise unreadable(source, f"it is cut off, for -----END {label.decode('ascii')}----- is missing")


def _pem_key(text: bytes, password: bytes | None, source: str, tests_keys: bool) -> object:
    encrypted = b"BEGIN ENCRYPTED" in text or b"Proc-Type: 4,ENCRYPTED" in text
    if encrypted and password is None:
        raise _needs_password(source)
    if password is not None and not encrypted:
        _say_not_needed(source)
    try:
        secret = password if encrypted else None
        return load_pem_private_key(text, secret, unsafe_skip_rsa_key_validation=not tests_keys)
    except UnsupportedAlgorithm as error:
        raise unreadable(source, "its private key is of a kind that this machine can't read") from error
    except (ValueError, TypeError) as error:
        raise (_wrong_password(source) if encrypted else unreadable(source, "its private key is damaged")) from error


def _read_pfx(data: bytes, password: bytes | None, source: str) -> Bundle:
    # There are two spellings of "no password", none at all and an empty one; writers differ in which they use.
    for attempt in (None, b"") if password is None else (password, None, b""):
        try:
            bundle = pkcs12.load_pkcs12(data, attempt)
        except _DAMAGED:
            continue
        if password is not None and attempt != password:
            _say_not_needed(source)
        return Bundle(
            [one.certificate for one in (bundle.cert, *bundle.additional_certs) if one is not None],
            [bundle.key] if bundle.key is not None else [],
        )
    raise _needs_password(source) if password is None else _wrong_password(source)


def _read_der(data: bytes, password: bytes | None, source: str, tests_keys: bool) -> Bundle:
    found = Bundle([], [])
    for item in _items(data):
        try:
            found.certificates.append(x509.load_der_x509_certificate(item))
        except _DAMAGED:
            key = _der_key(item, password, source, tests_keys)
            if key is not None:
                found.keys.append(key)
    if not found.certificates and not found.keys:
        raise unreadable(source, "it is neither PFX nor PEM nor DER, or damaged")
    return found


def _items(data: bytes) -> Iterator[bytes]:
    """Return the values that stand one after another in DER (X.690, 8.1), as far as they are whole."""
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


def _der_key(item: bytes, password: bytes | None, source: str, tests_keys: bool) -> object | None:
    """Return a private key in DER; None if it is something else."""
    try:
        key = load_der_private_key(item, None, unsafe_skip_rsa_key_validation=not tests_keys)
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
        _say_not_needed(source)
    return key


def _from_utf16(data: bytes) -> bytes:
    """Return text that Windows PowerShell wrote with `>` as bytes of UTF-8, and anything else as it is."""
    if not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data
    return data.decode("utf-16", "replace").encode()


def _encoded(password: str, source: str) -> bytes:
    try:
        # Bytes of the environment or of standard input that are not UTF-8 come as surrogates, and go back as they were.
        return password.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        # Without its cause, which holds the password.
        raise _wrong_password(source) from None


def _say_not_needed(source: str) -> None:
    log.debug("A password was given for %s, which needs none.", source)


def _needs_password(source: str) -> CertificatePasswordError:
    return CertificatePasswordError(
        f"Can't open {source}: it is encrypted, and no password was given.",
        remedy="Give the password: `certificate_password=…`.",
    )


def _wrong_password(source: str) -> CertificateError:
    return CertificateError(
        f"Can't open {source}: the password is wrong, or it is damaged.", remedy="Check the password and the file."
    )
