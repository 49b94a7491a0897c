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

from entrakit.http.connection import bare_context, trusting
from entrakit.paths import absolute

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
        ParameterError: The bundle does not exist, can't be read as certificates, or is relative to a working directory
            that does not exist any more.
    """
    if ca_bundle:
        return trusting(ca_bundle)
    system = _system_directory()
    bundle = next((environ[name] for name in BUNDLE_VARIABLES if environ.get(name)), None)
    # The system's own bundle and the hashed directory next to it contain the same certificates.
    if bundle and os.path.realpath(absolute(bundle)) != os.path.join(system, "ca-certificates.crt"):
        return trusting(bundle)
    directory = environ.get("SSL_CERT_DIR")
    if directory and os.path.realpath(absolute(directory)) != system:
        return trusting(directory)
    return _system_context(system)


def _system_context(directory: str) -> ssl.SSLContext:
    if sys.platform in ("win32", "darwin"):
        import truststore

        context: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context
    context = bare_context()
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
