"""The blocking client and answers that never end: every exchange ends after four times the time-out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from tests.http.drip import HANDSHAKES, PLACES, PROXY_PLACES

from entrakit.errors import NetworkError
from entrakit.http.message import Request
from entrakit.http.transport import Transport

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.http.drip import DripServer

TIMEOUT_S = 0.2
# Far above four times the time-out, for a machine that is busy, and far below the life of the servers.
BOUND_S = 5.0


@pytest.fixture
def impatient(test_ca: tuple[Path, ssl.SSLContext]) -> Iterator[Transport]:
    """A transport with a short time-out and the real clock."""
    one = Transport(ca_bundle=str(test_ca[0]), timeout_s=TIMEOUT_S)
    yield one
    one.close()


def error_of(transport: Transport, url: str) -> NetworkError:
    """Return the error of a request, which must come within the bound."""
    begun = time.monotonic()
    with pytest.raises(NetworkError) as caught:
        transport.once(Request("GET", f"{url}/x", {"client-request-id": "7"}))
    assert time.monotonic() - begun < BOUND_S
    return caught.value


@pytest.mark.parametrize("place", PLACES)
def test_an_answer_that_drips_ends_at_the_deadline(
    impatient: Transport, drip_server: Callable[..., DripServer], place: str
) -> None:
    """
    Bytes that arrive now and then do not prolong an exchange, wherever in the answer they belong.
    """
    server = drip_server(PLACES[place])
    begun = time.monotonic()

    error = error_of(impatient, server.url)

    assert time.monotonic() - begun >= 4 * TIMEOUT_S
    assert f"The answer of localhost:{server.port} arrives too slowly." == error.problem
    assert (True, True, "7") == (error.retryable, error.may_have_arrived, error.correlation_id)


# A body of a known length is complete at once.
@pytest.mark.parametrize("place", [place for place in PLACES if place != "a body"])
def test_an_answer_that_floods_ends(impatient: Transport, drip_server: Callable[..., DripServer], place: str) -> None:
    """
    The same answers without pauses end, too: at the deadline, or earlier at a limit. The connection is closed.
    """
    server = drip_server(PLACES[place], is_flood=True)

    error = error_of(impatient, server.url)
    server.wait_until_left()

    assert f"localhost:{server.port}" == error.host


@pytest.mark.parametrize("place", PROXY_PLACES)
def test_a_proxy_that_drips_ends_at_the_deadline(
    drip_server: Callable[..., DripServer], place: str, test_ca: tuple[Path, ssl.SSLContext]
) -> None:
    """
    The answer of a proxy to CONNECT is a part of the exchange. The service has not received the request.
    """
    proxy = drip_server(PROXY_PLACES[place], is_plain=True)
    transport = Transport(ca_bundle=str(test_ca[0]), proxy=f"http://127.0.0.1:{proxy.port}", timeout_s=TIMEOUT_S)

    error = error_of(transport, "https://service.example")

    assert "The answer of service.example arrives too slowly." == error.problem
    assert not error.may_have_arrived


@pytest.mark.parametrize("place", HANDSHAKES)
def test_a_handshake_that_drips_ends_at_the_timeout(
    impatient: Transport, drip_server: Callable[..., DripServer], place: str
) -> None:
    """
    A TLS handshake may take as long as one silence, even if bytes arrive. Nothing was sent.
    """
    server = drip_server(HANDSHAKES[place], is_plain=True)

    error = error_of(impatient, server.url)

    assert f"localhost:{server.port} can't be reached (0.2 s passed)." == error.problem
    assert not error.may_have_arrived


@pytest.mark.parametrize("place", ["a body", "a header field"])
def test_the_connection_is_not_used_again(
    impatient: Transport, drip_server: Callable[..., DripServer], place: str
) -> None:
    """
    The connection is closed at the deadline, even while the error is in use; the next request opens a new one.
    """
    server = drip_server(PLACES[place])
    errors = []

    for _ in range(2):
        errors.append(error_of(impatient, server.url))
        server.wait_until_left()

    assert 2 == server.connections == len(errors)


def test_every_attempt_has_its_deadline(impatient: Transport, drip_server: Callable[..., DripServer]) -> None:
    """
    `send()` applies the deadline to each attempt; a request that is sent once ends at the first one.
    """
    server = drip_server(PLACES["a header field"])
    begun = time.monotonic()

    with pytest.raises(NetworkError, match="too slowly"):
        impatient.send("POST", f"{server.url}/token", body="code=1", repeatable=False)

    assert time.monotonic() - begun < BOUND_S
    assert 1 == server.connections
