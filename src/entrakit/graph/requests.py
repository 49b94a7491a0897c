"""Requests to a service as values: the calls, operations, listings and exports that both clients run.

All arguments are checked here, once for the blocking client and for the awaited one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.services.fetch import as_response
from entrakit.services.operation import Call, first_request
from entrakit.services.request import call, on_service, request_to

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping
    from typing import Unpack

    from typing_extensions import TypeVar

    from entrakit.graph.batch import Item
    from entrakit.graph.delta import Delta
    from entrakit.graph.delta_session import DeltaSession
    from entrakit.graph.export import Export
    from entrakit.graph.ranges import RangedListing
    from entrakit.services.listing import Listing
    from entrakit.services.odata import Query
    from entrakit.services.operation import Operation, Request, Response
    from entrakit.services.runner import Runner
    from entrakit.services.runner_async import AsyncRunner

    T = TypeVar("T", default=dict[str, object])


class Requests:
    """Requests to a service as values: what both clients run. Nothing is sent here.

    Args:
        runner: Runs operations on the service.
    """

    def __init__(self, runner: Runner | AsyncRunner) -> None:
        self.service = runner.service
        self._runner = runner

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.service.url})"

    def preview(self, operation: Call[object] | Operation[object]) -> Request:
        """Return the first request of a call or an operation, without sending it and without its token.

        Raises:
            ParameterError: The operation does not begin with a request.
        """
        return on_service(first_request(operation, self.service), self.service)

    def call(
        self,
        method: str,
        path: str,
        *,
        type: type[T] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        **query: Unpack[Query],
    ) -> Call[T]:
        """Return a request to this service as a value; arguments and errors as for `request`. Nothing is sent."""
        return call(self.service, method, path, type=type, body=body, headers=headers, **query)

    def listing(
        self,
        path: str,
        *,
        type: type[T] | None = None,
        headers: Mapping[str, str] | None = None,
        **query: Unpack[Query],
    ) -> Listing[T]:
        """Return a new listing; arguments and errors as for `get`. Nothing is sent."""
        from entrakit.services.listing import listing

        return listing(self.service, path, type, headers, query)

    def _response(
        self, method: str, path: str, body: object, headers: Mapping[str, str] | None, query: Query
    ) -> Call[Response]:
        return Call(request_to(self.service, method, path, body=body, headers=headers, query=query), as_response)

    def _count(self, path: str, headers: Mapping[str, str] | None, query: Query) -> Operation[int]:
        from entrakit.graph.ranges import count_objects

        return count_objects(self.service, path, headers, query)

    def _ranges(
        self, path: str, type: type[T] | None, headers: Mapping[str, str] | None, query: Query, parallel: int
    ) -> RangedListing[T] | None:
        """Return a collection that can be read in several ranges at the same time; None if it can't or must not."""
        if parallel <= 1:
            return None
        from entrakit.graph.ranges import ranged_listing

        return ranged_listing(self.service, path, type, headers, query, at_once=parallel)

    def _export(
        self,
        path: str,
        file: str | os.PathLike[str],
        headers: Mapping[str, str] | None,
        query: Query,
        *,
        parallel: int,
        on_page: Callable[[int, int | None], None] | None,
    ) -> Export:
        from entrakit.graph.export import Export

        return Export(
            self.service, path, file, tenant=self._runner.tenant_id, headers=headers, query=query, parallel=parallel,
            on_page=on_page,
        )  # fmt: skip

    def _delta(
        self,
        path: str,
        headers: Mapping[str, str] | None,
        query: Query,
        *,
        session: DeltaSession | None,
        latest: bool,
        minimal: bool,
    ) -> Delta:
        from entrakit.graph.delta import Delta

        return Delta(
            self.service, path, tenant=self._runner.tenant_id, headers=headers, query=query, session=session,
            latest=latest, minimal=minimal,
        )  # fmt: skip

    def _batch(self, calls: Iterable[Call[object] | Operation[object] | Item], at_once: int) -> Operation[list[object]]:
        from entrakit.graph.batch import batch

        return batch(self.service, calls, at_once=at_once)


class Changes:
    """The state of a delta query, as both clients report it.

    Args:
        delta: The query.
    """

    def __init__(self, delta: Delta) -> None:
        self._delta = delta

    @property
    def resyncs(self) -> int:
        """Number of resyncs since this object was made; objects from before the last one occur again."""
        return self._delta.resyncs

    @property
    def is_resync(self) -> bool:
        """Whether the service had to start again: then these are all objects, and any other object is deleted."""
        return self._delta.is_resync

    @property
    def link(self) -> str:
        """Address to continue from; the delta link when everything was read."""
        return self._delta.link
