"""Waits for another computer or program that last longer than two seconds are logged; the command shows them.

Nobody knows before how long such a wait lasts, so it is logged while it lasts. A slow server makes many requests slow,
so waits for the same thing are logged at most once a minute.
"""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from threading import Timer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

NOTICED_S = 2.0
# Seconds between two lines about the same thing.
SILENCE_S = 60.0

log = logging.getLogger("entrakit.waits.answers")

# Time of the last line about each thing, by the monotonic clock.
_logged: dict[str, float] = {}


def are_reported() -> bool:
    """Return whether anything reads the log of waits. If not, `reported` would start threads for nothing."""
    return log.isEnabledFor(logging.INFO)


@contextmanager
def reported(what: str) -> Iterator[None]:
    """Log a line if the block takes long.

    Args:
        what: The thing that the block waits for, such as a host.
    """
    if not are_reported():
        yield
        return
    timer = Timer(NOTICED_S, report, (what,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def report(what: str) -> None:
    """Log that a wait for something has lasted for two seconds, unless that was logged in the last minute."""
    now = time.monotonic()
    if now - _logged.get(what, now - SILENCE_S) < SILENCE_S:
        return
    _logged[what] = now
    log.info("waiting for %s: no answer after %g s", what, NOTICED_S)
