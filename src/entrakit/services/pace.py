"""The pace of the requests of a client: a pause if the service throttles, then one by one, with shrinking gaps.

All threads or tasks of a client share one `Pace`. It only computes times; the runners wait.
"""

from __future__ import annotations

from threading import Lock

FIRST_GAP_S = 0.05
LONGEST_GAP_S = 2.0
QUICKER = 0.8
NO_GAP_S = 0.005


class Pace:
    """The time at which the next request may be sent.

    Attributes:
        is_slowed: Whether requests have to wait for their turn.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._next = 0.0
        self._gap_s = 0.0
        self.is_slowed = False

    def throttled(self, now: float, seconds: float) -> None:
        """Note a pause that the service requires, after which requests are slower.

        Args:
            now: Seconds on a monotonic clock.
            seconds: Length of the pause.
        """
        with self._lock:
            # Throttled responses to requests that were sent at the same time count once.
            if now >= self._next:
                self._gap_s = min(LONGEST_GAP_S, max(FIRST_GAP_S, 2 * self._gap_s))
            self._next = max(self._next, now + seconds)
            self.is_slowed = True

    def turn(self, now: float) -> float:
        """Take the next turn, and return the seconds to wait for it.

        Args:
            now: Seconds on a monotonic clock.
        """
        if not self.is_slowed:
            return 0.0
        with self._lock:
            turn = max(now, self._next)
            self._next = turn + self._gap_s if self._gap_s else 0.0
            self._gap_s = self._gap_s * QUICKER if self._gap_s > NO_GAP_S else 0.0
            self.is_slowed = self._gap_s > 0.0 or self._next > 0.0
            return turn - now
