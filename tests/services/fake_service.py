"""Run operations against a function instead of a service, without I/O and without waiting."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from entrakit.errors import EntraError, NetworkError
from entrakit.services.operation import Held, HeldPermissions, Outcome, Request, Response, Together, Undelivered, Wait

if TYPE_CHECKING:
    from entrakit.services.operation import Operation

T = TypeVar("T")
Service = Callable[[Request], "Response | NetworkError"]


def run(
    operation: Operation[T],
    service: Service,
    waits: list[Wait] | None = None,
    *,
    held: tuple[str, ...] = ("User.Read",),
) -> T:
    """Run an operation with the token of a user and return its result; append its waits to a list."""
    try:
        step = next(operation)
        while True:
            outcome: object = None
            if isinstance(step, Request):
                outcome = service(step)
            elif isinstance(step, Together):
                outcome = [ended(one, service) for one in step.operations]
            elif isinstance(step, HeldPermissions):
                outcome = Held(held, is_app=False)
            else:
                assert isinstance(step, Wait)
                assert step.seconds >= 0
                waits.append(step) if waits is not None else None
            if isinstance(outcome, NetworkError):
                step = operation.throw(Undelivered(outcome))
            else:
                step = operation.send(outcome)
    except StopIteration as end:
        result: T = end.value
        return result


def ended(operation: Operation[object], service: Service) -> Outcome:
    """Return the result or the error of an operation."""
    try:
        return Outcome(run(operation, service))
    except EntraError as error:
        return Outcome(error=error)


def reply(request: Request, status: int, body: object = None, **headers: str) -> Response:
    """Return a response with a JSON body."""
    content = b"" if body is None else json.dumps(body).encode()
    fields = {"content-type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(request, status, fields, content, 1000.0)
