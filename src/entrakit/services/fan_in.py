"""Several listings at the same time, on threads: their pages are returned in the order of arrival."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from threading import Event
from typing import TYPE_CHECKING, TypeVar

from entrakit.services.listing import NumberedPage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future

    from entrakit.services.listing import Listing, Page
    from entrakit.services.runner import Runner

T = TypeVar("T")


def pages_of(runner: Runner, listings: Sequence[Listing[T]], at_once: int) -> Iterator[NumberedPage[T]]:
    """Return the pages of several listings.

    While the caller processes a page, the next page of its listing is already requested. If only one page is read at a
    time, no threads are used: passing a page between threads costs more than processing it.

    Args:
        runner: Runs the listings.
        listings: The listings; each is read to its end.
        at_once: Maximum number of pages that are requested at the same time.

    Raises:
        EntraError: The first error of a listing; the other listings are stopped.
    """
    if at_once == 1 or len(listings) == 1:
        for number, listing in enumerate(listings):
            while not listing.is_finished:
                yield NumberedPage(number, runner.run(listing.advance()), listing.position)
        return
    waiting = list(enumerate(listings))[::-1]
    running: dict[Future[Page[T]], tuple[int, Listing[T]]] = {}
    stop = Event()
    stoppable = runner.stoppable(stop)
    with ThreadPoolExecutor(at_once, "entrakit-graph") as pool:

        def begin(number: int, listing: Listing[T]) -> None:
            running[pool.submit(stoppable.run, listing.advance())] = (number, listing)

        try:
            while waiting or running:
                while waiting and len(running) < at_once:
                    begin(*waiting.pop())
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    number, listing = running.pop(future)
                    page, position = future.result(), listing.position
                    if not listing.is_finished:
                        begin(number, listing)
                    yield NumberedPage(number, page, position)
        finally:
            # A caller that stops reading must not wait for the pauses of the other listings.
            stop.set()
            for future in running:
                future.cancel()
