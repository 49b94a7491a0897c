"""Token bucket: an allowance that is refilled over time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Bucket:
    """An allowance that is refilled over time.

    Args:
        size: Capacity.
        window_s: Seconds until an empty bucket is full.
        left: Amount left.
        at: Time of that amount.
    """

    size: float
    window_s: float
    left: float
    at: float

    def wait_for(self, amount: float, now: float) -> float:
        """Return the seconds until an amount is available; an amount above the capacity needs a full bucket."""
        self.left = min(self.size, self.left + max(0.0, now - self.at) * self.size / self.window_s)
        self.at = now
        missing = min(amount, self.size) - self.left
        # Rounding errors of fractions are ignored.
        return missing * self.window_s / self.size if missing > 1e-6 else 0.0

    def take(self, amount: float) -> None:
        """Take an amount, or everything if there is less."""
        self.left = max(0.0, self.left - amount)

    @property
    def used(self) -> float:
        """The used part, from 0 to 1."""
        return 1.0 - self.left / self.size
