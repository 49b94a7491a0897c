"""The TLS context, which decides which servers are trusted.

The standard library parses the whole bundle of certificates, which takes about 30 ms. If the system has them in a
hashed directory, too (Linux), OpenSSL reads only the certificates that it needs, and the same trust costs 1 ms. On
Windows and macOS the store of the operating system decides, through truststore.
"""

from __future__ import annotations

import os
import ssl
import sys
from typing import TYPE_CHECKING

from entrakit.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Mapping

BUNDLE_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def make_context(ca_bundle: str | None, environ: Mapping[str, str]) -> ssl.SSLContext:
    """Return a client context that verifies names and certificates, TLS 1.2 or later (RFC 8996).

    Args:
        ca_bundle: PEM file or hashed directory that is trusted instead of the system's store; None to follow
            `SSL_CERT_FILE`, `REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE`, then `SSL_CERT_DIR`, then the system.
        environ: Environment with these variables.

    Raises:
        ParameterError: The bundle does not exist, or can't be read as certificates.
    """
    if ca_bundle:
        return _trusting(ca_bundle)
    system = _system_directory()
    bundle = next((environ[name] for name in BUNDLE_VARIABLES if environ.get(name)), None)
    # The system's own bundle and the hashed directory next to it contain the same certificates.
    if bundle and os.path.realpath(bundle) != os.path.join(system, "ca-certificates.crt"):
        return _trusting(bundle)
    directory = environ.get("SSL_CERT_DIR")
    if directory and os.path.realpath(directory) != system:
        return _trusting(directory)
    return _system_context(system)


def use_sockets(context: ssl.SSLContext, kind: type[ssl.SSLSocket]) -> None:
    """Make a context create sockets of a class.

    Args:
        context: Context of `make_context()`.
        kind: Class of the sockets.
    """
    # truststore's context has a context of the standard library inside, which creates the sockets. Their class
    # verifies certificates, too, so it remains a base of the new one.
    inner = getattr(context, "_ctx", context)
    base = inner.sslsocket_class
    inner.sslsocket_class = kind if base is ssl.SSLSocket else type(kind.__name__, (kind, base), {})


def make_context_without_trust() -> ssl.SSLContext:
    """Return a client context that accepts every certificate, only to read one for an error message."""
    context = _bare_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def issuer_of(certificate: bytes) -> str:
    """Return the issuer of a DER certificate for an error message; empty if the certificate can't be read."""
    from cryptography import x509

    try:
        return x509.load_der_x509_certificate(certificate).issuer.rfc4514_string()
    except (ValueError, x509.InvalidVersion):
        return ""


def _trusting(bundle: str) -> ssl.SSLContext:
    path = os.path.expanduser(bundle)
    context = _bare_context()
    try:
        if os.path.isdir(path):
            context.load_verify_locations(capath=path)
        else:
            context.load_verify_locations(cafile=path)
    except (OSError, ssl.SSLError) as error:
        raise ParameterError(
            f"The certificates to trust can't be read from {bundle!r}: {error.strerror or 'no PEM certificates'}.",
            remedy="Give a PEM file of CA certificates, or a directory made by openssl rehash.",
        ) from error
    return context


def _bare_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _system_context(directory: str) -> ssl.SSLContext:
    if sys.platform in ("win32", "darwin"):
        import truststore

        context: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context
    context = _bare_context()
    if directory:
        context.load_verify_locations(capath=directory)
    else:
        context.set_default_verify_paths()
    return context


def _system_directory() -> str:
    """Return the system's directory of certificates if it is hashed, else an empty string."""
    directory = os.path.realpath(ssl.get_default_verify_paths().openssl_capath)
    try:
        with os.scandir(directory) as entries:
            hashed = any(entry.name.endswith(".0") for entry in entries)
    except OSError:
        return ""
    return directory if hashed else ""
