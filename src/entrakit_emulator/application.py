"""The ASGI application: from a request to its answer.

host       only the tenant's own names; a web page that points its own name to 127.0.0.1 gets nothing (421)
body       at most 64 KiB, also after decompression (413)
fault      requested by a test: replaces the answer or changes it
handler    runs under the one lock
headers    as the service sends them; `Date` is the tenant's time
journal    records the request, secrets masked
"""

from __future__ import annotations

import asyncio
import functools
import re
import zlib
from email.utils import formatdate
from typing import TYPE_CHECKING, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from entrakit_emulator import fault_answers, faults, journal
from entrakit_emulator.exchange import Exchange, MalformedRequestError, NotImplementedHereError
from entrakit_emulator.graph import errors as graph
from entrakit_emulator.sts import sign_in_pages
from entrakit_emulator.sts.errors import ServiceError, error_response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.types import Receive, Scope, Send

    from entrakit_emulator.world import World

MAX_BODY = 64 * 1024
# A batch of twenty requests may be large.
MAX_GRAPH_BODY = 4 * 1024 * 1024
NO_STORE = {
    "cache-control": "no-store, no-cache",
    "pragma": "no-cache",
    "expires": "-1",
    "p3p": 'CP="DSP CUR OTPi IND OTRi ONL FIN"',
}


class Route(NamedTuple):
    """A path of the tenant and its handler.

    Args:
        endpoint: Name of the endpoint, for faults and journal.
        pattern: Path, in any case; `{name}` matches one segment, `{path}` the rest.
        handler: Function that answers a request.
        is_page: Whether errors are shown as HTML pages.
    """

    endpoint: str
    pattern: str
    handler: Callable[[Exchange], Response]
    is_page: bool = False

    def match(self, path: str) -> dict[str, str] | None:
        """Return the named segments of a path; None if the path does not match."""
        found = _expression(self.pattern).fullmatch(path)
        return found.groupdict() if found else None


class UnreadableBodyError(Exception):
    """The body of a request can't be read.

    Args:
        status: HTTP status of the answer.
        text: Reason, one sentence.
        headers: Additional headers of the answer.
    """

    def __init__(self, status: int, text: str, headers: Mapping[str, str] | None = None) -> None:
        self.status = status
        self.text = text
        self.headers = headers
        super().__init__(text)


class Application:
    """The ASGI application.

    Args:
        world: State of the tenant.
        routes: Routes; the first match answers.
        port: Port of the server.
    """

    def __init__(self, world: World, routes: Sequence[Route], port: int) -> None:
        self._world = world
        self._routes = routes
        self._own_hosts = (f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        response, pending = await self._respond(scope, request)
        cut = scope["state"]["cut"]
        if isinstance(pending, faults.Drop) and not pending.is_mid_body:
            cut()
            return
        if isinstance(pending, faults.Slow):
            await asyncio.sleep(pending.seconds)
        if isinstance(pending, faults.Drop):
            response = fault_answers.half_of(response, cut)
        await response(scope, receive, send)

    async def _respond(self, scope: Scope, request: Request) -> tuple[Response, faults.AnyFault | None]:
        """Return the answer, and the fault that still has to be applied while it is sent."""
        if request.headers.get("host", "").lower() not in self._own_hosts:
            return Response("This server does not serve that host name.\n", 421, media_type="text/plain"), None
        route, scope["path_params"] = self._route(scope["path"])
        body, unreadable = b"", None
        try:
            body = await _body(request, MAX_GRAPH_BODY if route.endpoint == "graph" else MAX_BODY)
        except UnreadableBodyError as error:
            unreadable = Response(f"{error.text}\n", error.status, error.headers, "text/plain")
        with self._world.lock:
            exchange = Exchange(self._world, request, body, route.endpoint)
            response, pending = (unreadable, None) if unreadable else self._handle(exchange, route)
            _add_headers(exchange, response)
            is_cut = isinstance(pending, faults.Drop)
            self._world.journal.add(_entry(exchange, 0 if is_cut else response.status_code))
            latency = self._world.settings.graph_latency_s if route.endpoint == "graph" else 0.0
        if latency:
            await asyncio.sleep(latency)
        return response, pending

    def _handle(self, exchange: Exchange, route: Route) -> tuple[Response, faults.AnyFault | None]:
        """Return the answer of a route, or of a fault instead, and the fault that still has to be applied."""
        fault = self._world.faults.take(route.endpoint) if route.endpoint in faults.ENDPOINTS else None
        if fault is not None:
            instead = fault_answers.instead(exchange, fault)
            if instead is not None:
                return instead, None
        response = _answer(exchange, route)
        if isinstance(fault, faults.Garbage):
            return fault_answers.truncated(response, fault), None
        if isinstance(fault, faults.WrongPage):
            return fault_answers.wrong_page(exchange, response, fault), None
        return response, fault

    def _route(self, path: str) -> tuple[Route, dict[str, str]]:
        for route in self._routes:
            found = route.match(path)
            if found is not None:
                return route, found
        return Route("", path, _nothing), {}


@functools.cache
def _expression(pattern: str) -> re.Pattern[str]:
    """Return the expression of a route. The paths of the service are the same in any case."""
    expression = re.sub(
        r"\\{(\w+)\\}", lambda one: f"(?P<{one[1]}>{'.*' if one[1] == 'path' else '[^/]+'})", re.escape(pattern)
    )
    return re.compile(expression, re.IGNORECASE | re.ASCII)


async def _body(request: Request, limit: int) -> bytes:
    """Return the decompressed body of a request.

    Raises:
        UnreadableBodyError: The body is too large (413), compressed with another method than gzip (415), or not
            gzip data (400).
    """
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise UnreadableBodyError(413, "The body is too large.", {"connection": "close"})
        parts.append(part)
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return b"".join(parts)
    if encoding not in ("gzip", "x-gzip"):
        # RFC 7694, 3: the answer names the accepted method.
        raise UnreadableBodyError(
            415, "The body must be compressed with gzip, or not at all.", {"accept-encoding": "gzip"}
        )
    return _decompressed(b"".join(parts), limit)


def _decompressed(data: bytes, limit: int) -> bytes:
    """Return the content of gzip data, without ever holding much more than the limit."""
    decoder = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        content = decoder.decompress(data, limit + 1)
    except zlib.error as error:
        raise UnreadableBodyError(400, "The body is not gzip data.") from error
    if len(content) > limit:
        raise UnreadableBodyError(413, "The body is too large.", {"connection": "close"})
    if not decoder.eof or decoder.unused_data:
        raise UnreadableBodyError(400, "The body is not one complete gzip member.")
    return content


def _answer(exchange: Exchange, route: Route) -> Response:
    """Return the answer of a route; errors in the form that its clients expect."""
    try:
        exchange.parse()
        return route.handler(exchange)
    except MalformedRequestError:
        if route.endpoint == "graph":
            return graph.error_response(exchange, graph.malformed())
        return _refuse(exchange, route, ServiceError(9002313))
    except ServiceError as error:
        return _refuse(exchange, route, error)
    except NotImplementedHereError as error:
        exchange.error = "emulator_not_implemented"
        return exchange.json(error.body(), 501)


def _refuse(exchange: Exchange, route: Route, error: ServiceError) -> Response:
    return sign_in_pages.failure(exchange, error) if route.is_page else error_response(exchange, error)


def _nothing(exchange: Exchange) -> Response:
    exchange.error = "not_found"
    return Response(f"The path {exchange.path} does not exist.\n", 404, media_type="text/plain")


def _add_headers(exchange: Exchange, response: Response) -> None:
    """Add the headers that every answer of the service has."""
    headers = response.headers
    headers["date"] = formatdate(exchange.now, usegmt=True)
    # The service's own value would switch http://localhost to TLS in a browser, the loopback redirect included.
    headers["strict-transport-security"] = "max-age=0"
    headers.setdefault("x-content-type-options", "nosniff")
    if exchange.endpoint in ("graph", "key_vault", "resource_manager", *faults.HOSTS):
        return
    headers["x-ms-request-id"] = exchange.trace_id
    headers["x-ms-ests-server"] = "2.1.0 - EMULATOR ProdSlices"
    headers["x-ms-clitelem"] = f"1,{exchange.code},0,,"
    if exchange.named("return-client-request-id").lower() == "true":
        headers["client-request-id"] = exchange.correlation_id
    for name, value in NO_STORE.items():
        headers.setdefault(name, value)


def _entry(exchange: Exchange, status: int) -> journal.Entry:
    return journal.Entry(
        at=exchange.now,
        method=exchange.method,
        path=exchange.path,
        endpoint=exchange.endpoint,
        parameters=journal.masked({**exchange.query, **exchange.form}),
        headers=journal.client_headers(exchange.headers),
        status=status,
        error=exchange.error,
        code=exchange.code,
    )
