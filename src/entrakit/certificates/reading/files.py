"""Certificates with their private keys from files: the file is read, the key matched, and the chain put in order."""

from __future__ import annotations

import logging
import os
import shlex
import stat
from typing import TYPE_CHECKING, NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from entrakit.certificates.names import display_name
from entrakit.certificates.public_keys import is_key_of, not_rsa
from entrakit.certificates.reading.formats import parse, public_certificates, unusable
from entrakit.errors import CertificateError, CertificatePasswordError
from entrakit.paths import absolute
from entrakit.secret import is_exposed, is_first_report
from entrakit.shown_text import escaped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.x509 import Certificate as X509Certificate

MAX_FILE = 1024 * 1024
# Number of certificates that an error names.
MAX_NAMES = 5

log = logging.getLogger("entrakit.certificates")


class CertificateAndKey(NamedTuple):
    """A certificate with its private key.

    Args:
        certificate: The certificate.
        private_key: The private key of the certificate.
        chain: Certificates of the issuers, from the certificate upwards.
    """

    certificate: X509Certificate
    private_key: RSAPrivateKey
    chain: Sequence[X509Certificate]


def read_certificate_file(path: str, password: str | None, thumbprint: str = "") -> CertificateAndKey:
    """Return certificate and private key of a file. Log a warning if other users can read the key.

    Args:
        path: The file; `~` is expanded.
        password: Password of the file; None for a file without one.
        thumbprint: As for `parse_certificate`.

    Raises:
        CertificatePasswordError: The file is encrypted, and no password was given.
        CertificateError: The file can't be read or opened, has no certificate with its private key, has several, or
            none with the thumbprint.
    """
    data, source, is_readable = read_file(path)
    has_key = b"PRIVATE KEY" in data
    try:
        found = parse_certificate(data, password, source=source, thumbprint=thumbprint)
        has_key = True
    except CertificatePasswordError:
        has_key = True
        raise
    finally:
        # Also if the file can't be opened, so that all files that other users can read are reported together.
        if is_readable and has_key:
            warn_exposed(absolute(path))
    return found


def read_file(path: str, *, regular_only: bool = False) -> tuple[bytes, str, bool]:
    """Return content of a file, its name for error messages, and whether group or other users can read it.

    Args:
        path: The file; `~` is expanded. At most one byte more than the maximum size of a certificate file is read.
        regular_only: Refuse anything but regular files. In a directory that is searched, a pipe would block the search.

    Raises:
        CertificateError: The file can't be read.
    """
    full = absolute(path) if path else ""
    source = escaped(full)
    try:
        kind = stat.S_IFMT(os.stat(full).st_mode) if regular_only else stat.S_IFREG
        if kind not in (stat.S_IFREG, stat.S_IFDIR):
            raise unusable(source, "it is not a regular file")
        with open(full, "rb") as file:
            data = file.read(MAX_FILE + 1)
            mode = os.fstat(file.fileno()).st_mode
    except (OSError, ValueError) as error:
        raise _read_error(source, error) from error
    return data, source, is_exposed(mode)


def warn_exposed(path: str) -> None:
    """Log a warning that other users can read a private key, unless it was logged since the file was last changed.

    Args:
        path: File of the key.
    """
    if is_first_report(path):
        log.warning(
            "Other users of this machine can read the private key in %s. Type `chmod 600 %s`.", path, shlex.quote(path)
        )


def parse_certificate(data: bytes, password: str | None, *, source: str, thumbprint: str = "") -> CertificateAndKey:
    """Return the only certificate of a file's content, or the one with a thumbprint, and its private key.

    Args:
        data: As for `parse_certificates`.
        password: As for `parse_certificates`.
        source: As for `parse_certificates`.
        thumbprint: Hexadecimal digits in upper case; empty for the only certificate.

    Raises:
        CertificatePasswordError: The content is encrypted, and no password was given.
        CertificateError: The content can't be opened, has no certificate with its private key, has several, or none
            with the thumbprint.
    """
    found = parse_certificates(data, password, source=source)
    if thumbprint:
        named = [one for one in found if thumbprint in _thumbprints(one.certificate)]
        if not named:
            raise CertificateError(
                f"No certificate in {source} has its private key and the thumbprint {thumbprint}. It contains "
                f"{_listed([one.certificate for one in found])}.",
                remedy="Correct `certificate_thumbprint`, or leave it out if the file has only one certificate.",
            )
        return named[0]
    if len(found) > 1:
        raise _several([one.certificate for one in found], source)
    return found[0]


def parse_certificates(
    data: bytes, password: str | None, *, source: str, validate_keys: bool = True
) -> list[CertificateAndKey]:
    """Return the certificates of a file's content, each with its private key.

    Args:
        data: Content of a PFX, PEM or DER file.
        password: Password of the file; None for a file without one.
        source: Name of the file for error messages.
        validate_keys: Whether RSA keys are validated, which is slow. A key that was not validated must not sign.

    Raises:
        CertificatePasswordError: The content is encrypted, and no password was given.
        CertificateError: The content can't be opened, or has no certificate with its private key.
    """
    if not data:
        raise unusable(source, "it is empty")
    if len(data) > MAX_FILE:
        raise unusable(source, "it is larger than 1 MiB, so it is not a certificate")
    certificates, keys = parse(data, password, source, validate_keys=validate_keys)
    if not certificates:
        what = "a private key without its certificate" if keys else "no certificate"
        raise unusable(source, f"it contains {what}")
    if not keys:
        raise unusable(source, "it contains a certificate without its private key")
    return _matching_pairs(certificates, keys, source)


def read_public_certificate(path: str, password: str | None = None) -> tuple[X509Certificate, list[X509Certificate]]:
    """Return the first certificate of a file, and its chain. A private key in the file is not used.

    Args:
        path: The file; `~` is expanded.
        password: Password of the file; None for a file without one.

    Raises:
        CertificatePasswordError: The certificate is encrypted, and no password was given.
        CertificateError: The file can't be read, or has no certificate.
    """
    data, source, _ = read_file(path)
    certificates = public_certificates(data, password, source)
    if not certificates:
        raise unusable(source, "it contains no certificate")
    try:
        return certificates[0], chain_of(certificates[0], certificates)
    except ValueError as error:
        raise unusable(source, "it contains a damaged certificate") from error


def _matching_pairs(certificates: list[X509Certificate], keys: list[object], source: str) -> list[CertificateAndKey]:
    """Return the first certificate of each key, with its chain.

    Raises:
        CertificateError: No key belongs to a certificate.
    """
    rsa = [key for key in keys if isinstance(key, RSAPrivateKey)]
    if not rsa:
        raise not_rsa(keys[0], f"The private key in {source}")
    pairs: list[tuple[X509Certificate, RSAPrivateKey]] = []
    for certificate in certificates:
        key = next((one for one in rsa if is_key_of(one, certificate)), None)
        # A renewed certificate can have the same key: the first one is used.
        if key is not None and not any(is_key_of(other, certificate) for _, other in pairs):
            pairs.append((certificate, key))
    if pairs:
        try:
            return [CertificateAndKey(*pair, chain_of(pair[0], certificates)) for pair in pairs]
        except ValueError as error:
            raise unusable(source, "it contains a damaged certificate") from error
    raise CertificateError(
        f"The private key in {source} does not belong to any certificate of the file.",
        remedy="Give the certificate together with its own key.",
    )


def _several(certificates: list[X509Certificate], source: str) -> CertificateError:
    """Return the error for a file with several certificates that have a private key: it names them."""
    return CertificateError(
        f"Can't choose in {source}: it contains several certificates with their private keys: {_listed(certificates)}.",
        remedy="Name the file with `certificate_path`, and choose the one that the app registration shows with "
        "`certificate_thumbprint`.",
    )


def _thumbprints(certificate: X509Certificate) -> tuple[str, str]:
    """Return the SHA-1 and the SHA-256 thumbprint of a certificate."""
    # SHA-1 only names the certificate, as the app registration does.
    sha1 = certificate.fingerprint(SHA1())  # noqa: S303
    return sha1.hex().upper(), certificate.fingerprint(SHA256()).hex().upper()


def _listed(certificates: list[X509Certificate]) -> str:
    """Return the names of certificates with their SHA-1 thumbprints."""
    names = [f"{display_name(one.subject)} (thumbprint {_thumbprints(one)[0]})" for one in certificates]
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return f"{', '.join(names[:MAX_NAMES])}{more}"


def chain_of(leaf: X509Certificate, certificates: Sequence[X509Certificate]) -> list[X509Certificate]:
    """Return the issuers of a certificate, from the certificate upwards, as far as they are available.

    Args:
        leaf: The certificate. It is not part of the result.
        certificates: Available certificates, in any order.

    Raises:
        ValueError: The name in a certificate is damaged.
    """
    chain: list[X509Certificate] = []
    current = leaf
    while current.issuer != current.subject:
        named = [one for one in certificates if one.subject == current.issuer and one not in (leaf, *chain)]
        # An authority that renewed its certificate has several with the same name. The right one verifies the
        # signature. If no signature can be verified here, the first is used, and the token service decides.
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


def _read_error(source: str, error: Exception) -> CertificateError:
    if isinstance(error, FileNotFoundError):
        problem = f"The file {source} does not exist." if source else "The name of the certificate file is empty."
        return CertificateError(problem, remedy="Check the path.")
    if isinstance(error, IsADirectoryError):
        return CertificateError(f"Can't use {source}: it is a directory.", remedy="Name a PFX or PEM file in it.")
    if isinstance(error, PermissionError):
        return CertificateError(
            f"Can't read {source}: permission denied.", remedy="Give the user of this process access to the file."
        )
    reason = error.strerror if isinstance(error, OSError) else "its name contains an invalid character"
    return CertificateError(f"Can't read {source}: {reason}.", remedy="Check the path.")
