"""The one HTTPS client: trust, proxy, limits and repeats are decided here, for MSAL's requests too.

No redirect is followed, nothing but `https` is called, no answer is read beyond a limit, and every failure comes
out as an error that says whose fault it is. The file is the only one that imports httpx2.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from random import random
from threading import Lock
from types import ModuleType
from typing import NamedTuple

from entrakit import version
from entrakit.errors import NetworkError, ParameterError, ServiceUnavailableError, UnexpectedAnswerError
from entrakit.http import retry
from entrakit.http.address import shown_host, without_query
from entrakit.http.failures import explained

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping
    from typing import Any, Protocol

    import httpx2

    from entrakit.http.transport_async import AsyncTransport

    class Clock(Protocol):
        """What is asked about time; the `time` module itself fits."""

        def time(self) -> float:
            """Return the seconds since 1970."""
            ...

        def monotonic(self) -> float:
            """Return seconds on a clock that nobody sets."""
            ...

        def sleep(self, seconds: float, /) -> None:
            """Wait."""
            ...


MAX_ANSWER = 4 * 1024 * 1024
# Times the time-out, so that an answer that drips does not hold a call, and the lock of an entry, for ever.
LONGEST_ANSWER = 4

# Not empty where HTTP/2 was left out.
_lean: list[bool] = []

log = logging.getLogger("entrakit.http.transport")


class HttpAnswer(NamedTuple):
    """What came back.

    Args:
        status: HTTP status.
        headers: Header fields, names in lower case.
        body: The whole body.
    """

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 are replaced."""
        return self.body.decode("utf-8", "replace")


class Transport:
    """An HTTPS client for the token service; safe to share between threads and connections.

    Args:
        ca_bundle: PEM file or hashed directory to trust instead of the system's store; None for the system's,
            or what `SSL_CERT_FILE`, `REQUESTS_CA_BUNDLE` or `SSL_CERT_DIR` name.
        proxy: Address of an HTTP proxy; None to follow `HTTPS_PROXY` and `NO_PROXY`.
        timeout_s: Longest silence, in seconds, while connecting, sending or receiving.
        clock: What tells the time and waits.
        http2: Offer HTTP/2, for hosts that are asked many things at once.
    """

    def __init__(
        self, *, ca_bundle: str | None = None, proxy: str | None = None, timeout_s: float = 30.0, clock: Clock = time,
        http2: bool = False,
    ) -> None:  # fmt: skip
        if timeout_s <= 0:
            raise ParameterError(f"The time-out must be longer than {timeout_s} seconds.")
        if proxy and "@" in proxy:
            raise ParameterError(
                "The address of a proxy must not hold its user name and password.",
                remedy="Set HTTPS_PROXY to the whole address instead: it is read anew each time, and kept nowhere.",
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
    ) -> HttpAnswer:
        """Send a request, again where that is safe and of use, and return the answer, whatever its status.

        Args:
            method: `GET` or `POST`.
            url: An `https` address.
            headers: Header fields.
            body: What to send.
            repeatable: False for a request that must not be sent twice, or that the caller repeats itself.

        Raises:
            NetworkError: No answer arrived: DNS, refused, broken, timed out; retryable.
            TlsError: The server's certificate is not trusted.
            UnexpectedAnswerError: The answer is a redirect, or larger than any that is expected.
            ServiceUnavailableError: HTTP 5xx without a body to explain it.
            ParameterError: The address is not `https`, or the proxy's address can't be used.
        """
        begun = self.clock.monotonic()
        attempt = 0
        while True:
            attempt += 1
            answer, failure, retry_after_s = self._attempt(method, url, headers or {}, body)
            delay = None
            if repeatable and attempt < self.attempts and (failure is None or failure.retryable):
                elapsed = self.clock.monotonic() - begun
                delay = retry.delay_before(attempt, elapsed_s=elapsed, retry_after_s=retry_after_s, random=random)
            transient = failure is not None or (answer is not None and retry.is_transient(answer.status))
            if not transient or delay is None:
                break
            log.info("%s does not answer as it should; trying again in %.1f s", shown_host(url), delay)
            self.clock.sleep(delay)
        if answer is None:
            raise failure or NetworkError(f"{shown_host(url)} gave no answer.")
        return answer

    def impatient(self) -> Transport:
        """Return this transport, on the same connections, as one that asks once and never waits to ask again."""
        from copy import copy

        self._open()
        other = copy(self)
        other.attempts = 1
        return other

    def offering_http2(self) -> Transport:
        """Return a transport like this one, on connections of its own, that offers HTTP/2 too."""
        return Transport(
            ca_bundle=self.ca_bundle, proxy=self.proxy, timeout_s=self.timeout_s, clock=self.clock, http2=True
        )

    def close(self) -> None:
        """Close idle connections. A later request opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _attempt(
        self, method: str, url: str, headers: Mapping[str, str], body: str | bytes | None
    ) -> tuple[HttpAnswer | None, NetworkError | None, float | None]:
        """Return the answer or the failure of one attempt, with the wait that the server asks for."""
        begun = self.clock.monotonic()
        try:
            answer = self.once(method, url, headers, body)
            if 300 <= answer.status < 400:
                raise _redirected(shown_host(url), answer.headers.get("location", ""))
        except NetworkError as error:
            log.info("%s %s failed: %s", method, without_query(url), error.problem)
            return None, error, None
        took = self.clock.monotonic() - begun
        log.info("%s %s answered %d in %.0f ms", method, without_query(url), answer.status, took * 1000)
        self._measure_skew(answer.headers.get("date"))
        now = self.clock.time() + (self.skew_s or 0.0)
        return answer, None, retry.parse_retry_after(answer.headers.get("retry-after"), now=now)

    def once(
        self, method: str, url: str, headers: Mapping[str, str], body: str | bytes | None, *, limit: int = MAX_ANSWER
    ) -> HttpAnswer:
        """Send a request once, and return the answer, whatever its status, redirects included.

        Args:
            method: HTTP method.
            url: An `https` address.
            headers: Header fields.
            body: What to send.
            limit: Bytes beyond which an answer is not read.

        Raises:
            NetworkError: No answer arrived; retryable. `may_have_arrived` says whether the request may have.
            TlsError: The server's certificate is not trusted.
            UnexpectedAnswerError: The answer is larger than the limit.
            ParameterError: The address is not `https`, or the proxy's address can't be used.
        """
        refuse_plain(url)
        client = self._open()
        import httpx2

        correlation_id = headers.get("client-request-id", "")
        deadline = self.clock.monotonic() + LONGEST_ANSWER * self.timeout_s
        try:
            with client.stream(method, url, headers=dict(headers), content=body) as response:
                parts: list[bytes] = []
                size = 0
                for part in response.iter_bytes():
                    size += len(part)
                    refuse_excess(
                        url, size, limit, late=self.clock.monotonic() > deadline, correlation_id=correlation_id
                    )
                    parts.append(part)
                return HttpAnswer(response.status_code, dict(response.headers), b"".join(parts))
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
            raise explained(error, url, correlation_id, self.timeout_s) from error

    def _open(self) -> httpx2.Client:
        # Threads that come together share one client: a second one would never be closed.
        with self._opening:
            if self._client is None:
                import httpx2

                options = client_options(self)
                try:
                    self._client = httpx2.Client(**options)
                except (ValueError, TypeError, httpx2.InvalidURL) as error:
                    raise unusable_proxy() from error
            return self._client

    def _measure_skew(self, date: str | None) -> None:
        then = retry.parse_http_date(date)
        if then is not None:
            self.skew_s = then - self.clock.time()


def load_lean() -> None:
    """Import httpx2 without what a few requests of a process that then ends have no use for.

    That is HTTP/2, asyncio, and the reading of what packages have beside their code: their metadata, for httpx2's own
    version, and files, for names that `importlib.abc` keeps from earlier times. The first two are optional there, and
    neither is to be had in this process afterwards. Together they cost more than a request.
    """
    if "httpx2" in sys.modules:
        return
    nothing = ModuleType("nothing")
    # What is asked of it.
    vars(nothing).update(
        version=lambda _: "", abc=None, ResourceReader=None, Traversable=None, TraversableResources=None
    )
    # What stands there as None can't be imported: the documented way to say so.
    stand_ins = {
        "h2": None, "anyio": None, "trio": None,
        "importlib.metadata": nothing, "importlib.resources": nothing, "importlib.resources.abc": nothing,
    }  # fmt: skip
    left_out = {name: one for name, one in stand_ins.items() if name not in sys.modules}
    sys.modules.update(left_out)  # type: ignore[arg-type] # None is what is meant
    try:
        import httpcore2  # noqa: F401 - it is what looks for them
        import httpx2  # noqa: F401
    finally:
        for name in left_out:
            del sys.modules[name]
    _lean.append(True)


def client_options(transport: Transport | AsyncTransport) -> dict[str, Any]:
    """Return what httpx2's clients are made with. Raises ParameterError for a CA bundle that can't be read."""
    from entrakit.http.tls import make_context
    from entrakit.http.tls_socket import EagerSocket

    _quieten("httpx2", "httpcore2")
    context: ssl.SSLContext = make_context(transport.ca_bundle, os.environ)
    context.sslsocket_class = EagerSocket
    return {
        "verify": context, "proxy": transport.proxy, "timeout": transport.timeout_s,
        "http2": transport.http2 and not _lean,
        "headers": {"User-Agent": f"entrakit/{version.__version__}"},
    }  # fmt: skip


def unusable_proxy() -> ParameterError:
    """Return the error for a proxy's address that httpx2 does not take."""
    return ParameterError("The proxy's address can't be used.", remedy="Write it like http://proxy.contoso.com:8080.")


def refuse_plain(url: str) -> None:
    """Check that an address is an `https` one. Raises ParameterError."""
    if url[:8].lower() != "https://":
        raise ParameterError(f"{without_query(url)} is not an https address, so nothing is sent there.")


def refuse_excess(url: str, size: int, limit: int, *, late: bool, correlation_id: str) -> None:
    """Check that an answer stays within bounds of size and time.

    Raises:
        UnexpectedAnswerError: It is too large.
        NetworkError: It comes too slowly.
    """
    host = shown_host(url)
    if size > limit:
        raise UnexpectedAnswerError(
            f"The answer of {host} is larger than {limit // 1024 // 1024} MiB, so it was not read.",
            remedy="Something else than the service answers: check the network and the proxy.",
            host=host,
            correlation_id=correlation_id,
            retryable=False,
        )
    if late:
        problem = f"The answer of {host} comes too slowly."
        raise NetworkError(problem, remedy="Try again.", host=host, correlation_id=correlation_id)


def unavailable(answer: HttpAnswer, *, host: str, correlation_id: str = "") -> ServiceUnavailableError:
    """Return the error for an answer of 5xx that lasted."""
    return ServiceUnavailableError(
        f"The token service at {host} is in trouble (HTTP {answer.status}).",
        remedy="Wait a little and try again; the service's status page knows of outages.",
        host=host,
        correlation_id=correlation_id,
    )


def _redirected(host: str, location: str) -> UnexpectedAnswerError:
    target = shown_host(location)
    return UnexpectedAnswerError(
        f"{host} sends us on to {target or 'another page'} instead of answering.",
        remedy="This network may want you to sign in first (captive portal): open a page in a browser, then try again.",
        host=host,
        retryable=False,
    )


def _quieten(*names: str) -> None:
    """Keep other libraries' loggers from writing headers and bodies, unless somebody set their level."""
    for name in names:
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.WARNING)
