"""The tenant's clock: a source of time and an offset."""

from __future__ import annotations

import time
from typing import Protocol


class TimeSource(Protocol):
    """A source of time, such as the `time` module."""

    def time(self) -> float:
        """Return the seconds since 1970, UTC."""
        ...


class _SystemTime:
    def time(self) -> float:
        return time.time()


class Clock:
    """The clock of tokens, codes, lifetimes and the `Date` header.

    Args:
        source: Source of the time; None for the system's clock.
    """

    def __init__(self, source: TimeSource | None = None) -> None:
        self._first: TimeSource = source or _SystemTime()
        self._source = self._first
        self.offset_s = 0.0

    def now(self) -> float:
        """Return the tenant's time, in seconds since 1970."""
        return self._source.time() + self.offset_s

    def advance(self, seconds: float) -> None:
        """Move the tenant's clock forward. The clock of the client does not change."""
        self.offset_s += seconds

    def set_offset(self, seconds: float) -> None:
        """Make the tenant's clock wrong: seconds ahead of its source, or behind it if negative."""
        self.offset_s = float(seconds)

    def follow(self, source: TimeSource) -> None:
        """Take the time from another source until `reset`, so that client and tenant share a clock."""
        self._source = source

    def reset(self) -> None:
        """Return to the source given at start, without offset."""
        self._source = self._first
        self.offset_s = 0.0
