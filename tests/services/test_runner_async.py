"""The awaited runner: tokens without blocking the loop, shared pace, and cancellation."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from tests.heartbeat import run_async

from entrakit.http.message import Headers, Request, Response
from entrakit.services.operation import Call, Outcome, Together, Wait
from entrakit.services.retrying import send
from entrakit.services.runner_async import AsyncRunner
from entrakit.services.service import Service
from entrakit.tokens.token import Token

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.conftest import FakeClock

    from entrakit.services.operation import Step

SERVICE = Service("mine", "https://api.contoso.com/v1", "api://x")
TOKEN = Token("canary", issued_at=0.0, expires_at=10.0**10)
GET = Request("GET", f"{SERVICE.url}/x")


class Box:
    """A connection whose token has to be renewed, which takes until `may_end` is set.

    Args:
        fresh: Token that needs no renewal; None if there is none.
    """

    tenant_id = "contoso.com"

    def __init__(self, fresh: Token | None = None) -> None:
        self.fresh = fresh
        self.threads: list[threading.Thread] = []
        self.claims: list[str] = []
        self.has_begun, self.may_end, self.has_ended = threading.Event(), threading.Event(), threading.Event()
        self.may_end.set()

    def service_token(self, scope: str, *, claims: str = "", issued_after: float = 0.0) -> Token:
        """Renew the token."""
        self.threads.append(threading.current_thread())
        self.claims.append(claims)
        self.has_begun.set()
        assert self.may_end.wait(10)
        self.has_ended.set()
        return TOKEN

    def fresh_service_token(self, scope: str, *, issued_after: float = 0.0) -> Token | None:
        """Return the fresh token."""
        return self.fresh


class Sender:
    """A transport that answers everything, and counts the requests that run at the same time."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.running = 0
        self.most = 0

    async def once(self, request: Request, *, authorization: str = "", limit: int) -> Response:
        """Return an empty object."""
        self.sent.append(authorization)
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0.001)
        self.running -= 1
        return Response(request, 200, Headers({}), b"{}")


def call(request: Request = GET) -> Call[int]:
    """Return a call whose result is the status of its response."""
    return Call(request, lambda response: response.status)


def test_a_renewal_runs_in_a_thread() -> None:
    """
    A token is renewed in another thread, so the event loop is not blocked; a fresh token is used where it is.
    """
    box, fresh = Box(), Box(TOKEN)

    assert 200 == run_async(AsyncRunner(box, SERVICE, Sender()).run(call()))
    assert 200 == run_async(AsyncRunner(fresh, SERVICE, Sender()).run(call()))

    assert [False] == [one is threading.main_thread() for one in box.threads]
    assert [] == fresh.threads


def test_a_claims_challenge_always_renews() -> None:
    """
    A request with a claims challenge does not use the fresh token.
    """
    box = Box(TOKEN)

    run_async(AsyncRunner(box, SERVICE, Sender()).run(call(GET._replace(claims="{}"))))

    assert ["{}"] == box.claims


def test_a_renewal_survives_the_cancelled_task() -> None:
    """
    Cancelling a task sends nothing more, but the renewal that it waits for runs to its end.
    """
    box, sender = Box(), Sender()
    box.may_end.clear()

    async def ask() -> bool:
        task = asyncio.create_task(AsyncRunner(box, SERVICE, sender).run(call()))
        assert await asyncio.to_thread(box.has_begun.wait, 10)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        box.may_end.set()
        assert await asyncio.to_thread(box.has_ended.wait, 10)
        return task.cancelled()

    assert run_async(ask())
    assert [] == sender.sent


def test_operations_run_together_up_to_the_limit() -> None:
    """
    `Together` runs at most the given number of operations at once, and returns outcomes in the given order.
    """
    sender = Sender()

    def steps() -> Generator[Step, object, object]:
        return (yield Together([send(GET) for _ in range(7)], at_once=3))

    outcomes = run_async(AsyncRunner(Box(TOKEN), SERVICE, sender).run(steps()))

    assert isinstance(outcomes, list)
    assert [True] * 7 == [isinstance(one, Outcome) and one.error is None for one in outcomes]
    assert (7, 3) == (len(sender.sent), sender.most)


def test_a_watched_runner_reports_waits_and_keeps_the_pace(clock: FakeClock) -> None:
    """
    A watched runner reports each wait with its reason; its pause slows down the runner that it came from.
    """
    told: list[tuple[float, str]] = []

    async def sleep(seconds: float) -> None:
        clock.sleep(seconds)

    def steps() -> Generator[Step, object, None]:
        yield Wait(3.0, "test")
        yield Wait(5.0, "test", is_throttled=True)

    runner = AsyncRunner(Box(TOKEN), SERVICE, Sender(), clock=clock, sleep=sleep)
    watched = runner.watched(lambda seconds, reason: told.append((seconds, reason)))
    run_async(watched.run(steps()))

    assert [(3.0, "test")] == told
    assert runner.pace.is_slowed
    run_async(watched.run(call()))
    assert (2, "the service is throttling") == (len(told), told[1][1])
    assert "contoso.com" == watched.tenant_id
