"""Several listings at the same time, on threads: their pages are returned in the order of arrival."""

from __future__ import annotations

from collections import deque
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, TypeVar

from entrakit.errors import EntraError
from entrakit.services.jobs import Queue, QueuedJob
from entrakit.services.listing import Listing
from entrakit.services.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from entrakit.services.jobs import Job
    from entrakit.services.listing import NumberedPage
    from entrakit.services.runner import Runner

T = TypeVar("T")


def pages_of(runner: Runner, jobs: Iterable[Job[T] | None], at_once: int) -> Iterator[NumberedPage[T]]:
    """Return the pages of several listings.

    While the caller processes a page, the next pages are already requested; at most as many pages as workers wait for
    it. Workers that have to wait for a preparation first open their connections. If only one page is read at a time, no
    threads are used: passing a page between threads costs more than processing it.

    Args:
        runner: Runs the listings.
        jobs: The listings, each read to its end, and preparations; see `Queue`.
        at_once: Maximum number of requests at the same time.

    Raises:
        EntraError: The first error of a job. The other ones end after their current request, without a wait for it.
    """
    queue = Queue(jobs)
    if at_once == 1 or (isinstance(jobs, list) and len(jobs) == 1):
        while (work := queue.take()) is not None:
            page = queue.finished(work, _result_of(runner, work))
            if page is not None:
                yield page
        return
    stop = Event()
    stoppable = runner.stoppable(stop)
    pages: deque[NumberedPage[T]] = deque()
    # Only preparations keep workers waiting; a list has none.
    is_connected = isinstance(jobs, list)
    with Workers[QueuedJob[T], object]() as workers:
        try:
            while True:
                # All workers get their next job before the caller gets a page, which it may process for long.
                while workers.running and (workers.has_result or not pages):
                    page = queue.finished(*workers.result())
                    if page is not None:
                        pages.append(page)
                while workers.running < at_once > len(pages) and (work := queue.take()) is not None:
                    workers.start(work, partial(_result_of, stoppable, work))
                if workers.running and not is_connected:
                    is_connected = True
                    _open_ahead(runner, at_once - workers.running)
                if pages:
                    yield pages.popleft()
                elif not workers.running:
                    return
        except EntraError:
            # The pages that arrived before it are good.
            yield from pages
            raise
        finally:
            # A caller that stops reading must not wait for the pauses of the other listings.
            stop.set()


def _open_ahead(runner: Runner, count: int) -> None:
    """Open the connections of the workers that wait for a preparation, in separate threads that nothing waits for."""
    with Workers[int, None]() as workers:
        for number in range(count):
            workers.start(number, partial(runner.open_ahead, count))


def _result_of(runner: Runner, work: QueuedJob[T]) -> object:
    """Run a job, and request the following page before this one is processed."""
    result: object = runner.run(work.operation)
    if isinstance(work.job, Listing) and work.job.following is not None:
        runner.send_ahead(work.job.following)
    return result
