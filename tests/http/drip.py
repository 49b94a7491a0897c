"""Servers whose answers never end, each in another place, although bytes arrive all the time.

A client that limits only the silence between two bytes waits for as long as the server continues. `PLACES` has one
answer for each place of an exchange in which a server can do this.
"""

from __future__ import annotations

import itertools
import re
import socket
import ssl
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import h2.connection

    Answer = Callable[[socket.socket], Iterator[bytes]]

# Seconds between two pieces, far below the time-outs of the tests, and after which a server gives up at the latest.
PAUSE_S = 0.02
LIFE_S = 20.0

# Name of the threads that answer.
NAME = "drip"

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n"
# A block of a compressed stream that contains nothing, and is not the last one (RFC 1951, 3.2.4).
EMPTY_BLOCK = b"\x00\x00\x00\xff\xff"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _forever(start: bytes, piece: bytes) -> Answer:
    """Return an answer that begins with the start and repeats the piece."""

    def answer(connection: socket.socket) -> Iterator[bytes]:
        read_request(connection)
        yield start
        yield from itertools.repeat(piece)

    return answer


def _numbered_fields(start: bytes) -> Answer:
    """Return an answer that begins with the start and adds header fields."""

    def answer(connection: socket.socket) -> Iterator[bytes]:
        read_request(connection)
        yield start
        for number in itertools.count():
            yield b"X-%d: y\r\n" % number

    return answer


def _pings(connection: socket.socket) -> Iterator[bytes]:
    """Answer over HTTP/2 with PING frames."""
    state, _ = begin_http2(connection)
    yield state.data_to_send()
    while True:
        state.ping(b"12345678")
        yield state.data_to_send()
        _drain(connection)


def _empty_data(connection: socket.socket) -> Iterator[bytes]:
    """Answer over HTTP/2 with the header fields, then with DATA frames without data."""
    state, stream = begin_http2(connection)
    state.send_headers(stream, [(":status", "200")])
    yield state.data_to_send()
    while True:
        state.send_data(stream, b"")
        yield state.data_to_send()
        _drain(connection)


def _large_data(connection: socket.socket) -> Iterator[bytes]:
    """Answer over HTTP/2 with a body that does not end."""
    state, stream = begin_http2(connection)
    state.send_headers(stream, [(":status", "200")])
    # The client allows no more than its window.
    while state.local_flow_control_window(stream) >= 1000:
        state.send_data(stream, b"x" * 1000)
        yield state.data_to_send()


def begin_http2(connection: socket.socket) -> tuple[h2.connection.H2Connection, int]:
    """Read a request over HTTP/2, and return the state of the connection and the number of the stream."""
    # The extra `async`, which the tests of the blocking client do without.
    import h2.config
    import h2.connection
    import h2.events

    state = h2.connection.H2Connection(config=h2.config.H2Configuration(client_side=False))
    state.initiate_connection()
    while True:
        connection.sendall(state.data_to_send())
        data = connection.recv(65536)
        if not data:
            raise ConnectionError
        for event in state.receive_data(data):
            if isinstance(event, h2.events.StreamEnded):
                return state, event.stream_id


def _drain(connection: socket.socket) -> None:
    """Read the bytes that the client has sent, such as its answers to PING frames, so that it can send more."""
    connection.settimeout(0.0)
    with suppress(BlockingIOError, ssl.SSLWantReadError):
        if not connection.recv(1024 * 1024):
            raise ConnectionError
    connection.settimeout(LIFE_S)


# No answer, a body that stops, and a complete answer that asks for a pause.
SILENCE = _forever(b"", b"")
SILENT_BODY = _forever(HEAD + b"Content-Length: 10\r\n\r\nx", b"")
BUSY = _forever(b"HTTP/1.1 503 Busy\r\nRetry-After: 25\r\nContent-Length: 0\r\n\r\n", b"")
# Answers of a server with TLS.
PLACES: dict[str, Answer] = {
    "the status line": _forever(b"HTTP/1.1 200 ", b"O"),
    "a header field": _forever(HEAD + b"X-Slow: ", b"x"),
    "header fields": _numbered_fields(HEAD),
    "100 Continue": _forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "103 Early Hints": _forever(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"),
    "a body": _forever(HEAD + b"Content-Length: 1000000\r\n\r\n", b"x"),
    "a body without a length": _forever(HEAD + b"Connection: close\r\n\r\n", b"x"),
    "chunks": _forever(CHUNKED + b"\r\n", _chunk(b"x")),
    "a chunk size": _forever(CHUNKED + b"\r\n", b"0"),
    "a chunk extension": _forever(CHUNKED + b"\r\n1;", b"x"),
    "trailers": _numbered_fields(CHUNKED + b"\r\n1\r\na\r\n0\r\n"),
    "gzip": _forever(
        CHUNKED + b"Content-Encoding: gzip\r\n\r\n" + _chunk(bytes.fromhex("1f8b0800000000000003")),
        _chunk(EMPTY_BLOCK),
    ),
    "deflate": _forever(
        CHUNKED + b"Content-Encoding: deflate\r\n\r\n" + _chunk(b"\x78\x9c"), _chunk(EMPTY_BLOCK)
    ),
}  # fmt: skip
# Answers of a server with TLS and HTTP/2.
HTTP2_PLACES: dict[str, Answer] = {"PING frames": _pings, "empty DATA frames": _empty_data}
HTTP2_BODY = _large_data
# Answers of a proxy to CONNECT.
PROXY_PLACES: dict[str, Answer] = {
    "the status line": _forever(b"HTTP/1.1 200 ", b"O"),
    "header fields": _numbered_fields(HEAD),
}
# Answers to the first message of a TLS handshake: nothing, and one record of 16 KiB, in single bytes.
HANDSHAKES: dict[str, Answer] = {
    "nothing": SILENCE,
    "a record": _forever(bytes.fromhex("160303400002003ffc"), b"\x03"),
}


class DripServer:
    """A server on loopback whose answers do not end before the client leaves.

    Args:
        answer: Returns the pieces of the answer on a connection, and reads the request before.
        context: TLS context; None for a server without TLS.
        is_flood: Whether it sends as much as it can, many pieces together, instead of a piece now and then.

    Attributes:
        connections: Number of connections so far.
        is_answering: Set after the first piece of an answer.
    """

    def __init__(self, answer: Answer, context: ssl.SSLContext | None, *, is_flood: bool = False) -> None:
        self.connections = 0
        self._answer = answer
        self._context = context
        self._pause_s, self._together = (0.0, 2000) if is_flood else (PAUSE_S, 1)
        self.is_answering = threading.Event()
        self._ends_at = time.monotonic() + LIFE_S
        self._stopped = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def port(self) -> int:
        """Its port."""
        return int(self._socket.getsockname()[1])

    @property
    def url(self) -> str:
        """Its origin."""
        return f"https://localhost:{self.port}"

    def close(self) -> None:
        """Stop it."""
        self._stopped.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join(5)

    def wait_until_left(self) -> None:
        """Wait until no connection is open."""
        for thread in self._threads[1:]:
            thread.join(5)
            assert not thread.is_alive()

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            self._threads.append(threading.Thread(target=self._serve, args=(plain,), daemon=True, name=NAME))
            self._threads[-1].start()

    def _serve(self, plain: socket.socket) -> None:
        plain.settimeout(LIFE_S)
        connection = plain
        # The client leaves in the middle.
        with plain, suppress(OSError):
            if self._context is not None:
                connection = self._context.wrap_socket(plain, server_side=True)
            with connection:
                pieces = self._answer(connection)
                while data := list(itertools.islice(pieces, self._together)):
                    connection.sendall(b"".join(data))
                    self.is_answering.set()
                    if self._stopped.wait(self._pause_s) or time.monotonic() > self._ends_at:
                        return


def read_request(connection: socket.socket) -> bytes:
    """Return the first bytes of a connection: a whole request with its body, if they are HTTP."""
    data = connection.recv(65536)
    while data[:1].isalpha() and not _is_whole(data):
        part = connection.recv(65536)
        if not part:
            raise ConnectionError
        data += part
    return data


def _is_whole(data: bytes) -> bool:
    head, end, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
    return bool(end) and len(body) >= (int(length[1]) if length else 0)
