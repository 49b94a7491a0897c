"""Several listings at once, by threads: their pages come out in the order in which they arrive."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from threading import Event
from typing import TYPE_CHECKING, TypeVar

from entrakit.services.listing import Fetched

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future

    from entrakit.services.listing import Listing, Page
    from entrakit.services.runner import Runner

T = TypeVar("T")


def pages_of(runner: Runner, listings: Sequence[Listing[T]], at_once: int) -> Iterator[Fetched[T]]:
    """Return the pages of several listings, of which some are read at the same time.

    While a page is looked at, the next one of its listing is on its way already; not so where one is read after
    another, which needs no threads, and is faster without: to hand a page over costs more than what is done to it.

    Args:
        runner: What runs them.
        listings: The listings; each is read from its own beginning to its end.
        at_once: How many pages may be on their way at the same time.

    Raises:
        EntraError: The first error of any of them; the others are given up.
    """
    if at_once == 1 or len(listings) == 1:
        for place, listing in enumerate(listings):
            while not listing.is_finished:
                yield Fetched(place, runner.run(listing.advance()), listing.position)
        return
    waiting = list(enumerate(listings))[::-1]
    running: dict[Future[Page[T]], tuple[int, Listing[T]]] = {}
    stop = Event()
    stoppable = runner.stoppable(stop)
    with ThreadPoolExecutor(at_once, "entrakit-graph") as pool:

        def begin(place: int, listing: Listing[T]) -> None:
            running[pool.submit(stoppable.run, listing.advance())] = (place, listing)

        try:
            while waiting or running:
                while waiting and len(running) < at_once:
                    begin(*waiting.pop())
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    place, listing = running.pop(future)
                    page, position = future.result(), listing.position
                    if not listing.is_finished:
                        begin(place, listing)
                    yield Fetched(place, page, position)
        finally:
            # Whoever stops reading must not wait until the others have waited.
            stop.set()
            for future in running:
                future.cancel()
