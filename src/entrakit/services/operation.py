"""Operations: what is to be done on a service, as values that do no I/O.

An operation is a generator. It yields steps, is sent their outcome, and returns its result:

    Request     → the Response; Undelivered is thrown in where none arrived
    Wait        → nothing, after that time
    Together    → the Outcome of each of several operations that may run at the same time, in their order
    HeldPermissions → the names of the permissions that the token has

`client` runs it with blocking I/O, `aio` awaits it; neither decides anything. A generator runs once; a `Call` is the
reusable value for a single request, from which a new operation is made each time.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeAlias, TypeVar

from entrakit.errors import ParameterError
from entrakit.http.message import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from entrakit.errors import EntraError, NetworkError

__all__ = [
    "Call",
    "HeldPermissions",
    "Operation",
    "Outcome",
    "Request",
    "Response",
    "Step",
    "Together",
    "Undelivered",
    "Wait",
    "first_request",
    "held_of",
    "outcomes_of",
    "response_of",
]

T_co = TypeVar("T_co", covariant=True)


class Undelivered(Exception):  # noqa: N818 - it never leaves an operation
    """What a driver throws into an operation where no answer arrived.

    Args:
        error: What happened.
    """

    def __init__(self, error: NetworkError) -> None:
        super().__init__(error.problem)
        self.error = error


class Wait(NamedTuple):
    """A pause.

    Args:
        seconds: How long.
        reason: Why, for people.
        is_throttled: Whether the service asked for it: then all workers of a client slow down.
    """

    seconds: float
    reason: str
    is_throttled: bool = False


class Together(NamedTuple):
    """Operations that may run at the same time.

    Args:
        operations: What to run.
        at_once: How many of them at the most.
    """

    operations: Sequence[Operation[object]]
    at_once: int


class HeldPermissions(NamedTuple):
    """The question which permissions the token in use has; answered with a tuple of names."""


class Outcome(NamedTuple):
    """How one of several operations ended.

    Args:
        result: What it returned.
        error: What it raised; None if it returned.
    """

    result: object = None
    error: EntraError | None = None


Step: TypeAlias = Request | Wait | Together | HeldPermissions
Operation: TypeAlias = Generator[Step, object, T_co]


class Call(Generic[T_co]):
    """A single request as a value: run it, await it, preview it, or put it into a batch; as often as you like.

    Args:
        request: What is asked.
        read: Makes the result of the answer; raises UnexpectedAnswerError for one that can't be read.
    """

    __slots__ = ("read", "request")

    def __init__(self, request: Request, read: Callable[[Response], T_co]) -> None:
        self.request = request
        self.read = read

    def __repr__(self) -> str:
        return f"Call({self.request.method} {self.request.url.partition('?')[0]})"


def response_of(step: object) -> Response:
    """Return what a driver sent in for a request, as the Response that it is."""
    if not isinstance(step, Response):
        raise TypeError(f"an operation that asked for a response was sent {type(step).__name__}")
    return step


def outcomes_of(step: object) -> list[Outcome]:
    """Return what a driver sent in for `Together`."""
    if not isinstance(step, list):
        raise TypeError(f"an operation that asked for outcomes was sent {type(step).__name__}")
    return step


def held_of(step: object) -> tuple[str, ...]:
    """Return what a driver sent in for `HeldPermissions`."""
    return step if isinstance(step, tuple) else ()


def first_request(operation: Call[object] | Operation[object]) -> Request:
    """Return the first request of a call or an operation, which is ended by that.

    Raises:
        ParameterError: It does not begin with a request.
    """
    if isinstance(operation, Call):
        return operation.request
    try:
        step = next(operation, None)
    finally:
        operation.close()
    if not isinstance(step, Request):
        raise ParameterError("The operation does not begin with a request.", remedy="Preview its parts.")
    return step
