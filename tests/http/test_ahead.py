"""Requests that are sent before their response is needed."""

from __future__ import annotations

import os
import select
import time
from typing import TYPE_CHECKING

import pytest

from entrakit.errors import NetworkError
from entrakit.http.message import Request

if TYPE_CHECKING:
    import socket

    from tests.http.keep_alive import KeepAliveServer

    from entrakit.http.transport import Transport


def named(server: KeepAliveServer, path: str) -> Request:
    """Return a request with an id."""
    return Request("GET", f"{server.url}{path}", {"client-request-id": path})


def wait_for(server: KeepAliveServer, count: int) -> list[str]:
    """Return the paths of the requests that the server has received, once there are so many."""
    for _ in range(1000):
        if len(server.seen) >= count:
            break
        time.sleep(0.01)
    return [one.path for one in server.seen]


def test_the_response_belongs_to_the_request_that_was_sent_ahead(
    keep_alive_server: KeepAliveServer, transport: Transport
) -> None:
    """
    The server has the request before its response is needed, once only. Other requests use other connections.
    """
    transport.once(named(keep_alive_server, "/1"))
    transport.begin(named(keep_alive_server, "/2"), authorization="Bearer canary")
    assert ["/1", "/2"] == wait_for(keep_alive_server, 2)

    other = transport.once(named(keep_alive_server, "/3"))
    response = transport.once(named(keep_alive_server, "/2"), authorization="Bearer canary")

    assert (b"/3", b"/2") == (other.body, response.body)
    assert [("/1", 1), ("/2", 1), ("/3", 2)] == [(one.path, one.connection) for one in keep_alive_server.seen]
    assert "Bearer canary" in keep_alive_server.seen[1].text


def test_without_a_connection_nothing_is_sent_ahead(keep_alive_server: KeepAliveServer, transport: Transport) -> None:
    """
    A connection is opened only for a request whose response is waited for.
    """
    transport.begin(named(keep_alive_server, "/1"))

    assert 0 == keep_alive_server.connections
    assert b"/1" == transport.once(named(keep_alive_server, "/1")).body
    assert 1 == len(keep_alive_server.seen)


def idle_sockets(transport: Transport, count: int) -> list[socket.socket]:
    """Return the sockets of idle connections on which the server has sent something, once there are so many."""
    found: list[socket.socket] = []
    for _ in range(1000):
        idle = [one.sock for some in transport._idle.values() for one in some if one.sock is not None]
        found = select.select(idle, [], [], 0)[0] if idle else []
        if len(found) == count:
            break
        time.sleep(0.01)
    return found


def test_a_connection_that_was_opened_ahead_is_used(keep_alive_server: KeepAliveServer, transport: Transport) -> None:
    """
    The session tickets that the server sends after the handshake (RFC 8446, 4.6.1) do not end a connection.
    """
    for _ in range(3):
        transport.open_ahead(keep_alive_server.url, 2)
    assert 2 == len(idle_sockets(transport, 2))

    answers = [transport.once(named(keep_alive_server, f"/{number}")).body for number in range(3)]

    assert [b"/0", b"/1", b"/2"] == answers
    assert 2 == keep_alive_server.connections
    assert 1 == len({one.connection for one in keep_alive_server.seen})


def test_a_connection_that_was_opened_ahead_and_ended_is_not_used(
    keep_alive_server: KeepAliveServer, transport: Transport
) -> None:
    """
    A server may close a connection on which it receives nothing. The next request opens another one.
    """
    transport.open_ahead(keep_alive_server.url, 1)
    assert 1 == len(idle_sockets(transport, 1))
    keep_alive_server.hang_up()

    answer = transport.once(named(keep_alive_server, "/1"))

    assert (b"/1", 2) == (answer.body, keep_alive_server.connections)


def test_a_request_without_an_id_is_not_sent_ahead(keep_alive_server: KeepAliveServer, transport: Transport) -> None:
    """
    Its response could not be recognized.
    """
    transport.once(named(keep_alive_server, "/1"))
    transport.begin(Request("GET", f"{keep_alive_server.url}/2"))
    transport.once(Request("GET", f"{keep_alive_server.url}/3"))

    assert ["/1", "/3"] == [one.path for one in keep_alive_server.seen]


def test_a_failure_is_reported_by_the_request(keep_alive_server: KeepAliveServer, transport: Transport) -> None:
    """
    If the server closes the connection instead of a response, the request that asks for it fails, and can be repeated.
    """
    transport.once(named(keep_alive_server, "/1"))
    transport.begin(named(keep_alive_server, "/close"))

    with pytest.raises(NetworkError) as caught:
        transport.once(named(keep_alive_server, "/close"))

    assert caught.value.retryable


def test_close_ends_what_was_begun(keep_alive_server: KeepAliveServer, transport: Transport) -> None:
    """
    A closed transport has no open connection; the request is sent again when it is needed.
    """
    transport.once(named(keep_alive_server, "/1"))
    transport.begin(named(keep_alive_server, "/2"))
    wait_for(keep_alive_server, 2)

    transport.close()

    assert b"/2" == transport.once(named(keep_alive_server, "/2")).body
    assert ["/1", "/2", "/2"] == [one.path for one in keep_alive_server.seen]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="This system has no fork().")
def test_a_child_process_sends_the_request_itself(keep_alive_server: KeepAliveServer, transport: Transport) -> None:
    """
    The response belongs to the process that has sent the request; a copy of it uses another connection.
    """
    transport.once(named(keep_alive_server, "/1"))
    transport.begin(named(keep_alive_server, "/2"))
    child = os.fork()
    if not child:
        os._exit(0 if transport.once(named(keep_alive_server, "/2")).body == b"/2" else 1)

    assert (child, 0) == os.waitpid(child, 0)
    assert b"/2" == transport.once(named(keep_alive_server, "/2")).body
    assert [("/1", 1), ("/2", 1), ("/2", 2)] == [(one.path, one.connection) for one in keep_alive_server.seen]
