"""Jobs of parallel reading: the pages of listings, and the requests that prepare further listings.

`fan_in` and `fan_in_async` run jobs as workers get free. `Queue` decides which job is next, for both of them.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeAlias, TypeVar

from entrakit.services.listing import Listing, NumberedPage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from entrakit.services.operation import Operation

T = TypeVar("T")


class Preparation(NamedTuple):
    """An operation whose result decides which listings follow.

    Args:
        operation: The operation.
        learn: Function that receives its result; the thread or task that takes the jobs calls it.
    """

    operation: Operation[Any]
    learn: Callable[[Any], None]


Job: TypeAlias = Listing[T] | Preparation


class QueuedJob(NamedTuple, Generic[T]):
    """A job of a queue, with the number of its listing, from 0; -1 for a preparation."""

    number: int
    job: Job[T]

    @property
    def operation(self) -> Operation[Any]:
        """The operation to run: the next page of a listing, or the preparation."""
        return self.job.operation if isinstance(self.job, Preparation) else self.job.advance()


class Queue(Generic[T]):
    """The jobs that can be run now, in order.

    Args:
        jobs: Listings and preparations, each taken when a worker is free. None means that no further job can begin
            until one that is running has ended.
    """

    def __init__(self, jobs: Iterable[Job[T] | None]) -> None:
        self._jobs = iter(jobs)
        self._continued: deque[QueuedJob[T]] = deque()
        self._count = 0

    def take(self) -> QueuedJob[T] | None:
        """Return the next job; None if none can begin now."""
        if self._continued:
            return self._continued.popleft()
        job = next(self._jobs, None)
        if isinstance(job, Listing):
            self._count += 1
            return QueuedJob(self._count - 1, job)
        return None if job is None else QueuedJob(-1, job)

    def finished(self, work: QueuedJob[T], result: Any) -> NumberedPage[T] | None:  # noqa: ANN401 - of any operation
        """Note the result of a job, and return the page; None for a preparation."""
        number, job = work
        if isinstance(job, Preparation):
            job.learn(result)
            return None
        if not job.is_finished:
            self._continued.append(work)
        return NumberedPage(number, result, job.position)
