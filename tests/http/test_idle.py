"""Idle connections of a transport."""

from __future__ import annotations

import gc
import warnings
from typing import TYPE_CHECKING

import pytest
from tests.http.drip import read_request

from entrakit.http import transport as transports
from entrakit.http.message import Request
from entrakit.http.transport import Transport

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.http.drip import DripServer
    from tests.http.keep_alive import KeepAliveServer


def test_a_connection_serves_the_next_request(keep_alive_server: KeepAliveServer, transport: Transport) -> None:
    """
    Requests one after another use the same connection.
    """
    for _ in range(5):
        transport.once(Request("GET", f"{keep_alive_server.url}/x"))

    assert 1 == keep_alive_server.connections


def test_a_connection_that_was_idle_for_long_is_not_used(
    keep_alive_server: KeepAliveServer, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A firewall may have forgotten it, and would drop the request without an answer.
    """
    transport.once(Request("GET", f"{keep_alive_server.url}/x"))
    monkeypatch.setattr(transports, "LONGEST_IDLE_S", 0.0)

    transport.once(Request("GET", f"{keep_alive_server.url}/x"))

    assert 2 == keep_alive_server.connections


def test_only_so_many_are_kept(
    keep_alive_server: KeepAliveServer, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Beyond the limit, a connection is closed after its response.
    """
    monkeypatch.setattr(transports, "MOST_IDLE", 0)

    for _ in range(2):
        transport.once(Request("GET", f"{keep_alive_server.url}/x"))

    assert 2 == keep_alive_server.connections


def test_a_transport_that_is_dropped_leaves_no_socket(
    keep_alive_server: KeepAliveServer, test_ca: tuple[Path, object]
) -> None:
    """
    Python does not warn of an open socket if a program never closes its connection.
    """
    # Objects that earlier tests have left are not the subject.
    gc.collect()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Transport(ca_bundle=str(test_ca[0])).once(Request("GET", f"{keep_alive_server.url}/x"))
        gc.collect()

    assert [] == [str(one.message) for one in caught]


@pytest.mark.parametrize("size", [100, 8192, 16000])
def test_bytes_after_a_response_are_not_the_next_one(
    test_ca: tuple[Path, ssl.SSLContext], drip_server: Callable[..., DripServer], size: int
) -> None:
    """
    A connection with bytes after the response is closed, even if the bytes are in the memory of OpenSSL.
    """

    def answer(connection: socket.socket) -> Iterator[bytes]:
        while True:
            read_request(connection)
            head = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Fill: "
            fill = head + b"x" * (size - len(head) - 4) + b"\r\n\r\n"
            yield fill + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ncanary"

    server = drip_server(answer)
    transport = Transport(ca_bundle=str(test_ca[0]), timeout_s=5.0)
    answers = [transport.once(Request("GET", f"{server.url}/x")).text for _ in range(3)]
    transport.close()

    assert ["", "", ""] == answers
