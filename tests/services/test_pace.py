"""The pace that all workers of a client share."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from entrakit.services.pace import Pace


def test_nobody_waits_for_nothing() -> None:
    """
    Without throttling, requests are sent immediately.
    """
    pace = Pace()

    assert [0.0] * 5 == [pace.turn(100.0) for _ in range(5)]


def test_all_workers_are_quiet_for_as_long_as_was_asked() -> None:
    """
    If one worker is throttled, no worker sends a request before the pause has passed, and then one after another.
    """
    pace = Pace()
    pace.throttled(100.0, 10.0)

    turns = [pace.turn(101.0) for _ in range(8)]

    assert turns[0] == 9.0
    assert turns == sorted(set(turns))


def test_the_pace_recovers() -> None:
    """
    After some time without throttling, requests are sent immediately again.
    """
    pace = Pace()
    pace.throttled(0.0, 1.0)
    now = 0.0
    for _ in range(100):
        now += pace.turn(now)

    assert not pace.is_slowed
    assert pace.turn(now) == 0.0


def test_answers_of_one_burst_count_once() -> None:
    """
    Eight throttled requests that were sent at the same time slow the pace down once.
    """
    one, eight = Pace(), Pace()
    one.throttled(0.0, 1.0)
    for _ in range(8):
        eight.throttled(0.0, 1.0)

    assert [one.turn(2.0) for _ in range(5)] == [eight.turn(2.0) for _ in range(5)]


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 30), st.floats(0, 5)), max_size=80))
def test_waits_are_bounded_whatever_happens(events: list[tuple[bool, float, float]]) -> None:
    """
    No wait is longer than the longest required pause and the gaps of the waiting requests.
    """
    pace, now, longest = Pace(), 0.0, 0.0
    for is_throttled, seconds, passed in events:
        now += passed
        if is_throttled:
            pace.throttled(now, seconds)
            longest = max(longest, seconds)
        else:
            turn = pace.turn(now)
            assert 0.0 <= turn <= longest + 2.0 * len(events)
