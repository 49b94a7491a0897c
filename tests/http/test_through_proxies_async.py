"""Awaited requests through proxies: the same proxies, exceptions and errors as for the blocking client."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import traceback
from typing import TYPE_CHECKING

import pytest
from tests.heartbeat import run_async
from tests.little_proxies import HttpProxy, LittleProxy, Socks4Proxy, Socks5Proxy

from entrakit.errors import NetworkError, ParameterError, TlsError
from entrakit.http.message import Request, Response
from entrakit.http.transport import Transport
from entrakit.http.transport_async import AsyncTransport

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import FakeClock, RawServer

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


def get(transport: Transport, url: str) -> Response:
    """Return the response to an awaited request, or raise its error."""

    async def run() -> Response:
        awaited = AsyncTransport(transport)
        try:
            return await awaited.once(Request("GET", url), limit=1000)
        finally:
            await awaited.close()

    return run_async(run())


@pytest.mark.parametrize(
    ("kind", "scheme", "user", "username", "password"),
    [
        (HttpProxy, "http", "", "", ""),
        (HttpProxy, "http", "zo%C3%AB:canary%40@", "zoë", "canary@"),
        (HttpProxy, "https", "ada:canary@", "ada", "canary"),
        (Socks5Proxy, "socks5h", "", "", ""),
        (Socks5Proxy, "socks5", "ada:canary@", "ada", "canary"),
    ],
)
def test_a_request_goes_through_a_proxy(
    kind: type[LittleProxy], scheme: str, user: str, username: str, password: str, transport: Transport,
    raw_server: Callable[..., RawServer], test_ca: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """
    HTTP, HTTPS and SOCKS 5, with and without a password.
    """
    server = raw_server(OK)
    with kind(username=username, password=password, context=test_ca[1] if scheme == "https" else None) as proxy:
        monkeypatch.setenv("ALL_PROXY", f"{scheme}://{user}{proxy.address}")
        assert 200 == get(transport, f"{server.url}/x").status

    assert [("localhost", server.port)] == proxy.targets


@pytest.mark.parametrize(("no_proxy", "targets"), [("contoso.com localhost", 0), ("127.0.0.0/8", 1)])
def test_no_proxy_is_honoured(
    no_proxy: str,
    targets: int,
    transport: Transport,
    raw_server: Callable[..., RawServer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    The same rule decides for both clients.
    """
    with HttpProxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.address)
        monkeypatch.setenv("NO_PROXY", no_proxy)
        assert 200 == get(transport, f"{raw_server(OK).url}/x").status

    assert targets == len(proxy.targets)


@pytest.mark.parametrize(("kind", "words"), [(HttpProxy, "HTTP 407"), (Socks5Proxy, "user name and password rejected")])
def test_a_wrong_password_is_reported_without_it(
    kind: type[LittleProxy], words: str, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The refusal can't be retried, and the error names the proxy.
    """
    with kind(username="ada", password="right") as proxy:
        monkeypatch.setenv("ALL_PROXY", f"{kind.scheme}://ada:canary@{proxy.address}")
        with pytest.raises(NetworkError, match=rf"The proxy {proxy.address} refused .* \({words}\)") as caught:
            get(transport, "https://localhost/x")

    assert (1, False, False) == (len(proxy.received), caught.value.retryable, caught.value.may_have_arrived)
    assert "canary" not in f"{caught.value!r} {''.join(traceback.format_exception(caught.value))}"


@pytest.mark.parametrize(
    ("kind", "answer", "words", "is_retryable"),
    [
        (HttpProxy, b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "HTTP 403", False),
        (HttpProxy, b"HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\n\r\n", "HTTP 501", False),
        (HttpProxy, b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", "HTTP 502", True),
        (Socks5Proxy, b"HTTP/1.1 400 Bad Request\r\n\r\n", "its answer is not SOCKS", False),
        (Socks5Proxy, b"\x05\xff", "user name and password required", False),
    ],
)
def test_a_refusal_is_explained(
    kind: type[LittleProxy], answer: bytes, words: str, is_retryable: bool, transport: Transport,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """
    The errors are those of the blocking client.
    """
    with kind(answers=(answer,)) as proxy:
        monkeypatch.setenv("ALL_PROXY", f"{kind.scheme}://{proxy.address}")
        with pytest.raises(NetworkError, match=rf"{proxy.address} refused .* \({words}\)") as caught:
            get(transport, "https://localhost/x")

    assert (is_retryable, False) == (caught.value.retryable, caught.value.may_have_arrived)


@pytest.mark.parametrize(
    ("status", "words", "is_retryable"),
    [
        (1, "general socks server failure", True),
        (2, "connection not allowed by ruleset", False),
        (5, "connection refused", True),
        (8, "address type not supported", False),
    ],
)
def test_replies_of_socks_are_explained(
    status: int, words: str, is_retryable: bool, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A request that the network prevents can succeed later. A request that the proxy forbids can't.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                peer, _ = listener.accept()
                with peer:
                    peer.recv(100)
                    peer.sendall(b"\x05\x00")
                    peer.recv(100)
                    peer.sendall(bytes([5, status, 0, 1]) + bytes(6))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        monkeypatch.setenv("ALL_PROXY", f"socks5h://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(NetworkError, match=rf"refused .* \(SOCKS: {words}\)") as caught:
            get(transport, "https://localhost/x")
        thread.join(5)

    assert (is_retryable, False) == (caught.value.retryable, caught.value.may_have_arrived)


def test_an_untrusted_proxy_gets_nothing(
    test_ca: tuple[Path, ssl.SSLContext], clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The certificate of an `https` proxy is verified with the same trust as that of a server.
    """
    with HttpProxy(context=test_ca[1]) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"https://ada:canary@{proxy.address}")
        with pytest.raises(TlsError, match=f"the proxy {proxy.address} shows is not trusted") as caught:
            get(Transport(clock=clock), "https://localhost/x")

    assert ([], False) == (proxy.received, caught.value.retryable)


@pytest.mark.parametrize("kind", [HttpProxy, Socks5Proxy])
def test_a_silent_server_behind_a_proxy_is_named(kind: type[LittleProxy], monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Once the tunnel is open, the proxy is not blamed for the server.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener, kind() as proxy:
        port = listener.getsockname()[1]
        monkeypatch.setenv("ALL_PROXY", f"{kind.scheme}://{proxy.address}")
        with pytest.raises(NetworkError, match=f"localhost:{port} can't be reached through the proxy {proxy.address}"):
            get(Transport(timeout_s=0.3), f"https://localhost:{port}/x")


def test_an_inspecting_proxy_is_named_by_its_issuer(
    raw_server: Callable[..., RawServer], clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The issuer in the error is the one that was seen through the proxy.
    """
    server = raw_server(OK)
    with HttpProxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.address)
        with pytest.raises(TlsError, match=r"localhost:.* is not trusted: .*issued by CN=Inspecting Proxy CA"):
            get(Transport(clock=clock), f"{server.url}/x")

    assert [("localhost", server.port)] * 2 == proxy.targets


@pytest.mark.parametrize("scheme", ["http", "socks5h"])
def test_a_dead_proxy_is_named(scheme: str, transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Errors of the connection to the proxy name the proxy, not the service.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
    monkeypatch.setenv("ALL_PROXY", f"{scheme}://ada:canary@{address}")

    with pytest.raises(NetworkError, match=f"The proxy {address} refuses the connection") as caught:
        get(transport, "https://localhost/x")
    assert caught.value.retryable


@pytest.mark.parametrize("kind", [HttpProxy, Socks5Proxy])
def test_a_server_that_is_not_such_a_proxy_is_an_error(
    kind: type[LittleProxy], transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Any answer at the address of the proxy results in an error of this library.
    """
    for answer in (b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"\x05", b"\x05\x00\x05"):
        with kind(answers=(answer,)) as proxy:
            monkeypatch.setenv("ALL_PROXY", f"{kind.scheme}://{proxy.address}")
            with pytest.raises(NetworkError):
                get(transport, "https://localhost/x")


def test_socks_needs_its_extra(transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without it, the error names the line to type. SOCKS 4 is for the blocking client only.
    """
    with Socks4Proxy() as proxy:
        monkeypatch.setenv("ALL_PROXY", f"socks4a://{proxy.address}")
        with pytest.raises(ParameterError, match="SOCKS 4"):
            get(transport, "https://localhost/x")
    monkeypatch.setitem(sys.modules, "socksio", None)
    monkeypatch.setenv("ALL_PROXY", "socks5h://ada:canary@127.0.0.1:9")
    with pytest.raises(ParameterError, match=r"127\.0\.0\.1:9 uses SOCKS, which requires the extra socks") as caught:
        get(transport, "https://localhost/x")

    assert "pip install 'entrakit[socks]'" in caught.value.remedy
    assert "canary" not in str(caught.value)
