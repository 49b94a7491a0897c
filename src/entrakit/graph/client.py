"""A service, asked with blocking I/O: the methods that programs call.

`aio` has the same methods, awaited. Both only loop; what is sent, and how often, is decided in the operations.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from entrakit.errors import GraphError
from entrakit.services.fetch import as_response
from entrakit.services.operation import Call, first_request
from entrakit.services.request import call, request_to

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Mapping
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
    from entrakit.services.runner import Runner

    T = TypeVar("T", default=dict[str, object])


class Client:
    """A service, asked on a connection; safe to share between threads. `connection.graph` is one for Microsoft Graph.

    Args:
        runner: What runs operations on the service.
    """

    def __init__(self, runner: Runner) -> None:
        self.service = runner.service
        self._runner = runner

    def __repr__(self) -> str:
        return f"Client({self.service.url})"

    def watched(self, on_wait: Callable[[float, str], None]) -> Client:
        """Return this client, with the same connections and pace, as one that tells of its waits.

        Args:
            on_wait: Told of every wait: the seconds, and why.
        """
        return Client(self._runner.watched(on_wait))

    def run(self, operation: Call[T] | Operation[T]) -> T:
        """Run a call or an operation to its end, and return its result.

        Raises:
            EntraError: What the operation raises.
        """
        return self._runner.run(operation)

    def preview(self, operation: Call[object] | Operation[object]) -> Request:
        """Return the first request of a call or an operation, without sending it and without its token.

        Raises:
            ParameterError: It does not begin with a request.
        """
        return first_request(operation)

    def get(
        self, path: str, *, type: type[T] | None = None, headers: Mapping[str, str] | None = None,
        **query: Unpack[Query],
    ) -> T:  # fmt: skip
        """Return what is at a path.

        Args:
            path: Path below the service's base address, such as `/users/ada@contoso.com`; or a whole address of it.
            type: What to make of the answer; None for what its JSON says.
            headers: Header fields.
            query: Query options: `select`, `filter`, `expand`, `search`, `orderby`, `top`, `count`, `options`.

        Raises:
            GraphError: The service refused; the subclass tells 403, 404, 410 and 429 apart.
            NetworkError: No answer, or none that can be read, for as long as we tried.
            ParameterError: Something of the request can't be right.
            EntraError: No token, as for `Connection.token()`.
        """
        return self.run(self.call("GET", path, type=type, headers=headers, **query))

    def post(
        self, path: str, body: object = None, *, type: type[T] | None = None,
        headers: Mapping[str, str] | None = None, **query: Unpack[Query],
    ) -> T | None:  # fmt: skip
        """Create something, or run an action; returns what came back, None for nothing. Arguments as for `request`."""
        return self.run(self.call("POST", path, type=type, body=body, headers=headers, **query))

    def patch(
        self, path: str, body: object, *, type: type[T] | None = None,
        headers: Mapping[str, str] | None = None, **query: Unpack[Query],
    ) -> T | None:  # fmt: skip
        """Change something; returns what came back, None for nothing. Arguments as for `request`."""
        return self.run(self.call("PATCH", path, type=type, body=body, headers=headers, **query))

    def put(
        self, path: str, body: object, *, type: type[T] | None = None,
        headers: Mapping[str, str] | None = None, **query: Unpack[Query],
    ) -> T | None:  # fmt: skip
        """Replace something; returns what came back, None for nothing. Arguments as for `request`."""
        return self.run(self.call("PUT", path, type=type, body=body, headers=headers, **query))

    def delete(self, path: str, *, headers: Mapping[str, str] | None = None, **query: Unpack[Query]) -> None:
        """Delete something. Arguments and errors as for `request`."""
        self.run(self.call("DELETE", path, headers=headers, **query))

    def request(
        self, method: str, path: str, *, body: object = None, type: type[T] | None = None,
        headers: Mapping[str, str] | None = None, **query: Unpack[Query],
    ) -> T | None:  # fmt: skip
        """Send any request, and return what came back; None for nothing.

        Args:
            method: HTTP method.
            path: As for `get`.
            body: What to send: a mapping, list, struct or other value becomes JSON; a text or bytes go as they are.
            type: As for `get`.
            headers: Header fields.
            query: As for `get`.

        Raises:
            EntraError: As for `get`. Where a write may have been done though no answer says so, it is not repeated.
        """
        return self.run(self.call(method, path, type=type, body=body, headers=headers, **query))

    def response(
        self, method: str, path: str, *, body: object = None, headers: Mapping[str, str] | None = None,
        **query: Unpack[Query],
    ) -> Response:  # fmt: skip
        """Send any request, and return the raw answer: status, headers, bytes. Arguments, errors as for `request`."""
        request = request_to(self.service, method, path, body=body, headers=headers, query=query)
        return self.run(Call(request, as_response))

    def count(self, path: str, *, headers: Mapping[str, str] | None = None, **query: Unpack[Query]) -> int:
        """Return how many objects a collection of Microsoft Graph has; arguments and errors as for `get`."""
        from entrakit.graph.ranges import counting

        return self.run(counting(self.service, path, headers, query))

    def pages(
        self, path: str, *, type: type[T] | None = None, headers: Mapping[str, str] | None = None,
        **query: Unpack[Query],
    ) -> Iterator[Page[T]]:  # fmt: skip
        """Return the pages of a collection, each fetched when it is asked for; arguments and errors as for `get`."""
        return self._walk(self.listing(path, type=type, headers=headers, **query))

    def items(
        self, path: str, *, type: type[T] | None = None, parallel: int = 1,
        headers: Mapping[str, str] | None = None, **query: Unpack[Query],
    ) -> Iterator[T]:  # fmt: skip
        """Return the objects of a collection, page by page behind the scenes; one page is held at a time.

        Args:
            path: As for `get`.
            type: What to make of each object; None for dicts.
            parallel: How many pages to read at once. More than one splits a collection of users or groups by ranges of
                names, compares what came with `$count`, and reads what is missing; objects come in no order, and none
                comes twice. Where that does not work it reads one page after another.
            headers: Header fields.
            query: As for `get`.

        Raises:
            EntraError: As for `get`.
        """
        if parallel > 1:
            from entrakit.graph.ranges import partition

            cut = partition(self.service, path, type, headers, query, at_once=parallel)
            if cut is not None:
                return self._split(cut)
        listing = self.listing(path, type=type, headers=headers, **query)
        return chain.from_iterable(page.items for page in self._walk(listing))

    def export(
        self, path: str, file: str | os.PathLike[str], *, parallel: int = 1,
        on_page: Callable[[int, int | None], None] | None = None, headers: Mapping[str, str] | None = None,
        **query: Unpack[Query],
    ) -> Exported:  # fmt: skip
        """Write the objects of a collection to a file, one JSON object per line.

        While it runs there are `FILE.part` and `FILE.part.notes`; a run that was interrupted goes on there. The file
        itself appears whole, in one step.

        Args:
            path: As for `get`.
            file: Where the lines go; a file that is there is replaced.
            parallel: As for `items`.
            on_page: Told after each page how many objects there are so far, and in all where that is known.
            headers: Header fields.
            query: As for `get`.

        Raises:
            EntraError: As for `get`; ExportError where the file can't be written.
        """
        from entrakit.graph.export import Export
        from entrakit.services.fan_in import pages_of

        export = Export(
            self.service, path, file, tenant=self._runner.tenant_id, headers=headers, query=query, parallel=parallel,
            on_page=on_page,
        )  # fmt: skip
        try:
            listings = self.run(export.begin())
            while listings:
                try:
                    for fetched in pages_of(self._runner, listings, export.at_once):
                        export.take(fetched)
                except GraphError as error:
                    listings = export.begin_again(error)
                    continue
                listings = self.run(export.rest())
            return export.finish()
        finally:
            export.close()

    def delta(
        self, path: str, *, session: DeltaSession | None = None, latest: bool = False, minimal: bool = False,
        headers: Mapping[str, str] | None = None, **query: Unpack[Query],
    ) -> DeltaChanges:  # fmt: skip
        """Return what changed in a collection since the last time.

        Args:
            path: A delta query, such as `/users/delta`.
            session: Where the place to go on from is kept; None to read everything once.
            latest: Begin now: report nothing of what is there already, only what changes later.
            minimal: Ask for changed properties only.
            headers: Header fields.
            query: As for `get`; the whole query is what the session is kept under.

        Raises:
            EntraError: As for `get`; VaultError where the session can't be read or written.
        """
        from entrakit.graph.delta import Delta

        delta = Delta(
            self.service, path, tenant=self._runner.tenant_id, headers=headers, query=query, session=session,
            latest=latest, minimal=minimal,
        )  # fmt: skip
        return DeltaChanges(self, delta)

    def batch(self, calls: Iterable[Call[object] | Operation[object] | Item], *, at_once: int = 4) -> list[object]:
        """Send any number of requests in batches of 20, and return their results in the same order.

        Args:
            calls: Calls or operations; Items where some depend on others.
            at_once: How many batches may be on their way at the same time.

        Returns:
            For each call its result, or the EntraError that it ended with.

        Raises:
            ParameterError: The calls can't be batched, or depend on each other in a circle; nothing was sent.
        """
        from entrakit.graph.batch import batch

        return self.run(batch(self.service, calls, at_once=at_once))

    def call(
        self, method: str, path: str, *, type: type[T] | None = None, body: object = None,
        headers: Mapping[str, str] | None = None, **query: Unpack[Query],
    ) -> Call[T]:  # fmt: skip
        """Return a request of this service as a value; arguments and errors as for `request`. Nothing is sent."""
        return call(self.service, method, path, type=type, body=body, headers=headers, **query)

    def listing(
        self, path: str, *, type: type[T] | None = None, headers: Mapping[str, str] | None = None,
        **query: Unpack[Query],
    ) -> Listing[T]:  # fmt: skip
        """Return a listing that has not begun; arguments and errors as for `get`. Nothing is sent."""
        from entrakit.services.listing import listing

        return listing(self.service, path, type, headers, query)

    def _walk(self, listing: Listing[T]) -> Iterator[Page[T]]:
        while not listing.is_finished:
            yield self.run(listing.advance())

    def _split(self, partition: Partition[T]) -> Iterator[T]:
        from entrakit.services.fan_in import pages_of

        for fetched in pages_of(self._runner, self.run(partition.plan()), partition.at_once):
            yield from partition.unseen(fetched.page.items)
        if not self.run(partition.is_complete()):
            for page in self._walk(partition.whole()):
                yield from partition.unseen(page.items)


class DeltaChanges:
    """What changed, object by object. A page is checkpointed in the session once the next one is asked for.

    Args:
        client: The client.
        delta: The state of the query.
    """

    def __init__(self, client: Client, delta: Delta) -> None:
        self._client = client
        self._delta = delta

    @property
    def resyncs(self) -> int:
        """How often the service began anew while this was read; what came before the last time comes again."""
        return self._delta.resyncs

    @property
    def is_resync(self) -> bool:
        """Whether the service had to begin anew: then these are all objects, and what is not among them is gone."""
        return self._delta.is_resync

    @property
    def link(self) -> str:
        """Address to go on from; the delta link once everything was read."""
        return self._delta.link

    def __iter__(self) -> Iterator[dict[str, object]]:
        while not self._delta.is_finished:
            yield from self._client.run(self._delta.advance())
            self._delta.checkpoint()
