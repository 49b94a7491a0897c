"""Several listings at once, by threads: their pages come out in the order in which they arrive."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future

    from entrakit.graph.pages import Listing, Page
    from entrakit.graph.runner import Runner

T = TypeVar("T")


def pages_of(runner: Runner, listings: Sequence[Listing[T]], at_once: int) -> Iterator[Page[T]]:
    """Return the pages of several listings, of which some are read at the same time.

    No more pages than `at_once` are held: a listing goes on only after its page was taken.

    Args:
        runner: What runs them.
        listings: The listings; each is read from its own beginning to its end.
        at_once: How many pages may be on their way at the same time.

    Raises:
        EntraError: The first error of any of them; the others are given up.
    """
    waiting = list(reversed(listings))
    running: dict[Future[Page[T]], Listing[T]] = {}
    with ThreadPoolExecutor(at_once, "entrakit-graph") as pool:

        def begin(listing: Listing[T]) -> None:
            running[pool.submit(runner.run, listing.advance())] = listing

        try:
            while waiting or running:
                while waiting and len(running) < at_once:
                    begin(waiting.pop())
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    listing = running.pop(future)
                    page = future.result()
                    if not listing.is_finished:
                        begin(listing)
                    yield page
        finally:
            for future in running:
                future.cancel()
