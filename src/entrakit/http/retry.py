"""The decision to send a request again: pure functions, so that each rule is in one place and has its tests.

    429                  the request had no effect: sent again
    503                  likewise, if the service promises it or the request can be sent twice
    408, 500, 502, 504   the request may have had its effect: sent again only if it can be sent twice
    no response          sent again if it can be sent twice, or certainly did not arrive
    a name not found     sent again once
    everything else      is the service's answer, and is not sent again: 501 and 511, for example, are permanent

`Retry-After` is obeyed in both forms, or the request is given up; without it, waits grow exponentially and are spread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.http.message import parse_date

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from entrakit.errors import NetworkError
    from entrakit.http.message import Response

    class Clock(Protocol):
        """The functions that tell the time; the `time` module has them."""

        def time(self) -> float:
            """Return the seconds since 1970."""
            ...

        def monotonic(self) -> float:
            """Return seconds on a clock that is never set."""
            ...

        def sleep(self, seconds: float, /) -> None:
            """Wait."""
            ...


ATTEMPTS = 4
PATIENCE_S = 60.0
FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 20.0

NAME_ATTEMPTS = 2

WITHOUT_EFFECT = frozenset({429})
UNAVAILABLE = 503
UNCERTAIN = frozenset({408, 500, 502, 504})
# Not implemented, HTTP version, misconfigured, storage full, loop, extension missing, sign-in to the network: the same
# request gets the same answer, and had no effect (RFC 9110, 15.6; RFC 2295, 2774, 4918, 5842 and 6585).
PERMANENT = frozenset({501, 505, 506, 507, 508, 510, 511})


def may_pass(status: int) -> bool:
    """Return whether the same request may succeed after a response with this status."""
    return status in (408, 429) or (status >= 500 and status not in PERMANENT)


def may_be_done(status: int, *, is_unavailable_safe: bool = False) -> bool:
    """Return whether a request may have had its effect, although the response has this status.

    Args:
        status: HTTP status.
        is_unavailable_safe: As for `is_transient`.
    """
    if status == UNAVAILABLE:
        return not is_unavailable_safe
    return status == 408 or (status >= 500 and status not in PERMANENT)


def is_transient(status: int, *, is_repeatable: bool, is_unavailable_safe: bool = False) -> bool:
    """Return whether to send a request again after a response with this status.

    Args:
        status: HTTP status.
        is_repeatable: Whether sending the request twice has the effect of sending it once.
        is_unavailable_safe: Whether the service promises that a request answered with 503 had no effect.
    """
    if status == UNAVAILABLE:
        return is_repeatable or is_unavailable_safe
    return status in WITHOUT_EFFECT or (is_repeatable and status in UNCERTAIN)


def is_transient_failure(error: NetworkError, *, is_repeatable: bool) -> bool:
    """Return whether to send a request again that got no response.

    Args:
        error: The failure.
        is_repeatable: Whether sending the request twice has the effect of sending it once.
    """
    return error.retryable and (is_repeatable or not error.may_have_arrived)


def most_attempts(error: NetworkError, attempts: int) -> int:
    """Return the maximum number of attempts after a failure: a name that is not found is rarely found later.

    Args:
        error: The failure.
        attempts: The maximum number after other failures.
    """
    return min(attempts, NAME_ATTEMPTS) if error.name_not_found else attempts


def delay_before(
    attempt: int,
    *,
    elapsed_s: float,
    retry_after_s: float | None,
    random: Callable[[], float],
    attempts: int = ATTEMPTS,
    patience_s: float = PATIENCE_S,
) -> float | None:
    """Return the seconds to wait before the next attempt, or None to give up.

    Args:
        attempt: Number of attempts so far, from 1.
        elapsed_s: Seconds since the first one began.
        retry_after_s: Seconds that the service requires; obeyed, or the request is given up. Zero requires nothing.
        random: Returns numbers in [0, 1), which spread the waits, so that many clients don't return at once.
        attempts: Maximum number of attempts.
        patience_s: Seconds after which there is no further attempt.
    """
    if attempt >= attempts:
        return None
    backoff = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2 ** (attempt - 1)) * (0.5 + random() / 2)
    delay = retry_after_s if retry_after_s is not None and retry_after_s > 0 else backoff
    return delay if elapsed_s + delay <= patience_s else None


def retry_after(response: Response) -> float | None:
    """Return the seconds to wait that a response requires; None if it requires nothing.

    A date is compared with the server's clock if the response contains its time, else with this machine's.
    """
    text = response.headers.get("retry-after")
    if not text:
        return None
    now = response.date
    return parse_retry_after(text, now=response.sent_at if now is None else now)


def parse_retry_after(text: str | None, *, now: float) -> float | None:
    """Return the seconds that a Retry-After header requires (RFC 9110, 10.2.3); None if it requires nothing.

    Args:
        text: Value of the header: seconds, or an HTTP date.
        now: The time, in seconds since 1970.
    """
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        then = parse_date(text)
        seconds = -1.0 if then is None else max(0.0, then - now)
    return seconds if 0 <= seconds < float("inf") else None
