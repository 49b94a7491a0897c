"""Any number of requests in JSON batches (Microsoft Graph, "Combine multiple requests in one HTTP call").

Each item is an operation with its own retries; a batch only carries the requests that the items are ready to send. So
an item that is throttled within an HTTP 200 waits and is sent again alone, by the same rules as any other request. If
the response to a batch is lost, each item has lost its response, and is sent again if that is safe.

An item that depends on others is sent when all of them have succeeded, and fails with `DependencyError` if one failed.
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
from entrakit.services.request import on_service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from entrakit.services.operation import Operation, Step
    from entrakit.services.service import Service

SIZE = 20
LONGEST = 3 * 1024 * 1024


class Item(NamedTuple):
    """A call in a batch with dependencies between calls.

    Args:
        call: The call, or an operation.
        after: Indexes, from 0, of the calls that must have succeeded before this one is sent.
        name: Name in the errors of other items; empty for its number, from 1.
        on_send: Called each time before the item is sent, possibly in another thread. If it raises an EntraError, the
            whole payload is not sent, and the error is the result of all its items.
    """

    call: Call[object] | Operation[object]
    after: tuple[int, ...] = ()
    name: str = ""
    on_send: Callable[[], None] | None = None


class _ItemState:
    """The state of one item.

    Args:
        item: The item.
    """

    __slots__ = ("after", "is_done", "name", "on_send", "pending", "result", "steps", "wait")

    def __init__(self, item: Item, service: Service) -> None:
        call = item.call
        self.steps: Operation[object] = _steps(call, service) if isinstance(call, Call) else call
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
    """Run any number of calls or operations. Return their results and errors in the same order.

    Args:
        service: The service; if it has no batches, requests are sent one by one.
        calls: Calls or operations; Items if some depend on others.
        at_once: Maximum number of batches that are sent at the same time.

    Raises:
        ParameterError: Items depend on themselves, or on missing ones.
    """
    items = _states(calls, service)
    try:
        blocked = deque(items)
        running: list[_ItemState] = []
        while blocked or running:
            started, blocked = _unblocked(blocked, items)
            for item in started:
                yield from _advance(item, None)
            running = [item for item in [*running, *started] if not item.is_done]
            ready = [item for item in running if item.pending is not None]
            waiting = [item for item in running if item.wait is not None]
            if any(item.wait.is_throttled for item in waiting if item.wait) or (waiting and not ready):
                yield from _pause(waiting)
            elif ready:
                yield from _round(service, ready, at_once)
        return [item.result for item in items]
    finally:
        for item in items:
            item.steps.close()


def _steps(call: Call[object], service: Service) -> Operation[object]:
    """Return the steps of a call; if its request is invalid, that becomes the error of the item."""
    return (yield from fetch(on_service(call.request, service), call.read))


def _states(calls: Iterable[Call[object] | Operation[object] | Item], service: Service) -> list[_ItemState]:
    items = [one if isinstance(one, Item) else Item(one) for one in calls]
    items = [one if one.name else one._replace(name=str(number)) for number, one in enumerate(items, 1)]
    for index, item in enumerate(items):
        if any(not 0 <= other < len(items) or other == index for other in item.after):
            raise ParameterError(
                f"Request {item.name} of the batch depends on itself or on a missing request.",
                remedy="Use the indexes of other requests in the batch.",
            )
    circle = circle_of([item.after for item in items])
    if circle:
        names = ", ".join(items[index].name for index in circle)
        raise ParameterError(
            f"Requests of the batch depend on each other in a circle: {names[:200]}.",
            remedy="Remove one of the dependencies.",
        )
    return [_ItemState(item, service) for item in items]


def circle_of(afters: Sequence[tuple[int, ...]]) -> list[int]:
    """Return the indexes of items that depend on a circle of dependencies; empty if there is no circle (Kahn)."""
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


def _unblocked(blocked: deque[_ItemState], items: Sequence[_ItemState]) -> tuple[list[_ItemState], deque[_ItemState]]:
    """Return the items that may begin, and those that still wait; finish the items with failed dependencies."""
    free: list[_ItemState] = []
    rest: deque[_ItemState] = deque()
    for item in blocked:
        needed = [items[index] for index in item.after]
        failed = next((index for index in item.after if isinstance(items[index].result, EntraError)), None)
        if failed is not None:
            item.finish(_not_sent(items[failed]))
        elif all(one.is_done for one in needed):
            free.append(item)
        else:
            rest.append(item)
    return free, rest


def _not_sent(needed: _ItemState) -> DependencyError:
    """Return the error of an item that depends on one without success."""
    is_unknown = isinstance(needed.result, EntraError) and needed.result.outcome_unknown
    reason = f"it is not known whether request {needed.name} of the batch was done"
    return DependencyError(
        f"Not sent, because {reason if is_unknown else f'request {needed.name} of the batch failed'}.",
        remedy="Look first whether that request was done, then send what is missing."
        if is_unknown
        else "Fix that request, then send both again.",
        status=424,
        code="FailedDependency",
    )


def _advance(item: _ItemState, outcome: Response | EntraError | Undelivered | None) -> Operation[None]:
    """Run an item until its next request or pause, or to its end."""
    value: object = outcome
    while True:
        item.pending = item.wait = None
        try:
            if isinstance(value, Exception):
                step: Step = item.steps.throw(value)
            else:
                step = next(item.steps) if value is None else item.steps.send(value)
        except StopIteration as end:
            item.finish(end.value)
            return
        except EntraError as error:
            item.finish(error)
            return
        if isinstance(step, Request):
            item.pending = step
            return
        if isinstance(step, Wait):
            item.wait = step
            return
        value = yield step


def _pause(waiting: Sequence[_ItemState]) -> Operation[None]:
    """Wait until the first of the waiting items may continue, or as long as the service requires."""
    waits = [item.wait for item in waiting if item.wait is not None]
    throttled = [wait for wait in waits if wait.is_throttled]
    # The runner waits before its next request, not now. The longest pause counts.
    pause = max(throttled) if throttled else min(waits)
    yield pause
    for item in waiting:
        wait = item.wait
        if wait is None:
            continue
        left = wait.seconds - pause.seconds
        if left > 0:
            item.wait = wait._replace(seconds=left)
        else:
            yield from _advance(item, None)


def _round(service: Service, ready: Sequence[_ItemState], at_once: int) -> Operation[None]:
    """Send the requests of as many items as fit into one round of batches, and pass on the responses."""
    groups = _groups(service, ready, at_once)
    outcomes = outcomes_of((yield Together([_send_group(service, group) for group in groups], at_once)))
    for group, outcome in zip(groups, outcomes, strict=True):
        replies = outcome.result if isinstance(outcome.result, list) else [outcome.error] * len(group)
        for item, reply in zip(group, replies, strict=True):
            yield from _advance(item, reply)


def _groups(service: Service, ready: Sequence[_ItemState], at_once: int) -> list[list[_ItemState]]:
    """Divide items into groups; each group is one HTTP request: a batch of up to 20, or a single item."""
    groups: list[list[_ItemState]] = []
    current: list[_ItemState] = []
    length = 0
    for item in ready:
        request = item.pending
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
            groups.append([item])
        else:
            current.append(item)
            length += size
    return [*groups, current] if current else groups


def _fits(service: Service, request: Request) -> bool:
    """Return whether a request can be in a batch: it has the same version of Graph, and its body is JSON or empty."""
    if not service.is_graph or not request.is_authorized or not request.url.startswith(f"{service.url}/"):
        return False
    kind = media_type(request.headers.get("content-type", ""))
    return not request.body or (kind.endswith("json") and json_of(request.body) is not None)


def _send_group(service: Service, group: Sequence[_ItemState]) -> Operation[list[Response | Undelivered]]:
    """Send the requests of a group once, and return the response of each, or Undelivered if it has none."""
    requests = [item.pending for item in group if item.pending is not None]
    for item in group:
        if item.on_send is not None:
            item.on_send()
    if len(requests) == 1:
        try:
            return [response_of((yield requests[0]))]
        except Undelivered as lost:
            return [lost]
    try:
        response = response_of((yield envelope(service, requests)))
    except Undelivered as lost:
        return [Undelivered(lost.error) for _ in requests]
    if not response.is_success:
        # The batch was refused: each item is treated as if it had been refused itself.
        return [response._replace(request=request) for request in requests]
    return replies(requests, response)
