"""Times as Graph writes them."""

from __future__ import annotations

import datetime

# When the seeds were created.
SEEDED = "2024-03-01T09:00:00Z"


def stamp(at: float) -> str:
    """Return a time as Graph writes it, in UTC and whole seconds.

    Args:
        at: Seconds since 1970.
    """
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
