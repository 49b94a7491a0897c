"""Several listings at once, by tasks: as `fan_in`, awaited."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from entrakit.services.listing import Fetched

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from entrakit.services.listing import Listing, Page
    from entrakit.services.runner_async import AsyncRunner

T = TypeVar("T")


async def pages_of(runner: AsyncRunner, listings: Sequence[Listing[T]], at_once: int) -> AsyncGenerator[Fetched[T]]:
    """Return the pages of several listings; arguments and errors as for `fan_in.pages_of`."""
    waiting = list(enumerate(listings))[::-1]
    running: dict[asyncio.Task[Page[T]], tuple[int, Listing[T]]] = {}

    def begin(place: int, listing: Listing[T]) -> None:
        running[asyncio.create_task(runner.run(listing.advance()))] = (place, listing)

    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                begin(*waiting.pop())
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                place, listing = running.pop(task)
                page, position = task.result(), listing.position
                if not listing.is_finished:
                    begin(place, listing)
                yield Fetched(place, page, position)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
