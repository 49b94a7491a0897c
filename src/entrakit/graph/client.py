"""Client of a service with blocking I/O: the methods that programs call.

`requests` makes the values: calls, operations, listings and exports, with all checks of their arguments. `Client` runs
them, and `client_async` has the same methods, awaited. The operations decide what is sent, and how often.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from entrakit.errors import GraphError
from entrakit.graph.requests import Changes, Requests

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Mapping
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
    from entrakit.services.runner import Runner

    T = TypeVar("T", default=dict[str, object])


class Client(Requests):
    """Client of a service; threads can share it. `connection.graph` is the one for Microsoft Graph.

    Args:
        runner: Runs operations on the service.
    """

    _runner: Runner

    def __init__(self, runner: Runner) -> None:
        super().__init__(runner)

    def watched(self, on_wait: Callable[[float, str], None]) -> Client:
        """Return a client with the same connections and pace that reports its waits.

        Args:
            on_wait: Called before each wait with its seconds and its reason.
        """
        return Client(self._runner.watched(on_wait))

    def run(self, operation: Call[T] | Operation[T]) -> T:
        """Run a call or an operation, and return its result.

        Raises:
            EntraError: Any error of the operation.
        """
        return self._runner.run(operation)

    def get(
        self,
        path: str,
        *,
        type: type[T] | None = None,
        headers: Mapping[str, str] | None = None,
        **query: Unpack[Query],
    ) -> T:
        """Return the object at a path.

        Args:
            path: Path below the service's base address, such as `/users/ada@contoso.com`; or a complete address.
            type: Type of the result; None for the values of its JSON.
            headers: Header fields.
            query: Query options: `select`, `filter`, `expand`, `search`, `orderby`, `top`, `count`, `options`.

        Raises:
            GraphError: The service refused the request; 403, 404, 410 and 429 have subclasses.
            NetworkError: Every attempt ended without a response, or with one that can't be read.
            ParameterError: A part of the request is invalid.
            EntraError: There is no token, as for `Connection.token()`.
        """
        return self.run(self.call("GET", path, type=type, headers=headers, **query))

    def post(
        self,
        path: str,
        body: object = None,
        *,
        type: type[T] | None = None,
        headers: Mapping[str, str] | None = None,
        **query: Unpack[Query],
    ) -> T | None:
        """Create an object or run an action. Returns the result, None if it is empty. Arguments as for `request`."""
        return self.run(self.call("POST", path, type=type, body=body, headers=headers, **query))

    def patch(
        self,
        path: str,
        body: object,
        *,
        type: type[T] | None = None,
        headers: Mapping[str, str] | None = None,
        **query: Unpack[Query],
    ) -> T | None:
        """Change an object. Returns the result, None if it is empty. Arguments as for `request`."""
        return self.run(self.call("PATCH", path, type=type, body=body, headers=headers, **query))

    def put(
        self,
        path: str,
        body: object,
        *,
        type: type[T] | None = None,
        headers: Mapping[str, str] | None = None,
        **query: Unpack[Query],
    ) -> T | None:
        """Replace an object. Returns the result, None if it is empty. Arguments as for `request`."""
        return self.run(self.call("PUT", path, type=type, body=body, headers=headers, **query))

    def delete(self, path: str, *, headers: Mapping[str, str] | None = None, **query: Unpack[Query]) -> None:
        """Delete an object. Arguments and errors as for `request`."""
        self.run(self.call("DELETE", path, headers=headers, **query))

    def request(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        type: type[T] | None = None,
        headers: Mapping[str, str] | None = None,
        **query: Unpack[Query],
    ) -> T | None:
        """Send any request, and return the result; None if it is empty.

        Args:
            method: HTTP method.
            path: As for `get`.
            body: Mapping, list, struct or other value, which becomes JSON; strings and bytes are sent as they are.
            type: As for `get`.
            headers: Header fields.
            query: As for `get`.

        Raises:
            EntraError: As for `get`. A write is not repeated if it may have been done without a response.
        """
        return self.run(self.call(method, path, type=type, body=body, headers=headers, **query))

    def response(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        **query: Unpack[Query],
    ) -> Response:
        """Send any request, and return the response: status, headers, bytes. Arguments and errors as for `request`."""
        return self.run(self._response(method, path, body, headers, query))

    def count(self, path: str, *, headers: Mapping[str, str] | None = None, **query: Unpack[Query]) -> int:
        """Return the number of objects in a collection of Microsoft Graph; arguments and errors as for `get`."""
        return self.run(self._count(path, headers, query))

    def pages(
        self,
        path: str,
        *,
        type: type[T] | None = None,
        headers: Mapping[str, str] | None = None,
        **query: Unpack[Query],
    ) -> Iterator[Page[T]]:
        """Return the pages of a collection, each fetched when it is requested. Arguments and errors as for `get`."""
        return self._pages(self.listing(path, type=type, headers=headers, **query))

    def items(
        self,
        path: str,
        *,
        type: type[T] | None = None,
        parallel: int = 1,
        headers: Mapping[str, str] | None = None,
        **query: Unpack[Query],
    ) -> Iterator[T]:
        """Return the objects of a collection. Only one page of objects is in memory at a time.

        Args:
            path: As for `get`.
            type: Type of the objects; None for dicts.
            parallel: Number of pages to read at the same time. With more than one, a collection of users or groups is
                read in ranges of names, and verified against `$count`; missing objects are read again. The objects
                have no order, and none occurs twice. Any other collection is read page by page.
            headers: Header fields.
            query: As for `get`.

        Raises:
            EntraError: As for `get`.
        """
        ranges = self._ranges(path, type, headers, query, parallel)
        if ranges is not None:
            return self._items_of(ranges)
        return chain.from_iterable(page.items for page in self.pages(path, type=type, headers=headers, **query))

    def export(
        self,
        path: str,
        file: str | os.PathLike[str],
        *,
        parallel: int = 1,
        on_page: Callable[[int, int | None], None] | None = None,
        headers: Mapping[str, str] | None = None,
        **query: Unpack[Query],
    ) -> ExportResult:
        """Write the objects of a collection to a file, one JSON object per line.

        During the export there are `FILE.part` and `FILE.part.notes`. After an interruption, a later run continues
        them. The file itself appears when it is complete, in one step.

        Args:
            path: As for `get`.
            file: The file; an existing file is replaced.
            parallel: As for `items`.
            on_page: Called after each page with the number of objects so far, and the number of all if it is known.
            headers: Header fields.
            query: As for `get`.

        Raises:
            EntraError: As for `get`; ExportError if the file can't be written.
        """
        from entrakit.services.fan_in import pages_of

        export = self._export(path, file, headers, query, parallel=parallel, on_page=on_page)
        try:
            jobs = export.begin()
            while jobs is not None:
                try:
                    for page in pages_of(self._runner, jobs, export.at_once):
                        export.add(page)
                except GraphError as error:
                    jobs = export.begin_again(error)
                    continue
                jobs = self.run(export.rest())
            return export.finish()
        finally:
            export.close()

    def delta(
        self,
        path: str,
        *,
        session: DeltaSession | None = None,
        latest: bool = False,
        minimal: bool = False,
        headers: Mapping[str, str] | None = None,
        **query: Unpack[Query],
    ) -> DeltaChanges:
        """Return the changes in a collection since the last delta query.

        Args:
            path: A delta query, such as `/users/delta`.
            session: File with the delta links of earlier queries; None to read all objects.
            latest: Begin now: skip the existing objects, and report only later changes.
            minimal: Request the changed properties only.
            headers: Header fields.
            query: As for `get`. The complete query is the key in the session.

        Raises:
            EntraError: As for `get`; VaultError if the session can't be read or written.
        """
        delta = self._delta(path, headers, query, session=session, latest=latest, minimal=minimal)
        delta.begin()
        return DeltaChanges(self, delta)

    def batch(self, calls: Iterable[Call[object] | Operation[object] | Item], *, at_once: int = 4) -> list[object]:
        """Send any number of requests in batches of 20, and return their results in the same order.

        Args:
            calls: Calls or operations; Items if some depend on others.
            at_once: Maximum number of batches that are sent at the same time.

        Returns:
            The result of each call, or the EntraError with which it failed.

        Raises:
            ParameterError: The calls can't be batched, or depend on each other in a circle; nothing was sent.
        """
        return self.run(self._batch(calls, at_once))

    def _pages(self, listing: Listing[T]) -> Iterator[Page[T]]:
        while not listing.is_finished:
            yield self.run(listing.advance())

    def _items_of(self, ranges: RangedListing[T]) -> Iterator[T]:
        from entrakit.services.fan_in import pages_of

        for one in pages_of(self._runner, ranges.jobs(), ranges.at_once):
            yield from ranges.unseen(one.page.items)
        if not self.run(ranges.is_complete()):
            for page in self._pages(ranges.whole()):
                yield from ranges.unseen(page.items)


class DeltaChanges(Changes):
    """Iterator over changed objects. A page is saved in the session when the next one is requested.

    Args:
        client: The client.
        delta: The query.
    """

    def __init__(self, client: Client, delta: Delta) -> None:
        super().__init__(delta)
        self._client = client

    def __iter__(self) -> Iterator[dict[str, object]]:
        while not self._delta.is_finished:
            yield from self._client.run(self._delta.advance())
            self._delta.checkpoint()
