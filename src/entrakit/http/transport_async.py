"""The HTTPS client, awaited: trust, limits and errors are those of `http.Transport`; nothing is repeated here."""

from __future__ import annotations

import httpx2

from entrakit.http.failures import explained
from entrakit.http.transport import (
    LONGEST_ANSWER,
    HttpAnswer,
    client_options,
    refuse_excess,
    refuse_plain,
    unusable_proxy,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit.http.transport import Clock, Transport


class AsyncTransport:
    """An HTTPS client for one event loop; made anew for another.

    Args:
        like: The transport whose trust, proxy, time-out and clock it has.
    """

    def __init__(self, like: Transport) -> None:
        self.ca_bundle = like.ca_bundle
        self.proxy = like.proxy
        self.timeout_s = like.timeout_s
        self.http2 = like.http2
        self.clock: Clock = like.clock
        options = client_options(self)
        try:
            self._client = httpx2.AsyncClient(**options)
        except (ValueError, TypeError, httpx2.InvalidURL) as error:
            raise unusable_proxy() from error

    async def once(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, *, limit: int
    ) -> HttpAnswer:
        """Send a request once; arguments, result and errors as for `Transport.once()`."""
        refuse_plain(url)
        correlation_id = headers.get("client-request-id", "")
        deadline = self.clock.monotonic() + LONGEST_ANSWER * self.timeout_s
        try:
            async with self._client.stream(method, url, headers=dict(headers), content=body) as response:
                parts: list[bytes] = []
                size = 0
                async for part in response.aiter_bytes():
                    size += len(part)
                    refuse_excess(
                        url, size, limit, late=self.clock.monotonic() > deadline, correlation_id=correlation_id
                    )
                    parts.append(part)
                return HttpAnswer(response.status_code, dict(response.headers), b"".join(parts))
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
            raise explained(error, url, correlation_id, self.timeout_s) from error

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()
