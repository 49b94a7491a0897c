"""A connection for programs that await.

Signing in is blocking code: about once an hour a token is renewed, in a thread. A fresh token is returned at once. A
task that is cancelled during a renewal leaves the thread to finish. Tokens do not need the extra `async`; requests do.
"""

from __future__ import annotations

import asyncio
from threading import Lock
from typing import TYPE_CHECKING

from entrakit.connection.azure_credential import access_token, access_token_info, token_request
from entrakit.graph.client_async import AsyncClient
from entrakit.http.transport_async import AsyncTransport, require_httpx2
from entrakit.services.runner_async import AsyncRunner

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from types import TracebackType
    from typing import Self

    from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions

    from entrakit.connection.token_cache import TokenCache
    from entrakit.http.message import Request, Response
    from entrakit.services.service import Service
    from entrakit.tokens.request import TokenRequest
    from entrakit.tokens.token import Token


class AsyncConnections:
    """The awaited connections of one connection: one for each event loop.

    Clients send through it, so a client that is used in another event loop sends through the sockets of that loop.

    Args:
        tokens: The token cache of the connection.
    """

    def __init__(self, tokens: TokenCache) -> None:
        self._tokens = tokens
        self._lock = Lock()
        self._by_loop: dict[asyncio.AbstractEventLoop | None, AsyncConnection] = {}

    def here(self) -> AsyncConnection:
        """Return the one of the running event loop, or one for no loop; those of closed loops are dropped."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            loop = None
        with self._lock:
            for closed in [one for one in self._by_loop if one is not None and one.is_closed()]:
                del self._by_loop[closed]
            if loop not in self._by_loop:
                self._by_loop[loop] = AsyncConnection(self._tokens, self)
            return self._by_loop[loop]

    async def once(self, request: Request, *, authorization: str = "", limit: int) -> Response:
        """Send a request once, in the running event loop; arguments, result and errors as for `Transport.once()`."""
        transport = await self.here().open_transport()
        return await transport.once(request, authorization=authorization, limit=limit)


class AsyncConnection:
    """A connection in one event loop: a credential for Azure's async clients (azure-core's `AsyncTokenCredential`).

    Its sockets are closed when the loop ends; `close()` or `async with` closes them earlier. The connection itself
    stays open.

    Args:
        tokens: The token cache of the connection.
        connections: The awaited connections of all event loops.
    """

    def __init__(self, tokens: TokenCache, connections: AsyncConnections) -> None:
        self._tokens = tokens
        self._connections = connections
        self._runners: dict[Service, AsyncRunner] = {}
        self._transport: AsyncTransport | None = None
        self._opened: AsyncGenerator[AsyncTransport, None] | None = None
        self._opening = asyncio.Lock()

    def __repr__(self) -> str:
        return f"AsyncConnection({self._tokens.record.describe()})"

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
        """Client of Microsoft Graph v1.0. Raises ParameterError if the extra `async` is not installed."""
        return self.service("graph")

    def service(self, service: str | Service = "graph", *, key_vault: str = "", vault: str = "") -> AsyncClient:
        """Return a client of a service; arguments and errors as for `Connection.service()`.

        Raises:
            ParameterError: The extra `async` is not installed.
        """
        found = self._tokens.record.settings.find_service(service, key_vault=key_vault or vault)
        if found not in self._runners:
            require_httpx2()
            self._runners[found] = AsyncRunner(self._tokens, found, self._connections, clock=self._tokens.clock)
        return AsyncClient(self._runners[found])

    async def token(self, *scopes: str, claims: str = "", min_validity_s: float = 0.0) -> Token:
        """Return a token; arguments and errors as for `Connection.token()`."""
        return await self._token(
            self._tokens.request(scopes, claims=claims, min_validity_s=min_validity_s, cae=bool(claims))
        )

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: object,
    ) -> AccessToken:
        """Return a token as azure-core's `AsyncTokenCredential` does; arguments and errors as for `Connection`."""
        del kwargs
        request = token_request(self._tokens, scopes, claims=claims, tenant_id=tenant_id, enable_cae=enable_cae)
        return access_token(await self._token(request))

    async def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """Return a token as azure-core's `AsyncSupportsTokenInfo` does; arguments and errors as for `Connection`."""
        given = options or {}
        request = token_request(
            self._tokens,
            scopes,
            claims=given.get("claims"),
            tenant_id=given.get("tenant_id"),
            enable_cae=bool(given.get("enable_cae")),
        )
        return access_token_info(await self._token(request))

    async def close(self) -> None:
        """Close the sockets of the running event loop; the connection itself stays open."""
        await self._connections.here().close_transport()

    async def open_transport(self) -> AsyncTransport:
        """Return the transport of this event loop, which must be the running one."""
        if self._transport is None:
            async with self._opening:
                if self._transport is None:
                    self._opened = self._open()
                    self._transport = await anext(self._opened)
        return self._transport

    async def close_transport(self) -> None:
        """Close the transport of this event loop, which must be the running one."""
        if self._opened is not None:
            await self._opened.aclose()

    async def _open(self) -> AsyncGenerator[AsyncTransport, None]:
        """Keep a transport open until it is closed, or until the loop ends: it closes its generators then."""
        # Reading certificates and loading httpx2 block.
        transport = await asyncio.to_thread(AsyncTransport, self._tokens.transport())
        try:
            yield transport
        finally:
            self._transport = None
            await transport.close()

    async def _token(self, request: TokenRequest) -> Token:
        token = self._tokens.fresh(request)
        return token if token is not None else await asyncio.to_thread(self._tokens.token, request)
