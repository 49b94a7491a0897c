"""The awaited runner of operations: the same as `runner`, with `await`."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from typing import TYPE_CHECKING, Protocol, TypeVar

from entrakit.errors import EntraError, NetworkError
from entrakit.services.operation import (
    Call,
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
from entrakit.services.runner import (
    MAX_ANSWER,
    THROTTLED,
    log,
    note,
    permissions_of,
    refuse_stranger,
    steps_of,
    tell,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from entrakit.http.retry import Clock
    from entrakit.services.operation import Operation, Step
    from entrakit.services.runner import TokenSource
    from entrakit.services.service import Service
    from entrakit.tokens.token import Token

T = TypeVar("T")


class AsyncSender(Protocol):
    """The part of an `AsyncTransport` that a runner needs."""

    async def once(self, request: Request, *, authorization: str = "", limit: int) -> Response:
        """Send a request once, and return the response."""
        ...


class AsyncRunner:
    """Runs operations on one service, in one event loop. The requests of all tasks have one pace.

    Args:
        connection: Connection that provides tokens. A fresh token needs no thread. A renewal runs in a thread, and
            finishes even if its task is cancelled.
        service: The service.
        transport: Transport that sends the requests.
        clock: Clock that tells the time.
        sleep: Function that waits.
        on_wait: Function that is called before every wait, with the seconds and the reason.
        pace: Pace of the requests; None for a separate one.
    """

    def __init__(
        self,
        connection: TokenSource,
        service: Service,
        transport: AsyncSender,
        *,
        clock: Clock = time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        on_wait: Callable[[float, str], None] | None = None,
        pace: Pace | None = None,
    ) -> None:
        self.service = service
        self.pace = pace or Pace()
        self._origins = service.origins
        self._scope = service.scope
        self._connection = connection
        self._transport = transport
        self._clock = clock
        self._sleep = sleep
        self._on_wait = on_wait

    @property
    def tenant_id(self) -> str:
        """The tenant of the connection."""
        return self._connection.tenant_id

    def watched(self, on_wait: Callable[[float, str], None]) -> AsyncRunner:
        """Return this runner, with the same connections and pace, as one that reports its waits."""
        return AsyncRunner(
            self._connection,
            self.service,
            self._transport,
            clock=self._clock,
            sleep=self._sleep,
            on_wait=on_wait,
            pace=self.pace,
        )

    async def run(self, operation: Call[T] | Operation[T]) -> T:
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
                    outcome = await self._perform(step)
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

    async def _perform(self, step: Step) -> object:
        if isinstance(step, Request):
            return await self._exchange(step)
        if isinstance(step, Wait):
            await self._wait(step)
            return None
        if isinstance(step, Together):
            return await self._run_together(step)
        if isinstance(step, HeldPermissions):
            return permissions_of(self._connection.fresh_service_token(self._scope))
        if isinstance(step, TheService):
            return self.service
        raise TypeError(f"an operation yields steps, not {type(step).__name__}")

    async def _exchange(self, request: Request) -> Response:
        authorization = ""
        if request.is_authorized:
            refuse_stranger(request, self.service, self._origins)
        if self.pace.is_slowed:
            await self._take_turn()
        if request.is_authorized:
            token = await self._token(request)
            authorization = f"{token.token_type} {token.access_token}"
        try:
            response = await self._transport.once(request, authorization=authorization, limit=MAX_ANSWER)
        except NetworkError as error:
            raise Undelivered(error) from error
        if log.isEnabledFor(logging.DEBUG):
            note(response)
        return response

    async def _take_turn(self) -> None:
        turn = self.pace.turn(self._clock.monotonic())
        if turn > 0:
            tell(self._on_wait, turn, THROTTLED)
            await self._sleep(turn)

    async def _token(self, request: Request) -> Token:
        scope = self._scope
        if not request.claims:
            fresh = self._connection.fresh_service_token(scope, issued_after=request.issued_after)
            if fresh is not None:
                return fresh
        return await asyncio.to_thread(
            self._connection.service_token, scope, claims=request.claims, issued_after=request.issued_after
        )

    async def _wait(self, step: Wait) -> None:
        if step.is_throttled:
            # The pause is for all tasks: the next request takes its turn after it.
            self.pace.throttled(self._clock.monotonic(), step.seconds)
            return
        tell(self._on_wait, step.seconds, step.reason)
        await self._sleep(step.seconds)

    async def _run_together(self, step: Together) -> list[Outcome]:
        free = asyncio.Semaphore(step.at_once)

        async def one(operation: Operation[object]) -> Outcome:
            async with free:
                try:
                    return Outcome(await self.run(operation))
                except EntraError as error:
                    return Outcome(error=error)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(operation)) for operation in step.operations]
        return [task.result() for task in tasks]
