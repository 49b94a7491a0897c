"""The awaited client of Microsoft Graph."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING

import pytest
from tests.heartbeat import run_async

from entrakit import connect
from entrakit.graph.client import Client
from entrakit.graph.client_async import AsyncClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from entrakit import Connection
    from entrakit_emulator import Tenant


def public(kind: type) -> dict[str, list[str]]:
    """Return the public methods of a class, with the names of their parameters."""
    return {
        name: list(inspect.signature(method).parameters)
        for name, method in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
    }


def test_both_faces_have_the_same_methods() -> None:
    """
    The awaited client has the methods of the blocking client, with the same parameters.
    """
    assert public(Client) == public(AsyncClient)


@pytest.fixture
def connection(entra_tenant: Tenant) -> Iterator[Connection]:
    """Return an app's connection to the embedded tenant."""
    made = connect(
        client_id=entra_tenant.confidential_client, tenant_id=entra_tenant.domain,
        client_secret=entra_tenant.client_secret, authority_url=entra_tenant.url, ca_bundle=entra_tenant.ca_path,
        graph_url=entra_tenant.url,
    )  # fmt: skip
    yield made
    made.close()


def test_the_awaited_face_asks_the_same(connection: Connection) -> None:
    """
    `connection.aio.graph` returns the same as `connection.graph`.
    """

    async def ask() -> object:
        async with connection.aio as awaited:
            return await awaited.graph.get("/organization")

    assert connection.graph.get("/organization") == run_async(ask())


def test_a_fresh_token_costs_no_thread(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    While the token is fresh, the awaited client starts no thread for it.
    """
    connection.graph.get("/organization")

    async def ask() -> None:
        async with connection.aio as awaited:
            await awaited.graph.get("/organization")
            await awaited.get_token("https://graph.microsoft.com/.default", enable_cae=True)

    started: list[object] = []

    async def noted(function: Callable[..., object], *rest: object, **more: object) -> object:
        started.append(function)
        return function(*rest, **more)

    monkeypatch.setattr(asyncio, "to_thread", noted)
    run_async(ask())

    assert [] == started
