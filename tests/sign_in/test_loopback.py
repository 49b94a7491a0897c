"""The loopback listener: one answer; other requests neither end nor block the wait (checklist 5 to 11)."""

from __future__ import annotations

import contextlib
import http.client
import os
import selectors
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import pytest

from entrakit.errors import ParameterError, SignInError
from entrakit.sign_in import loopback
from entrakit.sign_in.loopback import Loopback

if TYPE_CHECKING:
    from collections.abc import Iterator

STATE = "s" * 43
ANSWER = urlencode({"code": "canary-code", "state": STATE})


class Waiting:
    """A listener that waits on a thread."""

    def __init__(self, timeout_s: float = 20.0) -> None:
        self.listener = Loopback(state=STATE)
        self.parameters: dict[str, str] = {}
        self.failure: Exception | None = None
        self._timeout_s = timeout_s
        self._thread = threading.Thread(target=self._wait)
        self._thread.start()

    def _wait(self) -> None:
        try:
            with self.listener:
                answer = self.listener.wait(self._timeout_s)
                self.parameters = answer.parameters
                answer.show("<p>done</p>")
        except SignInError as error:
            self.failure = error

    def connect(self, host: str = "127.0.0.1") -> socket.socket:
        """Return a connection to it."""
        return socket.create_connection((host, self.listener.port), 5)

    def send(self, data: bytes, host: str = "127.0.0.1") -> bytes:
        """Send bytes and return the whole response."""
        with self.connect(host) as connection:
            with contextlib.suppress(OSError):
                connection.sendall(data)
            received = b""
            with contextlib.suppress(OSError):
                while part := connection.recv(65536):
                    received += part
            return received

    def get(self, target: str, host: str = "localhost", method: str = "GET") -> bytes:
        """Send a request without body."""
        return self.send(f"{method} {target} HTTP/1.1\r\nHost: {host}:{self.listener.port}\r\n\r\n".encode())

    def post(self, body: str, *headers: str) -> bytes:
        """Send a form."""
        lines = "".join(f"{header}\r\n" for header in headers)
        head = f"POST / HTTP/1.1\r\nHost: localhost:{self.listener.port}\r\nContent-Length: {len(body)}\r\n{lines}\r\n"
        return self.send((head + body).encode())

    def join(self) -> None:
        """Wait for its end."""
        self._thread.join(20)


@pytest.fixture
def waiting() -> Iterator[Waiting]:
    """Return a listener that waits; at the end it gets an answer if it has none."""
    one = Waiting()
    yield one
    with contextlib.suppress(OSError):
        one.post(ANSWER)
    one.join()


@pytest.mark.parametrize("way", ["post", "get"])
def test_the_answer_ends_the_wait(waiting: Waiting, way: str) -> None:
    """
    Answers by form_post and query are accepted, the page is shown, and the port is closed.
    """
    page = waiting.post(ANSWER) if way == "post" else waiting.get(f"/?{ANSWER}")
    waiting.join()

    assert page.startswith(b"HTTP/1.1 200 OK")
    assert page.endswith(b"<p>done</p>")
    assert {"code": "canary-code", "state": STATE} == waiting.parameters
    with pytest.raises(ConnectionRefusedError):
        waiting.connect()


def test_the_page_is_locked_down(waiting: Waiting) -> None:
    """
    The page allows no cache, referrer, script or content sniffing, and does not name the server (checklist 10, 11).
    """
    head = waiting.get("/elsewhere").partition(b"\r\n\r\n")[0].decode()

    for header in (
        "Cache-Control: no-store",
        "Referrer-Policy: no-referrer",
        "Content-Security-Policy: default-src 'none'",
        "X-Content-Type-Options: nosniff",
        "Connection: close",
    ):
        assert header in head
    assert "Server:" not in head


def test_it_listens_on_loopback_only() -> None:
    """
    The listener uses only 127.0.0.1 and ::1, on the same port, in a container too (checklist 5).
    """
    with Loopback(state=STATE) as listener:
        addresses = [one.getsockname()[:2] for one in listener._listeners]

    assert {("127.0.0.1", listener.port), ("::1", listener.port)} >= set(addresses)
    assert ("127.0.0.1", listener.port) in addresses
    assert f"http://localhost:{listener.port}" == listener.redirect_uri


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /favicon.ico HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n", 404),
        (b"HEAD / HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n", 405),
        (b"PUT / HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n", 405),
        (b"GET / HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n", 400),
        (b"GET /?code=x&state=wrong HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n", 400),
        (b"GET /?ANSWER HTTP/1.1\r\nHost: evil.example:PORT\r\n\r\n", 404),
        (b"GET /?ANSWER HTTP/1.1\r\n\r\n", 400),  # RFC 9112, 3.2
        (b"GET /?ANSWER HTTP/1.0\r\n\r\n", 404),
        (b"GET /?ANSWER HTTP/1.1\r\nHost: localhost:PORT\r\nHost: evil.example\r\n\r\n", 400),
        (b"GET /?ANSWER HTTP/1.1\r\nHost: \xfflocalhost:PORT\r\n\r\n", 404),
        (b"GET /?ANSWER HTTP/1.1\r\nHost: localhost:PORT\r\n folded: x\r\n\r\n", 404),
        (b"POST / HTTP/1.1\r\nHost: localhost:PORT\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", 400),
        (b"POST / HTTP/1.1\r\nHost: localhost:PORT\r\nContent-Length: 70000\r\n\r\n" + b"a" * 70000, 413),
        (b"GET /other?ANSWER HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n", 404),
        (b"POST / HTTP/1.1\r\nHost: localhost:PORT\r\nContent-Length: 99999999\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: localhost:PORT\r\nContent-Length: -5\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: localhost:PORT\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: localhost:PORT\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\nHost: localhost:PORT\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400),
        (b"\xff\xfe\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n", 431),
        (b"x" * 20000, 431),
    ],
)
def test_what_is_not_the_answer_is_refused_and_waited_on(waiting: Waiting, request_: bytes, status: int) -> None:
    """
    Icons, wrong paths, methods, hosts (DNS rebinding), states, sizes and garbage are refused, and the wait continues.
    """
    port = str(waiting.listener.port).encode()
    data = request_.replace(b"PORT", port).replace(b"ANSWER", ANSWER.encode())

    refused = waiting.send(data)
    page = waiting.post(ANSWER)
    waiting.join()

    assert refused.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"not the answer" in refused
    assert b"done" in page
    assert "canary-code" == waiting.parameters["code"]


def test_silent_connections_do_not_stall_it(waiting: Waiting) -> None:
    """
    Connections that browsers open in advance, half a request, and a slow one do not delay the answer.
    """
    with waiting.connect(), waiting.connect() as half, waiting.connect() as gone:
        half.sendall(b"POST / HTTP/1.1\r\nHost: loc")
        gone.close()

        assert b"done" in waiting.post(ANSWER)


def test_an_answer_in_pieces_is_taken(waiting: Waiting) -> None:
    """
    A request may arrive in pieces of any size.
    """
    port = waiting.listener.port
    head = f"POST / HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Length: {len(ANSWER)}\r\n\r\n"
    with waiting.connect() as connection:
        for piece in (head[:10], head[10:], ANSWER[:5], ANSWER[5:]):
            connection.sendall(piece.encode())
        assert b"done" in connection.recv(65536)


@pytest.mark.parametrize("size", [24_000, 250_000])
def test_cookies_of_other_programs_do_not_stop_it(waiting: Waiting, size: int) -> None:
    """
    Cookies know no ports, so a browser sends those of all programs on localhost: up to 256 KiB next to the answer.
    """
    cookies = "; ".join(f"session{number}={'c' * 3980}" for number in range(size // 4000))

    page = waiting.post(ANSWER, f"Cookie: {cookies}")
    waiting.join()

    assert b"HTTP/1.1 200 OK\r\n" in page
    assert "canary-code" == waiting.parameters["code"]


def test_a_head_is_limited(waiting: Waiting) -> None:
    """
    A head beyond any browser's is refused, whether it arrives at once or in pieces.
    """
    field = b"X: " + b"x" * 60_000 + b"\r\n"

    assert waiting.send(b"GET / HTTP/1.1\r\n" + field * 10).startswith(b"HTTP/1.1 431 ")


def test_a_port_that_is_taken_on_one_address_is_told() -> None:
    """
    A program on ::1 only would get the answer of a browser that tries this address first.
    """
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as other:
        port = other.getsockname()[1]

        with pytest.raises(ParameterError, match=f"Can't listen on port {port}: another program uses it on ::1"):
            Loopback(state=STATE, port=port)
        with socket.create_server(("127.0.0.1", port)):
            pass


def test_a_flood_leaves_room_for_the_answer(waiting: Waiting) -> None:
    """
    If there are too many connections, the oldest are closed, so that the answer arrives.
    """
    with contextlib.ExitStack() as held:
        for _ in range(loopback.MAX_CONNECTIONS + 20):
            held.enter_context(waiting.connect())

        assert b"done" in waiting.post(ANSWER)


def test_old_connections_are_dropped() -> None:
    """
    A silent connection is closed after ten seconds, and not earlier.
    """
    with (
        Loopback(state=STATE) as listener,
        selectors.DefaultSelector() as selector,
        socket.create_connection(("127.0.0.1", listener.port), 5) as silent,
    ):
        listener._accept(listener._listeners[0], selector, 0.0)
        listener._drop_old(selector, loopback.CONNECTION_LIFE_S)
        held = len(listener._pending)
        listener._drop_old(selector, loopback.CONNECTION_LIFE_S + 0.1)

        assert (1, 0) == (held, len(listener._pending))
        assert b"" == silent.recv(1)


def test_only_the_first_answer_counts(waiting: Waiting) -> None:
    """
    A second hit, as from a reload, is refused.
    """
    waiting.post(ANSWER)
    waiting.join()

    with pytest.raises(OSError, match="refused"):
        waiting.post(ANSWER)


def test_nobody_answers_in_time() -> None:
    """
    The wait ends at its deadline, and the port is closed (checklist 6, 9).
    """
    one = Waiting(timeout_s=0.05)
    one.join()

    assert isinstance(one.failure, SignInError)
    assert "timeout" == one.failure.error
    with pytest.raises(ConnectionRefusedError):
        one.connect()


def test_a_busy_port_is_told() -> None:
    """
    A port in use is an error that names it (checklist 7).
    """
    with Loopback(state=STATE) as first, pytest.raises(ParameterError, match=str(first.port)):
        Loopback(state=STATE, port=first.port)


def test_an_answer_that_is_never_shown_still_ends() -> None:
    """
    If the program fails, the browser gets a page that says so.
    """
    received: list[bytes] = []
    with Loopback(state=STATE) as listener:

        def post() -> None:
            with socket.create_connection(("127.0.0.1", listener.port), 5) as connection:
                connection.sendall(f"GET /?{ANSWER} HTTP/1.1\r\nHost: localhost:{listener.port}\r\n\r\n".encode())
                received.append(connection.recv(65536))

        thread = threading.Thread(target=post)
        thread.start()
        answer = listener.wait(10)
        assert "canary" not in repr(answer)
    thread.join(10)

    assert b"Not signed in" in received[0]


def test_a_browser_that_went_away_is_not_missed() -> None:
    """
    A browser that closed its tab does not fail the sign-in.
    """
    with Loopback(state=STATE) as listener:
        with socket.create_connection(("127.0.0.1", listener.port), 5) as connection:
            connection.sendall(f"GET /?{ANSWER} HTTP/1.1\r\nHost: localhost:{listener.port}\r\n\r\n".encode())
            answer = listener.wait(10)
        answer.show("<p>" + "x" * 10_000_000)
        answer.show("a second time is not an error")

    assert "canary-code" == answer.parameters["code"]


def test_an_interrupt_closes_the_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Ctrl-C is not caught, and the port is closed.
    """

    def interrupt() -> float:
        raise KeyboardInterrupt

    listener = Loopback(state=STATE)
    listener._monotonic = interrupt
    with pytest.raises(KeyboardInterrupt), listener:
        listener.wait(10)

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", listener.port), 5)
    assert time.monotonic() > 0


def redeem(listener: Loopback, address: str) -> tuple[int, str]:
    """Return status and redirect of one request for the one-time address."""
    connection = http.client.HTTPConnection("127.0.0.1", listener.port, timeout=20)
    try:
        connection.request("GET", urlsplit(address).path)
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers.get("Location", "")
    finally:
        connection.close()


def answer_to(listener: Loopback) -> bytes:
    """Post the answer, as a browser does, and return the beginning of the last page."""
    with socket.create_connection(("127.0.0.1", listener.port), timeout=20) as browser:
        body = f"code=c&state={STATE}"
        browser.sendall(
            f"POST / HTTP/1.1\r\nHost: localhost:{listener.port}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        return browser.recv(100)


@pytest.mark.parametrize("is_late", [True, False])
def test_a_second_request_for_the_sign_in_ends_it(*, is_late: bool) -> None:
    """
    The one-time address redirects one browser to the sign-in. A second request gets nothing and ends the sign-in, even
    within a second after the answer: one of the two is not the user's browser.
    """
    seen: list[object] = []
    with Loopback(state=STATE) as listener, ThreadPoolExecutor() as pool:
        address = listener.offer("https://login.example/authorize?state=s")

        def browsers() -> None:
            seen.append(redeem(listener, address))
            answer = pool.submit(answer_to, listener) if is_late else None
            for _ in range(1000):
                if answer is None or listener._answer is not None:
                    break
                time.sleep(0.01)
            seen.append(redeem(listener, address))
            if answer is not None:
                seen.append(answer.result(20)[:12])

        browsing = pool.submit(browsers)
        with pytest.raises(SignInError, match="requested twice") as caught:
            listener.wait(20)
        listener.__exit__(None, None, None)
        browsing.result(20)

    assert "address_used_twice" == caught.value.error
    assert [(302, "https://login.example/authorize?state=s"), (403, "")] == seen[:2]
    assert ([b"HTTP/1.1 400"] if is_late else []) == seen[2:]


def test_one_request_for_the_sign_in_is_normal() -> None:
    """
    After one request for the one-time address, the answer counts. Other addresses, methods and hosts are refused, and
    the random part differs each time.
    """
    with Loopback(state=STATE) as listener, ThreadPoolExecutor() as pool:
        address = listener.offer("https://login.example/")

        def browse() -> tuple[object, ...]:
            return redeem(listener, f"{address}x"), redeem(listener, address), answer_to(listener)

        browsing = pool.submit(browse)
        answer = listener.wait(20)
        answer.show("page")
        found = browsing.result(20)

    assert ((404, ""), (302, "https://login.example/")) == found[:2]
    assert {"code": "c"}.items() <= answer.parameters.items()
    assert address != listener.offer("https://login.example/")


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="becoming another user needs root, on Linux")
def test_another_user_does_not_get_the_sign_in() -> None:
    """
    Another user of the machine, who reads the command line of the browser, gets nothing from the one-time address, and
    does not disturb the sign-in.
    """
    with Loopback(state=STATE) as listener, ThreadPoolExecutor() as pool:
        address = listener.offer("https://login.example/?canary")

        def browse() -> str:
            program = (
                "import os, socket, sys\nos.setuid(65534)\n"
                "with socket.socket() as stranger:\n    stranger.connect(('127.0.0.1', int(sys.argv[1])))\n"
                "    stranger.sendall(sys.argv[2].encode())\n    print(stranger.recv(65536).decode())"
            )
            request = f"GET {urlsplit(address).path} HTTP/1.1\r\nHost: 127.0.0.1:{listener.port}\r\n\r\n"
            done = subprocess.run(
                [sys.executable, "-c", program, str(listener.port), request],
                capture_output=True,
                text=True,
                timeout=30,
                check=True,
            )
            redeem(listener, address)
            answer_to(listener)
            return done.stdout

        browsing = pool.submit(browse)
        listener.wait(30).show("page")
        stolen = browsing.result(20)

    assert stolen.startswith("HTTP/1.1 403")
    assert "canary" not in stolen
