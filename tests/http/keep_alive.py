"""A server whose connections stay open, and which knows on which of them a request came."""

from __future__ import annotations

import socket
import threading
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from tests.http.drip import NAME, read_request

if TYPE_CHECKING:
    import ssl

FIELDS = "Set-Cookie: id=canary-cookie; Path=/\r\nX-Id: canary-answer"


class Seen(NamedTuple):
    """A request that the server has received.

    Args:
        connection: Number of its connection, from 1.
        text: The request.
    """

    connection: int
    text: str

    @property
    def path(self) -> str:
        """The path of the request."""
        return self.text.split(" ")[1]


class KeepAliveServer:
    """A TLS server on loopback that answers each request with its own path, and sets a cookie.

    A request to `/close` gets no answer; the connection is closed.

    Args:
        context: TLS context with the server's certificate.

    Attributes:
        delay_s: Seconds that it takes to answer.
        connections: Number of connections so far.
        seen: The latest requests.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self.delay_s = 0.0
        self.connections = 0
        self.seen: deque[Seen] = deque(maxlen=1000)
        self._context = context
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @property
    def url(self) -> str:
        """Its origin."""
        return f"https://localhost:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        """Stop it."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join(5)
        self.hang_up()
        for thread in self._threads:
            thread.join(5)

    def hang_up(self) -> None:
        """Close its connections."""
        for one in self._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            secured = self._context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
            self._sockets.append(secured)
            thread = threading.Thread(target=self._serve, args=(secured, self.connections), daemon=True, name=NAME)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: ssl.SSLSocket, number: int) -> None:
        connection.settimeout(30)
        with connection, suppress(OSError):
            connection.do_handshake()
            while True:
                request = Seen(number, read_request(connection).decode())
                if not request.text:
                    return
                self.seen.append(request)
                if request.path == "/close":
                    return
                time.sleep(self.delay_s)
                head = f"HTTP/1.1 200 OK\r\n{FIELDS}\r\nContent-Length: {len(request.path)}\r\n\r\n"
                connection.sendall(f"{head}{request.path}".encode())
