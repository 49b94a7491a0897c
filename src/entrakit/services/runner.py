"""The runner of operations with blocking I/O: it sends and waits, and decides nothing."""

from __future__ import annotations

import logging
import sys
import time
from contextlib import suppress
from threading import Event
from typing import TYPE_CHECKING, TypeVar

from entrakit.errors import EntraError, NetworkError, ParameterError
from entrakit.http.address import Origin, shown_host
from entrakit.services.fetch import fetch
from entrakit.services.operation import (
    Call,
    Held,
    HeldPermissions,
    Outcome,
    Request,
    Response,
    TheService,
    Together,
    Undelivered,
    Wait,
)
from entrakit.services.pace import Pace
from entrakit.services.request import on_service

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Protocol

    from entrakit.http.retry import Clock
    from entrakit.http.transport import Transport
    from entrakit.services.operation import Operation, Step
    from entrakit.services.service import Service
    from entrakit.tokens.token import Token

    class TokenSource(Protocol):
        """The members of a connection that a runner uses."""

        @property
        def tenant_id(self) -> str:
            """The tenant's id."""
            ...

        def service_token(self, scope: str, *, claims: str = "", issued_after: float = 0.0) -> Token:
            """Return a token for a scope that supports claims challenges; renew it silently if that is due."""
            ...

        def fresh_service_token(self, scope: str, *, issued_after: float = 0.0) -> Token | None:
            """Return the current token if it need not be renewed, without waiting; else None."""
            ...


T = TypeVar("T")

MAX_ANSWER = 256 * 1024 * 1024
THROTTLED = "the service is throttling"
STOP_CHECK_S = 0.1

log = logging.getLogger("entrakit.graph")
waits = logging.getLogger("entrakit.waits")


class Stopped(Exception):  # noqa: N818 - it never leaves the threads that are stopped
    """The result is not needed any more."""


class Runner:
    """Runs operations on one service. Threads can share it; their requests have one pace.

    Args:
        connection: Connection that provides tokens.
        service: The service.
        transport: Transport that sends the requests.
        clock: Clock that tells the time and waits.
        on_wait: Function that is called before every wait, with the seconds and the reason.
        pace: Pace of the requests; None for a separate one.
        stop: Event that ends operations with Stopped, and waits early; None for never.
    """

    def __init__(
        self,
        connection: TokenSource,
        service: Service,
        transport: Transport,
        *,
        clock: Clock = time,
        on_wait: Callable[[float, str], None] | None = None,
        pace: Pace | None = None,
        stop: Event | None = None,
    ) -> None:
        self.service = service
        self.pace = pace or Pace()
        self._origins = service.origins
        self._scope = service.scope
        self._connection = connection
        self._transport = transport
        self._clock = clock
        self._on_wait = on_wait
        self._stop = stop

    @property
    def tenant_id(self) -> str:
        """The tenant of the connection."""
        return self._connection.tenant_id

    def watched(self, on_wait: Callable[[float, str], None]) -> Runner:
        """Return this runner, with the same connections and pace, as one that reports its waits."""
        return Runner(
            self._connection, self.service, self._transport, clock=self._clock, on_wait=on_wait, pace=self.pace
        )

    def stoppable(self, stop: Event) -> Runner:
        """Return this runner as one that an event stops."""
        return Runner(
            self._connection,
            self.service,
            self._transport,
            clock=self._clock,
            on_wait=self._on_wait,
            pace=self.pace,
            stop=stop,
        )

    def run(self, operation: Call[T] | Operation[T]) -> T:
        """Run a call or an operation to its end, and return its result.

        Raises:
            EntraError: An error of the operation.
        """
        steps = steps_of(operation, self.service)
        handled = sys.exception()
        try:
            step = next(steps)
            while True:
                try:
                    outcome = self._perform(step)
                except (Undelivered, EntraError) as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(outcome)
        except StopIteration as end:
            result: T = end.value
            return result
        except BaseException as error:
            from entrakit.frames import clear_locals

            clear_locals(error, handled)
            raise
        finally:
            steps.close()

    def outcome_of(self, operation: Operation[object]) -> Outcome:
        """Run an operation, and return its result or its error."""
        try:
            return Outcome(self.run(operation))
        except EntraError as error:
            return Outcome(error=error)

    def _perform(self, step: Step) -> object:
        if self._stop is not None and self._stop.is_set():
            raise Stopped
        if isinstance(step, Request):
            return self._exchange(step)
        if isinstance(step, Wait):
            self._wait(step)
            return None
        if isinstance(step, Together):
            return self._run_together(step)
        if isinstance(step, HeldPermissions):
            return permissions_of(self._connection.fresh_service_token(self._scope))
        if isinstance(step, TheService):
            return self.service
        raise TypeError(f"an operation yields steps, not {type(step).__name__}")

    def send_ahead(self, request: Request) -> None:
        """Send a request that will be run next, if that needs no wait. Its run reports what fails.

        Args:
            request: A GET request.
        """
        if self.pace.is_slowed or (self._stop is not None and self._stop.is_set()):
            return
        with suppress(EntraError):
            refuse_stranger(request, self.service, self._origins)
            self._transport.begin(request, authorization=self._authorization(request))

    def open_ahead(self, enough: int) -> None:
        """Open a connection to the service, unless enough of them are idle. The request on it reports what fails."""
        with suppress(EntraError):
            self._transport.open_ahead(self.service.url, enough)

    def _exchange(self, request: Request) -> Response:
        if request.is_authorized:
            refuse_stranger(request, self.service, self._origins)
        if self.pace.is_slowed:
            self._take_turn()
        authorization = self._authorization(request)
        try:
            response = self._transport.once(request, authorization=authorization, limit=MAX_ANSWER)
        except NetworkError as error:
            raise Undelivered(error) from error
        if log.isEnabledFor(logging.DEBUG):
            note(response)
        return response

    def _authorization(self, request: Request) -> str:
        """Return the value of the `Authorization` header; empty for a request without a token."""
        if not request.is_authorized:
            return ""
        token = self._connection.service_token(self._scope, claims=request.claims, issued_after=request.issued_after)
        return f"{token.token_type} {token.access_token}"

    def _take_turn(self) -> None:
        turn = self.pace.turn(self._clock.monotonic())
        if turn > 0:
            self._sleep(turn, THROTTLED)

    def _wait(self, step: Wait) -> None:
        if step.is_throttled:
            # The pause is for all threads: the next request takes its turn after it.
            self.pace.throttled(self._clock.monotonic(), step.seconds)
            return
        self._sleep(step.seconds, step.reason)

    def _sleep(self, seconds: float, reason: str) -> None:
        tell(self._on_wait, seconds, reason)
        if self._stop is None:
            self._clock.sleep(seconds)
            return
        while seconds > 0:
            self._clock.sleep(min(seconds, STOP_CHECK_S))
            seconds -= STOP_CHECK_S
            if self._stop.is_set():
                raise Stopped

    def _run_together(self, step: Together) -> list[Outcome]:
        from functools import partial

        from entrakit.services.workers import Workers

        if len(step.operations) == 1 or step.at_once == 1:
            return [self.outcome_of(operation) for operation in step.operations]
        stop = Event()
        one = self.stoppable(stop).outcome_of
        outcomes: dict[int, Outcome] = {}
        with Workers[int, Outcome]() as workers:
            try:
                for number, operation in enumerate(step.operations):
                    if workers.running == step.at_once:
                        outcomes.update([workers.result()])
                    workers.start(number, partial(one, operation))
                while workers.running:
                    outcomes.update([workers.result()])
            finally:
                stop.set()
        return [outcomes[number] for number in range(len(step.operations))]


def tell(on_wait: Callable[[float, str], None] | None, seconds: float, reason: str) -> None:
    """Call the function of the caller before a wait; without one, log the wait where the command looks."""
    if on_wait is None:
        waits.info("waiting %.1f s: %s", seconds, reason.rstrip("."))
        return
    log.info("waiting %.1f s: %s", seconds, reason)
    on_wait(seconds, reason)


def steps_of(operation: Call[T] | Operation[T], service: Service) -> Operation[T]:
    """Return an operation as it is; for a call, return a new operation on a service. Raises ParameterError."""
    if not isinstance(operation, Call):
        return operation
    return fetch(on_service(operation.request, service), operation.read)


def refuse_stranger(request: Request, service: Service, origins: Sequence[Origin]) -> None:
    """Check that a token is sent to the service's own origins only, for any operation.

    Args:
        request: The request.
        service: The service, for the error message.
        origins: The origins of the service.

    Raises:
        ParameterError: The address is on another origin; the error names its host.
    """
    if Origin.of(request.url) not in origins:
        raise ParameterError(
            f"{shown_host(request.url)} is not a host of the service {service.name}, so its token is not sent there.",
            remedy=f"Use an address on {service.host}, or a client of the other service.",
        )


def note(response: Response) -> None:
    """Log a response: method, path and ids, without query and body."""
    request = response.request
    log.debug(
        "%s answered %d, request id %s, client request id %s",
        *(request, response.status, response.request_id, request.client_request_id),
    )


def permissions_of(token: Token | None) -> Held:
    """Return the permissions in a token; none if the token can't be read."""
    if token is None or not token.claims:
        return Held()
    roles, scopes = token.claims.get("roles"), token.claims.get("scp")
    named = [*(roles if isinstance(roles, list) else []), *(scopes.split() if isinstance(scopes, str) else [])]
    return Held(tuple(sorted({str(name) for name in named})), is_app=scopes is None)
