"""Certificates with their keys from files: read, matched with their key, their chain put in order."""

from __future__ import annotations

import logging
import os
import shlex
import stat
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from entrakit.certificates import Certificate
from entrakit.certificates.reading.formats import public_certificates, read, unreadable
from entrakit.certificates.signers.software import SoftwareKey, is_key_of, not_rsa
from entrakit.errors import CertificateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.x509 import Certificate as X509Certificate

MAX_FILE = 1024 * 1024

log = logging.getLogger("entrakit.certificates")


class Opened(NamedTuple):
    """A certificate from a file.

    Args:
        certificate: The certificate with its key.
        is_exposed: Whether group or others can read the file.
    """

    certificate: Certificate
    is_exposed: bool


def load_file(path: str, password: str | None) -> Certificate:
    """Return the certificate with its key that a file holds; warn if others can read the key.

    Args:
        path: The file; `~` is expanded.
        password: Opens it; None if it needs none.

    Raises:
        CertificatePasswordError: The file is encrypted, and there is no password.
        CertificateError: The file can't be read or opened, or has no certificate with its private key.
    """
    opened = open_file(path, password)
    if opened.is_exposed:
        warn_exposed(os.path.abspath(os.path.expanduser(path)))
    return opened.certificate


def open_file(path: str, password: str | None) -> Opened:
    """Return the certificate with its key that a file holds; arguments and errors as for `load_file`."""
    data, source, is_exposed = read_file(path)
    return Opened(load_bytes(data, password, source=source), is_exposed)


def read_file(path: str, *, in_store: bool = False) -> tuple[bytes, str, bool]:
    """Return the content of a file, how to call it, and whether group or others can read it.

    Args:
        path: The file; `~` is expanded. No more is read than a certificate file may have.
        in_store: Take plain files only: a pipe in a store would make us wait for its writer.

    Raises:
        CertificateError: It can't be read.
    """
    full = os.path.abspath(os.path.expanduser(path)) if path else ""
    source = full if full.isprintable() else ascii(full)
    try:
        kind = stat.S_IFMT(os.stat(full).st_mode) if in_store else stat.S_IFREG
        if kind not in (stat.S_IFREG, stat.S_IFDIR):
            raise unreadable(source, "it is no file")
        with open(full, "rb") as file:
            data = file.read(MAX_FILE + 1)
            mode = os.fstat(file.fileno()).st_mode
    except (OSError, ValueError) as error:
        raise _unread(source, error) from error
    return data, source, os.name == "posix" and stat.S_ISREG(mode) and bool(mode & (stat.S_IRGRP | stat.S_IROTH))


def warn_exposed(path: str) -> None:
    """Warn that others can read a key.

    Args:
        path: Its file.
    """
    log.warning("Others on this machine can read the private key in %s: type `chmod 600 %s`.", path, shlex.quote(path))


def load_bytes(data: bytes, password: str | None, *, source: str, tests_keys: bool = True) -> Certificate:
    """Return the certificate with its key that bytes hold.

    Args:
        data: Content of a PFX, PEM or DER file.
        password: Opens it; None if it needs none.
        source: Where they came from, for errors.
        tests_keys: False to leave out the costly test of RSA keys; the certificate is not to be signed with then.

    Raises:
        CertificatePasswordError: They are encrypted, and there is no password.
        CertificateError: They can't be opened, or have no certificate with its private key.
    """
    if not data:
        raise unreadable(source, "it is empty")
    if len(data) > MAX_FILE:
        raise unreadable(source, "it is larger than 1 MiB, so it is no certificate")
    certificates, keys = read(data, password, source, tests_keys=tests_keys)
    if not certificates:
        what = "a private key without its certificate" if keys else "no certificate"
        raise unreadable(source, f"it holds {what}")
    if not keys:
        raise unreadable(source, "it holds a certificate without its private key")
    return _matched(certificates, keys, source)


def public_part(path: str) -> tuple[X509Certificate, list[X509Certificate]]:
    """Return the first certificate of a PEM or DER file, and its issuers upwards; a key in it is not used.

    Args:
        path: The file; `~` is expanded.

    Raises:
        CertificateError: The file can't be read, or has no certificate.
    """
    data, source, _ = read_file(path)
    certificates = public_certificates(data, source)
    if not certificates:
        raise unreadable(source, "it holds no certificate")
    try:
        return certificates[0], chain_of(certificates[0], certificates)
    except ValueError as error:
        raise unreadable(source, "a certificate in it is damaged") from error


def _matched(certificates: list[X509Certificate], keys: list[object], source: str) -> Certificate:
    """Return the first certificate that a key belongs to, with its chain upwards."""
    rsa = [key for key in keys if isinstance(key, RSAPrivateKey)]
    if not rsa:
        raise not_rsa(keys[0], f"The private key in {source}")
    for certificate in certificates:
        for key in rsa:
            if is_key_of(key, certificate):
                try:
                    return Certificate(certificate, SoftwareKey(key), chain_of(certificate, certificates))
                except ValueError as error:
                    raise unreadable(source, "a certificate in it is damaged") from error
    raise CertificateError(
        f"The private key in {source} belongs to none of its certificates.",
        remedy="Give the certificate together with its own key.",
    )


def chain_of(leaf: X509Certificate, certificates: Sequence[X509Certificate]) -> list[X509Certificate]:
    """Return the issuers of a certificate upwards, from those at hand, in whatever order they stand.

    Args:
        leaf: The certificate, which is not in the answer.
        certificates: Those at hand, of the `cryptography` package.

    Raises:
        ValueError: The name in one of them is damaged.
    """
    chain: list[X509Certificate] = []
    current = leaf
    while current.issuer != current.subject:
        named = [one for one in certificates if one.subject == current.issuer and one not in (leaf, *chain)]
        # An authority that renewed its certificate has several of one name; the right one's key made the signature.
        # One with a signature that can't be verified here is taken by its name: the service decides.
        issuer = next((one for one in named if _has_signed(one, current)), named[0] if named else None)
        if issuer is None:
            break
        chain.append(issuer)
        current = issuer
    return chain


def _has_signed(issuer: X509Certificate, certificate: X509Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, UnsupportedAlgorithm, TypeError, ValueError):
        return False
    return True


def _unread(source: str, error: Exception) -> CertificateError:
    if isinstance(error, FileNotFoundError):
        return CertificateError(f"There is no file {source or 'with an empty name'}.", remedy="Check the path.")
    if isinstance(error, IsADirectoryError):
        return CertificateError(f"Can't use {source}: it is a directory.", remedy="Name a PFX or PEM file in it.")
    if isinstance(error, PermissionError):
        return CertificateError(
            f"Can't read {source}: permission denied.", remedy="Let the user that runs this own the file."
        )
    reason = error.strerror if isinstance(error, OSError) else "its name can't be one of a file"
    return CertificateError(f"Can't read {source}: {reason}.", remedy="Check the path.")
