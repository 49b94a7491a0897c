"""The awaited HTTPS client: trust, limits and errors are those of `Transport`; nothing is sent again here.

It offers HTTP/2. It requires httpx2, which the extra `async` installs; opening a transport imports it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import time
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.util import find_spec
from typing import TYPE_CHECKING

from entrakit.errors import NetworkError, ParameterError, UnexpectedAnswerError
from entrakit.files import waits
from entrakit.http import failures
from entrakit.http.address import Origin
from entrakit.http.failures import ProxyRefusedError, ProxyTlsError
from entrakit.http.message import Headers, Request, Response
from entrakit.http.proxies import proxy_for
from entrakit.http.transport import DEFAULT_HEADERS, LONGEST_ANSWER
from entrakit.http.tunnels import Approval, socks_opener

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from entrakit.http.proxies import Proxy
    from entrakit.http.retry import Clock
    from entrakit.http.transport import Transport

# Loggers of httpx2 and of the packages that it uses. At DEBUG, they write header fields: hpack writes the token.
LOGGERS = (
    *("httpx2", "httpcore2", "httpcore2.connection", "httpcore2.http11", "httpcore2.http2", "httpcore2.proxy"),
    *("httpcore2.socks", "hpack", "hpack.hpack", "hpack.table", "h2", "h11", "anyio", "anyio.streams.tls"),
)

# Most exchanges at the same time. Further requests wait here, not in httpx2, which would count that as silence.
AT_ONCE = 100

# A method, or the name of a header field (RFC 9110, 5.6.2), and its value (5.5), in ASCII.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"(?:[!-~](?:[\t -~]*[!-~])?)?")

# Beginnings of the replies of SOCKS that stay the same (RFC 1928, section 6), as httpx2 words them in lower case.
_FINAL = ("connection not allowed", "command not supported", "address type not supported", "unkown")

_is_exchanging: ContextVar[bool] = ContextVar("_is_exchanging", default=False)


class AsyncTransport:
    """An HTTPS client for one event loop.

    Args:
        like: Transport with the trust, proxy, time-out and clock to use.

    Raises:
        ParameterError: The extra `async` is not installed, or the CA bundle can't be used.
    """

    def __init__(self, like: Transport) -> None:
        require_httpx2()
        for name in LOGGERS:
            logging.getLogger(name).addFilter(_is_foreign)
        self.timeout_s = like.timeout_s
        self.clock: Clock = like.clock
        self._proxy = like.proxy
        self._options = _options(like)
        self._clients: dict[Proxy | None, _Client] = {}
        self._approvals = like.approvals
        self._first: dict[Proxy, asyncio.Lock] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def once(self, request: Request, *, authorization: str = "", limit: int) -> Response:
        """Send a request once; arguments, result and errors as for `Transport.once()`.

        The whole exchange, with connecting, ends after four times the time-out. A request that waits because many
        others are being sent has not begun its exchange.
        """
        origin = Origin.of(request.url)
        if origin is None:
            raise failures.not_https(request.url)
        headers = {**request.headers, "authorization": authorization} if authorization else dict(request.headers)
        if not _is_sendable(request.method, headers):
            raise failures.not_sendable(request)
        async with self._turns:
            proxy = proxy_for(origin, self._proxy, os.environ)
            timer = None
            if waits.are_reported():
                timer = asyncio.get_running_loop().call_later(waits.NOTICED_S, waits.report, origin.shown())
            try:
                return await self._once(request, headers, limit, proxy)
            finally:
                if timer is not None:
                    timer.cancel()

    async def close(self) -> None:
        """Close its connections. A later request opens new ones."""
        clients, self._clients = self._clients, {}
        with _silent_libraries():
            for client in clients.values():
                await client.httpx.aclose()

    async def _once(self, request: Request, headers: Mapping[str, str], limit: int, proxy: Proxy | None) -> Response:
        deadline = asyncio.timeout(LONGEST_ANSWER * self.timeout_s)
        client = self._clients.get(proxy)
        if client is None:
            client = self._clients[proxy] = _Client(self._options, proxy)
        with _silent_libraries():
            client.running += 1
            try:
                async with deadline:
                    return await self._exchange(client, request, headers, limit)
            except asyncio.CancelledError:
                self._retire(client)
                raise
            except (TimeoutError, NetworkError) as error:
                if deadline.expired():
                    self._retire(client)
                    raise failures.too_slow(request) from error
                if isinstance(error, UnexpectedAnswerError):
                    self._retire(client)
                raise
            finally:
                client.running -= 1
                await client.close_if_unused()

    async def _exchange(self, client: _Client, request: Request, headers: Mapping[str, str], limit: int) -> Response:
        import httpx2

        sent_at = self.clock.time()
        tunnel = self._tunnel_through(client.proxy) if client.proxy is not None else None
        extensions = None if tunnel is None else {"trace": tunnel.follow}
        try:
            if tunnel is not None:
                await tunnel.take_turn(self.timeout_s, self.clock)
            async with client.httpx.stream(
                request.method, request.url, headers=headers, content=request.body, extensions=extensions
            ) as response:
                parts: list[bytes] = []
                size = 0
                async for part in response.aiter_bytes():
                    size += len(part)
                    if size > limit:
                        raise failures.too_large(request, limit)
                    parts.append(part)
                body = b"".join(parts)
                return Response(request, response.status_code, Headers(response.headers), body, sent_at)
        except (ProxyRefusedError, TimeoutError) as error:
            # Of a request that waited for its turn.
            raise self._unreachable(error, request, client.proxy) from error
        except client.errors as error:
            if tunnel and (isinstance(error, httpx2.ProxyError) or not isinstance(error, httpx2.HTTPError)):
                await tunnel.close()
            raise await self._explained(error, request, client.proxy, tunnel) from error
        finally:
            if tunnel is not None:
                tunnel.release()

    def _tunnel_through(self, proxy: Proxy) -> _Tunnel:
        return _Tunnel(self._approvals.setdefault(proxy, Approval()), self._first.setdefault(proxy, asyncio.Lock()))

    async def _explained(
        self, error: Exception, request: Request, proxy: Proxy | None, tunnel: _Tunnel | None
    ) -> NetworkError:
        """Return the error for an exception of httpx2, from the chain of its causes."""
        import socket
        import ssl

        import httpx2

        known: Exception = TimeoutError() if isinstance(error, httpx2.TimeoutException) else error
        of_connection = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
        if not isinstance(error, httpx2.HTTPError | httpx2.InvalidURL | httpx2.StreamError):
            known = ProxyRefusedError("its answer is not SOCKS")
        elif proxy is not None and isinstance(error, httpx2.ProxyError):
            known = refusal = _refusal(str(error), proxy)
            if tunnel is not None:
                tunnel.approval.note(refusal, self.clock.monotonic())
        elif not isinstance(error, of_connection):
            return failures.broken(known, request, self.timeout_s, is_too_slow=False)
        elif isinstance(error, httpx2.ConnectError):
            reasons = (socket.gaierror, ssl.SSLError, ConnectionRefusedError)
            known = next((cause for cause in _causes(error) if isinstance(cause, reasons)), error)
        has_tunnel = tunnel is not None and tunnel.is_open
        if isinstance(known, ssl.SSLError) and proxy is not None and proxy.scheme == "https" and not has_tunnel:
            known = ProxyTlsError(known)
        issuer = ""
        if isinstance(known, ssl.SSLCertVerificationError):
            # Reading the issuer blocks.
            issuer = await asyncio.to_thread(self._issuer_seen, request, proxy)
        return self._unreachable(known, request, proxy, has_tunnel=has_tunnel, issuer=issuer)

    def _unreachable(
        self, error: Exception, request: Request, proxy: Proxy | None, *, has_tunnel: bool = False, issuer: str = ""
    ) -> NetworkError:
        return failures.unreachable(
            error,
            request,
            self.timeout_s,
            proxy=proxy.shown() if proxy else "",
            is_too_slow=False,
            has_tunnel=has_tunnel,
            issuer=issuer,
        )

    def _issuer_seen(self, request: Request, proxy: Proxy | None) -> str:
        from entrakit.http.connection import Deadline
        from entrakit.http.issuer import issuer_seen

        origin = Origin.of(request.url)
        if origin is None:
            return ""
        deadline = Deadline(self.timeout_s, time.monotonic() + self.timeout_s)
        return issuer_seen(origin, proxy, deadline, open_socks=socks_opener(proxy))

    def _retire(self, client: _Client) -> None:
        """Use another client from now on, since a response on one of its connections was not read to its end.

        HTTP/2 would use that connection again, and the server could fill its window with the rest of the response.
        """
        if client is self._clients.get(client.proxy):
            del self._clients[client.proxy]
        client.is_retired = True


class _Client:
    """A client of httpx2. Once it is retired, it is closed after its last exchange.

    Args:
        options: Options of the client.
        proxy: The proxy; None for none.

    Raises:
        ParameterError: The proxy uses SOCKS, and the extra `socks` is not installed; or SOCKS 4.
    """

    def __init__(self, options: Mapping[str, Any], proxy: Proxy | None) -> None:
        import httpx2

        through = None
        if proxy is not None:
            if proxy.scheme.startswith("socks4"):
                raise failures.socks4_awaited(proxy.shown())
            if proxy.is_socks and find_spec("socksio") is None:
                raise failures.socks_missing(proxy.shown())
            given = (proxy.username, proxy.password) if proxy.username or proxy.password else None
            trust = options["verify"] if proxy.scheme == "https" else None
            through = httpx2.Proxy(f"{proxy.scheme}://{proxy.shown()}", auth=given, ssl_context=trust)
        self.proxy = proxy
        self.errors: tuple[type[Exception], ...] = (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError)
        if proxy is not None and proxy.is_socks:
            from socksio import ProtocolError

            # httpx2 lets it pass.
            self.errors = (*self.errors, ProtocolError)
        self.httpx = httpx2.AsyncClient(**options, proxy=through)
        self.running = 0
        self.is_retired = False

    async def close_if_unused(self) -> None:
        """Close it if it is retired and no exchange runs."""
        if self.is_retired and not self.running:
            await self.httpx.aclose()


class _Tunnel:
    """The tunnel through a proxy that one request opens. httpx2 reports each step to `follow()`.

    Args:
        approval: Knowledge of the proxy.
        first: Held by the request that opens the first tunnel.
    """

    def __init__(self, approval: Approval, first: asyncio.Lock) -> None:
        self.approval = approval
        self.is_open = False
        self._first = first
        self._is_first = False
        self._streams: list[Any] = []

    async def take_turn(self, timeout_s: float, clock: Clock) -> None:
        """Wait until another request has opened the first tunnel. Raises ProxyRefusedError and TimeoutError."""
        if not self.approval.is_granted:
            async with asyncio.timeout(timeout_s):
                await self._first.acquire()
            self._is_first = True
        if self.approval.is_granted:
            self.release()
        self.approval.check(clock.monotonic())

    def release(self) -> None:
        """Let other requests open their tunnels."""
        if self._is_first:
            self._is_first = False
            self._first.release()

    async def follow(self, event: str, info: Mapping[str, Any]) -> None:
        """Receive the name of a step, such as `proxy.start_tls.started`, and its details."""
        if event == "socks.connect_tcp.complete":
            self._streams.append(info["return_value"])
        elif event in ("proxy.start_tls.started", "socks.start_tls.started"):
            # The handshake with the server, through the tunnel.
            self.is_open = True
            self.approval.grant()
            self.release()

    async def close(self) -> None:
        """Close the connection to a SOCKS proxy that refused, since httpx2 does not."""
        for stream in self._streams:
            await stream.aclose()


def _refusal(text: str, proxy: Proxy) -> ProxyRefusedError:
    """Return the error for a proxy that opened no tunnel, from the text of httpx2's exception."""
    status = text.partition(" ")[0]
    if status.isdecimal():
        return ProxyRefusedError.with_status(int(status))
    _, is_about_server, reason = text.rstrip(".").lower().partition("could not connect: ")
    if is_about_server:
        return ProxyRefusedError(f"SOCKS: {reason}", is_transient=not reason.startswith(_FINAL))
    is_known = proxy.username or proxy.password
    return ProxyRefusedError(f"user name and password {'rejected' if is_known else 'required'}", is_rejection=True)


def require_httpx2() -> None:
    """Raise ParameterError if the extra `async` is not installed. Does not import it."""
    if find_spec("httpx2") is None or find_spec("h2") is None:
        raise ParameterError("Awaited requests need the extra async.", remedy="Type `pip install 'entrakit[async]'`.")


def _is_sendable(method: str, headers: Mapping[str, str]) -> bool:
    """Return whether HTTP can express a request. The errors of httpx2 would show the header field, such as a token."""
    names = (method, *headers)
    return all(map(_TOKEN.fullmatch, names)) and all(map(_VALUE.fullmatch, headers.values()))


def _options(like: Transport) -> dict[str, Any]:
    """Return the options of httpx2's clients. Raises ParameterError for a CA bundle that can't be read."""
    from http.cookiejar import CookieJar, DefaultCookiePolicy

    import httpx2

    from entrakit.http.tls import make_context

    return {
        "verify": make_context(like.ca_bundle, os.environ),
        # `proxy_for` reads the environment.
        "trust_env": False,
        "timeout": like.timeout_s,
        "http2": True,
        "headers": DEFAULT_HEADERS,
        "limits": httpx2.Limits(max_connections=AT_ONCE, max_keepalive_connections=20),
        # A jar that accepts no cookie.
        "cookies": CookieJar(DefaultCookiePolicy(allowed_domains=())),
    }


def _causes(error: BaseException) -> Iterator[Exception]:
    """Yield an error and its causes, nearest first, and the members of groups among them."""
    current: BaseException | None = error
    for _ in range(10):
        if isinstance(current, ExceptionGroup):
            yield from current.exceptions
        elif isinstance(current, Exception):
            yield current
        current = current and (current.__cause__ or current.__context__)


@contextmanager
def _silent_libraries() -> Iterator[None]:
    """Drop all log records of the HTTP libraries for the exchange in it, whatever levels the program has set."""
    token = _is_exchanging.set(True)
    try:
        yield
    finally:
        _is_exchanging.reset(token)


def _is_foreign(record: logging.LogRecord) -> bool:
    """Return whether a log record is about an exchange of the program itself, which may log what it likes."""
    del record
    return not _is_exchanging.get()
