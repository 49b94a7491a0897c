"""Token bucket: an allowance that fills up again over time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Bucket:
    """What is left of an allowance that fills up again.

    Args:
        size: How much it holds.
        window_s: Seconds in which it fills up.
        left: What is left.
        at: When that was.
    """

    size: float
    window_s: float
    left: float
    at: float

    def wait_for(self, amount: float, now: float) -> float:
        """Return the seconds until there is as much; what is more than it holds is there when it is full."""
        self.left = min(self.size, self.left + max(0.0, now - self.at) * self.size / self.window_s)
        self.at = now
        missing = min(amount, self.size) - self.left
        # Sums of fractions: what is missing by less than this is there.
        return missing * self.window_s / self.size if missing > 1e-6 else 0.0

    def take(self, amount: float) -> None:
        """Take what is there."""
        self.left = max(0.0, self.left - amount)

    @property
    def used(self) -> float:
        """Which part of it is used."""
        return 1.0 - self.left / self.size
