"""The blocking client in long-running programs: threads, fork, interrupts, thousands of requests, logs and cookies."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.http.drip import BUSY, PLACES, SILENCE, SILENT_BODY
from tests.http.log_lines import everything_logged

from entrakit.errors import UnexpectedAnswerError
from entrakit.http.message import Request
from entrakit.http.transport import Transport

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

    from tests.http.drip import DripServer
    from tests.http.keep_alive import KeepAliveServer

# Arguments: CA bundle, origin. The parent and its child send requests in turn on one transport.
FORK = """
import os, sys
from entrakit.errors import UnexpectedAnswerError
from entrakit.http.message import Request
from entrakit.http.transport import Transport
transport = Transport(ca_bundle=sys.argv[1], timeout_s=10.0)
def ask(path):
    answer = transport.once(Request("GET", sys.argv[2] + path))
    assert path == answer.text, (path, answer.text)
def fork(*paths):
    child = os.fork()
    if child == 0:
        for path in paths:
            ask(path)
        sys.exit(0)
    assert os.waitpid(child, 0)[1] == 0
fork("/child-before")
ask("/parent-1")
fork("/child-after-1", "/child-after-2")
ask("/parent-2")
fork()
ask("/parent-3")
"""

# Arguments: CA bundle, address, `slow-names` to wait for names or the address of a proxy. It prints when a request is
# interrupted.
INTERRUPTED = """
import signal, socket, sys, time
from entrakit.http.transport import Transport
signal.signal(signal.SIGINT, signal.default_int_handler)
if "slow-names" in sys.argv:
    def resolve(*arguments, **more):
        print("resolving", flush=True)
        time.sleep(30)
    socket.getaddrinfo = resolve
else:
    print("sending", flush=True)
proxy = next((word for word in sys.argv[3:] if word.startswith("http:")), "")
try:
    Transport(ca_bundle=sys.argv[1], timeout_s=30.0, proxy=proxy).send("GET", sys.argv[2])
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
# Time in which an interrupt must end a request; the time-out is 30 seconds.
INTERRUPT_S = 2.0


@pytest.fixture
def real_transport(test_ca: tuple[Path, ssl.SSLContext]) -> Iterator[Transport]:
    """A transport with the real clock."""
    one = Transport(ca_bundle=str(test_ca[0]), timeout_s=10.0)
    yield one
    one.close()


def open_files() -> int:
    """Return the number of open files and sockets of this process."""
    return len(os.listdir("/proc/self/fd"))


def resident() -> int:
    """Return the memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_ten_thousand_requests_leak_nothing(real_transport: Transport, keep_alive_server: KeepAliveServer) -> None:
    """
    Requests one after another share one connection; neither memory nor the number of open files grows.
    """
    request = Request("GET", f"{keep_alive_server.url}/x")
    for _ in range(1000):
        real_transport.once(request)
    files, memory = open_files(), resident()

    for _ in range(9000):
        real_transport.once(request)

    assert 1 == keep_alive_server.connections
    assert files == open_files()
    assert resident() - memory < 4 * 1024 * 1024


def test_failed_requests_leak_nothing(
    real_transport: Transport, drip_server: Callable[..., DripServer], test_ca: tuple[Path, ssl.SSLContext]
) -> None:
    """
    Responses that are not read to their end leave no socket open.
    """
    server = drip_server(PLACES["a body without a length"], is_flood=True)
    files = open_files()
    errors = []

    for _ in range(20):
        with pytest.raises(UnexpectedAnswerError) as caught:
            real_transport.once(Request("GET", f"{server.url}/x"), limit=5)
        errors.append(caught.value)
        server.wait_until_left()

    assert (20, files) == (len(errors), open_files())


def test_threads_share_a_transport(real_transport: Transport, keep_alive_server: KeepAliveServer) -> None:
    """
    Each thread gets the responses to its own requests, and connections are used again.
    """

    def ask(number: int) -> bool:
        return real_transport.once(Request("GET", f"{keep_alive_server.url}/{number}")).text == f"/{number}"

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(400)))

    assert [True] * 400 == answers
    assert keep_alive_server.connections <= 8


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows can't fork")
def test_a_fork_does_not_share_connections(
    keep_alive_server: KeepAliveServer, test_ca: tuple[Path, ssl.SSLContext]
) -> None:
    """
    A child that is forked before or after the first request opens its own connections; those of the parent stay open.
    """
    command = [sys.executable, "-c", FORK, str(test_ca[0]), keep_alive_server.url]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)
    connections = {seen.path: seen.connection for seen in keep_alive_server.seen}

    assert (0, "") == (done.returncode, done.stderr)
    assert 1 == len({connections[path] for path in ("/parent-1", "/parent-2", "/parent-3")})
    assert 1 == len({connections[path] for path in ("/child-after-1", "/child-after-2")})
    assert 3 == len(set(connections.values())) == keep_alive_server.connections


def test_cookies_are_not_kept(real_transport: Transport, keep_alive_server: KeepAliveServer) -> None:
    """
    A cookie of a response is not sent with the next request.
    """
    for _ in range(2):
        real_transport.once(Request("GET", f"{keep_alive_server.url}/x"))

    assert 2 == len(keep_alive_server.seen)
    assert not any("canary-cookie" in seen.text for seen in keep_alive_server.seen)


def test_no_library_logs_a_header(real_transport: Transport, keep_alive_server: KeepAliveServer) -> None:
    """
    With every logger at DEBUG, neither the token nor a header field, a query or a body is logged.
    """
    url = f"{keep_alive_server.url}/x?q=canary-query"
    with everything_logged("urllib3", "urllib3.connection", "urllib3.connectionpool", "urllib3.response") as lines:
        request = Request("POST", url, {"x-id": "canary-header"}, b"canary-body")
        real_transport.once(request, authorization="Bearer canary-token")
        real_transport.send("POST", url, headers={"Authorization": "Bearer canary-token"}, body="canary-body")

    assert ["Bearer canary-token" in seen.text for seen in keep_alive_server.seen] == [True, True]
    assert [] == [line for line in lines if "canary" in line]
    # The transport itself logs the address without its query.
    assert any("/x answered 200" in line for line in lines)


@contextmanager
def started(ca_bundle: Path, url: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Start the program that sends a request."""
    command = [sys.executable, "-c", INTERRUPTED, str(ca_bundle), url, *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def interrupt(process: subprocess.Popen[str]) -> tuple[str, bool]:
    """Interrupt a process as Ctrl-C does; return its next line, and whether it ended in time."""
    assert process.stdout is not None
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    line = process.stdout.readline()
    process.wait(20)
    return line, time.monotonic() - begun < INTERRUPT_S


def first_line(process: subprocess.Popen[str]) -> str:
    """Return the first line of a process."""
    assert process.stdout is not None
    return process.stdout.readline()


def test_an_interrupt_ends_the_search_for_a_name(test_ca: tuple[Path, ssl.SSLContext]) -> None:
    """
    Ctrl-C ends a request at once while a name server does not answer.
    """
    with started(test_ca[0], "https://localhost:9/x", "slow-names") as process:
        assert "resolving\n" == first_line(process)

        assert ("interrupted\n", True) == interrupt(process)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems queue connections in another way")
def test_an_interrupt_ends_connecting(test_ca: tuple[Path, ssl.SSLContext]) -> None:
    """
    Ctrl-C ends a request at once while a server does not accept the connection.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.create_connection(full.getsockname()):
        port = full.getsockname()[1]
        with started(test_ca[0], f"https://127.0.0.1:{port}/x") as process:
            assert "sending\n" == first_line(process)
            until = time.monotonic() + 20
            # A connection to that port in the state SYN_SENT.
            while f":{port:04X} 02 " not in Path("/proc/net/tcp").read_text():
                assert time.monotonic() < until
                time.sleep(0.01)

            assert ("interrupted\n", True) == interrupt(process)


@pytest.mark.parametrize("stage", ["handshake", "header", "body"])
def test_an_interrupt_ends_waiting(
    drip_server: Callable[..., DripServer], test_ca: tuple[Path, ssl.SSLContext], stage: str
) -> None:
    """
    Ctrl-C ends a request at once while it waits for the handshake, for the header, or for the rest of the body.
    """
    server = drip_server(SILENT_BODY if stage == "body" else SILENCE, is_plain=stage == "handshake")
    with started(test_ca[0], f"{server.url}/x") as process:
        assert "sending\n" == first_line(process)
        assert server.is_answering.wait(20)

        assert ("interrupted\n", True) == interrupt(process)


def test_an_interrupt_ends_waiting_for_a_proxy(
    drip_server: Callable[..., DripServer], test_ca: tuple[Path, ssl.SSLContext]
) -> None:
    """
    Ctrl-C ends a request at once while a proxy does not answer CONNECT.
    """
    proxy = drip_server(SILENCE, is_plain=True)
    with started(test_ca[0], "https://service.example/x", f"http://127.0.0.1:{proxy.port}") as process:
        assert "sending\n" == first_line(process)
        assert proxy.is_answering.wait(20)

        assert ("interrupted\n", True) == interrupt(process)


def test_an_interrupt_ends_a_pause(
    drip_server: Callable[..., DripServer], test_ca: tuple[Path, ssl.SSLContext]
) -> None:
    """
    Ctrl-C ends a request at once during the pause before it is sent again.
    """
    server = drip_server(BUSY)
    with started(test_ca[0], f"{server.url}/x") as process:
        assert "sending\n" == first_line(process)
        assert server.is_answering.wait(20)

        assert ("interrupted\n", True) == interrupt(process)
    assert 1 == server.connections
