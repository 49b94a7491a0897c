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
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from entrakit.errors import ParameterError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from entrakit.errors import EntraError, NetworkError

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

# What may be sent twice with the same effect (RFC 9110, 9.2.2).
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})


class Request(NamedTuple):
    """A request to a service.

    Args:
        method: HTTP method, upper case.
        url: Absolute `https` address.
        headers: Header fields, names in lower case; without the token, which the driver adds.
        body: What to send; None for nothing.
        is_authorized: Whether the driver adds the token; never for another host than the service's own.
        claims: A claims challenge that the token has to meet, as JSON text.
        issued_after: Time of issue that the token must exceed, in seconds since 1970: that of a token that was refused.
        is_graph: Whether Microsoft Graph is asked, which promises that what it answers with 503 was not done.
    """

    method: str
    url: str
    headers: Mapping[str, str] = {}
    body: bytes | None = None
    is_authorized: bool = True
    claims: str = ""
    issued_after: float = 0.0
    is_graph: bool = False

    def __repr__(self) -> str:
        # A body may hold a password, and a query what nobody else should read.
        return f"Request({self.method} {self.url.partition('?')[0]}, {len(self.body or b'')} bytes)"

    @property
    def is_idempotent(self) -> bool:
        """Whether sending it twice has the effect of sending it once."""
        return self.method in IDEMPOTENT

    @property
    def client_request_id(self) -> str:
        """The id that the service logs it under."""
        return self.headers.get("client-request-id", "")


class Response(NamedTuple):
    """What came back.

    Args:
        request: What was asked.
        status: HTTP status.
        headers: Header fields, names in lower case.
        body: The whole body.
        sent_at: When the request was sent, in seconds since 1970.
        attempts: How often it was sent, repeats included.
        waited_s: Seconds of waiting between these.
    """

    request: Request
    status: int
    headers: Mapping[str, str]
    body: bytes
    sent_at: float = 0.0
    attempts: int = 1
    waited_s: float = 0.0

    def __repr__(self) -> str:
        return f"Response({self.status} for {self.request!r}, {len(self.body)} bytes)"

    @property
    def is_success(self) -> bool:
        """Whether the service did what was asked (HTTP 2xx)."""
        return 200 <= self.status < 300

    @property
    def request_id(self) -> str:
        """The service's id of this answer, which support asks for."""
        return self.headers.get("request-id") or self.headers.get("x-ms-request-id", "")


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
