"""The awaited HTTPS client: the same responses and errors as the blocking one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.heartbeat import run_async

from entrakit.errors import NetworkError, ParameterError, UnexpectedAnswerError
from entrakit.http.message import Request, Response
from entrakit.http.transport import Transport
from entrakit.http.transport_async import AsyncTransport

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import FakeClock, RawServer

OK = b"HTTP/1.1 201 Created\r\nX-Id: 7\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


def ask(transport: Transport, request: Request, *, authorization: str = "", limit: int = 1000) -> Response:
    """Return the response to a request, or raise its error."""

    async def run() -> Response:
        awaited = AsyncTransport(transport)
        try:
            return await awaited.once(request, authorization=authorization, limit=limit)
        finally:
            await awaited.close()

    return run_async(run())


def test_both_transports_return_the_same(
    transport: Transport, raw_server: Callable[..., RawServer], clock: FakeClock
) -> None:
    """
    Request, status, headers, body and time are the same, and the token is sent, but is not in the request.
    """
    server = raw_server(OK)
    request = Request("POST", f"{server.url}/x", {"content-type": "text/plain"}, b"abc")

    awaited = ask(transport, request, authorization="Bearer canary")
    blocking = transport.once(request, authorization="Bearer canary")

    assert awaited == blocking
    assert (request, 201, "7", b"{}", clock.time()) == (
        awaited.request, awaited.status, awaited.headers["X-ID"], awaited.body, awaited.sent_at,
    )  # fmt: skip
    assert all(b"authorization: bearer canary" in one.lower() and b"abc" in one for one in server.requests)
    assert "canary" not in repr(awaited)


def test_limits_and_failures_are_the_same(transport: Transport, raw_server: Callable[..., RawServer]) -> None:
    """
    Too large, broken and without TLS: the errors of the blocking client.
    """
    server = raw_server(OK)

    with pytest.raises(UnexpectedAnswerError, match="larger"):
        ask(transport, Request("GET", f"{server.url}/x"), limit=1)
    with pytest.raises(NetworkError, match="broke"):
        ask(transport, Request("GET", f"{raw_server(None).url}/x"))
    with pytest.raises(ParameterError, match="not an https address"):
        ask(transport, Request("GET", "http://localhost/x"))


def test_a_proxy_that_cannot_be_used_is_an_error(clock: FakeClock) -> None:
    """
    The address of the proxy is checked as for the blocking client.
    """
    with pytest.raises(ParameterError, match="proxy"):
        ask(Transport(proxy="nonsense://host", clock=clock), Request("GET", "https://localhost/x"))
