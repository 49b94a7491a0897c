"""The decision to send a request again, and the wait before it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrakit.errors import NetworkError
from entrakit.http import retry
from entrakit.http.message import Headers, Request, Response

NOW = 784_111_777.0  # Sun, 06 Nov 1994 08:49:37 GMT


@given(st.integers(1, 10), st.floats(0, 120), st.none() | st.floats(0, 600), st.floats(0, 0.999))
def test_waiting_is_bounded(attempt: int, elapsed: float, retry_after: float | None, dice: float) -> None:
    """
    No more than four attempts, no wait beyond the patience, and none shorter than the service requires (checklist 50).
    """
    delay = retry.delay_before(attempt, elapsed_s=elapsed, retry_after_s=retry_after, random=lambda: dice)

    if delay is not None:
        assert attempt < retry.ATTEMPTS
        assert elapsed + delay <= retry.PATIENCE_S
        assert delay >= (retry_after or 0)


def test_waits_double_and_spread() -> None:
    """
    Without Retry-After the wait doubles, and is spread over its upper half (full back-off with jitter).
    """
    low = [retry.delay_before(n, elapsed_s=0, retry_after_s=None, random=lambda: 0.0) for n in (1, 2, 3)]
    high = [retry.delay_before(n, elapsed_s=0, retry_after_s=None, random=lambda: 1.0) for n in (1, 2, 3)]

    assert ([0.25, 0.5, 1.0], [0.5, 1.0, 2.0]) == (low, high)


def test_retry_after_has_two_forms() -> None:
    """
    Retry-After is a number of seconds or a date (RFC 9110, 10.2.3); a date is measured on the server's clock.
    """
    assert 7.0 == retry.parse_retry_after("7", now=NOW)
    assert 60.0 == retry.parse_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", now=NOW)
    assert 0.0 == retry.parse_retry_after("Sun, 06 Nov 1994 08:48:37 GMT", now=NOW)


@given(st.text())
def test_any_other_text_asks_for_nothing(text: str) -> None:
    """
    A value that can't be read requires nothing, and never a negative or endless wait.
    """
    seconds = retry.parse_retry_after(text, now=NOW)

    assert seconds is None or 0 <= seconds < float("inf")


@given(st.integers(100, 599), st.booleans(), st.booleans())
def test_a_status_decides_with_the_request(status: int, is_repeatable: bool, is_unavailable_safe: bool) -> None:
    """
    Only 408, 429, 500, 502, 503 and 504 are sent again (checklist 50); if the request can't be repeated, only 429,
    and 503 of a service that promises that the request had no effect.
    """
    transient = retry.is_transient(status, is_repeatable=is_repeatable, is_unavailable_safe=is_unavailable_safe)

    always = {429, 503} if is_unavailable_safe else {429}
    assert transient == (status in ({408, 429, 500, 502, 503, 504} if is_repeatable else always))


def test_only_troubles_that_pass_are_transient() -> None:
    """
    429 and 5xx pass; a refusal of the service does not (checklist 50).
    """
    assert [False, False, False, True, True, True] == [
        retry.is_transient(status, is_repeatable=True) for status in (200, 400, 401, 429, 500, 503)
    ]


@pytest.mark.parametrize(
    ("retryable", "may_have_arrived", "is_repeatable", "expected"),
    [(True, True, True, True), (True, True, False, False), (True, False, False, True), (False, False, True, False)],
)
def test_a_failure_is_repeated_if_that_is_safe(
    retryable: bool, may_have_arrived: bool, is_repeatable: bool, expected: bool
) -> None:
    """
    Without a response, a request is sent again if it can be repeated, or certainly did not arrive.
    """
    error = NetworkError("broken", retryable=retryable, may_have_arrived=may_have_arrived)

    assert expected == retry.is_transient_failure(error, is_repeatable=is_repeatable)


def test_a_date_is_measured_on_the_clock_of_the_server() -> None:
    """
    A response that contains its time is measured by it; any other by the time at which its request was sent.
    """
    later = {"Retry-After": "Sun, 06 Nov 1994 08:50:37 GMT"}
    own = {**later, "Date": "Sun, 06 Nov 1994 08:50:07 GMT"}

    def wait(headers: dict[str, str]) -> float | None:
        return retry.retry_after(Response(Request("GET", "https://x/"), 429, Headers(headers), b"", NOW))

    assert (60.0, 30.0, None) == (wait(later), wait(own), wait({}))
