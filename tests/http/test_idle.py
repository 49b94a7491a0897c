"""Idle connections of a transport."""

from __future__ import annotations

import gc
import warnings
from typing import TYPE_CHECKING

from entrakit.http import idle
from entrakit.http.message import Request
from entrakit.http.transport import Transport

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
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
    monkeypatch.setattr(idle, "LONGEST_S", 0.0)

    transport.once(Request("GET", f"{keep_alive_server.url}/x"))

    assert 2 == keep_alive_server.connections


def test_only_so_many_are_kept(
    keep_alive_server: KeepAliveServer, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Beyond the limit, a connection is closed after its response.
    """
    monkeypatch.setattr(idle, "MOST", 0)

    for _ in range(2):
        transport.once(Request("GET", f"{keep_alive_server.url}/x"))

    assert 2 == keep_alive_server.connections


def test_a_transport_that_is_dropped_leaves_no_socket(
    keep_alive_server: KeepAliveServer, test_ca: tuple[Path, object]
) -> None:
    """
    Python does not warn of an open socket if a program never closes its connection.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Transport(ca_bundle=str(test_ca[0])).once(Request("GET", f"{keep_alive_server.url}/x"))
        gc.collect()

    assert [] == [str(one.message) for one in caught]
