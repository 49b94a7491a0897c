"""One connection to a server, made with urllib3: trust, sockets with a deadline, a proxy's tunnel, and its exchanges.

A time-out of a socket limits one operation. A server that sends a byte now and then never exceeds it, wherever the
byte belongs: to a header, a chunk size, a trailer, or a response that is skipped. So the sockets set the time-out
before each operation to the rest of the exchange, if that is shorter.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
from http import client
from importlib import import_module
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from entrakit.errors import ParameterError
from entrakit.http.failures import ProxyRefusedError, ProxyTlsError
from entrakit.http.lazy_package import make_lazy

make_lazy("urllib3")
make_lazy("urllib3.http2")
# Before the module that imports it from its package, whose `__init__` would run to find it.
import_module("urllib3.http2.probe")
from urllib3.connection import HTTPSConnection, ProxyConfig  # noqa: E402
from urllib3.util import parse_url  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from _typeshed import ReadableBuffer, WriteableBuffer
    from urllib3.response import HTTPResponse

    from entrakit.http.address import Origin
    from entrakit.http.proxies import Proxy

    Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[object, ...]]

# Size of the parts in which a body is read whose size is not known before.
PART = 1024 * 1024
# Names of the only files that OpenSSL reads in a directory of CA certificates.
_HASHED = re.compile(r"[0-9a-f]{8}\.[0-9]+")
# The text of http.client's error for a proxy that refuses a tunnel.
_REFUSED = re.compile(r"Tunnel connection failed: (\d{3})")


class Deadline(NamedTuple):
    """The end of an exchange, on the clock that the system uses for the time-outs of sockets.

    Args:
        silence_s: Longest silence in seconds: the limit of one operation.
        ends_at: The end, by `time.monotonic()`.
    """

    silence_s: float
    ends_at: float

    @property
    def has_passed(self) -> bool:
        """Whether the exchange must end."""
        return monotonic() >= self.ends_at

    def left_s(self) -> float:
        """Return the seconds that the next operation may take. Raises TimeoutError after the end."""
        left_s = self.ends_at - monotonic()
        if left_s <= 0:
            raise TimeoutError
        return min(self.silence_s, left_s)


class TooLargeError(Exception):
    """A body is larger than the limit."""


class PlainSocket(socket.socket):
    """A TCP socket with a deadline."""

    deadline: Deadline

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        """Receive as `socket.recv()`."""
        self.settimeout(self.deadline.left_s())
        return super().recv(bufsize, flags)

    def recv_into(self, buffer: WriteableBuffer, nbytes: int = 0, flags: int = 0) -> int:
        """Receive as `socket.recv_into()`."""
        self.settimeout(self.deadline.left_s())
        return super().recv_into(buffer, nbytes, flags)

    def sendall(self, data: ReadableBuffer, flags: int = 0) -> None:
        """Send as `socket.sendall()`, whose time-out is that of the whole call."""
        self.settimeout(self.deadline.left_s())
        super().sendall(data, flags)


class SecureSocket(ssl.SSLSocket):
    """A TLS socket with a deadline. The `SSLContext` makes it, and its handshake is one operation."""

    deadline: Deadline

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """Receive as `SSLSocket.recv()`."""
        self.settimeout(self.deadline.left_s())
        return super().recv(buflen, flags)

    def recv_into(self, buffer: WriteableBuffer, nbytes: int | None = None, flags: int = 0) -> int:
        """Receive as `SSLSocket.recv_into()`."""
        self.settimeout(self.deadline.left_s())
        return super().recv_into(buffer, nbytes, flags)

    def send(self, data: ReadableBuffer, flags: int = 0) -> int:
        """Send as `SSLSocket.send()`; `sendall()` calls it for each part."""
        self.settimeout(self.deadline.left_s())
        return super().send(data, flags)


def open_socket(host: str, port: int, deadline: Deadline) -> PlainSocket:
    """Return a TCP connection to the first address of a host that accepts one.

    Args:
        host: Name, or IP address without brackets.
        port: Port.
        deadline: End of the exchange.

    Raises:
        OSError: The name can't be found (`socket.gaierror`), or no address accepts a connection in time.
    """
    failure: OSError | None = None
    for family, kind, protocol, _, address in resolve(host, port, deadline):
        one = PlainSocket(family, kind, protocol)
        try:
            one.deadline = deadline
            one.settimeout(deadline.left_s())
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            one.connect(address)
        except OSError as error:
            one.close()
            failure = error
        except BaseException:
            one.close()
            raise
        else:
            return one
    raise failure or OSError("the name has no address")


def resolve(host: str, port: int, deadline: Deadline) -> list[Address]:
    """Return the addresses of a host. The system's function can't be interrupted, so a separate thread calls it.

    Raises:
        OSError: The name can't be found (`socket.gaierror`), or not in time (`TimeoutError`).
    """
    from threading import Event, Thread

    found: list[Address] = []
    failed: list[OSError] = []
    done = Event()

    def ask() -> None:
        try:
            # In bytes, since the codec for strings raises UnicodeError for names that DNS can't contain.
            found.extend(socket.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM))
        except OSError as error:
            failed.append(error)
        finally:
            done.set()

    Thread(target=ask, name="entrakit-resolve", daemon=True).start()
    if not done.wait(deadline.left_s()):
        raise TimeoutError
    if failed:
        raise failed[0]
    return found


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
        deadline: End of the first exchange on it.
        open_socks: Function that opens a TCP connection through a SOCKS proxy; None without such a proxy.
    """

    response_class = _FinalResponse

    def __init__(
        self,
        origin: Origin,
        proxy: Proxy | None,
        context: ssl.SSLContext,
        deadline: Deadline,
        *,
        open_socks: Callable[[Proxy, str, int, Deadline], PlainSocket] | None = None,
    ) -> None:
        self.sent_at = self.idle_since = 0.0
        # Whether the proxy has done its part, so that what fails is on the way from it to the server.
        self.has_tunnel = False
        self.deadline = deadline
        self._socks = proxy if proxy is not None and proxy.is_socks else None
        self._open_socks = open_socks
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

    @property
    def is_connected(self) -> bool:
        """Whether the server has sent no end, and no bytes: TLS itself may send tickets (RFC 8446, 4.6.1)."""
        if super().is_connected:
            return True
        if not isinstance(self.sock, SecureSocket):
            return False
        self.sock.settimeout(0)
        try:
            ssl.SSLSocket.recv(self.sock, 1)
        except OSError as error:
            return isinstance(error, ssl.SSLWantReadError)
        return False

    def connect(self) -> None:
        """Open it.

        Raises:
            ProxyRefusedError: The proxy did not open a tunnel.
            ProxyTlsError: The TLS handshake with the proxy failed.
            OSError: The server or the proxy can't be reached, or a handshake failed.
        """
        super().connect()
        self._limit()

    def send_request(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, *, deadline: Deadline
    ) -> None:
        """Send a request on the open connection; `receive()` returns its response.

        Args:
            method: HTTP method.
            target: Path and query.
            headers: Header fields.
            body: The body; None for none.
            deadline: End of the exchange, its response included.

        Raises:
            OSError: The connection broke, or the deadline passed.
            ValueError: HTTP does not allow the method or a header field. The error shows it.
        """
        self.deadline = deadline
        self._limit()
        self.request(method, target, body=body, headers=headers, preload_content=False)

    def receive(self, limit: int) -> tuple[int, dict[str, str], bytes]:
        """Return the status, the header fields and the body of the response to the request that was sent.

        After it, the connection has no `sock` if it can't be used again.

        Args:
            limit: Maximum size of the response's body in bytes.

        Raises:
            OSError: The connection broke, or the deadline passed.
            http.client.HTTPException, urllib3.exceptions.HTTPError: The response is not complete, or not HTTP.
            TooLargeError: The body is larger than the limit.
        """
        response = self.getresponse()
        try:
            content = _body_of(response, limit)
        finally:
            # It keeps the socket open if the connection was to end with it.
            response.close()
        if self._has_unread_bytes():
            self.close()
        return response.status, dict(response.headers.itermerged()), content

    def _has_unread_bytes(self) -> bool:
        """Return whether OpenSSL has more bytes than the response had. The next response would begin with them."""
        # TLS inside the TLS of a proxy is an object of urllib3.
        secured: ssl.SSLObject | None = getattr(self.sock, "sslobj", None)
        if secured is not None:
            return secured.pending() > 0
        return isinstance(self.sock, SecureSocket) and self.sock.pending() > 0

    def _new_conn(self) -> PlainSocket:
        if self._socks is not None and self._open_socks is not None:
            tunnel = self._open_socks(self._socks, self.host, self.port or 0, self.deadline)
            self.has_tunnel = True
            return tunnel
        return open_socket(self.host, self.port or 0, self.deadline)

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
            raise ProxyRefusedError.with_status(int(found[1])) from error
        self.has_tunnel = True
        # The time-out of the handshake that follows.
        self.sock.settimeout(self.deadline.left_s())

    def _limit(self) -> None:
        # TLS inside the TLS of a proxy is an object of urllib3, and the socket is below it.
        secured = getattr(self.sock, "socket", self.sock)
        if isinstance(secured, SecureSocket):
            secured.deadline = self.deadline


def _body_of(response: HTTPResponse, limit: int) -> bytes:
    length = response.length_remaining
    if length is not None and not response.headers.get("content-encoding"):
        if length > limit:
            raise TooLargeError
        # The size is known, so the body is read at once, without copies.
        return response.read()
    parts: list[bytes] = []
    size = 0
    while part := response.read(PART):
        size += len(part)
        if size > limit:
            raise TooLargeError
        parts.append(part)
    return b"".join(parts)


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


def trusting(bundle: str) -> ssl.SSLContext:
    """Return a TLS context that trusts the certificates of a PEM file or a hashed directory, and no others.

    Raises:
        ParameterError: The bundle does not exist, or can't be read as certificates.
    """
    path = os.path.expanduser(bundle)
    context = bare_context()
    try:
        if os.path.isdir(path):
            if not any(_HASHED.fullmatch(name) for name in os.listdir(path)):
                raise OSError(0, "it contains no files with hashed names")
            context.load_verify_locations(capath=path)
        else:
            context.load_verify_locations(cafile=path)
    except (OSError, ssl.SSLError) as error:
        raise ParameterError(
            f"The certificates to trust can't be read from {bundle!r}: {error.strerror or 'no PEM certificates'}.",
            remedy="Give a PEM file of CA certificates, or a directory made by openssl rehash.",
        ) from error
    return context


def bare_context() -> ssl.SSLContext:
    """Return a TLS context that trusts no certificate yet: names are verified, TLS 1.2 or later (RFC 8996)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
