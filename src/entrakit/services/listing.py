"""Listings: collections read page by page along the service's next links.

Microsoft Graph, "Paging"; OData 4.01, 11.2.6.7. A `Listing` knows the next address and fetches one page at a time; the
clients only loop. A next link is followed only to the service's own hosts. If it was followed before, the listing ends
with an error instead of an endless loop. Microsoft Graph returns each object of a collection once. So a page that
arrives again under another link is skipped, and so are objects that were in one of the last pages.
"""

from __future__ import annotations

from collections import deque
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from entrakit.errors import GraphError, UnexpectedAnswerError
from entrakit.http.address import Origin, path_of, shown_host
from entrakit.services import decoding
from entrakit.services.fetch import fetch, unreadable
from entrakit.services.request import guid, request_to
from entrakit.shown_text import escaped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit.services.odata import Query
    from entrakit.services.operation import Operation, Request, Response
    from entrakit.services.service import Service

T = TypeVar("T")

WINDOW = 2


class Page(NamedTuple, Generic[T]):
    """One page of a collection.

    Args:
        items: Objects of the page; can be empty even if more pages follow.
        next_link: Address of the next page; empty for the last page.
        delta_link: Address of later changes; empty if it is not a delta query.
        total: Number of objects in the collection, on the first page of a query with `count`.
        size: Size of the response in bytes.
    """

    items: list[T]
    next_link: str = ""
    delta_link: str = ""
    total: int | None = None
    size: int = 0


class NumberedPage(NamedTuple, Generic[T]):
    """A page of one of several listings.

    Args:
        number: Number of the listing, from 0.
        page: The page.
        position: Next address of the listing; empty at its end; None if the service gave an invalid one, so that the
            page has to be read again.
    """

    number: int
    page: Page[T]
    position: str | None


class Listing(Generic[T]):
    """The state of a listing between two pages.

    Args:
        service: The service; links to other hosts are refused.
        request: The first request.
        type: Type of the objects.
        may_repeat: Whether an object may occur several times, as in delta queries.
    """

    def __init__(
        self,
        service: Service,
        request: Request,
        type: type[T],
        *,
        may_repeat: bool = False,
    ) -> None:
        self._service = service
        self._first = request
        self._type = type
        self._next: Request | None = request
        self._followed: set[int] = set()
        self._may_repeat = may_repeat or not service.is_graph
        self._seen: set[int] = set()
        self._recent: deque[frozenset[object]] = deque(maxlen=WINDOW)
        self._broken: UnexpectedAnswerError | None = None

    @property
    def is_finished(self) -> bool:
        """Whether there is no further page."""
        return self._next is None

    @property
    def requested(self) -> int:
        """Number of pages that were requested so far."""
        return len(self._followed)

    @property
    def position(self) -> str | None:
        """Address of the next page; empty at the end; None if the service gave an invalid one."""
        if self._broken is not None:
            return None
        return self._next.url if self._next else ""

    @property
    def following(self) -> Request | None:
        """The request of the next page; None at the end, or if the service gave an invalid address."""
        return None if self._broken is not None else self._next

    def like(self, url: str) -> Listing[T]:
        """Return a new listing of another address of the same service. Raises UnexpectedAnswerError."""
        other = Listing(self._service, self._first, self._type, may_repeat=self._may_repeat)
        other._next = other._first = other._following(url)
        return other

    def continue_at(self, link: str) -> None:
        """Set the next page to a `position` of an earlier run. Raises UnexpectedAnswerError."""
        self._next = self._following(link)

    def advance(self) -> Operation[Page[T]]:
        """Fetch the next page.

        Raises:
            GraphError: The service refused the request, or the first response is not a collection.
            NetworkError: There is no response, or it can't be read.
            UnexpectedAnswerError: A later response is not a page, or a next link leads to another host or in a circle.
        """
        request = self._next
        if self._broken is not None:
            raise self._broken
        if request is None:
            return Page([])
        self._followed.add(hash(request.url))
        page: Page[T] = yield from fetch(request, self._read)
        try:
            self._next = self._following(page.next_link) if page.next_link else None
        except UnexpectedAnswerError as error:
            # This page is good; the error is raised when the next one is requested.
            self._broken = error
        return page if self._may_repeat else page._replace(items=self._unseen(page.items))

    def _unseen(self, items: list[T]) -> list[T]:
        """Return the objects that are neither in a page seen before nor in one of the last pages."""
        keys = _keys(items)
        try:
            known = frozenset(keys)
        except TypeError:
            # An `id` that is not a string or number.
            return items
        if not known or None in known:
            return items
        page_hash = hash(known)
        if page_hash in self._seen:
            return []
        self._seen.add(page_hash)
        earlier = {one for recent in self._recent if not recent.isdisjoint(known) for one in recent}
        self._recent.append(known)
        return [item for item, key in zip(items, keys, strict=True) if key not in earlier] if earlier else items

    def _read(self, response: Response) -> Page[T]:
        try:
            body = decoding.read_page(response.body, self._type)
        except decoding.ERRORS as error:
            if decoding.is_not_object(response.body):
                raise self._not_a_collection(response) from error
            raise unreadable(response, error) from error
        if isinstance(body.value, decoding.UnsetType):
            raise self._not_a_collection(response)
        link = body.next_link or body.azure_next_link or ""
        return Page(body.value, link, body.delta_link or "", body.count, len(response.body))

    def _not_a_collection(self, response: Response) -> GraphError | UnexpectedAnswerError:
        """Return the error for a response that is not a page: the first request was wrong, or a later response is."""
        problem = f"{escaped(path_of(response.request.url))} is not a collection."
        remedy = "Request it as a single object."
        if response.request.url != self._first.url:
            return self._wrong(problem, remedy)
        return GraphError(
            problem, remedy=remedy, status=response.status, request_id=response.request_id,
            client_request_id=response.request.client_request_id,
        )  # fmt: skip

    def _following(self, link: str) -> Request:
        """Return the request for the next page: the same headers, and the address from the service."""
        if not self._service.owns(link):
            if Origin.of(link) is None:
                fault = "contains a space" if " " in link else "is not a valid https address"
                raise self._wrong(
                    f"The next link from {self._service.host} {fault}, so it was not followed.",
                    "Report this to the operator of the service, with the ids.",
                )
            raise self._wrong(
                f"The next link leads to {shown_host(link) or 'no host'} instead of {self._service.host}, so "
                "it was not followed.",
                "A proxy may have changed the response of the service: check the proxy.",
            )
        if hash(link) in self._followed:
            raise self._wrong(
                f"The next links of {self._service.host} form a circle: a page is followed by an earlier one.",
                "Try again; if it happens again, report it to the service with the ids.",
            )
        headers = {**self._first.headers, "client-request-id": guid()}
        return self._first._replace(method="GET", url=link, headers=headers, body=None)

    def _wrong(self, problem: str, remedy: str) -> UnexpectedAnswerError:
        return UnexpectedAnswerError(
            problem, remedy=remedy, host=self._service.host, correlation_id=self._first.client_request_id,
            retryable=False,
        )  # fmt: skip


def listing(
    service: Service,
    path: str,
    type: type[T] | None,
    headers: Mapping[str, str] | None,
    query: Query,
) -> Listing[T]:
    """Return a new listing.

    Args:
        service: The service.
        path: Path of the collection.
        type: Type of the objects; None for dicts.
        headers: Header fields.
        query: Query options.

    Raises:
        ParameterError: A part of the request is invalid.
    """
    request = request_to(service, "GET", path, headers=headers, query=query)
    return Listing(service, request, type or dict[str, object])  # type: ignore[arg-type] # T's default


def _keys(items: list[T]) -> list[object]:
    """Return the keys of objects of Microsoft Graph: their ids, or their JSON; an empty list if they have no id."""
    if not items:
        return []
    first = items[0]
    try:
        if isinstance(first, decoding.Raw):
            # JSON with an id is as unique as the id, which then need not be decoded.
            return [] if decoding.id_of(first) is None else list(map(bytes, items))  # type: ignore[arg-type] # a buffer
        if isinstance(first, dict):
            return list(map(itemgetter("id"), items))  # type: ignore[arg-type] # all of them are, as the first is
        return list(map(attrgetter("id"), items))
    except (KeyError, AttributeError, TypeError):
        return []
