"""Requests to an endpoint on this host or next to it: without a proxy, and without TLS if its address says so.

Such endpoints give tokens to the programs of one host: 169.254.169.254 on a virtual machine, a port of the loopback
interface elsewhere. Their addresses come from the environment. A proxy can't reach them, or would reach those of
another host. A certificate that is named by its thumbprint is the only one that is trusted, before anything is sent.
"""

from __future__ import annotations

import os
import ssl
import time
from contextlib import closing
from http import client
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from entrakit.errors import ParameterError, TlsError
from entrakit.files.waits import reported
from entrakit.http import failures
from entrakit.http.address import Origin, request_target, shown_host
from entrakit.http.connection import Deadline, SecureSocket, bare_context, open_socket, trusting, use_sockets
from entrakit.http.message import Headers, Response
from entrakit.http.transport import DEFAULT_HEADERS

if TYPE_CHECKING:
    import socket

    from entrakit.http.message import Request

MAX_ANSWER = 1024 * 1024
_FIELDS = {**DEFAULT_HEADERS, "accept-encoding": "identity"}


class Endpoint:
    """An endpoint that requests are sent to directly.

    Args:
        url: Its `http` or `https` address, without a query.
        thumbprint: SHA-1 thumbprint of its certificate, in hexadecimal; empty if a CA vouches for it.
        ca_bundle: CA certificates to trust, as for `Transport`.

    Raises:
        ParameterError: It is not such an address.
    """

    __slots__ = ("ca_bundle", "host", "is_secure", "port", "thumbprint", "url")

    def __init__(self, url: str, *, thumbprint: str = "", ca_bundle: str | None = None) -> None:
        scheme, _, rest = url.partition("://")
        self.is_secure = scheme.lower() == "https"
        origin = Origin.of(f"https://{rest}") if self.is_secure or scheme.lower() == "http" else None
        if origin is None or "?" in rest or "#" in rest:
            raise ParameterError(
                f"The address of the identity endpoint can't be used: {shown_host(url)!r}.",
                remedy="IDENTITY_ENDPOINT, MSI_ENDPOINT or AZURE_POD_IDENTITY_AUTHORITY_HOST must have an http or "
                "https address without a query. Azure sets them; unset those that your program does not need.",
            )
        self.url = url
        self.host = origin.host.strip("[]")
        self.port = urlsplit(url).port or (443 if self.is_secure else 80)
        self.thumbprint = thumbprint.lower()
        self.ca_bundle = ca_bundle

    def send(
        self, request: Request, *, timeout_s: float, longest_s: float, connect_s: float, sent_at: float
    ) -> Response:
        """Send a request once, and return the response, whatever its status.

        Args:
            request: The request, to an address of this endpoint.
            timeout_s: Longest silence in seconds.
            longest_s: Seconds after which the exchange ends, the connection included.
            connect_s: Seconds within which the endpoint must accept a connection.
            sent_at: Time to note in the response, in seconds since 1970.

        Raises:
            NetworkError: No response arrived; retryable.
            TlsError: The certificate of the endpoint is not trusted. Nothing was sent.
            UnexpectedAnswerError: The response is a redirect, or larger than the limit.
        """
        deadline = Deadline(timeout_s, time.monotonic() + longest_s)
        connection = client.HTTPConnection(self.host, self.port)
        with closing(connection), reported(shown_host(self.url)):
            connection.sock = self._connected(request, deadline, connect_s)
            try:
                fields = {**_FIELDS, **request.headers}
                connection.request(request.method, request_target(request.url), request.body, fields)
                # A response that was not read to its end keeps the socket open.
                with connection.getresponse() as answer:
                    body = answer.read(MAX_ANSWER + 1)
                    if answer.length and len(body) <= MAX_ANSWER:
                        raise client.IncompleteRead(body, answer.length)
            except ValueError:
                # Without the cause, which shows the header field.
                raise failures.not_sendable(request) from None
            except (OSError, client.HTTPException) as error:
                raise failures.broken(error, request, timeout_s, is_too_slow=deadline.has_passed) from error
        if len(body) > MAX_ANSWER:
            raise failures.too_large(request, MAX_ANSWER)
        response = Response(request, answer.status, Headers(dict(answer.headers.items())), body, sent_at)
        if 300 <= response.status < 400:
            raise failures.redirected(response)
        return response

    def _connected(self, request: Request, deadline: Deadline, connect_s: float) -> socket.socket:
        """Return an open socket, whose certificate was checked."""
        until = Deadline(connect_s, time.monotonic() + connect_s)
        try:
            plain = open_socket(self.host, self.port, until)
            plain.deadline = deadline
            if not self.is_secure:
                return plain
            try:
                plain.settimeout(deadline.left_s())
                secured = self._context().wrap_socket(plain, server_hostname=self.host)
            except BaseException:
                plain.close()
                raise
        except OSError as error:
            raise failures.unreachable(error, request, connect_s, proxy="", is_too_slow=False) from error
        if isinstance(secured, SecureSocket):
            secured.deadline = deadline
        if self.thumbprint and not self._is_pinned(secured):
            secured.close()
            raise TlsError(
                f"The certificate of {shown_host(self.url)} is not the one whose thumbprint the host names.",
                remedy="Something other than the host answers. Nothing was sent to it.",
                host=shown_host(self.url),
                retryable=False,
                may_have_arrived=False,
            )
        return secured

    def _context(self) -> ssl.SSLContext:
        """Return the TLS context: it trusts the certificate with the thumbprint, which is checked later, or the CAs."""
        if self.thumbprint:
            context = bare_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        elif self.ca_bundle:
            context = trusting(self.ca_bundle)
        else:
            from entrakit.http.tls import make_context

            context = make_context(None, os.environ)
        use_sockets(context, SecureSocket)
        return context

    def _is_pinned(self, secured: ssl.SSLSocket) -> bool:
        from hashlib import sha1
        from hmac import compare_digest

        certificate = secured.getpeercert(binary_form=True) or b""
        # The hosts name SHA-1 thumbprints only.
        return compare_digest(sha1(certificate, usedforsecurity=False).hexdigest(), self.thumbprint)
