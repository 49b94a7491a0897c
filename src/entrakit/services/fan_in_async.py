"""Several listings at the same time, in tasks: as `fan_in`, awaited."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from entrakit.services.listing import NumberedPage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from entrakit.services.listing import Listing, Page
    from entrakit.services.runner_async import AsyncRunner

T = TypeVar("T")


async def pages_of(
    runner: AsyncRunner, listings: Sequence[Listing[T]], at_once: int
) -> AsyncGenerator[NumberedPage[T]]:
    """As `fan_in.pages_of()`, awaited."""
    waiting = list(enumerate(listings))[::-1]
    running: dict[asyncio.Task[Page[T]], tuple[int, Listing[T]]] = {}

    def begin(number: int, listing: Listing[T]) -> None:
        running[asyncio.create_task(runner.run(listing.advance()))] = (number, listing)

    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                begin(*waiting.pop())
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                number, listing = running.pop(task)
                page, position = task.result(), listing.position
                if not listing.is_finished:
                    begin(number, listing)
                yield NumberedPage(number, page, position)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
