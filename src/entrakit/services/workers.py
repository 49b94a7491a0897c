"""Threads that never keep their caller waiting: not if it is interrupted, and not at the end of the process.

The threads of `concurrent.futures` are waited for at both moments, even if a request takes half a minute. These are
daemon threads. They take calls from one queue and return results by another one. When the caller closes them, each
ends after its current call.
"""

from __future__ import annotations

from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

K = TypeVar("K")
R = TypeVar("R")

# On Windows a wait without a time-out can't be interrupted.
INTERRUPT_CHECK_S = 0.1


class Workers(Generic[K, R]):
    """Daemon threads that run calls. A thread is started when a call finds all of them busy."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[tuple[K, Callable[[], R]] | None] = SimpleQueue()
        self._results: SimpleQueue[tuple[K, R] | BaseException] = SimpleQueue()
        self._threads: list[Thread] = []
        self._running = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for _ in self._threads:
            self._calls.put(None)
        if not self._running:
            for thread in self._threads:
                thread.join()

    @property
    def running(self) -> int:
        """Number of calls whose result was not returned yet."""
        return self._running

    @property
    def has_result(self) -> bool:
        """Whether `result()` need not wait."""
        return not self._results.empty()

    def start(self, key: K, call: Callable[[], R]) -> None:
        """Run a call in a thread.

        Args:
            key: Value that is returned with the result.
            call: The call.
        """
        self._running += 1
        if self._running > len(self._threads):
            thread = Thread(target=self._work, name=f"entrakit-graph_{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._calls.put((key, call))

    def result(self) -> tuple[K, R]:
        """Wait for a call to end, and return its key and its result.

        Raises:
            BaseException: The exception of the call.
        """
        while True:
            try:
                ended = self._results.get(timeout=INTERRUPT_CHECK_S)
            except Empty:
                continue
            self._running -= 1
            if isinstance(ended, BaseException):
                raise ended
            return ended

    def _work(self) -> None:
        while (taken := self._calls.get()) is not None:
            key, call = taken
            try:
                self._results.put((key, call()))
            except BaseException as error:  # noqa: BLE001 - raised in the thread of the caller
                self._results.put(error)
