"""The awaited HTTPS client: trust, limits and errors are those of `Transport`; nothing is sent again here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2

from entrakit.http import failures
from entrakit.http.message import Headers, Request, Response
from entrakit.http.transport import LONGEST_ANSWER, client_options, headers_to_send

if TYPE_CHECKING:
    from entrakit.http.transport import Clock, Transport


class AsyncTransport:
    """An HTTPS client for one event loop.

    Args:
        like: Transport with the trust, proxy, time-out and clock to use.
    """

    def __init__(self, like: Transport) -> None:
        self.timeout_s = like.timeout_s
        self.clock: Clock = like.clock
        options = client_options(like)
        try:
            self._client = httpx2.AsyncClient(**options)
        except (ValueError, TypeError, httpx2.InvalidURL) as error:
            raise failures.unusable_proxy() from error

    async def once(self, request: Request, *, authorization: str = "", limit: int) -> Response:
        """Send a request once; arguments, result and errors as for `Transport.once()`."""
        deadline = self.clock.monotonic() + LONGEST_ANSWER * self.timeout_s
        headers = headers_to_send(request, authorization)
        sent_at = self.clock.time()
        try:
            async with self._client.stream(
                request.method, request.url, headers=headers, content=request.body
            ) as response:
                parts: list[bytes] = []
                size = 0
                async for part in response.aiter_bytes():
                    size += len(part)
                    if size > limit or self.clock.monotonic() > deadline:
                        raise failures.excess(request, limit=limit, is_too_large=size > limit)
                    parts.append(part)
                body = b"".join(parts)
                return Response(request, response.status_code, Headers(response.headers), body, sent_at)
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
            raise failures.explained(error, request, self.timeout_s) from error

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()
