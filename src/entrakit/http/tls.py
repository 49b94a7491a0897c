"""Which servers are trusted: one TLS context, made once and lazily.

The standard library's way parses the whole bundle of certificates (some 30 ms). Where the system keeps them in a
hashed directory as well (Linux), OpenSSL reads the ones it needs when it needs them, and the same trust costs 1 ms.
On Windows and macOS the operating system's own store decides, through truststore, which httpx2 brings along.
"""

from __future__ import annotations

import os
import ssl
import sys

from entrakit.errors import ParameterError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

BUNDLE_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def make_context(ca_bundle: str | None, environ: Mapping[str, str]) -> ssl.SSLContext:
    """Return a client context that verifies names and certificates, TLS 1.2 or later (RFC 8996).

    Args:
        ca_bundle: A PEM file, or a hashed directory, that is trusted instead of the system's store; None to
            follow `SSL_CERT_FILE`, `REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE`, then `SSL_CERT_DIR`, then the system.
        environ: The environment to look these up in.

    Raises:
        ParameterError: The bundle is not there, or is no bundle.
    """
    if ca_bundle:
        return _trusting(ca_bundle)
    system = _system_directory()
    bundle = next((environ[name] for name in BUNDLE_VARIABLES if environ.get(name)), None)
    # The system's own bundle and the hashed directory beside it hold the same certificates.
    if bundle and os.path.realpath(bundle) != os.path.join(system, "ca-certificates.crt"):
        return _trusting(bundle)
    directory = environ.get("SSL_CERT_DIR")
    if directory and os.path.realpath(directory) != system:
        return _trusting(directory)
    return _system_context(system)


def issuer_seen(host: str, port: int, *, timeout_s: float = 5.0) -> str:
    """Return who issued the certificate that a server shows, to name it in an error; empty if it can't be seen.

    Nothing is sent on this connection and nothing that it says is believed.
    """
    import socket

    from cryptography import x509

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, port), timeout_s) as plain,
            context.wrap_socket(plain, server_hostname=host) as secured,
        ):
            der = secured.getpeercert(binary_form=True) or b""
        return x509.load_der_x509_certificate(der).issuer.rfc4514_string()
    except (OSError, ValueError, x509.InvalidVersion):
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
    """Return the system's directory of certificates if it is hashed, else an empty text."""
    directory = os.path.realpath(ssl.get_default_verify_paths().openssl_capath)
    try:
        with os.scandir(directory) as entries:
            hashed = any(entry.name.endswith(".0") for entry in entries)
    except OSError:
        return ""
    return directory if hashed else ""
