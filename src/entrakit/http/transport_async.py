"""The awaited HTTPS client: trust, limits and errors are those of `Transport`; nothing is sent again here."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from typing import TYPE_CHECKING

import httpx2

from entrakit.http import failures
from entrakit.http.address import Origin
from entrakit.http.message import Headers, Request, Response
from entrakit.http.proxies import proxy_for
from entrakit.http.sockets import Deadline, ProxyRefusedError
from entrakit.http.tls import make_context
from entrakit.http.transport import DEFAULT_HEADERS, LONGEST_ANSWER

if TYPE_CHECKING:
    from entrakit.errors import NetworkError
    from entrakit.http.transport import Clock, Transport


class AsyncTransport:
    """An HTTPS client for one event loop. It offers HTTP/2.

    Args:
        like: Transport with the trust, proxy, time-out and clock to use.
    """

    def __init__(self, like: Transport) -> None:
        self.timeout_s = like.timeout_s
        self.clock: Clock = like.clock
        self._proxy = like.proxy
        for name in ("httpx2", "httpcore2"):
            logging.getLogger(name).setLevel(logging.WARNING)
        context = make_context(like.ca_bundle, os.environ)
        try:
            self._client = httpx2.AsyncClient(
                verify=context, proxy=like.proxy, timeout=like.timeout_s, http2=True, headers=DEFAULT_HEADERS
            )
        except (ValueError, TypeError, httpx2.InvalidURL) as error:
            raise failures.unusable_proxy() from error

    async def once(self, request: Request, *, authorization: str = "", limit: int) -> Response:
        """Send a request once; arguments, result and errors as for `Transport.once()`."""
        deadline = self.clock.monotonic() + LONGEST_ANSWER * self.timeout_s
        headers = dict(request.headers)
        if authorization:
            headers["authorization"] = authorization
        if request.url[:8].lower() != "https://":
            raise failures.not_https(request.url)
        sent_at = self.clock.time()
        try:
            async with self._client.stream(
                request.method, request.url, headers=headers, content=request.body
            ) as response:
                parts: list[bytes] = []
                size = 0
                async for part in response.aiter_bytes():
                    size += len(part)
                    if size > limit:
                        raise failures.too_large(request, limit)
                    if self.clock.monotonic() > deadline:
                        raise failures.too_slow(request)
                    parts.append(part)
                body = b"".join(parts)
                return Response(request, response.status_code, Headers(response.headers), body, sent_at)
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
            raise await self._explained(error, request) from error

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()

    async def _explained(self, error: Exception, request: Request) -> NetworkError:
        """Return the error for an exception of httpx2."""
        if not isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout | httpx2.ProxyError):
            timed_out = TimeoutError() if isinstance(error, httpx2.TimeoutException) else error
            return failures.broken(timed_out, request, self.timeout_s, is_too_slow=False)
        cause: BaseException = error
        if isinstance(error, httpx2.ProxyError):
            cause = ProxyRefusedError()
        elif isinstance(error, httpx2.TimeoutException):
            cause = TimeoutError()
        else:
            while cause.__cause__ or cause.__context__:
                cause = cause.__cause__ or cause.__context__ or cause
        known = cause if isinstance(cause, Exception) else error
        # Reading the issuer blocks.
        is_untrusted = isinstance(known, ssl.SSLCertVerificationError)
        issuer = await asyncio.to_thread(self._issuer_seen, request) if is_untrusted else ""
        return failures.unreachable(known, request, self.timeout_s, proxy="", is_too_slow=False, issuer=issuer)

    def _issuer_seen(self, request: Request) -> str:
        from entrakit.http.connection import issuer_seen

        origin = Origin.of(request.url)
        deadline = Deadline(self.timeout_s, self.clock.monotonic, self.timeout_s)
        return "" if origin is None else issuer_seen(origin, proxy_for(origin, self._proxy, os.environ), deadline)
