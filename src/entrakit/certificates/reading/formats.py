"""Formats of certificate files: PEM (RFC 7468), PFX (RFC 7292) and DER (X.690). The content tells the format.

    -----BEGIN …        PEM: certificates and keys, in any order, other lines are ignored
    SEQUENCE 3          PFX
    SEQUENCE            DER: certificates and keys, one after another

Many tools write such files, so the parser accepts byte order marks, the line breaks of every system, indented PEM,
UTF-16 as PowerShell writes it, and the old ciphers of PFX. The error for a file that can't be read gives the reason.
"""

from __future__ import annotations

import base64
import logging
import re
from typing import TYPE_CHECKING, NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key, pkcs12

from entrakit.certificates.reading.der import SEQUENCE
from entrakit.certificates.reading.iterations import MAX_ITERATIONS, TooManyIterationsError, check_iterations
from entrakit.certificates.reading.lenient import bundled_certificates, load_certificate, without_warnings
from entrakit.certificates.reading.pfx import certificate_items, decrypted_key, is_encrypted, key_items
from entrakit.errors import CertificateError, CertificatePasswordError

if TYPE_CHECKING:
    from collections.abc import Iterator

_GIVE_BOTH = "Give a PFX file, or a PEM file with the certificate and its private key."

_BEGIN = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----")
_MARK = re.compile(rb"-----(?:BEGIN|END) [A-Z0-9 ]+-----")
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
# Headers of an encrypted key in the format of old OpenSSL (RFC 1421, 4.6), which may share a line.
_HEADERS = re.compile(rb"(Proc-Type: 4,ENCRYPTED)\s+(DEK-Info: [A-Z0-9-]+,[0-9A-Fa-f]+)\s+")
_CERTIFICATE = (b"CERTIFICATE", b"X509 CERTIFICATE")
# PFX ::= SEQUENCE { version INTEGER {v3(3)}, …; some tools write an indefinite length (RFC 7292, 4; X.690, 8.1.3).
_PFX = re.compile(rb"\x30(?:[\x00-\x80]|\x81.|\x82..|\x83...|\x84....)\x02\x01\x03", re.DOTALL)

# Exceptions of the parsers for content that they can't read; TypeError is for a password that is not UTF-8.
_DAMAGED = (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion)

# The library decrypted a PFX file, but a certificate in it breaks a rule.
_UNREADABLE = "error parsing asn1 value"

# Warning filters are global: two threads that change them at the same time would corrupt them.

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
    plain = decoded(data)
    with without_warnings():
        try:
            if b"-----BEGIN " in plain:
                return _read_pem(plain, secret, source, validate_keys)
            if is_pfx(plain):
                return _read_pfx(plain, secret, source)
            return _read_der(plain, secret, source, validate_keys)
        except TooManyIterationsError as error:
            raise CertificateError(
                f"Can't open {source}: its password protection takes {error.count:,} iterations, and at most "
                f"{MAX_ITERATIONS:,} are accepted.",
                remedy="Export the certificate again. Programs use between 2,048 and 1,000,000 iterations.",
            ) from error


def decoded(data: bytes) -> bytes:
    """Return the content of a file: UTF-16 text in UTF-8, and base64 of a PFX, PEM or DER file decoded.

    Azure Key Vault returns PFX files in base64, and pipelines store certificates in variables that way.
    """
    text = _from_utf16(data).removeprefix(b"\xef\xbb\xbf")
    if data[:1] == SEQUENCE or b"-----BEGIN " in text:
        return text
    compact = b"".join(text.split()).rstrip(b"=").translate(_URL_SAFE)
    try:
        content = base64.b64decode(compact + b"=" * (-len(compact) % 4), validate=True)
    except ValueError:
        return data
    return _from_utf16(content) if content[:1] == SEQUENCE or b"-----BEGIN " in _from_utf16(content) else data


def public_certificates(data: bytes, password: str | None, source: str) -> list[x509.Certificate]:
    """Return the certificates of a file. Keys in a PEM file are skipped, so they can be encrypted.

    Raises:
        CertificateError: The file can't be read.
    """
    text = decoded(data)
    if b"-----BEGIN " not in text:
        return parse(data, password, source).certificates
    return [_pem_certificate(block, source) for label, block in _blocks(text, source) if label in _CERTIFICATE]


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
            found.certificates.append(_pem_certificate(text, source))
    return found


def _pem_certificate(block: bytes, source: str) -> x509.Certificate:
    try:
        return load_certificate(_content_of(block))
    except _DAMAGED as error:
        raise unusable(source, "it contains a damaged certificate") from error


def _content_of(block: bytes) -> bytes:
    """Return the DER in a block without headers.

    Raises:
        ValueError: The block is not base64.
    """
    return base64.b64decode(b"".join(block.splitlines()[1:-1]), validate=True)


def _blocks(data: bytes, source: str) -> Iterator[tuple[bytes, bytes]]:
    r"""Yield label and text of each block of a PEM file.

    Variables and web forms put a whole block on one line, with spaces or with `\n` in place of the line breaks.
    """
    data = _MARK.sub(rb"\n\g<0>\n", data.replace(rb"\r", b"").replace(rb"\n", b"\n"))
    label, lines = b"", list[bytes]()
    for line in _HEADERS.sub(rb"\1\n\2\n\n", data).splitlines():
        text = line.strip(b" \t\xef\xbb\xbf")
        if begun := _BEGIN.fullmatch(text):
            label, lines = begun[1], [text]
        elif label and text == b"-----END %b-----" % label:
            yield label, b"\n".join([*lines, text, b""])
            label = b""
        elif label and (text or b":" in lines[-1]):
            # Headers of old encrypted keys have a colon and end with an empty line; base64 has neither.
            lines.append(text if b":" in text else b"".join(text.split()))
    if label:
        raise unusable(source, f"it is incomplete: -----END {label.decode('ascii')}----- is missing")


def _pem_key(text: bytes, password: bytes | None, source: str, validate_keys: bool) -> object:
    encrypted = b"BEGIN ENCRYPTED" in text or b"Proc-Type: 4,ENCRYPTED" in text
    if encrypted and password is None:
        raise _needs_password(source)
    if password is not None and not encrypted:
        _log_unnecessary_password(source)
    try:
        if encrypted and b"BEGIN ENCRYPTED" in text:
            check_iterations(_content_of(text))
        secret = password if encrypted else None
        return load_pem_private_key(text, secret, unsafe_skip_rsa_key_validation=not validate_keys)
    except UnsupportedAlgorithm as error:
        raise unusable(source, "its private key has an unsupported type") from error
    except TooManyIterationsError:
        raise
    except (ValueError, TypeError) as error:
        raise (_wrong_password(source) if encrypted else unusable(source, "its private key is damaged")) from error


def _read_pfx(data: bytes, password: bytes | None, source: str) -> FileContent:
    try:
        check_iterations(data)
    except TooManyIterationsError:
        raise
    except ValueError as error:
        raise _wrong_password(source) from error
    # Tools write files without a password in two ways: with no password, and with an empty one.
    for attempt in (None, b"") if password is None else (password, None, b""):
        try:
            bundle = pkcs12.load_pkcs12(data, attempt)
        except _DAMAGED as error:
            if str(error).startswith(_UNREADABLE):
                return _unusual_pfx(data, attempt or b"", source)
            continue
        if password is not None and attempt != password:
            _log_unnecessary_password(source)
        return FileContent(bundled_certificates(bundle), _pfx_keys(data, attempt, bundle.key, source))
    raise _needs_password(source) if password is None else _wrong_password(source)


def _unusual_pfx(data: bytes, password: bytes, source: str) -> FileContent:
    """Return the content of a PFX file whose password is right, but whose certificates the library can't read."""
    try:
        certificates = [load_certificate(item) for item in certificate_items(data, password)]
    except _DAMAGED as error:
        raise CertificateError(
            f"Can't use {source}: the password is right, but a name in one of its certificates can't be read.",
            remedy="Export the file again with AES encryption, or give a PEM file with the certificate and its key.",
        ) from error
    return FileContent(certificates, _pfx_keys(data, password, None, source))


def _pfx_keys(data: bytes, password: bytes | None, first: object, source: str) -> list[object]:
    """Return the private keys of a PFX file.

    Args:
        data: Content of the file.
        password: Password of the file.
        first: The key that the library returned, which is only one; None if it returned none.
        source: Name of the file for error messages.
    """
    try:
        items = key_items(data)
        if first is not None and len(items) < 2:
            return [first]
        return [_pfx_key(item, password) for item in items]
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise unusable(source, "one of its private keys can't be read") from error


def _pfx_key(item: bytes, password: bytes | None) -> object:
    if password or not is_encrypted(item):
        return load_der_private_key(item, password if is_encrypted(item) else None)
    # The library takes an empty password for a missing one.
    return load_der_private_key(decrypted_key(item, b""), None)


def _read_der(data: bytes, password: bytes | None, source: str, validate_keys: bool) -> FileContent:
    found = FileContent([], [])
    for item in _items(data):
        try:
            found.certificates.append(load_certificate(item))
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
            check_iterations(item)
            return load_der_private_key(item, password)
        except TooManyIterationsError:
            raise
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
    if "\0" in password:
        raise CertificateError(
            "The password of the certificate contains a NUL character, which no password can have.",
            remedy="Check the source of the password. UTF-16 text without a byte order mark looks like that.",
        )
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
