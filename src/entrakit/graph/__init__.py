"""Requests to Microsoft Graph and other services.

    graph = connection.graph
    for user in graph.items("/users", select=["id", "displayName"], filter={"accountEnabled": True}):
        ...

`Client` runs operations with blocking I/O and `AsyncClient` awaits them; both have the same methods. A request is a
value (`Call`), and an operation is a generator without I/O, so both can be run, awaited, previewed, or put into a
batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from entrakit.graph.batch import Item
    from entrakit.graph.client import Client
    from entrakit.graph.client_async import AsyncClient
    from entrakit.graph.delta_session import DeltaSession
    from entrakit.graph.export import Exported, ExportResult
    from entrakit.services.decoding import Entity
    from entrakit.services.listing import Page
    from entrakit.services.operation import Call, Request, Response
    from entrakit.services.request import call, path_call
    from entrakit.services.service import Service

_HOME = {
    "AsyncClient": "entrakit.graph.client_async",
    "Call": "entrakit.services.operation",
    "Client": "entrakit.graph.client",
    "DeltaSession": "entrakit.graph.delta_session",
    "Entity": "entrakit.services.decoding",
    "ExportResult": "entrakit.graph.export",
    "Exported": "entrakit.graph.export",
    "Item": "entrakit.graph.batch",
    "Page": "entrakit.services.listing",
    "Request": "entrakit.services.operation",
    "Response": "entrakit.services.operation",
    "Service": "entrakit.services.service",
    "call": "entrakit.services.request",
    "path_call": "entrakit.services.request",
}

__all__ = [
    "AsyncClient",
    "Call",
    "Client",
    "DeltaSession",
    "Entity",
    "ExportResult",
    "Exported",
    "Item",
    "Page",
    "Request",
    "Response",
    "Service",
    "call",
    "path_call",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
