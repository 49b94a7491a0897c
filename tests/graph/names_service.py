"""A service of users or groups that filters by beginnings of names, counts and pages; and workers that read it."""

from __future__ import annotations

import json
import re
import urllib.parse
from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from tests.services.fake_service import reply

from entrakit.graph.ranges import ranged_listing
from entrakit.services.jobs import Preparation, Queue, QueuedJob
from entrakit.services.operation import Outcome, Request, Together
from entrakit.services.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from entrakit.graph.ranges import RangedListing
    from entrakit.services.odata import Query
    from entrakit.services.operation import Operation, Response, Step

    JSON = dict[str, object]
    Answers = Callable[[Request], Response]
    Running = Generator[None, None, object]

T = TypeVar("T")

GRAPH = Service("graph", "https://graph.microsoft.com/v1.0", "https://graph.microsoft.com", is_graph=True)
TERMS = 15
LAST = "\U0010ffff"
_TOKEN = re.compile(
    r"\s*(startsWith\(\w+,'(?:[^']|'')*'\)|\(|\)|\b(?:not|and|or)\b"
    r"|\w+ in \((?:'[^']*'|[^)'])*\)|\w+ eq (?:'[^']*'|\w+))"
)


class Names:
    """A collection of objects with names.

    Args:
        names: The names.
        page: Number of objects on a page if the request has no `$top`.
        says: Function that makes each number in `$count` from the true one.
        key: Property with the name.
        refuses: Word that makes the service refuse a filter; empty for none.
    """

    def __init__(
        self,
        names: list[str],
        page: int = 100,
        says: Callable[[int], int] = lambda count: count,
        key: str = "userPrincipalName",
        refuses: str = "",
    ) -> None:
        self.items: list[JSON] = [{"id": str(number), key: name} for number, name in enumerate(names)]
        self.listed: list[str] = []
        self.batches = 0
        self._key = key
        self._says = says
        self._refuses = refuses
        self._page = page
        lowered = sorted((name.lower(), number) for number, name in enumerate(names))
        self._sorted = [name for name, _ in lowered]
        self._numbers = [number for _, number in lowered]
        self._known: dict[str, list[int]] = {}

    def __call__(self, request: Request) -> Response:
        """Answer."""
        if request.url.endswith("/$batch"):
            self.batches += 1
            return reply(
                request, 200, {"responses": [self._item(one) for one in json.loads(request.body or b"")["requests"]]}
            )
        path, _, query = request.url.partition("?")
        options = dict(urllib.parse.parse_qsl(query))
        expression = options.get("$filter", "")
        if self._refuses and self._refuses in expression:
            return reply(request, 400, {"error": {"code": "Request_UnsupportedQuery", "message": "Unsupported Query."}})
        if re.search(r"\bnot\b", expression) and not path.endswith("/$count"):
            assert ("eventual", "true") == (request.headers["consistencylevel"], options["$count"])
        found = self._found(expression)
        if path.endswith("/$count"):
            number = str(self._says(len(found))).encode()
            return reply(request, 200)._replace(body=number, headers={"content-type": "text/plain"})
        begin, size = int(options.get("$skiptoken", "0")), int(options.get("$top", self._page))
        self.listed.append(expression)
        body: JSON = {"value": [dict(self.items[number]) for number in found[begin : begin + size]]}
        if begin + size < len(found):
            body["@odata.nextLink"] = f"{path}?{urllib.parse.urlencode({**options, '$skiptoken': str(begin + size)})}"
        return reply(request, 200, body)

    def _item(self, one: JSON) -> JSON:
        answer = self(Request("GET", GRAPH.url + str(one["url"]), {}, None))
        kind, text = answer.headers["content-type"], answer.body.decode()
        body = json.loads(text) if kind == "application/json" else text
        return {"id": one["id"], "status": answer.status, "headers": {"Content-Type": kind}, "body": body}

    def _found(self, expression: str) -> list[int]:
        if expression not in self._known:
            tokens = _TOKEN.findall(expression)
            assert "".join(expression.split()) == "".join("".join(tokens).split())
            assert tokens.count("or") < TERMS
            self._known[expression] = sorted(self._either(tokens)) if tokens else list(range(len(self.items)))
        return self._known[expression]

    def _either(self, tokens: list[str]) -> set[int]:
        found = self._both(tokens)
        while tokens[:1] == ["or"]:
            del tokens[0]
            found |= self._both(tokens)
        return found

    def _both(self, tokens: list[str]) -> set[int]:
        found = self._single(tokens)
        while tokens[:1] == ["and"]:
            del tokens[0]
            found &= self._single(tokens)
        return found

    def _single(self, tokens: list[str]) -> set[int]:
        token = tokens.pop(0)
        if token == "not":
            return set(self._numbers) - self._single(tokens)
        if token == "(":
            found = self._either(tokens)
            assert tokens.pop(0) == ")"
            return found
        if not token.startswith(f"startsWith({self._key},"):
            # A filter of the caller, which all objects match.
            return set(self._numbers)
        beginning = token.partition("'")[2][:-2].replace("''", "'").lower()
        return set(self._numbers[bisect_left(self._sorted, beginning) : bisect_left(self._sorted, beginning + LAST)])


class Reading(NamedTuple):
    """Result of simulated workers.

    Args:
        items: The objects, in the order of their arrival.
        rounds: Number of requests that follow one another, if all take the same time.
        first_page: Number of rounds before the first page of a range was requested; -1 if there was no range.
        idle: Number of workers without a request, for each round.
    """

    items: list[JSON]
    rounds: int
    first_page: int
    idle: list[int]


def ranged(
    at_once: int, kind: type[object] | None = None, path: str = "/users", **query: object
) -> RangedListing[JSON]:
    """Return a collection that is read in ranges."""
    options: Query = {**query}  # type: ignore[typeddict-item] # known options
    found = ranged_listing(GRAPH, path, kind, None, options, at_once=at_once)
    assert found is not None
    return found  # type: ignore[return-value] # of `kind`


def read(service: Names, cut: RangedListing[JSON]) -> Reading:
    """Read a collection as the clients do, with workers whose requests all take the same time."""
    queue = Queue(cut.jobs())
    running: list[tuple[QueuedJob[JSON], Running]] = []
    items: list[JSON] = []
    idle: list[int] = []
    first_page = -1
    while True:
        while len(running) < cut.at_once and (work := queue.take()) is not None:
            running.append((work, begun(work.operation, service)))
            if first_page < 0 and not isinstance(work.job, Preparation):
                first_page = len(idle)
        if not running:
            break
        idle.append(cut.at_once - len(running))
        for one in running[:]:
            work, steps = one
            try:
                next(steps)
            except StopIteration as end:
                running.remove(one)
                page = queue.finished(work, end.value)
                items += cut.unseen(page.page.items) if page is not None else []
    rounds = len(idle)
    if not to_end(cut.is_complete(), service):
        whole = cut.whole()
        while not whole.is_finished:
            rounds += 1
            items += cut.unseen(to_end(whole.advance(), service).items)
    return Reading(items, rounds, first_page, idle)


def begun(operation: Operation[object], service: Names) -> Running:
    """Return an operation that waits for its first request."""
    steps = requests_of(operation, service)
    next(steps)
    return steps


def to_end(operation: Operation[T], service: Answers) -> T:
    """Return the result of an operation."""
    steps = requests_of(operation, service)
    try:
        while True:
            next(steps)
    except StopIteration as end:
        value: T = end.value
        return value


def requests_of(operation: Operation[T], service: Answers) -> Generator[None, None, T]:
    """Run an operation; yield once for each request, before its response."""
    try:
        step: Step = next(operation)
        while True:
            if isinstance(step, Together):
                # A generator expression can't wait.
                results = []
                for one in step.operations:
                    result = yield from requests_of(one, service)
                    results.append(Outcome(result))
                step = operation.send(results)
            else:
                assert isinstance(step, Request)
                yield
                step = operation.send(service(step))
    except StopIteration as end:
        value: T = end.value
        return value
