"""A connection for programs that await.

Signing in stays sync: a token is asked for about once an hour. One that is fresh is returned at once; a renewal is made
on a thread, and a task that is cancelled meanwhile leaves that thread to finish.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from entrakit.graph.client_async import AsyncClient
from entrakit.http.transport_async import AsyncTransport
from entrakit.services.runner_async import AsyncRunner

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions

    from entrakit.connection import Connection
    from entrakit.services.service import Service
    from entrakit.tokens.token import Token


class AsyncConnection:
    """A connection in one event loop: a credential for Azure's async clients (azure-core's `AsyncTokenCredential`).

    Close it, or use it with `async with`, when the loop ends; the connection itself stays open.

    Args:
        connection: The connection.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._transport: AsyncTransport | None = None
        self._runners: dict[Service, AsyncRunner] = {}

    def __repr__(self) -> str:
        return f"AsyncConnection({self._connection!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        await self.close()

    @property
    def graph(self) -> AsyncClient:
        """Microsoft Graph v1.0, asked on this connection."""
        return self.service("graph")

    def service(self, service: str | Service = "graph", *, key_vault: str = "", vault: str = "") -> AsyncClient:
        """Return a service; arguments and errors as for `Connection.service()`."""
        found = self._connection.find_service(service, key_vault=key_vault or vault)
        if self._transport is None:
            self._transport = AsyncTransport(self._connection.service_transport())
        if found not in self._runners:
            self._runners[found] = AsyncRunner(self._connection, found, self._transport, clock=self._transport.clock)
        return AsyncClient(self._runners[found])

    async def token(self, *scopes: str, claims: str = "", min_validity_s: float = 0.0) -> Token:
        """Return a token; arguments and errors as for `Connection.token()`."""
        if self._connection.is_fresh and not scopes and not claims and not min_validity_s:
            return self._connection.token()
        return await asyncio.to_thread(self._connection.token, *scopes, claims=claims, min_validity_s=min_validity_s)

    async def get_token(
        self, *scopes: str, claims: str | None = None, tenant_id: str | None = None, enable_cae: bool = False,
        **kwargs: object,
    ) -> AccessToken:  # fmt: skip
        """Return a token as azure-core's `AsyncTokenCredential` does; arguments and errors as for `Connection`."""
        del kwargs
        if self._connection.has_fresh(scopes, claims, cae=enable_cae):
            return self._connection.get_token(*scopes, claims=claims, tenant_id=tenant_id, enable_cae=enable_cae)
        return await asyncio.to_thread(
            self._connection.get_token, *scopes, claims=claims, tenant_id=tenant_id, enable_cae=enable_cae
        )

    async def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """Return a token as azure-core's `AsyncSupportsTokenInfo` does; arguments and errors as for `Connection`."""
        asked = options or {}
        if self._connection.has_fresh(scopes, asked.get("claims"), cae=bool(asked.get("enable_cae"))):
            return self._connection.get_token_info(*scopes, options=options)
        return await asyncio.to_thread(self._connection.get_token_info, *scopes, options=options)

    async def close(self) -> None:
        """Close what this loop has open; the connection itself stays open."""
        transport, self._transport = self._transport, None
        self._runners = {}
        if transport is not None:
            await transport.close()
