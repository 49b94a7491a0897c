"""Any number of requests in JSON batches (Microsoft Graph, "Combine multiple requests in one HTTP call").

Each request is an operation of its own, with its own repeats: a batch only carries, at each moment, those requests that
want to go. So an item that is throttled inside an HTTP 200 waits and is asked again alone, by the same rules as any
other request, and a batch that is lost is for each of its items what a lost answer is: repeated where that is safe.

An item that depends on others is sent once they have all succeeded, and ends with `DependencyError` where one failed.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from entrakit.errors import DependencyError, EntraError, ParameterError
from entrakit.graph.batch_envelope import envelope, json_of, replies
from entrakit.http.message import media_type
from entrakit.services.fetch import fetch
from entrakit.services.operation import (
    Call,
    Request,
    Response,
    Together,
    Undelivered,
    Wait,
    outcomes_of,
    response_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from entrakit.services.operation import Operation, Step
    from entrakit.services.service import Service

SIZE = 20
LONGEST = 3 * 1024 * 1024


class Item(NamedTuple):
    """A call in a batch that others depend on, or that depends on others.

    Args:
        call: The call, or an operation.
        after: Places, from 0, of the calls that must have succeeded before this one is sent.
        name: What errors of others call it; empty for its number, from 1.
        on_send: Called right before it is sent, each time it is; perhaps in another thread. An EntraError that it
            raises keeps the whole payload from being sent, and is the result of its items.
    """

    call: Call[object] | Operation[object]
    after: tuple[int, ...] = ()
    name: str = ""
    on_send: Callable[[], None] | None = None


class _Place:
    """One item on its way.

    Args:
        steps: What is done.
        item: What it is.
    """

    __slots__ = ("after", "is_done", "name", "on_send", "pending", "result", "steps", "wait")

    def __init__(self, steps: Operation[object], item: Item) -> None:
        self.steps = steps
        self.after = item.after
        self.name = item.name
        self.on_send = item.on_send
        self.pending: Request | None = None
        self.wait: Wait | None = None
        self.is_done = False
        self.result: object = None

    def finish(self, result: object) -> None:
        self.is_done, self.result = True, result
        self.pending = self.wait = None
        self.steps.close()


def batch(
    service: Service, calls: Iterable[Call[object] | Operation[object] | Item], *, at_once: int = 4
) -> Operation[list[object]]:
    """Run any number of calls or operations, and return their results in the same order; errors are results, too.

    Args:
        service: The service; where it has no batches, requests go one by one.
        calls: What to run; Items where some depend on others.
        at_once: How many batches may be on their way at the same time.

    Raises:
        ParameterError: Items depend on themselves, or on what is not there.
    """
    places = _places(calls)
    try:
        blocked = deque(places)
        running: list[_Place] = []
        while blocked or running:
            started, blocked = _unblocked(blocked, places)
            for place in started:
                yield from _advance(place, None)
            running = [place for place in [*running, *started] if not place.is_done]
            ready = [place for place in running if place.pending is not None]
            waiting = [place for place in running if place.wait is not None]
            if any(place.wait.is_throttled for place in waiting if place.wait) or (waiting and not ready):
                yield from _rest(waiting)
            elif ready:
                yield from _round(service, ready, at_once)
        return [place.result for place in places]
    finally:
        for place in places:
            place.steps.close()


def _places(calls: Iterable[Call[object] | Operation[object] | Item]) -> list[_Place]:
    items = [one if isinstance(one, Item) else Item(one) for one in calls]
    items = [one if one.name else one._replace(name=str(number)) for number, one in enumerate(items, 1)]
    for index, item in enumerate(items):
        if any(not 0 <= other < len(items) or other == index for other in item.after):
            raise ParameterError(
                f"Request {item.name} of the batch depends on itself, or on one that is not there.",
                remedy="Name other requests of the same batch.",
            )
    circle = circle_of([item.after for item in items])
    if circle:
        names = ", ".join(items[index].name for index in circle)
        raise ParameterError(
            f"Requests of the batch depend on each other in a circle: {names[:200]}.",
            remedy="Take one of the dependencies out.",
        )
    return [
        _Place(fetch(one.call.request, one.call.read) if isinstance(one.call, Call) else one.call, one) for one in items
    ]


def circle_of(afters: Sequence[tuple[int, ...]]) -> list[int]:
    """Return the places of items that depend on themselves, by way of others or after such; none is good (Kahn)."""
    missing = [len(set(after)) for after in afters]
    dependents: list[list[int]] = [[] for _ in afters]
    for index, after in enumerate(afters):
        for other in set(after):
            dependents[other].append(index)
    free = [index for index, count in enumerate(missing) if not count]
    for index in free:
        for dependent in dependents[index]:
            missing[dependent] -= 1
            if not missing[dependent]:
                free.append(dependent)
    return [index for index, count in enumerate(missing) if count]


def _unblocked(blocked: deque[_Place], places: Sequence[_Place]) -> tuple[list[_Place], deque[_Place]]:
    """Return the items that may begin, and those that still wait for others; end those that wait in vain."""
    free: list[_Place] = []
    rest: deque[_Place] = deque()
    for place in blocked:
        needed = [places[index] for index in place.after]
        failed = next((index for index in place.after if isinstance(places[index].result, EntraError)), None)
        if failed is not None:
            place.finish(
                DependencyError(
                    f"Not sent, because request {places[failed].name} of the batch failed.",
                    remedy="Mend that one, then send both again.",
                    status=424,
                    code="FailedDependency",
                )
            )
        elif all(one.is_done for one in needed):
            free.append(place)
        else:
            rest.append(place)
    return free, rest


def _advance(place: _Place, outcome: Response | EntraError | Undelivered | None) -> Operation[None]:
    """Let an item go on to its next request or wait, or to its end."""
    value: object = outcome
    while True:
        place.pending = place.wait = None
        try:
            if isinstance(value, Exception):
                step: Step = place.steps.throw(value)
            else:
                step = next(place.steps) if value is None else place.steps.send(value)
        except StopIteration as end:
            place.finish(end.value)
            return
        except EntraError as error:
            place.finish(error)
            return
        if isinstance(step, Request):
            place.pending = step
            return
        if isinstance(step, Wait):
            place.wait = step
            return
        value = yield step


def _rest(waiting: Sequence[_Place]) -> Operation[None]:
    """Wait until the first of the waiting items may go on; where the service asks for quiet, as long as it asks."""
    waits = [place.wait for place in waiting if place.wait is not None]
    throttled = [wait for wait in waits if wait.is_throttled]
    # A pause of all is not slept here but before the next request, whichever that is: the longest one counts.
    pause = max(throttled) if throttled else min(waits)
    yield pause
    for place in waiting:
        wait = place.wait
        if wait is None:
            continue
        left = wait.seconds - pause.seconds
        if left > 0:
            place.wait = wait._replace(seconds=left)
        else:
            yield from _advance(place, None)


def _round(service: Service, ready: Sequence[_Place], at_once: int) -> Operation[None]:
    """Send the requests of as many items as fit into the batches of one round, and hand out the answers."""
    groups = _groups(service, ready, at_once)
    outcomes = outcomes_of((yield Together([_carried(service, group) for group in groups], at_once)))
    for group, outcome in zip(groups, outcomes, strict=True):
        replies = outcome.result if isinstance(outcome.result, list) else [outcome.error] * len(group)
        for place, reply in zip(group, replies, strict=True):
            yield from _advance(place, reply)


def _groups(service: Service, ready: Sequence[_Place], at_once: int) -> list[list[_Place]]:
    """Return the items in groups of which each is one exchange: up to 20 in a batch, or one that goes alone."""
    groups: list[list[_Place]] = []
    current: list[_Place] = []
    length = 0
    for place in ready:
        request = place.pending
        if request is None:
            continue
        size = len(request.body or b"") + len(request.url)
        is_alone = not _fits(service, request) or size > LONGEST
        if not is_alone and current and (len(current) == SIZE or length + size > LONGEST):
            groups.append(current)
            current, length = [], 0
        if len(groups) + bool(current) >= at_once and (is_alone or not current):
            break
        if is_alone:
            groups.append([place])
        else:
            current.append(place)
            length += size
    return [*groups, current] if current else groups


def _fits(service: Service, request: Request) -> bool:
    """Return whether a request can stand in a batch: on the same version of Graph, with a body of JSON or none."""
    if not service.is_graph or not request.is_authorized or not request.url.startswith(f"{service.url}/"):
        return False
    kind = media_type(request.headers.get("content-type", ""))
    return not request.body or (kind.endswith("json") and json_of(request.body) is not None)


def _carried(service: Service, group: Sequence[_Place]) -> Operation[list[Response | Undelivered]]:
    """Send the requests of a group once, and return what each of them got: an answer, or the news that none arrived."""
    requests = [place.pending for place in group if place.pending is not None]
    for place in group:
        if place.on_send is not None:
            place.on_send()
    if len(requests) == 1:
        try:
            return [response_of((yield requests[0]))]
        except Undelivered as lost:
            return [lost]
    try:
        response = response_of((yield envelope(service, requests)))
    except Undelivered as lost:
        return [Undelivered(lost.error) for _ in requests]
    if response.status != 200:
        # Refused as a whole: to each of its items that is what a refusal of its own would be.
        return [response._replace(request=request) for request in requests]
    return replies(requests, response)
