"""Certificates with their keys from files: PFX (RFC 7292), PEM (RFC 7468) and DER, told apart by their content."""

from __future__ import annotations

import logging
import os
import re
import stat
import warnings

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key, pkcs12

from entrakit.certificates import Certificate
from entrakit.certificates.keys import SoftwareKey, is_key_of, not_rsa
from entrakit.errors import CertificateError, CertificatePasswordError

MAX_FILE = 1024 * 1024

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,60})-----\r?\n.{1,200000}?-----END \1-----", re.DOTALL)

log = logging.getLogger("entrakit.certificates")


def load_file(path: str, password: str | None) -> Certificate:
    """Return the certificate with its key that a file holds.

    Args:
        path: The file; `~` is expanded.
        password: Opens it; None if it needs none.

    Raises:
        CertificateError: The file can't be read or opened, or has no certificate with its private key.
    """
    full = os.path.abspath(os.path.expanduser(path))
    try:
        with open(full, "rb") as file:
            data = file.read(MAX_FILE + 1)
            mode = os.fstat(file.fileno()).st_mode
    except OSError as error:
        hint = " (a directory)" if isinstance(error, IsADirectoryError) else ""
        raise CertificateError(
            f"The certificate file {full}{hint} can't be read: {error.strerror}.",
            remedy="Check the path and who owns it.",
        ) from error
    if os.name == "posix" and mode & (stat.S_IRGRP | stat.S_IROTH):
        log.warning("The key file %s can be read by others: type `chmod 600 %s`.", full, full)
    return load_bytes(data, password, source=full)


def load_bytes(data: bytes, password: str | None, *, source: str) -> Certificate:
    """Return the certificate with its key that bytes hold.

    Args:
        data: Content of a PFX or PEM file.
        password: Opens it; None if it needs none.
        source: Where they came from, for errors.

    Raises:
        CertificateError: They can't be opened, or have no certificate with its private key.
    """
    if not data or len(data) > MAX_FILE:
        raise CertificateError(
            f"{source} is empty." if not data else f"{source} is too large to be a certificate.",
            remedy="Give a PFX or PEM file with the certificate and its private key.",
        )
    if b"-----BEGIN " in data:
        return _from_pem(data.removeprefix(b"\xef\xbb\xbf"), password, source)
    return _from_der(data, password, source)


def _from_pem(data: bytes, password: str | None, source: str) -> Certificate:
    certificates: list[x509.Certificate] = []
    keys: list[object] = []
    for block in _BLOCK.finditer(data):
        text = block[0].replace(b"\r\n", b"\n") + b"\n"
        if block[1].endswith(b"PRIVATE KEY"):
            keys.append(_pem_key(text, password, source))
        elif block[1] in (b"CERTIFICATE", b"X509 CERTIFICATE", b"TRUSTED CERTIFICATE"):
            try:
                certificates.append(x509.load_pem_x509_certificate(text))
            except ValueError as error:
                raise _unreadable(source, "a certificate in it is damaged") from error
    return _matched(certificates, keys, source)


def _pem_key(text: bytes, password: str | None, source: str) -> object:
    encrypted = b"BEGIN ENCRYPTED" in text or b"Proc-Type: 4,ENCRYPTED" in text
    if encrypted and password is None:
        raise _needs_password(source)
    try:
        return load_pem_private_key(text, password.encode() if encrypted and password is not None else None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise (_wrong_password(source) if encrypted else _unreadable(source, "its private key is damaged")) from error


def _from_der(data: bytes, password: str | None, source: str) -> Certificate:
    try:
        x509.load_der_x509_certificate(data)
    except ValueError:
        pass
    else:
        raise CertificateError(
            f"{source} holds a certificate without its private key.",
            remedy="Give a PFX file, or a PEM file with certificate and private key.",
        )
    if _is_der_key(data, password):
        raise CertificateError(
            f"{source} holds a private key without its certificate.",
            remedy="Give a PFX file, or a PEM file with certificate and private key.",
        )
    return _from_pfx(data, password, source)


def _is_der_key(data: bytes, password: str | None) -> bool:
    try:
        load_der_private_key(data, password.encode() if password else None)
    except TypeError:
        return True
    except (ValueError, UnsupportedAlgorithm):
        return False
    return True


def _from_pfx(data: bytes, password: str | None, source: str) -> Certificate:
    # Without a password there are two spellings of "none", and writers differ in which they use.
    attempts = [password.encode()] if password is not None else [None, b""]
    for attempt in attempts:
        try:
            # Old files have certificates in ways that the library deprecates; the file is not ours to mend.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                bundle = pkcs12.load_pkcs12(data, attempt)
        except UnsupportedAlgorithm as error:
            raise _unreadable(source, "it is encrypted in a way that this machine can't read") from error
        except ValueError:
            continue
        found = [one.certificate for one in (bundle.cert, *bundle.additional_certs) if one is not None]
        return _matched(found, [bundle.key] if bundle.key is not None else [], source)
    if not _looks_like_pfx(data):
        raise _unreadable(source, "it is neither PFX nor PEM")
    raise _needs_password(source) if password is None else _wrong_password(source)


def _looks_like_pfx(data: bytes) -> bool:
    """A PFX is a SEQUENCE that begins with the INTEGER 3 (RFC 7292, 4)."""
    return data[:1] == b"\x30" and b"\x02\x01\x03" in data[:12]


def _matched(certificates: list[x509.Certificate], keys: list[object], source: str) -> Certificate:
    """Return the certificate that a key belongs to, with its chain upwards."""
    if not certificates or not keys:
        what = "no certificate" if not certificates else "no private key"
        raise CertificateError(
            f"{source} has {what}.", remedy="Give a PFX or PEM file with the certificate and its private key."
        )
    rsa = [key for key in keys if isinstance(key, RSAPrivateKey)]
    if not rsa:
        raise not_rsa(keys[0])
    for key in rsa:
        for certificate in certificates:
            if is_key_of(key, certificate):
                return Certificate(certificate, SoftwareKey(key), _chain_of(certificate, certificates))
    raise CertificateError(
        f"The private key in {source} belongs to none of its certificates.",
        remedy="Give the certificate together with its own key.",
    )


def _chain_of(leaf: x509.Certificate, certificates: list[x509.Certificate]) -> list[x509.Certificate]:
    """Return the issuers of a certificate upwards, from those at hand, in whatever order they stand."""
    chain: list[x509.Certificate] = []
    current = leaf
    while current.issuer != current.subject and len(chain) < len(certificates):
        issuer = next((one for one in certificates if one.subject == current.issuer and one not in chain), None)
        if issuer is None or issuer == leaf:
            break
        chain.append(issuer)
        current = issuer
    return chain


def _needs_password(source: str) -> CertificatePasswordError:
    return CertificatePasswordError(
        f"{source} is encrypted, and no password was given.",
        remedy="Give the password: certificate_password=…, --certificate-password-stdin, or "
        "AZURE_CLIENT_CERTIFICATE_PASSWORD.",
    )


def _wrong_password(source: str) -> CertificateError:
    return CertificateError(
        f"The password does not open {source}, or the file is damaged.", remedy="Check the password and the file."
    )


def _unreadable(source: str, reason: str) -> CertificateError:
    return CertificateError(
        f"{source} can't be used: {reason}.", remedy="Give a PFX or PEM file with the certificate and its private key."
    )
