"""Idle connections: kept for the next request to the same origin, by the process that opened them."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from entrakit.http.address import Origin
    from entrakit.http.connection import Connection

# Most idle connections to one origin.
MOST = 32
# Some firewalls forget a connection that is idle for longer, and drop what is sent on it without an answer.
LONGEST_S = 60.0


class IdleConnections:
    """The idle connections of a transport. Threads can share them without a lock: every change is one step."""

    def __init__(self) -> None:
        self._by_origin: dict[Origin, list[Connection]] = {}
        self._process = os.getpid()

    def take(self, origin: Origin) -> Connection | None:
        """Return an idle connection that the server has not closed; None if there is none."""
        if self._process != os.getpid():
            self._leave_to_parent()
        idle = self._by_origin.get(origin)
        while idle:
            try:
                connection = idle.pop()
            except IndexError:  # another thread took the last one
                break
            if connection.is_connected and time.monotonic() - connection.idle_since < LONGEST_S:
                return connection
            connection.close()
        return None

    def keep(self, origin: Origin, connection: Connection) -> None:
        """Keep a connection, unless the last response has closed it, or has left bytes, or there are enough."""
        idle = self._by_origin.setdefault(origin, [])
        if connection.sock is None or connection.has_unread_bytes or len(idle) >= MOST:
            connection.close()
            return
        connection.idle_since = time.monotonic()
        idle.append(connection)

    def close(self) -> None:
        """Close all of them."""
        for idle in list(self._by_origin.values()):
            while idle:
                idle.pop().close()

    def __del__(self) -> None:
        self.close()

    def _leave_to_parent(self) -> None:
        """Close the connections that this process inherited by `fork()`: the other process goes on using them."""
        inherited, self._by_origin, self._process = self._by_origin, {}, os.getpid()
        for connections in inherited.values():
            for connection in connections:
                # Closes this process's copy of the socket; nothing is sent.
                connection.close()
