"""The awaited HTTPS client: the same responses and errors as the blocking one."""

from __future__ import annotations

import asyncio
import gzip
import re
import socket
import sys
import threading
import tracemalloc
import zlib
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.heartbeat import run_async
from tests.http.drip import begin_http2, read_request
from tests.http.log_lines import everything_logged

from entrakit.errors import NetworkError, ParameterError, TlsError, UnexpectedAnswerError
from entrakit.http import transport_async
from entrakit.http.message import Request, Response
from entrakit.http.tls import make_context
from entrakit.http.transport import Transport
from entrakit.http.transport_async import LOGGERS, AsyncTransport

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

    from tests.conftest import FakeClock, RawServer
    from tests.http.drip import DripServer
    from tests.http.keep_alive import KeepAliveServer

MIB = 1024 * 1024
OK = b"HTTP/1.1 201 Created\r\nX-Id: 7\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


def answer_http1(connection: socket.socket) -> Iterator[bytes]:
    """Answer a request over HTTP/1.1."""
    read_request(connection)
    yield OK.replace(b"X-Id: 7", b"X-Id: canary-answer")


def answer_http2(connection: socket.socket) -> Iterator[bytes]:
    """Answer a request over HTTP/2."""
    state, stream = begin_http2(connection)
    state.send_headers(stream, [(":status", "201"), ("x-id", "canary-answer")], end_stream=True)
    yield state.data_to_send()
    # A connection that is closed before everything is read is reset, and the answer can be lost.
    while connection.recv(65536):
        pass


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


@pytest.mark.parametrize("times", [1, 2])
def test_the_limit_is_that_of_the_decompressed_body(
    transport: Transport, raw_server: Callable[..., RawServer], times: int
) -> None:
    """
    A short answer that decompresses to 256 MiB is too large for both clients, and never in memory as a whole.
    """
    packer = zlib.compressobj(wbits=31)
    body = b"".join(packer.compress(bytes(MIB)) for _ in range(256)) + packer.flush()
    body = body if times == 1 else gzip.compress(body)
    encoding = b", ".join([b"gzip"] * times)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (encoding, len(body))
    request = Request("GET", f"{raw_server(head + body).url}/x")
    for send in (transport.once, partial(ask, transport)):
        tracemalloc.start()
        try:
            with pytest.raises(UnexpectedAnswerError, match="larger than 1 MiB"):
                send(request, limit=MIB)
            assert tracemalloc.get_traced_memory()[1] < 32 * MIB
        finally:
            tracemalloc.stop()


def test_a_proxy_that_cannot_be_used_is_an_error(clock: FakeClock) -> None:
    """
    The address of the proxy is checked as for the blocking client.
    """
    with pytest.raises(ParameterError, match="proxy"):
        ask(Transport(proxy="nonsense://host", clock=clock), Request("GET", "https://localhost/x"))


@pytest.mark.parametrize("name", ["httpx2", "h2"])
def test_without_the_extra_it_is_not_opened(transport: Transport, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """
    Without httpx2, or without its part for HTTP/2, the error names the line that installs both.
    """
    monkeypatch.setitem(sys.modules, name, None)

    with pytest.raises(ParameterError, match="extra async") as caught:
        AsyncTransport(transport)

    assert "pip install 'entrakit[async]'" in caught.value.remedy


def test_failures_of_the_connection_name_their_cause(
    transport: Transport, raw_server: Callable[..., RawServer], clock: FakeClock
) -> None:
    """
    A closed port, an unknown name, and a certificate that is not trusted have the errors of the blocking client.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    for url, words in [
        (f"https://localhost:{port}/x", f"localhost:{port} refuses the connection."),
        ("https://nowhere.invalid/x", "The name nowhere.invalid can't be found."),
    ]:
        with pytest.raises(NetworkError) as caught:
            ask(transport, Request("GET", url))
        assert (words, False) == (caught.value.problem, caught.value.may_have_arrived)

    with pytest.raises(TlsError, match="Inspecting Proxy CA"):
        ask(Transport(clock=clock), Request("GET", f"{raw_server(OK).url}/x"))


@pytest.mark.parametrize(("status", "retryable"), [(407, False), (502, True)])
def test_a_refusal_of_the_proxy_has_its_status(clock: FakeClock, *, status: int, retryable: bool) -> None:
    """
    A proxy that opens no tunnel is named with its status; a refusal that stays is not repeated.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(65536)
                peer.sendall(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status)

        thread = threading.Thread(target=refuse, daemon=True)
        thread.start()
        proxy = Transport(proxy=f"http://127.0.0.1:{listener.getsockname()[1]}", clock=clock)
        with pytest.raises(NetworkError, match=rf"The proxy .* refused .* \(HTTP {status}\)") as caught:
            ask(proxy, Request("GET", "https://localhost/x"))
        thread.join(5)

    assert (retryable, False) == (caught.value.retryable, caught.value.may_have_arrived)


def test_a_request_after_close_opens_a_connection(transport: Transport, keep_alive_server: KeepAliveServer) -> None:
    """
    A closed transport can be used again, as the blocking one.
    """

    async def run() -> None:
        awaited = AsyncTransport(transport)
        for _ in range(2):
            await awaited.once(Request("GET", f"{keep_alive_server.url}/x"), limit=1000)
            await awaited.close()

    run_async(run())

    assert 2 == keep_alive_server.connections


def test_cookies_are_not_kept(transport: Transport, raw_server: Callable[..., RawServer]) -> None:
    """
    A cookie of a response is not sent with the next request.
    """
    server = raw_server(OK.replace(b"X-Id: 7", b"Set-Cookie: id=canary; Path=/"))

    async def run() -> None:
        awaited = AsyncTransport(transport)
        for _ in range(2):
            await awaited.once(Request("GET", f"{server.url}/x"), limit=1000)
        await awaited.close()

    run_async(run())

    assert [False, False] == [b"canary" in one for one in server.requests]


@pytest.mark.parametrize("is_http2", [False, True])
def test_no_library_logs_a_header(
    transport: Transport, drip_server: Callable[..., DripServer], *, is_http2: bool
) -> None:
    """
    With every logger at DEBUG, the HTTP libraries log nothing of an exchange; hpack would log the token.
    """
    server = drip_server(answer_http2 if is_http2 else answer_http1, is_http2=is_http2)
    request = Request("POST", f"{server.url}/x?q=canary-query", {"x-id": "canary-header"}, b"canary-body")
    with everything_logged(*LOGGERS) as lines:
        answer = ask(transport, request, authorization="Bearer canary-token")

    assert "canary-answer" == answer.headers["x-id"]
    assert [] == [line for line in lines if "canary" in line or line.startswith(LOGGERS)]


def test_the_program_may_log_its_own_exchanges(
    transport: Transport, test_ca: tuple[Path, ssl.SSLContext], raw_server: Callable[..., RawServer]
) -> None:
    """
    A program that uses httpx2 itself finds its own exchanges in the log as before.
    """
    import httpx2

    server = raw_server(OK)

    async def run() -> None:
        awaited = AsyncTransport(transport)
        async with httpx2.AsyncClient(verify=make_context(str(test_ca[0]), {})) as own:
            await own.get(f"{server.url}/own")
        await awaited.once(Request("GET", f"{server.url}/ours"), limit=1000)
        await awaited.close()

    with everything_logged(*LOGGERS) as lines:
        run_async(run())

    assert any("/own" in line for line in lines)
    assert not any("/ours" in line for line in lines)


def test_all_loggers_of_the_libraries_are_known() -> None:
    """
    Each logger of httpx2 and of the packages that it uses is in LOGGERS, those of its HTTP/2 included.
    """
    packages = {name.partition(".")[0] for name in LOGGERS}
    files = [path for name in packages for path in Path(import_module(name).__file__ or "").parent.rglob("*.py")]
    found = {
        match[1] or ".".join(path.with_suffix("").parts[path.parts.index("site-packages") + 1 :])
        for path in files
        for match in re.finditer(r'getLogger\((?:"([^"]+)"|__name__)\)', path.read_text())
    }

    assert set() == found - set(LOGGERS)


def test_a_request_that_waits_for_others_is_not_late(
    test_ca: tuple[Path, ssl.SSLContext], keep_alive_server: KeepAliveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The time-out and the deadline of a request begin when it is its turn, so many requests at once all succeed.
    """
    keep_alive_server.delay_s = 0.1
    monkeypatch.setattr(transport_async, "AT_ONCE", 1)

    async def run() -> list[str]:
        awaited = AsyncTransport(Transport(ca_bundle=str(test_ca[0]), timeout_s=0.3))
        requests = [Request("GET", f"{keep_alive_server.url}/{number}") for number in range(20)]
        answers = await asyncio.gather(*(awaited.once(request, limit=1000) for request in requests))
        await awaited.close()
        return [answer.text for answer in answers]

    assert [f"/{number}" for number in range(20)] == run_async(run())
    assert 1 == keep_alive_server.connections


@pytest.mark.parametrize("value", ["canary\n", "canary\x00", "canary\u00e4", " canary", "canary\x7f"])
def test_a_field_that_http_does_not_allow_is_not_shown(transport: Transport, value: str) -> None:
    """
    Nothing is sent, and neither the error nor its causes contain the value.
    """
    for request in (Request("GET", "https://localhost:9/x", {"x-id": value}), Request(value, "https://localhost:9/x")):
        with pytest.raises(ParameterError, match="header field") as caught:
            ask(transport, request)
        assert "canary" not in str(caught.value)
        assert caught.value.__cause__ is caught.value.__context__ is None
