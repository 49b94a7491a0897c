"""The redirect listener (RFC 8252, 7.3): it waits for one answer from the user's browser.

It listens on 127.0.0.1 and ::1 only, and only while the sign-in waits. Browsers open connections in advance, request
icons and send requests twice; port scanners and pages in other tabs connect, too. Each connection is read separately,
with limits of time and size. A request that is not the answer is refused and does not end the wait.

The command line of a browser can be read by other users of the machine. A browser that is started gets the listener's
one-time address, which redirects one browser of this user to the sign-in. A second request for it ends the sign-in.
"""

from __future__ import annotations

import logging
import os
import selectors
import socket
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from entrakit.errors import ParameterError, SignInError
from entrakit.shown_text import one_line
from entrakit.sign_in.last_page import POLICY, failure_page, stranger_page
from entrakit.sign_in.loopback_request import Reader, RefusedError
from entrakit.sign_in.redirect import DEFAULT_URI, NotOursError, parse_answer
from entrakit.sign_in.socket_owner import is_ours

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from entrakit.sign_in.loopback_request import RedirectRequest

MAX_CONNECTIONS = 64
CONNECTION_LIFE_S = 10.0
PORT_ATTEMPTS = 20
# How long after the answer a second request for the one-time address still ends the sign-in, by the real clock.
GRACE_S = 1.0

log = logging.getLogger("entrakit.sign_in.loopback")


class SignInAnswer:
    """The answer to the sign-in; the browser waits until `show` sends the last page.

    Args:
        parameters: Parameters of the answer by name; the state was checked.
        connection: The browser's connection.
    """

    def __init__(self, parameters: dict[str, str], connection: socket.socket) -> None:
        self.parameters = parameters
        self._connection: socket.socket | None = connection

    def __repr__(self) -> str:
        return f"SignInAnswer({', '.join(sorted(self.parameters))})"

    def show(self, html: str, status: int = 200) -> None:
        """Send the browser the last page. A browser that has gone away is not an error.

        Args:
            html: The page.
            status: HTTP status.
        """
        connection, self._connection = self._connection, None
        if connection is not None:
            _reply(connection, status, html, patient=True)


class Loopback:
    """A listener for the answer to one authorization request, as a context manager that closes its sockets.

    Args:
        state: State that the answer must contain.
        port: Port to listen on; 0 for the one of `redirect_uri`, or any free port.
        redirect_uri: Redirect URI of this machine, as it is registered; the port is inserted if it has none.
        monotonic: Function that returns seconds on a clock that is never set.

    Raises:
        ParameterError: The port is in use, or this user must not listen on it.
    """

    def __init__(
        self,
        *,
        state: str,
        port: int = 0,
        redirect_uri: str = DEFAULT_URI,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._state = state
        self._monotonic = monotonic
        parts = urlsplit(redirect_uri)
        self._origin, self._path = f"{parts.scheme}://{parts.hostname}", parts.path
        self._listeners = _listen(port or parts.port or 0)
        self.port: int = self._listeners[0].getsockname()[1]
        self._pending: dict[socket.socket, Reader] = {}
        self._answer: SignInAnswer | None = None
        self._offer: dict[str, str] = {}
        self._takers = 0

    @property
    def redirect_uri(self) -> str:
        """Value of `redirect_uri`; the service ignores the port of `http://localhost` and `http://127.0.0.1`."""
        return f"{self._origin}:{self.port}{self._path}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        if self._answer is not None:
            self._answer.show(failure_page("The sign-in was not finished.", "Start again."), 400)

    def offer(self, url: str) -> str:
        """Return the one-time address, which redirects the first browser to an address.

        Args:
            url: Address of the sign-in.
        """
        path = f"/{os.urandom(16).hex()}"
        self._offer = {path: url}
        return f"http://127.0.0.1:{self.port}{path}"

    def withdraw(self) -> None:
        """Make the one-time address invalid: no browser was started with it."""
        self._offer = {}

    def wait(self, timeout_s: float) -> SignInAnswer:
        """Return the answer, and stop listening.

        Args:
            timeout_s: Maximum number of seconds to wait.

        Raises:
            SignInError: No answer came in time (`error` is `timeout`), or the one-time address was requested twice
                (`address_used_twice`).
        """
        deadline = self._monotonic() + timeout_s
        with selectors.DefaultSelector() as selector:
            for listener in self._listeners:
                selector.register(listener, selectors.EVENT_READ)
            while self._answer is None and self._takers < 2:
                now = self._monotonic()
                if now >= deadline:
                    self._close()
                    raise SignInError(
                        f"Nobody finished the sign-in in the browser within {timeout_s:g} seconds.",
                        remedy="Connect again with a longer `timeout`, or use `device_code=True` without a browser.",
                        error="timeout",
                    )
                # At most a second: this clock can differ from the one of the selector.
                self._serve_ready(selector, min(1.0, deadline - now), now)
            until = time.monotonic() + GRACE_S if self._offer else 0.0
            while self._takers < 2 and (left := until - time.monotonic()) > 0:
                self._serve_ready(selector, left, self._monotonic())
        self._close()
        if self._answer is None or self._takers > 1:
            error = SignInError(
                "The address of this sign-in was requested twice, so somebody else may have signed in.",
                remedy="Connect again, without opening or reloading the address yourself. If it happens again, another "
                "program on this machine interferes; use `device_code=True`.",
                error="address_used_twice",
            )
            if self._answer is not None:
                self._answer.show(failure_page(error.problem, error.remedy), 400)
            raise error
        return self._answer

    def _serve_ready(self, selector: selectors.BaseSelector, timeout_s: float, now: float) -> None:
        """Serve the connections that have something to read."""
        for key, _ in selector.select(timeout_s):
            if isinstance(key.fileobj, socket.socket):
                self._serve(key.fileobj, selector, now)
        self._drop_old(selector, self._monotonic())

    def _serve(self, ready: socket.socket, selector: selectors.BaseSelector, now: float) -> None:
        if ready in self._listeners:
            self._accept(ready, selector, now)
            return
        reader = self._pending.get(ready)
        if reader is None:
            return
        try:
            data = ready.recv(65536)
            request = reader.read(data) if data else None
            if data and request is None:
                return
        except BlockingIOError:
            return
        except OSError:
            request = None
        except RefusedError as error:
            self._forget(ready, selector)
            _reply(ready, error.status, stranger_page())
            return
        self._forget(ready, selector)
        if request is None:
            ready.close()
        else:
            self._judge(ready, request)

    def _accept(self, listener: socket.socket, selector: selectors.BaseSelector, now: float) -> None:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        connection.setblocking(False)
        if len(self._pending) >= MAX_CONNECTIONS:
            # The oldest one makes room: the new one can be the browser with the answer.
            oldest = min(self._pending, key=lambda one: self._pending[one].since)
            self._forget(oldest, selector)
            oldest.close()
        self._pending[connection] = Reader(now)
        selector.register(connection, selectors.EVENT_READ)

    def _judge(self, connection: socket.socket, request: RedirectRequest) -> None:
        """Keep the connection with the answer; refuse any other."""
        path, _, query = request.target.partition("?")
        if path in self._offer and request.host in self._hosts() and request.method == "GET":
            self._hand_over(connection, self._offer[path])
            return
        if request.host not in self._hosts() or path != (self._path or "/"):
            status = 404
        elif request.method not in ("GET", "POST"):
            status = 405
        else:
            text = query if request.method == "GET" else request.body.decode("utf-8", "replace")
            try:
                parameters = parse_answer(text, state=self._state)
            except NotOursError:
                status = 400
            else:
                if self._answer is None:
                    self._answer = SignInAnswer(parameters, connection)
                    return
                status = 400
        log.debug("Ignored %s %s", request.method, one_line(path, 100))
        _reply(connection, status, stranger_page())

    def _hand_over(self, connection: socket.socket, url: str) -> None:
        """Redirect the first request for the one-time address; count the requests of this user."""
        if not is_ours(connection):
            log.warning("Another user of this machine requested the sign-in, and did not get it. Was it your browser?")
            url = ""
        else:
            self._takers += 1
        if url and self._takers == 1:
            _reply(connection, 302, "", location=url)
        else:
            _reply(connection, 403, stranger_page())

    def _hosts(self) -> frozenset[str]:
        """A page of another site reaches this port under its own name only (DNS rebinding)."""
        names = ("localhost", "127.0.0.1", "[::1]")
        with_port = frozenset(f"{host}:{self.port}" for host in names)
        return with_port | frozenset(names) if self.port == 80 else with_port

    def _drop_old(self, selector: selectors.BaseSelector, now: float) -> None:
        for connection, reader in list(self._pending.items()):
            if now - reader.since > CONNECTION_LIFE_S:
                self._forget(connection, selector)
                connection.close()

    def _forget(self, connection: socket.socket, selector: selectors.BaseSelector) -> None:
        self._pending.pop(connection, None)
        selector.unregister(connection)

    def _close(self) -> None:
        for one in (*self._listeners, *self._pending):
            one.close()
        self._pending.clear()


def _listen(port: int) -> list[socket.socket]:
    """Return listeners on both loopback addresses, on the same port."""
    for attempt in range(PORT_ATTEMPTS):
        try:
            four = socket.create_server(("127.0.0.1", port), backlog=16)
        except OSError as error:
            raise ParameterError(
                f"Can't listen on port {port}: {error.strerror}.", remedy="Choose another `port`, or leave it out."
            ) from error
        chosen = four.getsockname()[1]
        try:
            six = socket.create_server(("::1", chosen), family=socket.AF_INET6, backlog=16)
        except OSError:
            # Either this machine has no IPv6, or another program uses the port there, and would get the answer: for
            # `localhost`, browsers try ::1 first.
            if _has_ipv6():
                four.close()
                if not port and attempt < PORT_ATTEMPTS - 1:
                    continue
                raise ParameterError(
                    f"Can't listen on port {chosen}: another program uses it on ::1.",
                    remedy="Choose another `port`, or leave it out.",
                ) from None
            listeners = [four]
        else:
            listeners = [four, six]
        for listener in listeners:
            listener.setblocking(False)
        return listeners
    raise AssertionError("unreachable: the last attempt returns")  # pragma: no cover


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def _reply(connection: socket.socket, status: int, html: str, *, patient: bool = False, location: str = "") -> None:
    """Send a page, and close the connection. Only for the answer, wait until the browser has read the page."""
    reasons = {
        200: "OK", 302: "Found", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
        413: "Content Too Large", 431: "Too Large",
    }  # fmt: skip
    body = html.encode()
    head = (
        f"HTTP/1.1 {status} {reasons.get(status, 'Bad Request')}\r\n"
        f"Content-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
        f"Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n"
        f"Content-Security-Policy: {POLICY}\r\n"
    )
    head += f"Location: {location}\r\n\r\n" if location else "\r\n"
    try:
        connection.settimeout(1.0 if patient else 0.0)
        connection.sendall(head.encode("ascii") + body)
        connection.shutdown(socket.SHUT_WR)
        if patient:
            # Closing before the browser has read would cut the page off with a reset.
            connection.recv(65536)
    except OSError:
        log.debug("A browser went away before its answer.")
    finally:
        connection.close()
