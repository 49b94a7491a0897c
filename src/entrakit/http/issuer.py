"""The issuer of an untrusted certificate, for an error message: often that of a proxy that inspects TLS."""

from __future__ import annotations

import ssl
from http import client
from typing import TYPE_CHECKING

from entrakit.http.connection import Connection, SecureSocket, use_sockets

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrakit.http.address import Origin
    from entrakit.http.connection import Deadline, PlainSocket
    from entrakit.http.proxies import Proxy


def issuer_seen(
    origin: Origin,
    proxy: Proxy | None,
    deadline: Deadline,
    *,
    open_socks: Callable[[Proxy, str, int, Deadline], PlainSocket] | None,
) -> str:
    """Return the issuer of a server's certificate for an error message; empty if the certificate can't be read.

    The certificate is read on a second connection, through the proxy, which may be the one that inspects TLS. The
    server gets no request, and nothing that it sends is trusted.

    Args:
        origin: The server.
        proxy: The proxy; None for none.
        deadline: End of the exchange.
        open_socks: As for `Connection`.
    """
    if proxy is not None and proxy.scheme == "https":
        # Its certificate would not be verified either, and it gets the password.
        return ""
    context = _context_without_trust()
    use_sockets(context, SecureSocket)
    connection = Connection(origin, proxy, context, deadline, open_socks=open_socks)
    try:
        connection.connect()
        secured = connection.sock
        return issuer_of(secured.getpeercert(binary_form=True) or b"") if isinstance(secured, ssl.SSLSocket) else ""
    except (OSError, client.HTTPException):
        return ""
    finally:
        connection.close()


def issuer_of(certificate: bytes) -> str:
    """Return the issuer of a DER certificate for an error message; empty if the certificate can't be read."""
    import warnings

    from cryptography import x509

    from entrakit.shown_text import one_line

    try:
        # The package warns of long names, which `python -W error` makes an exception.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return one_line(x509.load_der_x509_certificate(certificate).issuer.rfc4514_string())
    except (ValueError, x509.InvalidVersion):
        return ""


def _context_without_trust() -> ssl.SSLContext:
    """Return a client context that accepts every certificate, only to read one for an error message."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
