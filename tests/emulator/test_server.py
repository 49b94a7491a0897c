"""Sockets of the server."""

from __future__ import annotations

import contextlib
import socket
import sqlite3
import ssl
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx2
import pytest
import uvicorn

from entrakit_emulator import server, start
from entrakit_emulator.faults import Slow
from entrakit_emulator.state.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


def own_addresses() -> set[str]:
    """Return addresses of this machine: those of its name, if it resolves, and those of its routes."""
    found: set[str] = set()
    with contextlib.suppress(socket.gaierror):
        found = {str(info[4][0]) for info in socket.getaddrinfo(socket.gethostname(), None)}
    # Connecting a datagram socket sends nothing, it only chooses a route. The destinations are reserved for examples.
    for family, destination in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((destination, 9))
            found.add(str(probe.getsockname()[0]))
    return found


def test_it_listens_on_loopback_only() -> None:
    """
    The server does not listen on addresses that other machines can reach.
    """
    with start() as tenant:
        port = urlsplit(tenant.url).port or 0
        addresses = [one for one in own_addresses() if not one.startswith("127.") and one != "::1"]
        # Only a listener on all addresses answers at 127.0.0.2, which tests the rule on a machine without a network.
        addresses.append("127.0.0.2")
        for host in ("127.0.0.1", "::1"):
            socket.create_connection((host, port)).close()
        for address in addresses:
            with pytest.raises(OSError):
                socket.create_connection((address, port), timeout=2)


def test_it_goes_without_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without ::1, the server listens on 127.0.0.1 only.
    """
    monkeypatch.setattr(socket, "has_ipv6", False)

    one = server.Server(0)

    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("::1", one.port))
    one.stop()


def test_it_goes_without_an_ipv6_loopback_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A machine may support IPv6 without the address ::1.
    """
    real = socket.socket.bind

    def bind(one: socket.socket, address: tuple[str, int]) -> None:
        if address[0] == "::1":
            raise OSError("no address")
        real(one, address)

    monkeypatch.setattr(socket.socket, "bind", bind, raising=False)
    one = server.Server(0)

    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("::1", one.port))
    one.stop()


def test_a_port_that_is_taken_on_ipv6_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Both addresses have the same port; a port in use on ::1 is not chosen.
    """
    real = socket.create_server
    refused: list[tuple[str, int]] = []

    def taken_once(address: tuple[str, int], **options: object) -> socket.socket:
        if address[0] == "::1" and not refused:
            refused.append(address)
            raise OSError("taken")
        return real(address, **options)  # type: ignore[arg-type] # passed on unchanged

    monkeypatch.setattr(socket, "create_server", taken_once)
    one = server.Server(0)

    assert 1 == len(refused)
    assert one.port
    one.stop()


def test_a_wished_port_that_is_taken_on_ipv6_is_refused() -> None:
    """
    A given port must be free on both addresses.
    """
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as taken, pytest.raises(OSError, match="in use"):
        server.Server(taken.getsockname()[1])


def test_no_common_port_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    After many attempts the server gives up.
    """
    real = socket.create_server

    def taken(address: tuple[str, int], **options: object) -> socket.socket:
        if address[0] == "::1":
            raise OSError("taken")
        return real(address, **options)  # type: ignore[arg-type] # passed on unchanged

    monkeypatch.setattr(socket, "create_server", taken)

    with pytest.raises(OSError, match="No port is free on both"):
        server.Server(0)


def test_a_server_that_does_not_come_up_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """
    Waiting ends after a timeout, and leaves no open database and no CA certificate.
    """
    monkeypatch.setattr(server, "START_TIMEOUT_S", 0.01)
    monkeypatch.setattr(server._Server, "startup", uvicorn.Server.startup)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    opened: list[Store] = []
    made = Store.__init__

    def noted(store: Store, render: Callable[[str, Mapping[str, object]], str]) -> None:
        opened.append(store)
        made(store, render)

    monkeypatch.setattr(Store, "__init__", noted)

    with pytest.raises(RuntimeError, match="did not start"):
        start()

    assert [] == list(tmp_path.glob("entra-emulator-*"))
    assert 1 == len(opened)
    with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
        opened[0].dump()


def test_an_answer_on_its_way_is_let_go() -> None:
    """
    Stopping waits two seconds for a late answer.
    """
    with start() as tenant:
        tenant.faults.add(Slow(endpoint="keys", seconds=1))
        context = ssl.create_default_context(cafile=tenant.ca_path)
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(httpx2.get, f"{tenant.url}/common/discovery/keys", verify=context, trust_env=False)
            while not tenant.journal.entries:
                threading.Event().wait(0.01)
            tenant.stop()

            assert 200 == answer.result().status_code
