"""The decision to try again: pure functions, so that every rule can be read and tested in one place.

Only answers that promise the request had no effect, or requests that may be repeated, are tried again: 429, 502,
503 and 504, other 5xx, and connections that broke. What the service said no to (400, 401) is never repeated.
"""

from __future__ import annotations

ATTEMPTS = 4
PATIENCE_S = 60.0
FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 20.0

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def is_transient(status: int) -> bool:
    """Return whether an answer with this HTTP status may be another one next time (RFC 9110, 15)."""
    return status == 429 or status >= 500


def delay_before(
    attempt: int, *, elapsed_s: float, retry_after_s: float | None, random: Callable[[], float],
    attempts: int = ATTEMPTS, patience_s: float = PATIENCE_S,
) -> float | None:  # fmt: skip
    """Return how long to wait before the next attempt, or None to give up.

    Args:
        attempt: How many attempts were made, from 1.
        elapsed_s: Seconds since the first one began.
        retry_after_s: What the service asked for, in seconds; it is obeyed or we give up, never shortened. Zero asks
            for nothing.
        random: Gives numbers in [0, 1): waits are spread, so that many clients don't come back together.
        attempts: How many attempts there may be.
        patience_s: Seconds after which there is no further one.
    """
    if attempt >= attempts:
        return None
    backoff = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2 ** (attempt - 1)) * (0.5 + random() / 2)
    delay = retry_after_s if retry_after_s is not None and retry_after_s > 0 else backoff
    return delay if elapsed_s + delay <= patience_s else None


def parse_retry_after(text: str | None, *, now: float) -> float | None:
    """Return the seconds that a Retry-After header asks for (RFC 9110, 10.2.3); None if there is none.

    Args:
        text: The header's value: seconds, or an HTTP date.
        now: The server's idea of the time if known, else ours, in seconds since 1970.
    """
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        then = parse_http_date(text)
        seconds = -1.0 if then is None else max(0.0, then - now)
    return seconds if 0 <= seconds < float("inf") else None


def parse_http_date(text: str | None) -> float | None:
    """Return an HTTP date (RFC 9110, 5.6.7) in seconds since 1970; None if it is not one."""
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(text or "").timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
