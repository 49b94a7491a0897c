"""Protocols of a connection for code below `connection/`: its cloud, and clients of services.

A key vault that signs is reached through another saved connection. The code that talks to it takes an
`OpenConnection`, opens the connection by its name, and runs requests on it like any program.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    from entrakit.authority.clouds import Cloud
    from entrakit.services.operation import Call, Operation
    from entrakit.services.service import Service

T = TypeVar("T")


class ServiceClient(Protocol):
    """A client of one service."""

    def run(self, operation: Call[T] | Operation[T]) -> T:
        """Run a call or an operation to its end, and return its result."""
        ...


class ConnectionInfo(Protocol):
    """Settings of a connection."""

    @property
    def cloud(self) -> Cloud:
        """Cloud of the connection."""
        ...


class ConnectedServices(Protocol):
    """A connection, as a source of clients."""

    @property
    def info(self) -> ConnectionInfo:
        """Settings of the connection."""
        ...

    def service(self, service: Service, /) -> ServiceClient:
        """Return a client of a service; its tokens come from the connection."""
        ...


OpenConnection: TypeAlias = Callable[[str], AbstractContextManager[ConnectedServices]]
