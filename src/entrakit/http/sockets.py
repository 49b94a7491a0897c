"""Sockets whose operations end at the deadline of an exchange, whatever the server sends.

A time-out of a socket limits one operation. A server that sends a byte now and then never exceeds it, wherever the
byte belongs: to a header, a chunk size, a trailer, or a response that is skipped. These sockets set the time-out
before each operation to the rest of the exchange, if that is shorter.
"""

from __future__ import annotations

import socket
import ssl
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

    Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[object, ...]]


class Deadline:
    """The end of an exchange.

    Args:
        silence_s: Longest silence in seconds: the limit of one operation.
        longest_s: Seconds from now to the end.
    """

    __slots__ = ("_ends_at", "_silence_s")

    def __init__(self, silence_s: float, longest_s: float) -> None:
        self._silence_s = silence_s
        # Not the clock of the transport: the system measures the time-outs of sockets.
        self._ends_at = time.monotonic() + longest_s

    @property
    def has_passed(self) -> bool:
        """Whether the exchange must end."""
        return time.monotonic() >= self._ends_at

    def left_s(self) -> float:
        """Return the seconds that the next operation may take. Raises TimeoutError after the end."""
        left_s = self._ends_at - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        return min(self._silence_s, left_s)


class ProxyRefusedError(OSError):
    """A proxy did not open a tunnel.

    Args:
        reason: Its answer, such as `HTTP 407`; empty if it is not known.
        is_transient: Whether the same request may succeed later.
    """

    def __init__(self, reason: str = "", *, is_transient: bool = False) -> None:
        super().__init__(f"the proxy refused the tunnel: {reason}")
        self.reason = reason
        self.is_transient = is_transient


class ProxyTlsError(OSError):
    """The TLS handshake with an `https` proxy failed.

    Args:
        reason: The exception of the handshake.
    """

    def __init__(self, reason: ssl.SSLError) -> None:
        super().__init__("TLS with the proxy failed")
        self.reason = reason


class ServerNotFoundError(socket.gaierror):
    """The name of a server can't be found. On the way through a proxy, `socket.gaierror` means the proxy's name."""


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
    """Return the addresses of a host. The system's function can't be interrupted, so a thread of its own calls it.

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
