"""The server: loopback sockets, TLS and a thread. Other machines can't reach it."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio
    import ssl

    from starlette.types import ASGIApp
    from uvicorn.protocols.http.h11_impl import RequestResponseCycle

ATTEMPTS = 20
START_TIMEOUT_S = 20.0


class ServerConnection(H11Protocol):
    """A connection that the application can cut. Idle connections do not delay the end of the server."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # the same signature as in uvicorn
        """Give the application a function that cuts the connection."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "cut": transport.abort}

    def shutdown(self) -> None:
        """Close an idle connection without waiting for the client."""
        # uvicorn declares `cycle` as always set, but before the first request it equals None.
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete:
            self.transport.abort()
        else:
            super().shutdown()


class _Server(uvicorn.Server):
    """A server with an event that is set when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()


class Server:
    """An application served on `https://localhost:PORT`, or on `http://localhost:PORT`.

    Args:
        port: Port; 0 lets the system choose one.

    Attributes:
        port: The port in use.
    """

    def __init__(self, port: int) -> None:
        self._sockets = _listen(port)
        self.port: int = self._sockets[0].getsockname()[1]
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def start(self, application: ASGIApp, context: ssl.SSLContext | None) -> None:
        """Serve.

        Args:
            application: The application.
            context: TLS context; None for plain HTTP.

        Raises:
            RuntimeError: The server did not start in time.
        """
        config = uvicorn.Config(
            application,
            http=ServerConnection, ws="none", lifespan="off", loop="asyncio", log_config=None, access_log=False,
            date_header=False, server_header=False, proxy_headers=False, timeout_graceful_shutdown=2,
        )  # fmt: skip
        config.load()
        config.ssl = context
        server = _Server(config)
        self._server = server
        self._thread = threading.Thread(target=server.run, args=(self._sockets,), name="entra-emulator", daemon=True)
        self._thread.start()
        if not server.listens.wait(START_TIMEOUT_S):
            self.stop()
            raise RuntimeError("The emulator's server did not start.")

    def stop(self) -> None:
        """Stop serving and close all sockets."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join()
        for one in self._sockets:
            one.close()


def _send_at_once(listener: socket.socket) -> None:
    """Switch Nagle's algorithm off, which delays each answer by 40 ms; asyncio does so only for sockets it creates."""
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _listen(port: int) -> list[socket.socket]:
    """Return listening sockets on 127.0.0.1 and, if available, on ::1, with the same port."""
    for _ in range(ATTEMPTS):
        first = socket.create_server(("127.0.0.1", port))
        _send_at_once(first)
        if not _has_ipv6_loopback():
            return [first]
        try:
            second = socket.create_server(("::1", first.getsockname()[1]), family=socket.AF_INET6)
            _send_at_once(second)
        except OSError:
            # Another process uses that port on ::1. With port 0, another port can be tried.
            first.close()
            if port:
                raise
            continue
        return [first, second]
    raise OSError("No port is free on both 127.0.0.1 and ::1.")


def _has_ipv6_loopback() -> bool:
    if not socket.has_ipv6:
        return False
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
        probe.bind(("::1", 0))
        return True
    return False
