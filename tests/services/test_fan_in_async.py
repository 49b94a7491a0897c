"""Several listings at once, by tasks."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest
from tests.heartbeat import run_async
from tests.services.fake_collections import SERVICE, Box, Collections, items_by_number, listings

from entrakit.errors import NetworkError
from entrakit.services.fan_in_async import pages_of
from entrakit.services.runner_async import AsyncRunner

if TYPE_CHECKING:
    from entrakit.http.message import Request, Response
    from entrakit.services.listing import NumberedPage


class Sender:
    """A transport in front of the collections, whose requests let other tasks run."""

    def __init__(self, collections: Collections) -> None:
        self._collections = collections

    async def once(self, request: Request, *, authorization: str = "", limit: int) -> Response:
        """Return a page."""
        self._collections.begin(request)
        await asyncio.sleep(0.001)
        return self._collections.end(request)


async def all_pages(collections: Collections, names: str, at_once: int) -> list[NumberedPage[object]]:
    """Return all pages of some listings."""
    runner = AsyncRunner(Box(), SERVICE, Sender(collections))
    return [one async for one in pages_of(runner, listings(*names), at_once)]


@pytest.mark.parametrize("at_once", [1, 2, 8])
def test_each_listing_arrives_whole_and_in_its_order(at_once: int) -> None:
    """
    Pages of several listings may mix, but those of one listing arrive in order, with their number and position.
    """
    collections = Collections()

    pages = run_async(all_pages(collections, "abc", at_once))

    assert [[f"{name}{page}" for page in (1, 2, 3)] for name in "abc"] == items_by_number(pages, 3)
    assert 9 == len(set(collections.asked)) == len(collections.asked)
    assert min(at_once, 3) == collections.most
    for number, name in enumerate("abc"):
        positions = [one.position for one in pages if one.number == number]
        assert [f"{SERVICE.url}/{name}?page=2", f"{SERVICE.url}/{name}?page=3", ""] == positions


def test_the_first_error_ends_all_listings() -> None:
    """
    An error of one listing is raised to the caller, and the tasks of the others are cancelled.
    """
    collections = Collections(broken="b")

    async def ask() -> int:
        before = len(asyncio.all_tasks())
        with pytest.raises(NetworkError, match="broken"):
            await all_pages(collections, "abcd", 2)
        return len(asyncio.all_tasks()) - before

    assert 0 == run_async(ask())
    assert len(collections.asked) < 10


def test_a_caller_that_stops_leaves_no_tasks() -> None:
    """
    If the caller closes the generator, the tasks end, and the listings that have not begun are not read.
    """
    collections = Collections()

    async def ask() -> int:
        before = len(asyncio.all_tasks())
        runner = AsyncRunner(Box(), SERVICE, Sender(collections))
        async with aclosing(pages_of(runner, listings(*"abcdefgh"), 2)) as pages:
            await anext(pages)
        return len(asyncio.all_tasks()) - before

    assert 0 == run_async(ask())
    assert not [url for url in collections.asked if url.endswith(("/g", "/h"))]


def test_no_listings_have_no_pages() -> None:
    """
    Without listings nothing is read.
    """
    assert [] == run_async(all_pages(Collections(), "", 4))
