"""The awaited client and answers that never end: every exchange ends after four times the time-out."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest
from tests.heartbeat import run_async
from tests.http.drip import HANDSHAKES, HTTP2_BODY, HTTP2_PLACES, PLACES, PROXY_PLACES

from entrakit.errors import NetworkError, UnexpectedAnswerError
from entrakit.http.message import Request
from entrakit.http.transport import Transport
from entrakit.http.transport_async import AsyncTransport

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from pathlib import Path

    from tests.http.drip import DripServer

TIMEOUT_S = 0.4
# Far above four times the time-out, for a machine that is busy, and far below the life of the servers.
BOUND_S = 5.0

EVERY_PLACE = [*(("HTTP/1.1", place) for place in PLACES), *(("HTTP/2", place) for place in HTTP2_PLACES)]


@pytest.fixture
def impatient(test_ca: tuple[Path, ssl.SSLContext]) -> Transport:
    """A transport with a short time-out and the real clock."""
    return Transport(ca_bundle=str(test_ca[0]), timeout_s=TIMEOUT_S)


async def error_of(transport: AsyncTransport, url: str) -> NetworkError:
    """Return the error of a request, which must come within the bound."""
    begun = time.monotonic()
    with pytest.raises(NetworkError) as caught:
        await transport.once(Request("GET", f"{url}/x", {"client-request-id": "7"}), limit=1024 * 1024)
    assert time.monotonic() - begun < BOUND_S
    return caught.value


def error_alone(like: Transport, url: str) -> NetworkError:
    """Return the error of the only request of an event loop, which keeps beating meanwhile."""

    async def run() -> NetworkError:
        transport = AsyncTransport(like)
        try:
            return await error_of(transport, url)
        finally:
            await transport.close()

    return run_async(run())


def start(drip_server: Callable[..., DripServer], version: str, place: str, **more: bool) -> DripServer:
    """Return a server that never ends its answer in a place."""
    if version == "HTTP/2":
        return drip_server(HTTP2_PLACES[place], is_http2=True, **more)
    return drip_server(PLACES[place], **more)


@pytest.mark.parametrize(("version", "place"), EVERY_PLACE)
def test_an_answer_that_drips_ends_at_the_deadline(
    impatient: Transport, drip_server: Callable[..., DripServer], version: str, place: str
) -> None:
    """
    Bytes that arrive now and then do not prolong an exchange, wherever in the answer they belong.
    """
    server = start(drip_server, version, place)
    begun = time.monotonic()

    error = error_alone(impatient, server.url)

    assert time.monotonic() - begun >= 4 * TIMEOUT_S
    assert f"The answer of localhost:{server.port} arrives too slowly." == error.problem
    assert (True, True, "7") == (error.retryable, error.may_have_arrived, error.correlation_id)


# A body of a known length is complete at once.
@pytest.mark.parametrize(("version", "place"), [one for one in EVERY_PLACE if one[1] != "a body"])
def test_an_answer_that_floods_ends(
    impatient: Transport, drip_server: Callable[..., DripServer], version: str, place: str
) -> None:
    """
    The same answers without pauses end, too, at the deadline or at a limit, and other tasks run meanwhile.
    """
    server = start(drip_server, version, place, is_flood=True)

    error = error_alone(impatient, server.url)
    server.wait_until_left()

    assert f"localhost:{server.port}" == error.host


@pytest.mark.parametrize("place", PROXY_PLACES)
def test_a_proxy_that_drips_ends_at_the_deadline(
    drip_server: Callable[..., DripServer], place: str, test_ca: tuple[Path, ssl.SSLContext]
) -> None:
    """
    The answer of a proxy to CONNECT is a part of the exchange.
    """
    proxy = drip_server(PROXY_PLACES[place], is_plain=True)
    like = Transport(ca_bundle=str(test_ca[0]), proxy=f"http://127.0.0.1:{proxy.port}", timeout_s=TIMEOUT_S)

    assert "The answer of service.example arrives too slowly." == error_alone(like, "https://service.example").problem


@pytest.mark.parametrize("place", HANDSHAKES)
def test_a_handshake_that_drips_ends_at_the_timeout(
    impatient: Transport, drip_server: Callable[..., DripServer], place: str
) -> None:
    """
    A TLS handshake may take as long as one silence, even if bytes arrive. Nothing was sent.
    """
    server = drip_server(HANDSHAKES[place], is_plain=True)

    error = error_alone(impatient, server.url)

    assert f"localhost:{server.port} can't be reached (0.4 s passed)." == error.problem
    assert not error.may_have_arrived


@pytest.mark.parametrize(("version", "place"), [("HTTP/1.1", "a body"), *(("HTTP/2", one) for one in HTTP2_PLACES)])
def test_the_connection_is_not_used_again(
    impatient: Transport, drip_server: Callable[..., DripServer], version: str, place: str
) -> None:
    """
    The connection is closed at the deadline, and the next request opens a new one, even if HTTP/2 could share it.
    """
    server = start(drip_server, version, place)

    async def run() -> None:
        transport = AsyncTransport(impatient)
        errors = []
        for _ in range(2):
            errors.append(await error_of(transport, server.url))
            await asyncio.to_thread(server.wait_until_left)
        await transport.close()

    run_async(run())

    assert 2 == server.connections


def test_a_deadline_does_not_break_other_exchanges(
    impatient: Transport, drip_server: Callable[..., DripServer]
) -> None:
    """
    Exchanges that share an HTTP/2 connection each have their own deadline; the last one closes the connection.
    """
    server = drip_server(HTTP2_PLACES["PING frames"], is_http2=True)

    async def run() -> tuple[float, float]:
        transport = AsyncTransport(impatient)
        begun = time.monotonic()

        async def one(delay_s: float) -> float:
            await asyncio.sleep(delay_s)
            assert "arrives too slowly" in (await error_of(transport, server.url)).problem
            return time.monotonic() - begun - delay_s

        took = await asyncio.gather(one(0.0), one(0.4))
        await asyncio.to_thread(server.wait_until_left)
        await transport.close()
        return took

    assert all(took >= 4 * TIMEOUT_S for took in run_async(run()))
    assert 1 == server.connections


def test_a_response_that_is_too_large_closes_its_connection(
    impatient: Transport, drip_server: Callable[..., DripServer]
) -> None:
    """
    The rest of a response that is larger than the limit does not fill the window of an HTTP/2 connection.
    """
    server = drip_server(HTTP2_BODY, is_http2=True)

    async def run() -> None:
        transport = AsyncTransport(impatient)
        with pytest.raises(UnexpectedAnswerError, match="larger"):
            await transport.once(Request("GET", f"{server.url}/x"), limit=2000)
        await asyncio.to_thread(server.wait_until_left)
        await transport.close()

    run_async(run())


def test_a_cancelled_exchange_closes_its_connection(
    impatient: Transport, drip_server: Callable[..., DripServer]
) -> None:
    """
    A task that is cancelled stays cancelled, and its connection is closed, also with HTTP/2.
    """
    server = drip_server(HTTP2_PLACES["empty DATA frames"], is_http2=True)

    async def run() -> None:
        transport = AsyncTransport(impatient)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(transport.once(Request("GET", f"{server.url}/x"), limit=1000), 2 * TIMEOUT_S)
        await asyncio.to_thread(server.wait_until_left)
        await transport.close()

    run_async(run())
