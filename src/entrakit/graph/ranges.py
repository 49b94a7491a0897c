"""A whole collection of users or groups, read by several workers in ranges of names that cover all objects.

The directory can't jump to a page, but it can filter by the beginning of a name, and count. So a collection is divided
into ranges of beginnings of about the same size, each read as a separate listing:

    count   all objects, and the names that begin with each letter and sign ($batch, 20 counts in each request)
    split   a beginning with more than its share of objects, at its next letter, down to a maximum depth
    pack    beginnings into ranges of about the same size, at most 15 in each: the maximum of terms with `or`
    read    the ranges, several at the same time
    verify  the number of objects against `$count`; if it differs, the whole is read again, page by page

Each object is returned once, however often it arrives: its id is remembered.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from entrakit.errors import EntraError, GraphError, UnexpectedAnswerError
from entrakit.graph.batch import Item, batch
from entrakit.services import decoding, odata
from entrakit.services.fetch import as_json, fetch
from entrakit.services.listing import Listing, listing
from entrakit.services.request import call, request_to

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from entrakit.services.odata import Query
    from entrakit.services.operation import Call, Operation
    from entrakit.services.service import Service

T = TypeVar("T")

# Properties for ranges: every object has one, in ASCII, and any query can filter by it.
KEYS = {"users": "userPrincipalName", "groups": "mailNickname"}
# Signs of names, without a difference of case. A name with another beginning is found when the number is verified.
SIGNS = "etaoinshrdlcumwfgypbvkjxqz0123456789_-.'!#$%&*+=?^`{|}~/@"
TERMS = 15
DEPTH = 16
# A beginning is split if it has more than so many times the share of one worker.
SHARES = 1.2


_TEXT = re.compile(r"'(?:[^']|'')*'")
_OR = re.compile(r"\bor\b", re.IGNORECASE)
_IN_LIST = re.compile(r"\bin\s*\(([^)]*)\)", re.IGNORECASE)


class Range(NamedTuple):
    """Beginnings of names that are read as one listing.

    Args:
        beginnings: The beginnings.
        size: Number of objects.
    """

    beginnings: tuple[str, ...]
    size: int


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
        self._final_type = type
        self._headers = headers
        self._query = query
        self._key = key_of(service, path)
        self._seen: set[object] = set()
        self._expected = -1
        self._is_planned = False
        self._hides_id = False
        self._with_id()

    def plan(self) -> Operation[list[Listing[T]]]:
        """Count, and return the listings of the ranges; none if the service does not accept the filters."""
        try:
            beginnings = ["", *SIGNS]
            self._expected, *sizes = yield from self._sizes(beginnings)
            terms = TERMS - _terms_of(self._filter(()))
            if self._expected <= self._query.get("top", 999) or terms < 1:
                return []
            ranges = yield from self._ranges(beginnings[1:], sizes)
        except GraphError:
            # The collection or the query does not allow these filters or counts, so it is read as a whole.
            return []
        self._is_planned = True
        return [self._listing(one) for one in pack(ranges, self.at_once, terms)]

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
        kind = decoding.Raw if self._type is None else self._type
        return listing(self._service, self._path, kind, self._headers, query)  # type: ignore[arg-type] # `_finished` makes T of it

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

    def _ranges(self, beginnings: Sequence[str], sizes: Sequence[int]) -> Operation[list[Range]]:
        """Return ranges of one beginning each, none much larger than the share of a worker.

        They include ranges with a count of 0, because the index for counting lags behind the directory.
        """
        most = max(SHARES * self._expected / self.at_once, self._query.get("top", 999))
        done: list[Range] = []
        heavy: list[Range] = []
        for _ in range(DEPTH):
            found = [Range((one,), size) for one, size in zip(beginnings, sizes, strict=True)]
            heavy = [one for one in found if one.size > most]
            done += [one for one in found if one.size <= most]
            # More ranges than workers can't all exceed a worker's share, unless the counts are wrong.
            if not heavy or len(heavy) > self.at_once:
                done += heavy
                break
            beginnings = [one.beginnings[0] + sign for one in heavy for sign in SIGNS]
            sizes = yield from self._sizes(beginnings)
            # A name that is exactly a split beginning is found when the number is verified.
        else:
            done += heavy
        return done

    def _sizes(self, beginnings: Sequence[str]) -> Operation[list[int]]:
        """Return the number of objects for each beginning."""
        calls: list[Call[object] | Item] = [
            call(
                self._service, "GET", f"{self._path.rstrip('/')}/$count",
                headers={**(self._headers or {}), "accept": "text/plain"}, filter=self._filter((beginning,)),
            )
            for beginning in beginnings
        ]  # fmt: skip
        results = yield from batch(self._service, calls, at_once=self.at_once)
        return [_number(result, self._path) for result in results]

    def _listing(self, one: Range) -> Listing[T]:
        query: Query = {**self._query, "filter": self._filter(one.beginnings)}
        query.setdefault("top", 999)
        return self._listed(query)

    def _filter(self, beginnings: Iterable[str]) -> str:
        expression = self._plain().get("filter")
        terms = " or ".join(odata.fill(f"startsWith({self._key},{{}})", one) for one in beginnings if one)
        own_filter = odata.parameters({"filter": expression}).get("$filter", "") if expression else ""
        return f"({own_filter}) and ({terms})" if own_filter and terms else own_filter or terms

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


def key_of(service: Service, path: str) -> str:
    """Return the property for ranges of a collection; empty if it can't be read in ranges."""
    name = path.strip("/").lower()
    return KEYS.get(name.removeprefix("v1.0/").removeprefix("beta/"), "") if service.is_graph else ""


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


def pack(ranges: Iterable[Range], at_once: int, terms: int = TERMS) -> list[Range]:
    """Combine ranges so that each of `at_once` workers gets about the same number of objects; largest first.

    A range has no more beginnings than the service accepts terms, so there may be more ranges than workers.
    """
    bins = [Range((), 0) for _ in range(at_once)]
    for one in sorted(ranges, key=lambda one: one.size, reverse=True):
        free = [index for index, other in enumerate(bins) if len(other.beginnings) + len(one.beginnings) <= terms]
        if not free:
            bins.append(one)
            continue
        least = min(free, key=lambda index: bins[index].size)
        bins[least] = Range(bins[least].beginnings + one.beginnings, bins[least].size + one.size)
    return sorted((one for one in bins if one.beginnings), key=lambda one: one.size, reverse=True)


def _terms_of(expression: str) -> int:
    """Return the number of terms in a filter that are joined by `or` or listed by `in`: the service limits them."""
    bare = _TEXT.sub("''", expression)
    listed = sum(one.count(",") for one in _IN_LIST.findall(bare))
    joined = len(_OR.findall(bare)) + listed
    return joined + 1 if joined else 0


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
