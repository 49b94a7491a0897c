"""Listings: from page to page by the service's own next links (Microsoft Graph, "Paging"; OData 4.01, 11.2.6.7).

A `Listing` knows what comes next and fetches one page at a time; the clients only loop. A next link goes nowhere but to
the service's own hosts; one that was followed before ends the listing with an error instead of going round for ever; a
page that is answered a second time under another link, in whatever order, is passed over, and so is what came in one of
the pages just before: Microsoft Graph gives each object of a collection once, and its ids tell.
"""

from __future__ import annotations

from collections import deque
from operator import attrgetter, itemgetter
from typing import Generic, NamedTuple, TypeVar

from entrakit.errors import GraphError, UnexpectedAnswerError
from entrakit.http.address import path_of, shown_host
from entrakit.services import decoding
from entrakit.services.fetch import fetch, unreadable
from entrakit.services.request import guid, request_to

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit.services.odata import Query
    from entrakit.services.operation import Operation, Request, Response
    from entrakit.services.service import Service

T = TypeVar("T")

WINDOW = 2


class Page(NamedTuple, Generic[T]):
    """One answer of a collection.

    Args:
        items: What it holds; may be nothing, though more pages follow.
        next_link: Address of the next page; empty for the last.
        delta_link: Where a delta query goes on later; empty for another query.
        total: How many there are in all, on the first page of a query that asked for it.
        size: Bytes of the answer.
    """

    items: list[T]
    next_link: str = ""
    delta_link: str = ""
    total: int | None = None
    size: int = 0


class Fetched(NamedTuple, Generic[T]):
    """A page of one of several listings.

    Args:
        place: Which of them, from 0.
        page: The page.
        position: Where that listing goes on; empty at its end; None where the service led astray, so that the page
            has to be read again.
    """

    place: int
    page: Page[T]
    position: str | None


class Listing(Generic[T]):
    """The state of a listing between two pages.

    Args:
        service: The service; links to other hosts are refused.
        request: The first request.
        type: What to make of each item.
        may_repeat: Whether an object may come several times, as in delta queries.
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
    def position(self) -> str | None:
        """Address of the page that comes next; empty at the end; None where the service led astray."""
        if self._broken is not None:
            return None
        return self._next.url if self._next else ""

    def like(self, url: str) -> Listing[T]:
        """Return a listing that has not begun, of another address of the same service. Raises UnexpectedAnswerError."""
        other = Listing(self._service, self._first, self._type, may_repeat=self._may_repeat)
        other._next = other._first = other._following(url)
        return other

    def go_on_at(self, link: str) -> None:
        """Set the page that comes next, as `position` gave it in an earlier run. Raises UnexpectedAnswerError."""
        self._next = self._following(link)

    def advance(self) -> Operation[Page[T]]:
        """Fetch the next page.

        Raises:
            GraphError: The service refused, or what was asked for is no collection.
            NetworkError: No answer, or none that can be read.
            UnexpectedAnswerError: A further page is none; or a next link leads to another host, or round in a circle.
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
            # What this page holds is good; the error is for who asks for the next one.
            self._broken = error
        return page if self._may_repeat else page._replace(items=self._unseen(page.items))

    def _unseen(self, items: list[T]) -> list[T]:
        """Return what did not come before, as far as that is remembered: whole pages, and objects of the last ones."""
        keys = _keys(items)
        try:
            known = frozenset(keys)
        except TypeError:
            # What is called `id` here is no text.
            return items
        if not known or None in known:
            return items
        mark = hash(known)
        if mark in self._seen:
            return []
        self._seen.add(mark)
        earlier = {one for recent in self._recent if not recent.isdisjoint(known) for one in recent}
        self._recent.append(known)
        return [item for item, key in zip(items, keys, strict=True) if key not in earlier] if earlier else items

    def _read(self, response: Response) -> Page[T]:
        try:
            body = decoding.read_page(response.body, self._type)
        except decoding.ERRORS as error:
            if decoding.is_no_object(response.body):
                raise self._no_collection(response) from error
            raise unreadable(response, error) from error
        if isinstance(body.value, decoding.UnsetType):
            raise self._no_collection(response)
        link = body.next_link or body.azure_next_link or ""
        return Page(body.value, link, body.delta_link or "", body.count, len(response.body))

    def _no_collection(self, response: Response) -> GraphError | UnexpectedAnswerError:
        """Return the error for an answer that is no page; who asked first asked for the wrong thing."""
        problem = f"{path_of(response.request.url)} is not a collection."
        remedy = "Ask for it as one object."
        if response.request.url != self._first.url:
            return self._wrong(problem, remedy)
        return GraphError(
            problem, remedy=remedy, status=response.status, request_id=response.request_id,
            client_request_id=response.request.client_request_id,
        )  # fmt: skip

    def _following(self, link: str) -> Request:
        """Return the request for the next page: the same headers, and an address that the service gave."""
        if not self._service.owns(link):
            raise self._wrong(
                f"The next page is said to be at {shown_host(link) or 'no host'}, which is not {self._service.host}; "
                "the token is not sent there.",
                "Something between here and the service changes its answers: check the proxy.",
            )
        if hash(link) in self._followed:
            raise self._wrong(
                f"{self._service.host} leads round in a circle: a page is followed by an earlier one.",
                "Ask again; if it happens again, report it to the service with the ids.",
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
    """Return a listing that has not begun.

    Args:
        service: The service.
        path: Path of the collection.
        type: What to make of each item; None for dicts.
        headers: Header fields.
        query: Query options.

    Raises:
        ParameterError: Something of it can't be right.
    """
    request = request_to(service, "GET", path, headers=headers, query=query)
    return Listing(service, request, type or dict[str, object])  # type: ignore[arg-type] # T's default


def _keys(items: list[T]) -> list[object]:
    """Return what objects of Microsoft Graph are known by; nothing where they have no id."""
    if not items:
        return []
    first = items[0]
    try:
        if isinstance(first, decoding.Raw):
            # With an id in it, the text is as good as the id, and the ids need not be read.
            return [] if decoding.id_of(first) is None else list(map(bytes, items))  # type: ignore[arg-type] # a buffer
        if isinstance(first, dict):
            return list(map(itemgetter("id"), items))  # type: ignore[arg-type] # all of them are, as the first is
        return list(map(attrgetter("id"), items))
    except (KeyError, AttributeError, TypeError):
        return []
