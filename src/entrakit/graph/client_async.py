"""Client of a service, awaited: the methods of `client.Client`, with the same arguments, results and errors."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from entrakit.errors import GraphError
from entrakit.graph.requests import Changes, Requests

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping
    from typing import Unpack

    from typing_extensions import TypeVar

    from entrakit.graph.batch import Item
    from entrakit.graph.delta import Delta
    from entrakit.graph.delta_session import DeltaSession
    from entrakit.graph.export import ExportResult
    from entrakit.graph.ranges import RangedListing
    from entrakit.services.listing import Listing, Page
    from entrakit.services.odata import Query
    from entrakit.services.operation import Call, Operation, Response
    from entrakit.services.runner_async import AsyncRunner

    T = TypeVar("T", default=dict[str, object])


class AsyncClient(Requests):
    """Client of a service in one event loop; `connection.aio.graph` is the one for Microsoft Graph.

    Args:
        runner: Runs operations on the service.
    """

    _runner: AsyncRunner

    def __init__(self, runner: AsyncRunner) -> None:
        super().__init__(runner)

    def watched(self, on_wait: Callable[[float, str], None]) -> AsyncClient:
        """As `Client.watched()`."""
        return AsyncClient(self._runner.watched(on_wait))

    async def run(self, operation: Call[T] | Operation[T]) -> T:
        """As `Client.run()`, awaited."""
        return await self._runner.run(operation)

    async def get(
        self,
        path: str,
        *,
        type: type[T] | None = None,
        headers: Mapping[str, str] | None = None,
        **query: Unpack[Query],
    ) -> T:
        """As `Client.get()`, awaited."""
        return await self.run(self.call("GET", path, type=type, headers=headers, **query))

    async def post(
        self,
        path: str,
        body: object = None,
        *,
        type: type[T] | None = None,
        headers: Mapping[str, str] | None = None,
        **query: Unpack[Query],
    ) -> T | None:
        """As `Client.post()`, awaited."""
        return await self.run(self.call("POST", path, type=type, body=body, headers=headers, **query))

    async def patch(
        self,
        path: str,
        body: object,
        *,
        type: type[T] | None = None,
        headers: Mapping[str, str] | None = None,
        **query: Unpack[Query],
    ) -> T | None:
        """As `Client.patch()`, awaited."""
        return await self.run(self.call("PATCH", path, type=type, body=body, headers=headers, **query))

    async def put(
        self,
        path: str,
        body: object,
        *,
        type: type[T] | None = None,
        headers: Mapping[str, str] | None = None,
        **query: Unpack[Query],
    ) -> T | None:
        """As `Client.put()`, awaited."""
        return await self.run(self.call("PUT", path, type=type, body=body, headers=headers, **query))

    async def delete(self, path: str, *, headers: Mapping[str, str] | None = None, **query: Unpack[Query]) -> None:
        """As `Client.delete()`, awaited."""
        await self.run(self.call("DELETE", path, headers=headers, **query))

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        type: type[T] | None = None,
        headers: Mapping[str, str] | None = None,
        **query: Unpack[Query],
    ) -> T | None:
        """As `Client.request()`, awaited."""
        return await self.run(self.call(method, path, type=type, body=body, headers=headers, **query))

    async def response(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        **query: Unpack[Query],
    ) -> Response:
        """As `Client.response()`, awaited."""
        return await self.run(self._response(method, path, body, headers, query))

    async def count(self, path: str, *, headers: Mapping[str, str] | None = None, **query: Unpack[Query]) -> int:
        """As `Client.count()`, awaited."""
        return await self.run(self._count(path, headers, query))

    def pages(
        self,
        path: str,
        *,
        type: type[T] | None = None,
        headers: Mapping[str, str] | None = None,
        **query: Unpack[Query],
    ) -> AsyncIterator[Page[T]]:
        """As `Client.pages()`, awaited."""
        return self._pages(self.listing(path, type=type, headers=headers, **query))

    def items(
        self,
        path: str,
        *,
        type: type[T] | None = None,
        parallel: int = 1,
        headers: Mapping[str, str] | None = None,
        **query: Unpack[Query],
    ) -> AsyncIterator[T]:
        """As `Client.items()`, awaited."""
        ranges = self._ranges(path, type, headers, query, parallel)
        if ranges is not None:
            return self._items_of(ranges)
        return self._flat(self.listing(path, type=type, headers=headers, **query))

    async def export(
        self,
        path: str,
        file: str | os.PathLike[str],
        *,
        parallel: int = 1,
        on_page: Callable[[int, int | None], None] | None = None,
        headers: Mapping[str, str] | None = None,
        **query: Unpack[Query],
    ) -> ExportResult:
        """As `Client.export()`, awaited; threads read and write the files."""
        from entrakit.services.fan_in_async import pages_of

        export = await asyncio.to_thread(self._export, path, file, headers, query, parallel=parallel, on_page=on_page)
        try:
            jobs = await asyncio.to_thread(export.begin)
            while jobs is not None:
                try:
                    async with aclosing(pages_of(self._runner, jobs, export.at_once)) as pages:
                        async for page in pages:
                            await asyncio.to_thread(export.add, page)
                except GraphError as error:
                    jobs = await asyncio.to_thread(export.begin_again, error)
                    continue
                jobs = await self.run(export.rest())
            return await asyncio.to_thread(export.finish)
        finally:
            await asyncio.to_thread(export.close)

    def delta(
        self,
        path: str,
        *,
        session: DeltaSession | None = None,
        latest: bool = False,
        minimal: bool = False,
        headers: Mapping[str, str] | None = None,
        **query: Unpack[Query],
    ) -> AsyncDeltaChanges:
        """As `Client.delta()`, awaited. Threads read and write the session, from the first iteration on."""
        delta = self._delta(path, headers, query, session=session, latest=latest, minimal=minimal)
        return AsyncDeltaChanges(self, delta)

    async def batch(
        self, calls: Iterable[Call[object] | Operation[object] | Item], *, at_once: int = 4
    ) -> list[object]:
        """As `Client.batch()`, awaited."""
        return await self.run(self._batch(calls, at_once))

    async def _pages(self, listing: Listing[T]) -> AsyncIterator[Page[T]]:
        while not listing.is_finished:
            yield await self.run(listing.advance())

    async def _flat(self, listing: Listing[T]) -> AsyncIterator[T]:
        async for page in self._pages(listing):
            for item in page.items:
                yield item

    async def _items_of(self, ranges: RangedListing[T]) -> AsyncIterator[T]:
        from entrakit.services.fan_in_async import pages_of

        async with aclosing(pages_of(self._runner, ranges.jobs(), ranges.at_once)) as pages:
            async for one in pages:
                for item in ranges.unseen(one.page.items):
                    yield item
        if not await self.run(ranges.is_complete()):
            async for page in self._pages(ranges.whole()):
                for item in ranges.unseen(page.items):
                    yield item


class AsyncDeltaChanges(Changes):
    """As `client.DeltaChanges`, to be iterated with `async for`.

    Args:
        client: The client.
        delta: The query.
    """

    def __init__(self, client: AsyncClient, delta: Delta) -> None:
        super().__init__(delta)
        self._client = client

    async def __aiter__(self) -> AsyncIterator[dict[str, object]]:
        await asyncio.to_thread(self._delta.begin)
        while not self._delta.is_finished:
            for one in await self._client.run(self._delta.advance()):
                yield one
            await asyncio.to_thread(self._delta.checkpoint)
