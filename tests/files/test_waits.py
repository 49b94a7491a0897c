"""Waits for another computer or program are logged while they last."""

from __future__ import annotations

import logging
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from tests.conftest import RawServer
from tests.heartbeat import run_async

from entrakit.files import waits
from entrakit.files.programs import run
from entrakit.files.waits import reported
from entrakit.http.direct import Endpoint
from entrakit.http.message import Request, Response
from entrakit.http.transport_async import AsyncTransport

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from entrakit.http.transport import Transport

LOG = "entrakit.waits"


class Lines(logging.Handler):
    """A handler that signals lines."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.has_line = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        """Note a line."""
        self.lines.append(record.getMessage())
        self.has_line.set()


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    """Return the lines of the log, which come after a twentieth of a second instead of two seconds."""
    monkeypatch.setattr(waits, "NOTICED_S", 0.05)
    monkeypatch.setattr(waits, "_logged", {})
    handler, log = Lines(), logging.getLogger(LOG)
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield handler
    log.removeHandler(handler)
    log.setLevel(logging.NOTSET)


def test_a_long_wait_is_logged_while_it_lasts(lines: Lines) -> None:
    """
    The line names what is waited for.
    """
    with reported("graph.microsoft.com"):
        assert lines.has_line.wait(10)

    assert ["waiting for graph.microsoft.com: no answer after 0.05 s"] == lines.lines


def test_a_short_wait_is_not_logged(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A block that ends in time leaves no line and no thread.
    """
    monkeypatch.setattr(waits, "NOTICED_S", 60.0)
    with reported("graph.microsoft.com"):
        timer = next(one for one in threading.enumerate() if isinstance(one, threading.Timer))
    timer.join(10)

    assert (False, []) == (timer.is_alive(), lines.lines)


def test_the_same_wait_is_logged_once_a_minute(lines: Lines) -> None:
    """
    A slow server does not get a line for each of many requests; another server gets its own line.
    """
    for host in ("a.contoso.com", "a.contoso.com", "b.contoso.com"):
        waits.report(host)
    waits._logged["a.contoso.com"] -= waits.SILENCE_S
    waits.report("a.contoso.com")

    assert ["a", "b", "a"] == [line[len("waiting for ")] for line in lines.lines]


def test_nothing_is_measured_without_a_reader() -> None:
    """
    A program that does not read this log gets no thread for each request.
    """
    before = threading.active_count()
    with reported("graph.microsoft.com"):
        assert before == threading.active_count()


class Late(list[bytes | None]):
    """An answer that is ready once the log has a line."""

    def __init__(self, lines: Lines) -> None:
        super().__init__([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"])
        self._lines = lines

    def __getitem__(self, place: object) -> bytes | None:  # type: ignore[override] # no slices
        """Return the answer."""
        assert self._lines.has_line.wait(10)
        return next(iter(self))


def send(transport: Transport, url: str) -> Response:
    """Send a blocking request."""
    return transport.once(Request("GET", url))


def send_awaited(transport: Transport, url: str) -> Response:
    """Send an awaited request."""

    async def run() -> Response:
        awaited = AsyncTransport(transport)
        try:
            return await awaited.once(Request("GET", url), limit=1000)
        finally:
            await awaited.close()

    return run_async(run())


def send_directly(transport: Transport, url: str) -> Response:
    """Send a request to an endpoint of this host."""
    endpoint = Endpoint(url, ca_bundle=transport.ca_bundle)
    return endpoint.send(Request("GET", url), timeout_s=10, longest_s=30, connect_s=10, sent_at=0.0)


@pytest.mark.parametrize("sent", [send, send_awaited, send_directly])
def test_a_slow_server_is_named(
    sent: Callable[[Transport, str], Response],
    lines: Lines,
    transport: Transport,
    test_ca: tuple[Path, ssl.SSLContext],
) -> None:
    """
    An answer that takes longer is not an error yet, and a user should know what is waited for.
    """
    server = RawServer(test_ca[1], Late(lines))
    host = server.url.removeprefix("https://")
    try:
        assert 200 == sent(transport, f"{server.url}/x").status
    finally:
        server.close()

    assert [f"waiting for {host}: no answer after 0.05 s"] == lines.lines


def test_a_slow_program_is_named(lines: Lines) -> None:
    """
    Programs that give tokens or sign can take seconds.
    """
    run([sys.executable, "-c", "import time; time.sleep(0.2)"], timeout_s=30)

    assert 1 == len(lines.lines)
    assert lines.lines[0].startswith("waiting for python")
