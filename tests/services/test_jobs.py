"""The order of jobs."""

from __future__ import annotations

from tests.services.fake_collections import Collections, listings
from tests.services.fake_service import run

from entrakit.services.jobs import Preparation, Queue


def test_a_listing_is_continued_before_another_begins() -> None:
    """
    A page is followed by the next page of its listing, and listings are numbered in the order in which they begin.
    """
    collections = Collections()
    queue = Queue(listings("a", "b"))
    found = []

    while (work := queue.take()) is not None:
        page = queue.finished(work, run(work.operation, collections.end))
        assert page is not None
        found.append((page.number, page.page.items))

    assert [(0, ["a1"]), (0, ["a2"]), (0, ["a3"]), (1, ["b1"]), (1, ["b2"]), (1, ["b3"])] == found


def test_none_means_later() -> None:
    """
    If no job can begin now, the queue asks again for the next one.
    """
    queue = Queue([None, *listings("a")])

    assert queue.take() is None
    assert queue.take() is not None
    assert queue.take() is None


def test_the_result_of_a_preparation_is_passed_on() -> None:
    """
    A preparation has no page and no number: its result goes to its function.
    """
    found: list[object] = []
    queue: Queue[object] = Queue([Preparation(iter(()), found.append), *listings("a")])  # type: ignore[arg-type] # not run
    preparation, first = queue.take(), queue.take()
    assert preparation is not None
    assert first is not None

    assert queue.finished(preparation, 7) is None

    assert [7] == found
    assert 0 == first.number
