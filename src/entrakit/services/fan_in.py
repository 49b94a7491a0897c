"""Several listings at the same time, on threads: their pages are returned in the order of arrival."""

from __future__ import annotations

from functools import partial
from threading import Event
from typing import TYPE_CHECKING, TypeVar

from entrakit.services.jobs import Queue, Work
from entrakit.services.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from entrakit.services.jobs import Job
    from entrakit.services.listing import NumberedPage
    from entrakit.services.runner import Runner

T = TypeVar("T")


def pages_of(runner: Runner, jobs: Iterable[Job[T] | None], at_once: int) -> Iterator[NumberedPage[T]]:
    """Return the pages of several listings.

    While the caller processes a page, the next page of its listing is already requested. If only one page is read at a
    time, no threads are used: passing a page between threads costs more than processing it.

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
            page = queue.finished(work, runner.run(work.operation))
            if page is not None:
                yield page
        return
    stop = Event()
    stoppable = runner.stoppable(stop)
    with Workers[Work[T], object]() as workers:
        page = None
        try:
            while True:
                while workers.running < at_once and (work := queue.take()) is not None:
                    workers.start(work, partial(stoppable.run, work.operation))
                if page is not None:
                    yield page
                if not workers.running:
                    return
                page = queue.finished(*workers.result())
        finally:
            # A caller that stops reading must not wait for the pauses of the other listings.
            stop.set()
