"""The blocking HTTPS client: trust, proxy, limits and retries are decided here, for the requests of MSAL, too.

No redirect is followed, no request is sent without TLS, no response is read beyond a limit, and each failure becomes
an error that names its cause.
"""

from __future__ import annotations

import logging
import os
import time
from random import random
from threading import Lock
from typing import TYPE_CHECKING

from entrakit import version
from entrakit.errors import NetworkError, ParameterError
from entrakit.http import failures, retry
from entrakit.http.message import Headers, Request, Response

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Protocol

    import httpx2

    class Clock(Protocol):
        """The functions that tell the time; the `time` module has them."""

        def time(self) -> float:
            """Return the seconds since 1970."""
            ...

        def monotonic(self) -> float:
            """Return seconds on a clock that is never set."""
            ...

        def sleep(self, seconds: float, /) -> None:
            """Wait."""
            ...


MAX_ANSWER = 4 * 1024 * 1024
# Multiple of the time-out, so that a response that arrives in drops does not block a call, and a lock, forever.
LONGEST_ANSWER = 4

log = logging.getLogger("entrakit.http.transport")


class Transport:
    """An HTTPS client for the token service; safe to share between threads and connections.

    Args:
        ca_bundle: PEM file or hashed directory to trust instead of the system's store; None for the system's,
            or those that `SSL_CERT_FILE`, `REQUESTS_CA_BUNDLE` or `SSL_CERT_DIR` name.
        proxy: Address of an HTTP proxy; None to follow `HTTPS_PROXY` and `NO_PROXY`.
        timeout_s: Longest silence, in seconds, while connecting, sending or receiving.
        clock: Clock that tells the time and waits.
        http2: Whether to offer HTTP/2, for services that get many requests at once.
    """

    def __init__(
        self,
        *,
        ca_bundle: str | None = None,
        proxy: str | None = None,
        timeout_s: float = 30.0,
        clock: Clock = time,
        http2: bool = False,
    ) -> None:
        if timeout_s <= 0:
            raise ParameterError(f"The time-out must be longer than {timeout_s} seconds.")
        if proxy and "@" in proxy:
            raise ParameterError(
                "The address of a proxy must not hold its user name and password.",
                remedy="Set HTTPS_PROXY to the whole address instead: it is read again each time, and stored nowhere.",
            )
        self.ca_bundle = os.path.abspath(os.path.expanduser(ca_bundle)) if ca_bundle else None
        self.proxy = proxy
        self.timeout_s = timeout_s
        self.clock = clock
        self.http2 = http2
        self.skew_s: float | None = None
        self._client: httpx2.Client | None = None
        self._opening = Lock()
        self.attempts = retry.ATTEMPTS

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
            log.info("%s: attempt %d failed; trying again in %.1f s", request, attempt, delay)
            self.clock.sleep(delay)
        if isinstance(outcome, NetworkError):
            raise outcome
        return outcome

    def impatient(self) -> Transport:
        """Return this transport, with the same connections, as one that sends each request once."""
        from copy import copy

        self._open()
        other = copy(self)
        other.attempts = 1
        return other

    def offering_http2(self) -> Transport:
        """Return a transport like this one, with its own connections, that offers HTTP/2, too."""
        return Transport(
            ca_bundle=self.ca_bundle, proxy=self.proxy, timeout_s=self.timeout_s, clock=self.clock, http2=True
        )

    def close(self) -> None:
        """Close idle connections. A later request opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

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
        headers = headers_to_send(request, authorization)
        client = self._open()
        import httpx2

        deadline = self.clock.monotonic() + LONGEST_ANSWER * self.timeout_s
        sent_at = self.clock.time()
        try:
            with client.stream(request.method, request.url, headers=headers, content=request.body) as response:
                parts: list[bytes] = []
                size = 0
                for part in response.iter_bytes():
                    size += len(part)
                    if size > limit or self.clock.monotonic() > deadline:
                        raise failures.excess(request, limit=limit, is_too_large=size > limit)
                    parts.append(part)
                body = b"".join(parts)
                return Response(request, response.status_code, Headers(response.headers), body, sent_at)
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
            raise failures.explained(error, request, self.timeout_s) from error

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
        took = self.clock.monotonic() - begun
        log.info("%s answered %d in %.0f ms", request, response.status, took * 1000)
        date = response.date
        if date is not None:
            self.skew_s = date - self.clock.time()
        return response

    def _delay(self, outcome: Response | NetworkError, attempt: int, begun: float) -> float | None:
        """Return the seconds to wait before the next attempt; None if there is none."""
        retry_after_s = None
        if isinstance(outcome, NetworkError):
            is_transient = retry.is_transient_failure(outcome, is_repeatable=True)
        else:
            is_transient = retry.is_transient(outcome.status, is_repeatable=True)
            retry_after_s = retry.retry_after(outcome)
        if not is_transient:
            return None
        elapsed_s = self.clock.monotonic() - begun
        return retry.delay_before(
            attempt, elapsed_s=elapsed_s, retry_after_s=retry_after_s, random=random, attempts=self.attempts
        )

    def _open(self) -> httpx2.Client:
        # Threads that open it at the same time share one client: a second one would never be closed.
        with self._opening:
            if self._client is None:
                import httpx2

                options = client_options(self)
                try:
                    self._client = httpx2.Client(**options)
                except (ValueError, TypeError, httpx2.InvalidURL) as error:
                    raise failures.unusable_proxy() from error
            return self._client


def client_options(transport: Transport) -> dict[str, Any]:
    """Return the options of httpx2's clients. Raises ParameterError for a CA bundle that can't be read."""
    from entrakit.http.tls import make_context

    _quieten("httpx2", "httpcore2")
    return {
        "verify": make_context(transport.ca_bundle, os.environ),
        "proxy": transport.proxy,
        "timeout": transport.timeout_s,
        "http2": transport.http2,
        "headers": {"User-Agent": f"entrakit/{version.__version__}"},
    }


def headers_to_send(request: Request, authorization: str) -> dict[str, str]:
    """Return the header fields of a request with its token. Raises ParameterError if its address is not `https`."""
    if request.url[:8].lower() != "https://":
        raise failures.not_https(request.url)
    return {**request.headers, "authorization": authorization} if authorization else dict(request.headers)


def _quieten(*names: str) -> None:
    """Keep other libraries' loggers from writing headers and bodies, unless their level was set."""
    for name in names:
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.WARNING)
