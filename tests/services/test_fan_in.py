"""Several listings at once, by threads."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from tests.services.fake_collections import SERVICE, Box, Collections, items_by_number, listings

from entrakit.errors import NetworkError
from entrakit.http.message import Request, Response
from entrakit.services.fan_in import pages_of
from entrakit.services.jobs import Job, Preparation
from entrakit.services.runner import Runner

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entrakit.http.transport import Transport
    from entrakit.services.operation import Operation


class Sender:
    """A transport in front of the collections, whose requests take a moment."""

    def __init__(self, collections: Collections, pause_s: float = 0.005) -> None:
        self._collections = collections
        self._pause_s = pause_s
        self.ahead: list[str] = []
        self.opened: list[tuple[str, int]] = []

    def begin(self, request: Request, *, authorization: str = "") -> None:
        """Note a request that is sent ahead."""
        self.ahead.append(f"{request.url} {authorization}")

    def open_ahead(self, url: str, enough: int) -> None:
        """Note a connection that is opened ahead. A failure is the request's to report."""
        self.opened.append((url, enough))
        raise NetworkError("refused")

    def once(self, request: Request, *, authorization: str = "", limit: int) -> Response:
        """Return a page."""
        self._collections.begin(request)
        time.sleep(self._pause_s)
        return self._collections.end(request)


def runner_on(collections: Collections) -> Runner:
    """Return a runner on the collections."""
    return Runner(Box(), SERVICE, cast("Transport", Sender(collections)))


@pytest.mark.parametrize("at_once", [1, 4])
def test_the_next_page_is_requested_before_this_one_is_processed(at_once: int) -> None:
    """
    The service works on the following page of a listing while the caller works on the page before it.
    """
    sender = Sender(Collections())
    pages = pages_of(Runner(Box(), SERVICE, cast("Transport", sender)), listings("a", "b"), at_once)

    next(pages)

    assert sender.ahead[0].endswith("?page=2 Bearer canary")
    assert 5 == len(list(pages))
    assert {f"{SERVICE.url}/{one}?page={page} Bearer canary" for one in "ab" for page in (2, 3)} == set(sender.ahead)
    assert 4 == len(sender.ahead)


def workers() -> list[str]:
    """Return the names of the threads that read pages."""
    return [one.name for one in threading.enumerate() if one.name.startswith("entrakit-graph")]


def wait_for_workers() -> None:
    """Wait until the threads have ended their current requests."""
    for one in threading.enumerate():
        if one.name.startswith("entrakit-graph"):
            one.join(10)


@pytest.mark.parametrize("at_once", [1, 2, 8])
def test_each_listing_arrives_whole_and_in_its_order(at_once: int) -> None:
    """
    Pages of several listings may mix, but those of one listing arrive in order, with their number and position.
    """
    collections = Collections()

    pages = list(pages_of(runner_on(collections), listings("a", "b", "c"), at_once))

    assert [[f"{name}{page}" for page in (1, 2, 3)] for name in "abc"] == items_by_number(pages, 3)
    assert 9 == len(set(collections.asked)) == len(collections.asked)
    assert collections.most <= at_once
    for number, name in enumerate("abc"):
        positions = [one.position for one in pages if one.number == number]
        assert [f"{SERVICE.url}/{name}?page=2", f"{SERVICE.url}/{name}?page=3", ""] == positions
    assert [] == workers()


@pytest.mark.parametrize(("names", "at_once"), [("ab", 1), ("a", 8)])
def test_without_a_choice_pages_are_read_on_demand(names: str, at_once: int) -> None:
    """
    One listing, or one request at a time, needs no threads: a page is requested only when the caller asks for it.
    """
    collections = Collections()
    pages = pages_of(runner_on(collections), listings(*names), at_once)

    next(pages)

    assert ([], 1) == (workers(), len(collections.asked))


def test_the_first_error_ends_all_listings() -> None:
    """
    An error of one listing is raised to the caller, and no thread continues.
    """
    collections = Collections(broken="b")

    with pytest.raises(NetworkError, match="broken"):
        list(pages_of(runner_on(collections), listings("a", "b", "c", "d"), 2))

    wait_for_workers()
    assert [] == workers()
    assert len(collections.asked) < 10


def test_a_caller_that_stops_leaves_no_threads() -> None:
    """
    If the caller closes the generator, the threads end, and the listings that have not begun are not read.
    """
    collections = Collections()
    pages = pages_of(runner_on(collections), listings(*"abcdefgh"), 2)
    next(pages)

    pages.close()  # type: ignore[attr-defined] # a generator

    wait_for_workers()
    assert [] == workers()
    assert not [url for url in collections.asked if url.endswith(("/g", "/h"))]


def test_no_listings_have_no_pages() -> None:
    """
    Without listings nothing is read.
    """
    assert [] == list(pages_of(runner_on(Collections()), [], 4))


def test_a_preparation_decides_what_is_read_next() -> None:
    """
    A preparation runs like a page, and its result is known before the next job is taken. It is not a page.
    """
    collections = Collections()
    found: list[str] = []

    def jobs() -> Iterator[Job[object] | None]:
        yield Preparation(named("b"), found.append)
        while not found:
            yield None
        yield from listings("a", *found)

    pages = list(pages_of(runner_on(collections), jobs(), 4))

    assert [[f"{name}{page}" for page in (1, 2, 3)] for name in "ab"] == items_by_number(pages, 2)


def test_workers_that_wait_for_a_preparation_open_their_connections() -> None:
    """
    They have one when the preparation ends. Known listings, which leave no worker idle, open none ahead.
    """
    sender = Sender(Collections())
    runner = Runner(Box(), SERVICE, cast("Transport", sender))
    found: list[str] = []

    def jobs() -> Iterator[Job[object] | None]:
        yield Preparation(named("b"), found.append)
        while not found:
            yield None
        yield from listings("a", *found)

    known = len(list(pages_of(runner, listings("a", "b"), 4)))
    before = list(sender.opened)
    prepared = len(list(pages_of(runner, jobs(), 4)))
    wait_for_workers()

    assert (6, [], 6) == (known, before, prepared)
    assert [(SERVICE.url, 3)] * 3 == sender.opened


def named(name: str) -> Operation[str]:
    """Return a name after a request."""
    yield Request("GET", f"{SERVICE.url}/{name}", {}, None)
    return name


SILENT = """
import sys
from entrakit import Transport
from entrakit.graph import Client
from entrakit.services.runner import Runner
from entrakit.services.service import Service
from tests.services.fake_collections import Box

origin, call = sys.argv[1:]
service = Service("graph", f"{origin}/v1.0", "https://graph.microsoft.com", is_graph=True)
client = Client(Runner(Box(), service, Transport(timeout_s=300)))
if call == "items":
    next(client.items("/users", parallel=8))
elif call == "export":
    client.export("/users", "users.ndjson", parallel=8)
else:
    client.batch([client.call("GET", f"/users/{number}") for number in range(100)])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for a single process.")
@pytest.mark.parametrize("call", ["items", "export", "batch"])
def test_an_interruption_does_not_wait_for_requests(call: str, tmp_path: Path) -> None:
    """
    Ctrl-C ends a process at once, although its threads wait for a server that does not respond for five minutes.
    """
    with socket.create_server(("127.0.0.1", 0)) as silent:
        origin = f"https://127.0.0.1:{silent.getsockname()[1]}"
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        process = subprocess.Popen(
            [sys.executable, "-c", SILENT, origin, call], cwd=tmp_path, env=environment, stderr=subprocess.PIPE
        )
        silent.settimeout(30)
        # Three requests are in progress.
        connections = [silent.accept()[0] for _ in range(3)]
        process.send_signal(signal.SIGINT)
        interrupted = time.monotonic()
        _, errors = process.communicate(timeout=60)
        took = time.monotonic() - interrupted
        for one in connections:
            one.close()

    assert errors.rstrip().endswith(b"KeyboardInterrupt")
    assert took < 2
