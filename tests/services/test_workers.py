"""Threads that run calls and are never waited for."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from entrakit.services.workers import Workers


def named(name: str) -> list[threading.Thread]:
    """Return the running threads whose names begin alike."""
    return [one for one in threading.enumerate() if one.name.startswith(name)]


def test_results_are_returned_with_their_keys() -> None:
    """
    Each result is returned once, with the key of its call, in the order of arrival.
    """
    with Workers[int, int]() as workers:
        for number in range(5):
            workers.start(number, partial(pow, number, 2))
        found = dict(workers.result() for _ in range(5))

    assert {number: number**2 for number in range(5)} == found
    assert [] == named("entrakit-graph")


def test_calls_run_at_the_same_time() -> None:
    """
    A call that finds all threads busy gets another thread; a free thread is used again.
    """
    together = threading.Barrier(3, timeout=10)
    with Workers[int, object]() as workers:
        for _ in range(2):
            for number in range(3):
                workers.start(number, together.wait)
            assert 3 == workers.running
            for _ in range(3):
                workers.result()
        assert 3 == len(named("entrakit-graph"))


def test_an_exception_is_raised_to_the_caller() -> None:
    """
    The exception of a call is raised where its result is expected.
    """

    def fail() -> int:
        raise ValueError("no")

    with Workers[int, int]() as workers:
        workers.start(0, fail)
        with pytest.raises(ValueError, match="no"):
            workers.result()


def test_a_caller_that_leaves_does_not_wait() -> None:
    """
    The threads are daemons. They end after their current call, and the caller does not wait for that.
    """
    begun, released = threading.Event(), threading.Event()

    def block() -> None:
        begun.set()
        released.wait(60)

    with Workers[int, None]() as workers:
        workers.start(0, block)
        assert begun.wait(10)

    (thread,) = named("entrakit-graph")
    assert thread.daemon
    assert not released.is_set()
    released.set()
    thread.join(10)
    assert not thread.is_alive()
