"""A whole collection of users or groups, read by several workers: ranges of names that together leave nothing out.

The directory has no way to jump to a page, but it can filter by the beginning of a name, and count. So a collection is
cut into ranges of beginnings of about the same size, each of them a listing of its own:

    count   everything, and how many names begin with each letter and sign, in one round ($batch, 20 counts in each)
    cut     a beginning that holds more than its share, at its next letter, down to a depth
    pack    beginnings into ranges of about the same size, at most 15 in each: the service takes no more terms with `or`
    read    the ranges, several at a time
    prove   as many objects came as `$count` says; else the whole is read once more, one page after another

An object is handed out once, however often it comes: its id is remembered.
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

# The property whose beginnings are used: every object has it, in ASCII, and it can be filtered by without an index.
KEYS = {"users": "userPrincipalName", "groups": "mailNickname"}
# Case does not count. Signs that a name can hold; a name that begins otherwise is found by the proof.
SIGNS = "etaoinshrdlcumwfgypbvkjxqz0123456789_-.'!#$%&*+=?^`{|}~/@"
TERMS = 15
DEPTH = 16
# A beginning is cut when it holds so many times the share of one worker.
SHARES = 1.2


_TEXT = re.compile(r"'(?:[^']|'')*'")
_OR = re.compile(r"\bor\b", re.IGNORECASE)
_LISTED = re.compile(r"\bin\s*\(([^)]*)\)", re.IGNORECASE)


class Range(NamedTuple):
    """Beginnings of names that are read as one listing.

    Args:
        beginnings: The beginnings.
        size: How many objects they hold.
    """

    beginnings: tuple[str, ...]
    size: int


class Partition(Generic[T]):
    """The state of a collection that is read in ranges; `partition` makes one.

    Args:
        service: The service.
        path: Path of the collection.
        type: What to make of each object.
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
        # What loses the id is made of the JSON text when it is known which objects are new.
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
        """Count, and return the listings that make up the collection; none where the service does not take that."""
        try:
            beginnings = ["", *SIGNS]
            self._expected, *sizes = yield from self._sizes(beginnings)
            terms = TERMS - _terms_of(self._filter(()))
            if self._expected <= self._query.get("top", 999) or terms < 1:
                return []
            ranges = yield from self._ranges(beginnings[1:], sizes)
        except GraphError:
            # Filters or counts that this collection or query does not take: it is read as a whole.
            return []
        self._is_planned = True
        return [self._listing(one) for one in packed(ranges, self.at_once, terms)]

    @property
    def expected(self) -> int:
        """How many objects there are, as far as they were counted; -1 before."""
        return self._expected

    def remember(self, ids: Iterable[object], expected: int) -> None:
        """Take objects as handed out already, of so many that there are: an earlier run did that."""
        self._seen.update(ids)
        self._expected = expected
        self._is_planned = expected >= 0

    def forget(self) -> None:
        """Take nothing as handed out."""
        self._seen.clear()

    def unseen(self, items: Sequence[T]) -> list[T]:
        """Return those objects that did not come before, and remember them.

        Raises:
            UnexpectedAnswerError: One is not of the type asked for, or has no id though there are several listings.
        """
        keys = [_id(item) for item in items]
        if None in keys:
            if self._is_planned or self._seen:
                raise self._wrong("Objects without an id can't be told apart.")
            fresh = list(items)
        elif len(set(keys)) == len(keys) and self._seen.isdisjoint(keys):
            # All of them, as it is with nearly every page.
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
        """Return whether as many objects came as there are, counted before or, if they differ, after."""
        if not self._is_planned:
            return False
        if len(self._seen) == self._expected:
            return True
        now = yield from counting(self._service, self._path, self._headers, self._plain())
        return len(self._seen) == now

    def whole(self) -> Listing[T]:
        """Return the collection as one listing."""
        return self._listed(self._query)

    def _listed(self, query: Query) -> Listing[T]:
        kind = decoding.Raw if self._type is None else self._type
        return listing(self._service, self._path, kind, self._headers, query)  # type: ignore[arg-type] # `_finished` makes T of it

    def _finished(self, item: T) -> T:
        """Return an object without the id that nobody asked for, and of the type that was."""
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
            raise self._wrong(f"An object is not of the type asked for: {error}.") from error

    def _wrong(self, problem: str) -> UnexpectedAnswerError:
        return UnexpectedAnswerError(
            problem, remedy="Read the collection without `parallel`.", host=self._service.host, retryable=False
        )

    def _ranges(self, beginnings: Sequence[str], sizes: Sequence[int]) -> Operation[list[Range]]:
        """Return ranges of one beginning each, none of them much more than a worker's share.

        Those that are said to be empty are among them: the index that counts lags behind what is there.
        """
        most = max(SHARES * self._expected / self.at_once, self._query.get("top", 999))
        done: list[Range] = []
        heavy: list[Range] = []
        for _ in range(DEPTH):
            found = [Range((one,), size) for one, size in zip(beginnings, sizes, strict=True)]
            heavy = [one for one in found if one.size > most]
            done += [one for one in found if one.size <= most]
            # More than the workers' shares can't be too heavy, unless the counts are wrong.
            if not heavy or len(heavy) > self.at_once:
                done += heavy
                break
            beginnings = [one.beginnings[0] + sign for one in heavy for sign in SIGNS]
            sizes = yield from self._sizes(beginnings)
            # What is left of a heavy beginning after its cuts (a name that is just this) is found by the proof.
        else:
            done += heavy
        return done

    def _sizes(self, beginnings: Sequence[str]) -> Operation[list[int]]:
        """Return how many objects there are for each of several beginnings."""
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
        own = self._plain().get("filter")
        terms = " or ".join(odata.fill(f"startsWith({self._key},{{}})", one) for one in beginnings if one)
        given = odata.parameters({"filter": own}).get("$filter", "") if own else ""
        return f"({given}) and ({terms})" if given and terms else given or terms

    def _plain(self) -> Query:
        """Return the part of the query that decides which objects there are."""
        return {"filter": self._query["filter"]} if self._query.get("filter") else {}

    def _with_id(self) -> None:
        """Ask for ids too, where the query chose properties without it: objects are told apart by them."""
        select = self._query.get("select")
        names = select.split(",") if isinstance(select, str) else list(select or ())
        if names and "id" not in {name.strip().lower() for name in names}:
            self._hides_id = True
            self._query = {**self._query, "select": [*names, "id"]}


def key_of(service: Service, path: str) -> str:
    """Return the property whose beginnings cut a collection; empty for a collection that can't be cut."""
    name = path.strip("/").lower()
    return KEYS.get(name.removeprefix("v1.0/").removeprefix("beta/"), "") if service.is_graph else ""


def partition(
    service: Service, path: str, type: type[T] | None, headers: Mapping[str, str] | None, query: Query,
    *, at_once: int,
) -> Partition[T] | None:  # fmt: skip
    """Return a collection to be read in ranges; None where the collection or the query is not of that kind.

    Args:
        service: The service.
        path: Path of the collection.
        type: What to make of each object; None for dicts.
        headers: Header fields.
        query: Query options.
        at_once: How many pages to read at the same time.
    """
    if not key_of(service, path) or any(query.get(name) for name in ("search", "orderby", "options", "expand")):
        return None
    made = Partition(service, path, type or dict[str, object], headers, query)
    made.at_once = at_once
    return made  # type: ignore[return-value] # T's default


def packed(ranges: Iterable[Range], at_once: int, terms: int = TERMS) -> list[Range]:
    """Return ranges put together so that each of `at_once` workers has about the same to do; largest first.

    A range takes no more beginnings than the service takes terms, so there may be more ranges than workers.
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
    """Return how many of the terms that the service takes a filter uses up, joined by `or` or listed by `in`."""
    bare = _TEXT.sub("''", expression)
    listed = sum(one.count(",") for one in _LISTED.findall(bare))
    joined = len(_OR.findall(bare)) + listed
    return joined + 1 if joined else 0


def counting(service: Service, path: str, headers: Mapping[str, str] | None, query: Query) -> Operation[int]:
    """Return how many objects a collection has.

    Raises:
        GraphError: The service does not count there.
    """
    request = request_to(service, "GET", f"{path.rstrip('/')}/$count", headers=headers, query=query)
    number = yield from fetch(request._replace(headers={**request.headers, "accept": "text/plain"}), as_json)
    return _number(number, path)


def _number(result: object, path: str) -> int:
    """Return a count. Raises the error that the result is, or one for what is no number."""
    if isinstance(result, EntraError):
        raise result
    if not isinstance(result, int):
        raise GraphError(f"{path} was not counted: the answer is no number.", remedy="Ask the service for the pages.")
    return result


def _id(item: object) -> object:
    """Return what an object is known by; None where it has no id."""
    found = getattr(item, "id", None)
    if found is not None:
        return found
    if isinstance(item, dict):
        return item.get("id")
    return decoding.id_of(item) if isinstance(item, decoding.Raw) else None
