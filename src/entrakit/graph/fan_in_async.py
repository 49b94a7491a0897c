"""Several listings at once, by tasks: as `fan_in`, awaited."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from entrakit.graph.pages import Listing, Page
    from entrakit.graph.runner_async import AsyncRunner

T = TypeVar("T")


async def pages_of(runner: AsyncRunner, listings: Sequence[Listing[T]], at_once: int) -> AsyncIterator[Page[T]]:
    """Return the pages of several listings; arguments and errors as for `fan_in.pages_of`."""
    waiting = list(reversed(listings))
    running: dict[asyncio.Task[Page[T]], Listing[T]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                listing = waiting.pop()
                running[asyncio.create_task(runner.run(listing.advance()))] = listing
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                listing = running.pop(task)
                page = task.result()
                if not listing.is_finished:
                    running[asyncio.create_task(runner.run(listing.advance()))] = listing
                yield page
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
