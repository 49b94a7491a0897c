"""Several listings at the same time, in tasks: as `fan_in`, awaited."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from entrakit.services.jobs import Queue, QueuedJob

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

    from entrakit.services.jobs import Job
    from entrakit.services.listing import NumberedPage
    from entrakit.services.runner_async import AsyncRunner

T = TypeVar("T")


async def pages_of(runner: AsyncRunner, jobs: Iterable[Job[T] | None], at_once: int) -> AsyncGenerator[NumberedPage[T]]:
    """As `fan_in.pages_of()`, awaited."""
    queue = Queue(jobs)
    running: dict[asyncio.Task[Any], QueuedJob[T]] = {}
    done: set[asyncio.Task[Any]] = set()
    try:
        while True:
            pages = [queue.finished(running.pop(task), task.result()) for task in done]
            while len(running) < at_once and (work := queue.take()) is not None:
                running[asyncio.create_task(runner.run(work.operation))] = work
            for page in pages:
                if page is not None:
                    yield page
            if not running:
                return
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
