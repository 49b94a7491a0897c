"""Sockets with a deadline: no operation lasts beyond the end of the exchange."""

from __future__ import annotations

import socket
import threading
import time

import pytest
from tests.conftest import FakeClock

from entrakit.http.connection import Deadline, open_socket, resolve


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """The clock of the sockets."""
    fake = FakeClock()
    monkeypatch.setattr("entrakit.http.connection.monotonic", fake.monotonic)
    return fake


def test_an_operation_may_take_the_silence_or_the_rest(clock: FakeClock) -> None:
    """
    The shorter of the two is the time-out of the next operation; at the end there is none.
    """
    deadline = Deadline(5.0, clock.monotonic() + 12.0)

    assert 5.0 == deadline.left_s()
    clock.advance(9.0)
    assert (3.0, False) == (deadline.left_s(), deadline.has_passed)
    clock.advance(3.0)
    assert deadline.has_passed
    with pytest.raises(TimeoutError):
        deadline.left_s()


def test_a_socket_receives_nothing_after_the_deadline(clock: FakeClock) -> None:
    """
    Bytes that are there are not read any more, so a server that never stops can't prolong an exchange.
    """
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        open_socket("127.0.0.1", listener.getsockname()[1], Deadline(5.0, clock.monotonic() + 12.0)) as one,
        listener.accept()[0] as peer,
    ):
        peer.sendall(b"abc")
        first = one.recv(1), one.recv_into(bytearray(1))
        clock.advance(12.0)

        with pytest.raises(TimeoutError):
            one.recv(1)
        with pytest.raises(TimeoutError):
            one.recv_into(bytearray(1))
        with pytest.raises(TimeoutError):
            one.sendall(b"x")

    assert (b"a", 1) == first


def test_the_next_address_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A host whose first address refuses is reached at its second one.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        kind = (socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        addresses = [
            (socket.AF_INET6, *kind, ("::1", port, 0, 0)),
            (socket.AF_INET, *kind, ("127.0.0.1", port)),
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **more: addresses)

        with open_socket("contoso.com", port, Deadline(5.0, time.monotonic() + 20.0)) as one:
            assert ("127.0.0.1", port) == one.getpeername()


@pytest.mark.parametrize("name", ["nowhere.invalid", f"{'a' * 64}.contoso.com"])
def test_a_name_that_is_not_found_is_an_error_of_the_system(name: str) -> None:
    """
    An unknown name, and one that DNS can't contain: both have the error that `getaddrinfo` has.
    """
    with pytest.raises(socket.gaierror):
        resolve(name, 443, Deadline(30.0, time.monotonic() + 60.0))


def test_a_name_server_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The system's function can't be interrupted, but the wait for it ends.
    """
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **more: release.wait(30) and [])

    with pytest.raises(TimeoutError):
        resolve("contoso.com", 443, Deadline(0.1, time.monotonic() + 1.0))
    release.set()
