"""Running awaited code in tests: with a heartbeat, which fails the test if something blocked the event loop."""

from __future__ import annotations

import asyncio
import sys
import threading
import traceback
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")

BEAT_S = 0.01
# Generous, because the machine may be busy with other tests; what blocks a loop usually blocks it for long.
LONGEST_BLOCK_S = 1.0


def run_async(coroutine: Coroutine[object, object, T], *, longest_block_s: float = LONGEST_BLOCK_S) -> T:
    """Run a coroutine in a new event loop, and fail if something blocked the loop for too long.

    The time is counted in beats of a thread next to the loop: a machine that stops both does not count.

    Args:
        coroutine: The coroutine.
        longest_block_s: Maximum seconds that the loop may be blocked.
    """
    watch = _Watch(longest_block_s)

    async def watched() -> T:
        watch.start()
        beating = asyncio.create_task(watch.beat())
        try:
            return await coroutine
        finally:
            watch.stop()
            beating.cancel()

    result = asyncio.run(watched())
    if watch.blocked_at:
        raise AssertionError(f"The event loop was blocked for {longest_block_s} s, here:\n{watch.blocked_at}")
    return result


class _Watch:
    """A thread that notices when the event loop misses its beats, and where the loop is at that moment."""

    def __init__(self, longest_block_s: float) -> None:
        self.blocked_at = ""
        self._allowed = max(1, round(longest_block_s / BEAT_S))
        self._beats = 0
        self._stopped = threading.Event()
        self._loop_thread = 0
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        """Start the thread; the caller is the thread of the loop."""
        self._loop_thread = threading.get_ident()
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread."""
        self._stopped.set()
        self._thread.join()

    async def beat(self) -> None:
        """Beat until it is cancelled."""
        while True:
            self._beats += 1
            await asyncio.sleep(BEAT_S)

    def _watch(self) -> None:
        seen, missed = self._beats, 0
        while not self._stopped.wait(BEAT_S):
            if self._beats != seen:
                seen, missed = self._beats, 0
                continue
            missed += 1
            if missed == self._allowed:
                frame = sys._current_frames().get(self._loop_thread)
                self.blocked_at = "".join(traceback.format_stack(frame))
