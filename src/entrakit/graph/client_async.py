"""A service, awaited: the methods of `client.Client`, with the same arguments, results and errors."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from entrakit.errors import GraphError
from entrakit.services.fetch import as_response
from entrakit.services.operation import Call, first_request
from entrakit.services.request import call, request_to

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping
    from typing import Unpack

    from typing_extensions import TypeVar

    from entrakit.graph.batch import Item
    from entrakit.graph.delta import Delta
    from entrakit.graph.delta_session import DeltaSession
    from entrakit.graph.export import Exported
    from entrakit.graph.ranges import Partition
    from entrakit.services.listing import Listing, Page
    from entrakit.services.odata import Query
    from entrakit.services.operation import Operation, Request, Response
    from entrakit.services.runner_async import AsyncRunner

    T = TypeVar("T", default=dict[str, object])


class AsyncClient:
    """A service, asked on a connection in one event loop; `connection.aio.graph` is one for Microsoft Graph.

    Args:
        runner: What runs operations on the service.
    """

    def __init__(self, runner: AsyncRunner) -> None:
        self.service = runner.service
        self._runner = runner

    def __repr__(self) -> str:
        return f"AsyncClient({self.service.url})"

    def watched(self, on_wait: Callable[[float, str], None]) -> AsyncClient:
        """As `Client.watched()`."""
        return AsyncClient(self._runner.watched(on_wait))

    async def run(self, operation: Call[T] | Operation[T]) -> T:
        """As `Client.run()`."""
        return await self._runner.run(operation)

    def preview(self, operation: Call[object] | Operation[object]) -> Request:
        """As `Client.preview()`."""
        return first_request(operation)

    async def get(
        self, path: str, *, type: type[T] | None = None, headers: Mapping[str, str] | None = None,
        **query: Unpack[Query],
    ) -> T:  # fmt: skip
        """As `Client.get()`."""
        return await self.run(self.call("GET", path, type=type, headers=headers, **query))

    async def post(
        self, path: str, body: object = None, *, type: type[T] | None = None,
        headers: Mapping[str, str] | None = None, **query: Unpack[Query],
    ) -> T | None:  # fmt: skip
        """As `Client.post()`."""
        return await self.run(self.call("POST", path, type=type, body=body, headers=headers, **query))

    async def patch(
        self, path: str, body: object, *, type: type[T] | None = None,
        headers: Mapping[str, str] | None = None, **query: Unpack[Query],
    ) -> T | None:  # fmt: skip
        """As `Client.patch()`."""
        return await self.run(self.call("PATCH", path, type=type, body=body, headers=headers, **query))

    async def put(
        self, path: str, body: object, *, type: type[T] | None = None,
        headers: Mapping[str, str] | None = None, **query: Unpack[Query],
    ) -> T | None:  # fmt: skip
        """As `Client.put()`."""
        return await self.run(self.call("PUT", path, type=type, body=body, headers=headers, **query))

    async def delete(self, path: str, *, headers: Mapping[str, str] | None = None, **query: Unpack[Query]) -> None:
        """As `Client.delete()`."""
        await self.run(self.call("DELETE", path, headers=headers, **query))

    async def request(
        self, method: str, path: str, *, body: object = None, type: type[T] | None = None,
        headers: Mapping[str, str] | None = None, **query: Unpack[Query],
    ) -> T | None:  # fmt: skip
        """As `Client.request()`."""
        return await self.run(self.call(method, path, type=type, body=body, headers=headers, **query))

    async def response(
        self, method: str, path: str, *, body: object = None, headers: Mapping[str, str] | None = None,
        **query: Unpack[Query],
    ) -> Response:  # fmt: skip
        """As `Client.response()`."""
        request = request_to(self.service, method, path, body=body, headers=headers, query=query)
        return await self.run(Call(request, as_response))

    async def count(self, path: str, *, headers: Mapping[str, str] | None = None, **query: Unpack[Query]) -> int:
        """As `Client.count()`."""
        from entrakit.graph.ranges import counting

        return await self.run(counting(self.service, path, headers, query))

    def pages(
        self, path: str, *, type: type[T] | None = None, headers: Mapping[str, str] | None = None,
        **query: Unpack[Query],
    ) -> AsyncIterator[Page[T]]:  # fmt: skip
        """As `Client.pages()`."""
        return self._walk(self.listing(path, type=type, headers=headers, **query))

    def items(
        self, path: str, *, type: type[T] | None = None, parallel: int = 1,
        headers: Mapping[str, str] | None = None, **query: Unpack[Query],
    ) -> AsyncIterator[T]:  # fmt: skip
        """As `Client.items()`."""
        if parallel > 1:
            from entrakit.graph.ranges import partition

            cut = partition(self.service, path, type, headers, query, at_once=parallel)
            if cut is not None:
                return self._split(cut)
        return self._flat(self.listing(path, type=type, headers=headers, **query))

    async def export(
        self, path: str, file: str | os.PathLike[str], *, parallel: int = 1,
        on_page: Callable[[int, int | None], None] | None = None, headers: Mapping[str, str] | None = None,
        **query: Unpack[Query],
    ) -> Exported:  # fmt: skip
        """As `Client.export()`; pages are written on a thread."""
        from entrakit.graph.export import Export
        from entrakit.services.fan_in_async import pages_of

        export = Export(
            self.service, path, file, tenant=self._runner.tenant_id, headers=headers, query=query, parallel=parallel,
            on_page=on_page,
        )  # fmt: skip
        try:
            listings = await self.run(export.begin())
            while listings:
                try:
                    async with aclosing(pages_of(self._runner, listings, export.at_once)) as arriving:
                        async for fetched in arriving:
                            await asyncio.to_thread(export.take, fetched)
                except GraphError as error:
                    listings = export.begin_again(error)
                    continue
                listings = await self.run(export.rest())
            return await asyncio.to_thread(export.finish)
        finally:
            export.close()

    def delta(
        self, path: str, *, session: DeltaSession | None = None, latest: bool = False, minimal: bool = False,
        headers: Mapping[str, str] | None = None, **query: Unpack[Query],
    ) -> AsyncDeltaChanges:  # fmt: skip
        """As `Client.delta()`."""
        from entrakit.graph.delta import Delta

        delta = Delta(
            self.service, path, tenant=self._runner.tenant_id, headers=headers, query=query, session=session,
            latest=latest, minimal=minimal,
        )  # fmt: skip
        return AsyncDeltaChanges(self, delta)

    async def batch(
        self, calls: Iterable[Call[object] | Operation[object] | Item], *, at_once: int = 4
    ) -> list[object]:
        """As `Client.batch()`."""
        from entrakit.graph.batch import batch

        return await self.run(batch(self.service, calls, at_once=at_once))

    def call(
        self, method: str, path: str, *, type: type[T] | None = None, body: object = None,
        headers: Mapping[str, str] | None = None, **query: Unpack[Query],
    ) -> Call[T]:  # fmt: skip
        """As `Client.call()`."""
        return call(self.service, method, path, type=type, body=body, headers=headers, **query)

    def listing(
        self, path: str, *, type: type[T] | None = None, headers: Mapping[str, str] | None = None,
        **query: Unpack[Query],
    ) -> Listing[T]:  # fmt: skip
        """As `Client.listing()`."""
        from entrakit.services.listing import listing

        return listing(self.service, path, type, headers, query)

    async def _walk(self, listing: Listing[T]) -> AsyncIterator[Page[T]]:
        while not listing.is_finished:
            yield await self.run(listing.advance())

    async def _flat(self, listing: Listing[T]) -> AsyncIterator[T]:
        async for page in self._walk(listing):
            for item in page.items:
                yield item

    async def _split(self, partition: Partition[T]) -> AsyncIterator[T]:
        from entrakit.services.fan_in_async import pages_of

        listings = await self.run(partition.plan())
        async with aclosing(pages_of(self._runner, listings, partition.at_once)) as arriving:
            async for fetched in arriving:
                for item in partition.unseen(fetched.page.items):
                    yield item
        if not await self.run(partition.is_complete()):
            async for page in self._walk(partition.whole()):
                for item in partition.unseen(page.items):
                    yield item


class AsyncDeltaChanges:
    """As `client.DeltaChanges`, to be iterated with `async for`.

    Args:
        client: The client.
        delta: The state of the query.
    """

    def __init__(self, client: AsyncClient, delta: Delta) -> None:
        self._client = client
        self._delta = delta

    @property
    def resyncs(self) -> int:
        """As `DeltaChanges.resyncs`."""
        return self._delta.resyncs

    @property
    def is_resync(self) -> bool:
        """As `DeltaChanges.is_resync`."""
        return self._delta.is_resync

    @property
    def link(self) -> str:
        """As `DeltaChanges.link`."""
        return self._delta.link

    async def __aiter__(self) -> AsyncIterator[dict[str, object]]:
        while not self._delta.is_finished:
            for one in await self._client.run(self._delta.advance()):
                yield one
            self._delta.checkpoint()
