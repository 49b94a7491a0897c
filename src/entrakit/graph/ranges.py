"""A whole collection of users or groups, read by several workers in ranges of names that cover all objects.

The directory can't jump to a page, but it can filter by the beginning of a name, and count. So a collection is divided
into ranges of beginnings, each read as a separate listing:

    count   all objects, and the names that begin with each letter and sign ($batch, 20 counts in each request), and
            read some names
    read    a range for each free worker, with the parts that fill its share of pages
    cut     the parts that are too large for that, while other workers read
    verify  the number of objects against `$count`; if it differs, the whole is read again, page by page

`beginnings` decides what is cut where, and what is in a range; `names` counts. Each object is returned once, however
often it arrives: its id is remembered.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from entrakit.errors import EntraError, GraphError, UnexpectedAnswerError
from entrakit.graph.beginnings import SIGNS, Beginnings, Part
from entrakit.graph.names import Names, key_of
from entrakit.services import decoding
from entrakit.services.fetch import as_json, fetch
from entrakit.services.listing import Listing, Page, listing
from entrakit.services.request import request_to

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from entrakit.graph.beginnings import Range
    from entrakit.services.jobs import Job, Preparation
    from entrakit.services.odata import Query
    from entrakit.services.operation import Operation
    from entrakit.services.service import Service

T = TypeVar("T")


class RangedListing(Generic[T]):
    """The state of a collection that is read in ranges; `ranged_listing` makes one.

    Args:
        service: The service.
        path: Path of the collection.
        type: Type of the objects.
        headers: Header fields.
        query: Query options.
    """

    def __init__(
        self,
        service: Service,
        path: str,
        type: type[T],
        headers: Mapping[str, str] | None,
        query: Query,
    ) -> None:
        self.at_once = 8
        self._service = service
        self._path = path
        # A type without the id is applied when it is known which objects are new; until then they are JSON.
        self._type = type if decoding.keeps_id(type) else None
        self._kind: Any = self._type or decoding.Raw
        self._final_type = type
        self._headers = headers
        self._query = query
        self._page = query.get("top") or 999
        self._names = Names(service, path, headers, query)
        self._seen: set[object] = set()
        self._expected = -1
        self._is_planned = False
        self._beginnings: Beginnings | None = None
        self._hides_id = False
        self._with_id()
        self._preparing: deque[Preparation] = deque()
        self._asked = 0
        self._is_preparing = True
        self._reading: list[tuple[Listing[T], int]] = []

    def jobs(self) -> Iterator[Job[T] | None]:
        """Yield the jobs that read the ranges, as for `Queue`; no listing if the service does not accept the filters.

        The first preparations count, and read names. Parts that are too large are cut before ranges are packed.
        """
        terms = self._names.terms
        if terms < 1:
            return
        beginnings = self._beginnings = Beginnings(self._page, self.at_once, terms)
        self._preparing += self._names.count(["", *SIGNS], [Part("", 0)], self._observe, self._begin)
        while self._is_preparing:
            yield self._preparation()
        while self._is_planned:
            loads = [max(0, pages - one.requested) for one, pages in self._reading if not one.is_finished]
            while (cut := beginnings.cut(loads)) is not None:
                counted = [one for some in cut.below.values() for one in some]
                sampled = [cut.part] if cut.needs_names else []
                learn = partial(beginnings.divide, cut)
                self._preparing += self._names.count(counted, sampled, self._observe, learn)
            # Half of the workers read while parts are cut, but the first cut comes before everything else.
            is_urgent = not beginnings.was_cut or 2 * self._asked < self.at_once
            job = (self._preparation() if is_urgent else None) or self._next_range(loads) or self._preparation()
            if job is None and not beginnings.is_cutting:
                return
            yield job

    def _preparation(self) -> Preparation | None:
        if not self._preparing:
            return None
        self._asked += 1
        return self._preparing.popleft()

    def _next_range(self, loads: Sequence[int]) -> Listing[T] | None:
        taken = None if self._beginnings is None else self._beginnings.take(loads)
        if taken is None:
            return None
        made = self._listing(taken)
        self._reading.append((made, taken.pages))
        return made

    def _begin(self, sizes: dict[str, int] | None) -> None:
        """Begin with the first counts; if there are none, or the collection is small, it is read as a whole."""
        self._is_preparing = False
        if sizes is None or self._beginnings is None:
            return
        self._expected = sizes.pop("")
        if self._expected > self._page:
            self._is_planned = True
            self._beginnings.begin(self._expected, sizes)

    def _observe(self, names: list[str]) -> None:
        self._asked -= 1
        if self._beginnings is not None:
            self._beginnings.observe(names)

    def unread(self) -> list[str]:
        """Return the addresses of listings that contain everything that no worker has begun to read."""
        if self._beginnings is None:
            return []
        return [self._listing(one).position or "" for one in self._beginnings.unread()]

    @property
    def expected(self) -> int:
        """Number of objects by `$count`; -1 before they are counted."""
        return self._expected

    def remember(self, ids: Iterable[object], expected: int) -> None:
        """Note the ids that an earlier run has returned, and the number of all objects."""
        self._seen.update(ids)
        self._expected = expected
        self._is_planned = expected >= 0

    def forget(self) -> None:
        """Forget the ids that were returned."""
        self._seen.clear()

    def unseen(self, items: Sequence[T]) -> list[T]:
        """Return the objects that were not returned before, and remember them.

        Raises:
            UnexpectedAnswerError: An object is not of the requested type, or has no id although there are several
                listings.
        """
        keys = [_id(item) for item in items]
        if None in keys:
            if self._is_planned or self._seen:
                raise self._wrong("Objects without an id can't be distinguished.")
            fresh = list(items)
        elif len(set(keys)) == len(keys) and self._seen.isdisjoint(keys):
            # All of them, as on nearly every page.
            self._seen.update(keys)
            fresh = list(items)
        else:
            fresh = []
            for key, item in zip(keys, items, strict=True):
                if key not in self._seen:
                    self._seen.add(key)
                    fresh.append(item)
        return [self._finished(item) for item in fresh] if self._hides_id or self._type is None else fresh

    def is_complete(self) -> Operation[bool]:
        """Return whether the number of objects is the expected one, or, if it differs, the current one."""
        if not self._is_planned:
            return False
        if len(self._seen) == self._expected:
            return True
        now = yield from count_objects(self._service, self._path, self._headers, self._plain())
        return len(self._seen) == now

    def whole(self) -> Listing[T]:
        """Return the collection as one listing."""
        return self._listed(self._query)

    def _listed(self, query: Query) -> Listing[T]:
        return listing(self._service, self._path, self._kind, self._headers, query)

    def _finished(self, item: T) -> T:
        """Return an object of the requested type, without its id if the id was not requested."""
        if self._hides_id and isinstance(item, dict):
            del item["id"]
        if not isinstance(item, decoding.Raw):
            return item
        raw = decoding.without_id(item) if self._hides_id else item
        if self._type is not None:
            return raw  # type: ignore[return-value] # T is Raw
        try:
            return decoding.read(bytes(raw), self._final_type)
        except decoding.ERRORS as error:
            raise self._wrong(f"An object is not of the requested type: {error}.") from error

    def _wrong(self, problem: str) -> UnexpectedAnswerError:
        return UnexpectedAnswerError(
            problem, remedy="Read the collection without `parallel`.", host=self._service.host, retryable=False
        )

    def _listing(self, one: Range) -> Listing[T]:
        """Return the listing of a range."""
        query: Query = {**self._query, "filter": self._names.filter(one.parts), "top": self._page}
        if not any(part.without for part in one.parts):
            return self._listed(query)
        request = request_to(self._service, "GET", self._path, headers=self._headers, query=query)
        return _Rest(self._service, request, self._kind)

    def _plain(self) -> Query:
        """Return the part of the query that selects objects."""
        return {"filter": self._query["filter"]} if self._query.get("filter") else {}

    def _with_id(self) -> None:
        """Request the ids, too, if the query selects properties without them: ids distinguish objects."""
        select = self._query.get("select")
        names = select.split(",") if isinstance(select, str) else list(select or ())
        if names and "id" not in {name.strip().lower() for name in names}:
            self._hides_id = True
            self._query = {**self._query, "select": [*names, "id"]}


class _Rest(Listing[T]):
    """Names without the beginnings of other ranges. If the service refuses it, the number of objects will differ."""

    def advance(self) -> Operation[Page[T]]:
        """Fetch the next page; the page is empty if the service refuses it."""
        try:
            return (yield from super().advance())
        except GraphError:
            self._next = None
            return Page([])


def ranged_listing(
    service: Service,
    path: str,
    type: type[T] | None,
    headers: Mapping[str, str] | None,
    query: Query,
    *,
    at_once: int,
) -> RangedListing[T] | None:
    """Return a collection to be read in ranges; None if the collection or the query does not allow it.

    Args:
        service: The service.
        path: Path of the collection.
        type: Type of the objects; None for dicts.
        headers: Header fields.
        query: Query options.
        at_once: Number of pages to read at the same time.
    """
    if not key_of(service, path) or any(query.get(name) for name in ("search", "orderby", "options", "expand")):
        return None
    made = RangedListing(service, path, type or dict[str, object], headers, query)
    made.at_once = at_once
    return made  # type: ignore[return-value] # T's default


def count_objects(service: Service, path: str, headers: Mapping[str, str] | None, query: Query) -> Operation[int]:
    """Return the number of objects in a collection.

    Raises:
        GraphError: The service can't count this collection.
    """
    request = request_to(service, "GET", f"{path.rstrip('/')}/$count", headers=headers, query=query)
    number = yield from fetch(request._replace(headers={**request.headers, "accept": "text/plain"}), as_json)
    return _number(number, path)


def _number(result: object, path: str) -> int:
    """Return a count; raise the result if it is an error, or GraphError if it is not a number."""
    if isinstance(result, EntraError):
        raise result
    if not isinstance(result, int):
        raise GraphError(f"{path} was not counted: the response is not a number.", remedy="Read the pages instead.")
    return result


def _id(item: object) -> object:
    """Return the id of an object; None if it has none."""
    found = getattr(item, "id", None)
    if found is not None:
        return found
    if isinstance(item, dict):
        return item.get("id")
    return decoding.id_of(item) if isinstance(item, decoding.Raw) else None
