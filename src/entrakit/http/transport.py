"""The blocking HTTPS client: trust, proxy, limits and retries are decided here, for the requests of MSAL, too.

No redirect is followed, no request is sent without TLS, no response is read beyond a limit or a deadline, and each
failure becomes an error that names its cause. Connections are kept for the next request, HTTP/1.1 on each of them.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from random import random
from typing import TYPE_CHECKING

from entrakit import version
from entrakit.errors import EntraError, NetworkError, ParameterError
from entrakit.http import failures, retry
from entrakit.http.address import Origin, request_target
from entrakit.http.message import Headers, Request, Response
from entrakit.paths import absolute

if TYPE_CHECKING:
    from collections.abc import Mapping
    from ssl import SSLContext

    from entrakit.http.connection import Connection, Deadline
    from entrakit.http.proxies import Proxy
    from entrakit.http.retry import Clock
    from entrakit.http.tunnels import Approval

MAX_ANSWER = 4 * 1024 * 1024
# Multiple of the time-out, so that an exchange that continues in drops does not block a call, and a lock, forever.
LONGEST_ANSWER = 4
# Most idle connections to one origin, and how long they are kept: some firewalls forget a connection that is idle for
# longer, and drop what is sent on it without an answer.
MOST_IDLE = 32
LONGEST_IDLE_S = 60.0
DEFAULT_HEADERS = {
    "accept": "*/*",
    "accept-encoding": "gzip, deflate",
    "user-agent": f"entrakit/{version.__version__}",
}

log = logging.getLogger("entrakit.http.transport")
# Every wait of the library is logged there, with its seconds; the command shows the long ones.
waits = logging.getLogger("entrakit.waits")


class Transport:
    """An HTTPS client for the token service; safe to share between threads and connections.

    Args:
        ca_bundle: PEM file or hashed directory to trust instead of the system's store; None for the system's,
            or those that `SSL_CERT_FILE`, `REQUESTS_CA_BUNDLE` or `SSL_CERT_DIR` name.
        proxy: Address of a proxy without a user name; None to follow `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`.
        timeout_s: Longest silence, in seconds, while connecting, sending or receiving.
            The whole exchange, with connecting, ends after four times as long.
        clock: Clock that tells the time and waits.
    """

    def __init__(
        self,
        *,
        ca_bundle: str | None = None,
        proxy: str | None = None,
        timeout_s: float = 30.0,
        clock: Clock = time,
    ) -> None:
        self._idle: dict[Origin, list[Connection]] = {}
        self._begun: dict[str, Connection] = {}
        self.approvals: dict[Proxy, Approval] = {}
        self._process = os.getpid()
        if timeout_s <= 0:
            raise ParameterError(f"The time-out must be longer than {timeout_s} seconds.")
        if proxy and "@" in proxy:
            raise ParameterError(
                "The address of a proxy must not hold its user name and password.",
                remedy="Set HTTPS_PROXY to the address with them instead: it is read each time, and never stored.",
            )
        # Most paths are absolute, and need no working directory.
        self.ca_bundle = (ca_bundle if os.path.isabs(ca_bundle) else absolute(ca_bundle)) if ca_bundle else None
        self.proxy = proxy
        self.timeout_s = timeout_s
        self.clock = clock
        self.skew_s: float | None = None
        self.attempts = retry.ATTEMPTS
        self._context: SSLContext | None = None

    def __repr__(self) -> str:
        return f"Transport(ca_bundle={self.ca_bundle!r}, timeout_s={self.timeout_s})"

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: str | bytes | None = None,
        repeatable: bool = True,
    ) -> Response:
        """Send a request, again if that is safe and can help, and return the response, whatever its status.

        Args:
            method: `GET` or `POST`.
            url: An `https` address.
            headers: Header fields.
            body: The body.
            repeatable: False for a request that must not be sent twice, or that the caller sends again.

        Raises:
            NetworkError: No response arrived: DNS, refused, broken, timed out; retryable.
            TlsError: The server's certificate is not trusted.
            UnexpectedAnswerError: The response is a redirect, or larger than the limit.
            ParameterError: The address is not `https`, or the proxy's address can't be used.
        """
        content = body.encode() if isinstance(body, str) else body
        request = Request(method, url, {name.lower(): value for name, value in (headers or {}).items()}, content)
        begun = self.clock.monotonic()
        attempt = 0
        while True:
            attempt += 1
            outcome = self._attempt(request)
            if isinstance(outcome, Response) and outcome.is_success:
                return outcome
            delay = self._delay(outcome, attempt, begun) if repeatable else None
            if delay is None:
                break
            waits.info("waiting %.1f s: %s", delay, failures.reason_of(outcome))
            self.clock.sleep(delay)
        if isinstance(outcome, NetworkError):
            raise outcome
        return outcome

    def check(self, url: str) -> None:
        """Check the trusted certificates and the proxy for requests to an address. Nothing is sent.

        Args:
            url: An `https` address.

        Raises:
            ParameterError: The CA certificates can't be read, or the proxy's address can't be used.
        """
        self._tls()
        origin = Origin.of(url)
        proxy = self._proxy_for(origin) if origin is not None else None
        if proxy is not None:
            from entrakit.http.tunnels import socks_opener

            socks_opener(proxy)

    def impatient(self) -> Transport:
        """Return this transport, with the same connections, as one that sends each request once."""
        from copy import copy

        self._tls()
        other = copy(self)
        other.attempts = 1
        return other

    def close(self) -> None:
        """Close idle connections. A later request opens new ones."""
        for idle in list(self._idle.values()):
            while idle:
                idle.pop().close()
        while self._begun:
            self._begun.popitem()[1].close()

    def __del__(self) -> None:
        self.close()

    def open_ahead(self, url: str, enough: int) -> None:
        """Open a connection that a later request uses, unless enough of them are idle; raises as `once()`."""
        origin = Origin.of(url)
        if origin is not None and len(self._idle.get(origin, ())) < enough:
            self._keep(origin, self._opened(origin, Request("GET", url, {}, None), self._deadline()))

    def begin(self, request: Request, *, authorization: str = "") -> None:
        """Send a request whose response `once()` will return, so that the server works on it until then.

        Nothing is sent without an idle connection to the server. If sending fails, `once()` sends the request again.

        Args:
            request: A GET request with a `client-request-id`, which identifies it.
            authorization: Value of the `Authorization` header.
        """
        name = request.headers.get("client-request-id")
        origin = Origin.of(request.url)
        target = request_target(request.url)
        connection = self._idle_connection(origin) if name and origin else None
        if connection is None or not name:
            return
        try:
            connection.sent_at = self.clock.time()
            connection.send_request(
                request.method, target, self._fields(request, authorization), None, deadline=self._deadline()
            )
        except (OSError, ValueError):
            connection.close()
        except BaseException:
            connection.close()
            raise
        else:
            self._begun[name] = connection

    def once(self, request: Request, *, authorization: str = "", limit: int = MAX_ANSWER) -> Response:
        """Send a request once, and return the response, whatever its status, redirects included.

        Args:
            request: The request.
            authorization: Value of the `Authorization` header. The request itself never contains a token.
            limit: Maximum size of the response in bytes.

        Raises:
            NetworkError: No response arrived; retryable. `may_have_arrived` says whether the request may have.
            TlsError: The server's certificate is not trusted.
            UnexpectedAnswerError: The response is larger than the limit.
            ParameterError: The address is not `https`, or the proxy's address can't be used.
        """
        origin = Origin.of(request.url)
        if origin is None:
            raise failures.not_https(request.url)
        target = request_target(request.url)
        if not waits.isEnabledFor(logging.INFO):
            return self._exchange(origin, target, request, authorization, limit)
        from entrakit.files.waits import reported

        with reported(origin.shown()):
            return self._exchange(origin, target, request, authorization, limit)

    def _exchange(self, origin: Origin, target: str, request: Request, authorization: str, limit: int) -> Response:
        """Send a request for a target once, and return the response."""
        fields = self._fields(request, authorization)
        from entrakit.http.connection import TooLargeError

        begun = self._begun_connection(request)
        deadline = self._deadline() if begun is None else begun.deadline
        connection = begun or self._idle_connection(origin) or self._opened(origin, request, deadline)
        try:
            if begun is None:
                connection.sent_at = self.clock.time()
                connection.send_request(request.method, target, fields, request.body, deadline=deadline)
            status, answered, body = connection.receive(limit)
        except TooLargeError:
            connection.close()
            raise failures.too_large(request, limit) from None
        except ValueError:
            connection.close()
            # Without the cause, which shows the header field.
            raise failures.not_sendable(request) from None
        except Exception as error:
            connection.close()
            raise failures.broken(error, request, self.timeout_s, is_too_slow=deadline.has_passed) from error
        except BaseException:
            connection.close()
            raise
        self._keep(origin, connection)
        return Response(request, status, Headers(answered), body, connection.sent_at)

    def _attempt(self, request: Request) -> Response | NetworkError:
        """Return the response to one attempt, or the failure."""
        begun = self.clock.monotonic()
        try:
            response = self.once(request)
            if 300 <= response.status < 400:
                raise failures.redirected(response)
        except NetworkError as error:
            log.info("%s failed: %s", request, error.problem)
            return error
        log.info("%s answered %d in %.0f ms", request, response.status, (self.clock.monotonic() - begun) * 1000)
        date = response.date
        if date is not None:
            self.skew_s = date - self.clock.time()
        return response

    def _delay(self, outcome: Response | NetworkError, attempt: int, begun: float) -> float | None:
        """Return the seconds to wait before the next attempt; None if there is none."""
        retry_after_s = None
        attempts = self.attempts
        if isinstance(outcome, NetworkError):
            attempts = retry.most_attempts(outcome, attempts)
            is_transient = retry.is_transient_failure(outcome, is_repeatable=True)
        else:
            is_transient = retry.is_transient(outcome.status, is_repeatable=True)
            retry_after_s = retry.retry_after(outcome)
        if not is_transient:
            return None
        elapsed_s = self.clock.monotonic() - begun
        return retry.delay_before(
            attempt, elapsed_s=elapsed_s, retry_after_s=retry_after_s, random=random, attempts=attempts
        )

    def _fields(self, request: Request, authorization: str) -> dict[str, str]:
        """Return the header fields of a request."""
        return {**DEFAULT_HEADERS, **request.headers, **({"authorization": authorization} if authorization else {})}

    def _begun_connection(self, request: Request) -> Connection | None:
        """Return the connection on which `begin()` has sent a request; None if it has not."""
        if self._process != os.getpid():
            self._leave_to_parent()
        return self._begun.pop(request.headers.get("client-request-id", ""), None)

    def _keep(self, origin: Origin, connection: Connection) -> None:
        """Keep a connection for a later request, unless it is closed or there are too many."""
        idle = self._idle.setdefault(origin, [])
        if connection.sock is None or len(idle) >= MOST_IDLE:
            connection.close()
        else:
            connection.idle_since = time.monotonic()
            idle.append(connection)

    def _idle_connection(self, origin: Origin) -> Connection | None:
        """Return an idle connection to an origin that the server has not closed; None if there is none."""
        if self._process != os.getpid():
            self._leave_to_parent()
        idle = self._idle.get(origin)
        while idle:
            try:
                kept = idle.pop()
            except IndexError:  # another thread took the last one
                break
            if kept.is_connected and time.monotonic() - kept.idle_since < LONGEST_IDLE_S:
                return kept
            kept.close()
        return None

    def _deadline(self) -> Deadline:
        """Return the end of an exchange that begins now."""
        from entrakit.http.connection import Deadline

        return Deadline(self.timeout_s, time.monotonic() + LONGEST_ANSWER * self.timeout_s)

    def _opened(self, origin: Origin, request: Request, deadline: Deadline) -> Connection:
        from ssl import SSLCertVerificationError

        from entrakit.http.connection import Connection

        proxy, open_socks = self._proxy_for(origin), None
        if proxy is not None:
            from entrakit.http.tunnels import socks_opener

            open_socks = socks_opener(proxy)
        connection = Connection(origin, proxy, self._tls(), deadline, open_socks=open_socks)
        try:
            if proxy is None:
                connection.connect()
            else:
                from entrakit.http.tunnels import open_through

                open_through(connection, proxy, self.approvals, deadline, self.clock)
        except BaseException as error:
            connection.close()
            if isinstance(error, EntraError) or not isinstance(error, Exception):
                raise
            issuer = ""
            if isinstance(error, SSLCertVerificationError):
                from entrakit.http.issuer import issuer_seen

                issuer = issuer_seen(origin, proxy, deadline, open_socks=open_socks)
            raise failures.unreachable(
                error, request, self.timeout_s, proxy=proxy.shown() if proxy else "",
                is_too_slow=deadline.has_passed, has_tunnel=connection.has_tunnel, issuer=issuer,
            ) from error  # fmt: skip
        return connection

    def _leave_to_parent(self) -> None:
        """Close the connections that this process inherited by `fork()`: the other process still uses them."""
        inherited = [*self._begun.values(), *(one for some in self._idle.values() for one in some)]
        self._idle, self._begun, self._process = {}, {}, os.getpid()
        # A thread of the other process may hold a lock in them.
        self.approvals.clear()
        for connection in inherited:
            # Closes this process's copy of the socket; nothing is sent.
            connection.close()

    def _proxy_for(self, origin: Origin) -> Proxy | None:
        # Most machines have no proxy, and save the time to load the rules.
        if not self.proxy and sys.platform not in ("win32", "darwin"):
            if not any(name.lower() in ("https_proxy", "all_proxy") for name in os.environ):
                return None
        from entrakit.http.proxies import proxy_for

        return proxy_for(origin, self.proxy, os.environ)

    def _tls(self) -> SSLContext:
        if self._context is None:
            from entrakit.http.connection import SecureSocket, trusting, use_sockets

            # urllib3 warns of headers that it can't read, and would show them. A level that was set stays.
            if (others := logging.getLogger("urllib3")).level == logging.NOTSET:
                others.setLevel(logging.ERROR)
            if self.ca_bundle:
                context = trusting(self.ca_bundle)
            else:
                from entrakit.http.tls import make_context

                context = make_context(None, os.environ)
            use_sockets(context, SecureSocket)
            self._context = context
        return self._context
