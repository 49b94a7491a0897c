"""Operations: requests, or several of them, as values that do no I/O.

An operation is a generator. It yields steps, receives their outcome, and returns its result:

    Request          → the Response; Undelivered is raised in the operation if there is none
    Wait             → None, after the pause
    Together         → the Outcome of each of several operations that may run at the same time, in their order
    HeldPermissions  → the permissions of the token, as Held
    TheService       → the Service that the operation runs on

`runner` runs operations with blocking I/O, `runner_async` awaits them; neither makes decisions. A generator runs once;
a `Call` is a single request as a reusable value: each run makes a new generator. Its request may have a path instead of
an address; then the service that it runs on completes it (`request.on_service`).
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeAlias, TypeVar

from entrakit.errors import ParameterError
from entrakit.http.message import Request, Response
from entrakit.services.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from entrakit.errors import EntraError, NetworkError

__all__ = [
    "Call",
    "Held",
    "HeldPermissions",
    "Operation",
    "Outcome",
    "Request",
    "Response",
    "Step",
    "TheService",
    "Together",
    "Undelivered",
    "Wait",
    "first_request",
    "held_of",
    "outcomes_of",
    "response_of",
    "service_of",
]

T_co = TypeVar("T_co", covariant=True)


class Undelivered(Exception):  # noqa: N818 - it never leaves an operation
    """Raised in an operation by its runner if a request has no response.

    Args:
        error: The failure of the request.
    """

    def __init__(self, error: NetworkError) -> None:
        super().__init__(error.problem)
        self.error = error


class Wait(NamedTuple):
    """A pause.

    Args:
        seconds: Length of the pause.
        reason: Reason, as a phrase for the user.
        is_throttled: Whether the service requires the pause; then all workers of a client slow down.
    """

    seconds: float
    reason: str
    is_throttled: bool = False


class Together(NamedTuple):
    """Operations that may run at the same time.

    Args:
        operations: The operations.
        at_once: Maximum number that runs at the same time.
    """

    operations: Sequence[Operation[object]]
    at_once: int


class HeldPermissions(NamedTuple):
    """A query for the permissions of the current token; the outcome is a `Held`."""


class Held(NamedTuple):
    """The permissions of a token.

    Args:
        names: Names of the permissions.
        is_app: Whether it is the token of an app, and not of a user; None if it can't be read.
    """

    names: tuple[str, ...] = ()
    is_app: bool | None = None


class TheService(NamedTuple):
    """A query for the service that the operation runs on; the outcome is a Service."""


class Outcome(NamedTuple):
    """The result or the error of one of several operations.

    Args:
        result: The result; None if there is an error.
        error: The error that the operation raised; None if it returned.
    """

    result: object = None
    error: EntraError | None = None


Step: TypeAlias = Request | Wait | Together | HeldPermissions | TheService
Operation: TypeAlias = Generator[Step, object, T_co]


class Call(NamedTuple, Generic[T_co]):
    """A single request as a value: run it, await it, preview it, or put it into a batch, any number of times.

    Args:
        request: The request; its address may be a path.
        read: Makes the result from the response; raises UnexpectedAnswerError if that is not possible.
    """

    request: Request
    read: Callable[[Response], T_co]

    def __repr__(self) -> str:
        return f"Call({self.request.method} {self.request.url.partition('?')[0]})"


def response_of(outcome: object) -> Response:
    """Return the outcome of a Request as the Response that it must be."""
    if not isinstance(outcome, Response):
        raise TypeError(f"the outcome of a request must be a Response, not {type(outcome).__name__}")
    return outcome


def outcomes_of(outcome: object) -> list[Outcome]:
    """Return the outcome of `Together` as the list that it must be."""
    if not isinstance(outcome, list):
        raise TypeError(f"the outcome of operations must be a list, not {type(outcome).__name__}")
    return outcome


def held_of(outcome: object) -> Held:
    """Return the outcome of `HeldPermissions`."""
    return outcome if isinstance(outcome, Held) else Held()


def service_of(outcome: object) -> Service:
    """Return the outcome of `TheService` as the Service that it must be."""
    if not isinstance(outcome, Service):
        raise TypeError(f"the outcome of TheService must be a Service, not {type(outcome).__name__}")
    return outcome


def first_request(operation: Call[object] | Operation[object], service: Service) -> Request:
    """Return the first request of a call or an operation. This ends the operation.

    Args:
        operation: The call or the operation.
        service: The service that it would run on.

    Raises:
        ParameterError: The operation does not begin with a request.
    """
    if isinstance(operation, Call):
        return operation.request
    try:
        step: Step | None = next(operation)
        while isinstance(step, TheService):
            step = operation.send(service)
    except StopIteration:
        step = None
    finally:
        operation.close()
    if not isinstance(step, Request):
        raise ParameterError("The operation does not begin with a request.", remedy="Preview its parts.")
    return step
