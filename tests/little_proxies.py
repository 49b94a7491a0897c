"""Proxies on loopback, as real as tests need them: HTTP with CONNECT, SOCKS 5, SOCKS 4 and 4a.

They connect to 127.0.0.1, whatever host a client names, and record what the client sent.
"""

from __future__ import annotations

import contextlib
import socket
import socketserver
import struct
import threading
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    import ssl


class LittleProxy(socketserver.ThreadingTCPServer):
    """A proxy that listens while it is used as a context manager.

    Args:
        username: User name that it requires; empty for none.
        password: Password that it requires.
        context: TLS context of an `https` proxy; None for plain TCP.
        answers: Bytes to answer the first connections with, before they are closed.
        is_proxy_then: Whether it is a proxy for the other connections; else it repeats the last answer.
    """

    daemon_threads = True
    scheme: ClassVar[str] = ""

    def __init__(
        self,
        *,
        username: str = "",
        password: str = "",
        context: ssl.SSLContext | None = None,
        answers: tuple[bytes, ...] = (),
        is_proxy_then: bool = False,
    ) -> None:
        self.username = username
        self.password = password
        self.context = context
        self.answers = answers
        self.is_proxy_then = is_proxy_then
        self.received: list[bytes] = []
        self.targets: list[tuple[str, int]] = []
        super().__init__(("127.0.0.1", 0), _Handler)
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.server_address[1]}"

    def server_close(self) -> None:
        """Stop it."""
        self.shutdown()
        super().server_close()
        self._thread.join(5)

    def prepared_answer(self) -> bytes | None:
        """Return the bytes to answer the latest connection with; None if the proxy decides."""
        number = len(self.received) - 1
        if number < len(self.answers):
            return self.answers[number]
        return self.answers[-1] if self.answers and not self.is_proxy_then else None

    def negotiate(self, client: socket.socket) -> tuple[bytes, tuple[str, int] | None]:
        """Read the request of a client. Return the answer, and the target; None if the proxy refuses."""
        raise NotImplementedError


class HttpProxy(LittleProxy):
    """A proxy that opens tunnels (RFC 9110, 9.3.6)."""

    scheme = "http"

    def negotiate(self, client: socket.socket) -> tuple[bytes, tuple[str, int] | None]:
        """Read the head of a CONNECT request."""
        from base64 import b64encode

        head = b""
        # A handshake of TLS begins with the byte 22.
        while b"\r\n\r\n" not in head and not head.startswith(b"\x16") and (part := client.recv(65536)):
            head += part
        self.received.append(head)
        if (prepared := self.prepared_answer()) is not None:
            return prepared, None
        expected = b"Basic " + b64encode(f"{self.username}:{self.password}".encode())
        if self.username and f"Proxy-Authorization: {expected.decode()}".encode() not in head.split(b"\r\n"):
            return b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", None
        method, _, rest = head.partition(b" ")
        if method != b"CONNECT":
            return b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", None
        host, _, port = rest.split(b" ")[0].decode().rpartition(":")
        return b"HTTP/1.1 200 Connection established\r\nVia: 1.1 little\r\n\r\n", (host, int(port))


class Socks5Proxy(LittleProxy):
    """A proxy for SOCKS 5 with user name and password (RFC 1928, RFC 1929)."""

    scheme = "socks5h"

    def negotiate(self, client: socket.socket) -> tuple[bytes, tuple[str, int] | None]:
        """Read the methods, user name and password, and the request."""
        version, count = exactly(client, 2)
        methods = exactly(client, count)
        self.received.append(bytes([version, count]) + methods)
        if (prepared := self.prepared_answer()) is not None:
            return prepared, None
        method = 2 if self.username else 0
        if version != 5 or method not in methods:
            return b"\x05\xff", None
        client.sendall(bytes([5, method]))
        if method == 2:
            username, password = exactly(client, exactly(client, 2)[1]), exactly(client, exactly(client, 1)[0])
            is_right = (username.decode(), password.decode()) == (self.username, self.password)
            if not is_right:
                return b"\x01\x01", None
            client.sendall(b"\x01\x00")
        kind = exactly(client, 4)[3]
        if kind == 3:
            host = exactly(client, exactly(client, 1)[0]).decode()
        else:
            family, size = (socket.AF_INET, 4) if kind == 1 else (socket.AF_INET6, 16)
            host = socket.inet_ntop(family, exactly(client, size))
        return b"\x05\x00\x00\x01" + bytes(6), (host, struct.unpack(">H", exactly(client, 2))[0])


class Socks4Proxy(LittleProxy):
    """A proxy for SOCKS 4 and 4a, which require at most a user name."""

    scheme = "socks4a"

    def negotiate(self, client: socket.socket) -> tuple[bytes, tuple[str, int] | None]:
        """Read the request, and the name after it, if there is one."""
        head = exactly(client, 8)
        self.received.append(head)
        if (prepared := self.prepared_answer()) is not None:
            return prepared, None
        port, address = struct.unpack(">H", head[2:4])[0], head[4:]
        username = _until_zero(client)
        host = _until_zero(client) if address[:3] == bytes(3) else socket.inet_ntoa(address)
        if username != self.username:
            return b"\x00\x5d" + bytes(6), None
        return b"\x00\x5a" + bytes(6), (host, port)


class _Handler(socketserver.BaseRequestHandler):
    server: LittleProxy

    def handle(self) -> None:
        client: socket.socket = self.request
        client.settimeout(5)
        with contextlib.suppress(OSError):
            if self.server.context is not None:
                client = self.server.context.wrap_socket(client, server_side=True)
            with client:
                self._serve(client)

    def _serve(self, client: socket.socket) -> None:
        reply, target = self.server.negotiate(client)
        if target is None:
            client.sendall(reply)
            return
        self.server.targets.append(target)
        with socket.create_connection(("127.0.0.1", target[1]), 5) as upstream:
            client.sendall(reply)
            back = threading.Thread(target=_copy, args=(upstream, client), daemon=True)
            back.start()
            _copy(client, upstream)
            back.join(5)


def exactly(peer: socket.socket, count: int) -> bytes:
    """Return the next bytes of a connection. Raises ConnectionError if it ends before."""
    data = b""
    while len(data) < count:
        part = peer.recv(count - len(data))
        if not part:
            raise ConnectionError
        data += part
    return data


def _until_zero(peer: socket.socket) -> str:
    data = b""
    while (one := exactly(peer, 1)) != b"\0":
        data += one
    return data.decode()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while part := source.recv(65536):
            target.sendall(part)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
