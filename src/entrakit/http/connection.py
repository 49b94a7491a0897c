"""One connection to a server, made with urllib3: TCP, the tunnel through a proxy, TLS, and the exchanges on it."""

from __future__ import annotations

import re
import ssl
from http import client
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from entrakit.http.failures import socks_missing
from entrakit.http.sockets import ProxyRefusedError, ProxyTlsError, SecureSocket, open_socket
from entrakit.http.tls import issuer_of, make_context_without_trust, use_sockets
from entrakit.lazy_package import make_lazy

make_lazy("urllib3")
make_lazy("urllib3.http2")
# Before the module that imports it from its package, whose `__init__` would run to find it.
import_module("urllib3.http2.probe")
from urllib3.connection import HTTPSConnection, ProxyConfig  # noqa: E402
from urllib3.util import parse_url  # noqa: E402

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

    from urllib3.response import HTTPResponse

    from entrakit.http.address import Origin
    from entrakit.http.proxies import Proxy
    from entrakit.http.sockets import Deadline, PlainSocket

# The text of http.client's error for a proxy that refuses a tunnel.
_REFUSED = re.compile(r"Tunnel connection failed: (\d{3})")


class _FinalResponse(client.HTTPResponse):
    """A response without the informational ones before it (RFC 9110, 15.2)."""

    def begin(self) -> None:
        """Read the status and the header fields of the final response; http.client skips 100 only."""
        super().begin()
        while 100 < self.status < 200 and self.status != client.SWITCHING_PROTOCOLS:
            self.headers = self.msg = None  # type: ignore[assignment] # it begins again
            super().begin()


class Connection(HTTPSConnection):
    """A connection to an origin, perhaps through a proxy; `connect()` opens it.

    Args:
        origin: The origin.
        proxy: The proxy; None for none.
        context: TLS context, for an `https` proxy, too; its `sslsocket_class` is `SecureSocket`.
        deadline: End of the exchange for which it is opened.
    """

    response_class = _FinalResponse

    def __init__(self, origin: Origin, proxy: Proxy | None, context: ssl.SSLContext, deadline: Deadline) -> None:
        self.idle_since = 0.0
        # Whether the proxy has done its part, so that what fails is on the way from it to the server.
        self.has_tunnel = False
        self._deadline = deadline
        self._socks = proxy if proxy is not None and proxy.is_socks else None
        host = origin.host.strip("[]")
        if proxy is None or proxy.is_socks:
            super().__init__(host, origin.port, ssl_context=context)
            return
        super().__init__(
            proxy.host,
            proxy.port,
            ssl_context=context,
            proxy=parse_url(f"{proxy.scheme}://proxy"),
            proxy_config=ProxyConfig(context, False, None, None),
        )
        self.set_tunnel(host, origin.port, proxy.headers, scheme=proxy.scheme)

    def connect(self) -> None:
        """Open it.

        Raises:
            ProxyRefusedError: The proxy did not open a tunnel.
            ProxyTlsError: The TLS handshake with the proxy failed.
            OSError: The server or the proxy can't be reached, or a handshake failed.
        """
        super().connect()
        self._limit()

    @property
    def has_unread_bytes(self) -> bool:
        """Whether OpenSSL has more bytes than the response had. The next response would begin with them."""
        # TLS inside the TLS of a proxy is an object of urllib3.
        secured: ssl.SSLObject | None = getattr(self.sock, "sslobj", None)
        if secured is not None:
            return secured.pending() > 0
        return isinstance(self.sock, SecureSocket) and self.sock.pending() > 0

    def exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, deadline: Deadline
    ) -> HTTPResponse:
        """Send a request on the open connection, and return the response, whose body is not read yet.

        Args:
            method: HTTP method.
            target: Path and query.
            headers: Header fields.
            body: The body; None for none.
            deadline: End of the exchange.

        Raises:
            OSError: The connection broke, or the deadline passed.
            http.client.HTTPException: The response is not HTTP.
        """
        self._deadline = deadline
        self._limit()
        self.request(method, target, body=body, headers=headers, preload_content=False)
        return self.getresponse()

    def _new_conn(self) -> PlainSocket:
        if self._socks is not None:
            if find_spec("socks") is None:
                raise socks_missing(self._socks.shown())
            from entrakit.http.socks import open_socks_socket

            tunnel = open_socks_socket(self._socks, self.host, self.port or 0, self._deadline)
            self.has_tunnel = True
            return tunnel
        return open_socket(self.host, self.port or 0, self._deadline)

    def _connect_tls_proxy(self, hostname: str, sock: socket.socket) -> ssl.SSLSocket:
        try:
            return super()._connect_tls_proxy(hostname, sock)
        except ssl.SSLError as error:
            raise ProxyTlsError(error) from error

    def _tunnel(self) -> None:
        self._limit()
        try:
            super()._tunnel()
        except (OSError, client.HTTPException) as error:
            if isinstance(error, TimeoutError | ConnectionError):
                raise
            found = _REFUSED.match(str(error))
            if found is None:
                raise ProxyRefusedError("its answer is not HTTP") from error
            # Any other answer is the same again, and may lock the account.
            raise ProxyRefusedError(f"HTTP {found[1]}", is_transient=found[1] >= "500") from error
        self.has_tunnel = True
        # The time-out of the handshake that follows.
        self.sock.settimeout(self._deadline.left_s())

    def _limit(self) -> None:
        # TLS inside the TLS of a proxy is an object of urllib3, and the socket is below it.
        secured = getattr(self.sock, "socket", self.sock)
        if isinstance(secured, SecureSocket):
            secured.deadline = self._deadline


def issuer_seen(origin: Origin, proxy: Proxy | None, deadline: Deadline) -> str:
    """Return the issuer of a server's certificate for an error message; empty if the certificate can't be read.

    The certificate is read on a second connection, through the proxy, which may be the one that inspects TLS. The
    server gets no request, and nothing that it sends is trusted.

    Args:
        origin: The server.
        proxy: The proxy; None for none.
        deadline: End of the exchange.
    """
    if proxy is not None and proxy.scheme == "https":
        # Its certificate would not be verified either, and it gets the password.
        return ""
    context = make_context_without_trust()
    use_sockets(context, SecureSocket)
    connection = Connection(origin, proxy, context, deadline)
    try:
        connection.connect()
        secured = connection.sock
        return issuer_of(secured.getpeercert(binary_form=True) or b"") if isinstance(secured, ssl.SSLSocket) else ""
    except (OSError, client.HTTPException):
        return ""
    finally:
        connection.close()
