"""Requests through HTTP proxies: tunnels, credentials, refusals, TLS to the proxy, and exceptions."""

from __future__ import annotations

import logging
import socket
import traceback
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from tests.little_proxies import HttpProxy, LittleProxy, Socks5Proxy

from entrakit.errors import NetworkError, ParameterError, TlsError
from entrakit.http.message import Request
from entrakit.http.transport import Transport

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import FakeClock, RawServer

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
REFUSALS = {
    403: b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>",
    407: b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Negotiate\r\n"
    b"Proxy-Authenticate: Basic realm=corp\r\nContent-Length: 0\r\n\r\n",
    405: b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n",
    501: b"HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\n\r\n",
    505: b"HTTP/1.1 505 HTTP Version Not Supported\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_a_request_goes_through_the_tunnel_of_a_proxy(
    variable: str, transport: Transport, raw_server: Callable[..., RawServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The proxy learns host and port of the server; token, path and body stay in the TLS connection.
    """
    server = raw_server(OK)
    with HttpProxy() as proxy:
        monkeypatch.setenv(variable, f"http://{proxy.address}")
        answer = transport.once(Request("POST", f"{server.url}/path", {}, b"body"), authorization="Bearer canary")

    assert 200 == answer.status
    assert [("localhost", server.port)] == proxy.targets
    assert b"POST /path HTTP/1.1" == server.requests[0].split(b"\r\n")[0]
    head = proxy.received[0].lower()
    assert head.startswith(b"connect localhost:")
    assert not [word for word in (b"authorization", b"canary", b"path", b"body") if word in head]


def test_the_parameter_names_a_proxy(
    test_ca: tuple[Path, ssl.SSLContext], raw_server: Callable[..., RawServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The proxy of the caller is used even for an origin in NO_PROXY.
    """
    monkeypatch.setenv("NO_PROXY", "*")
    server = raw_server(OK)
    with HttpProxy() as proxy, closing(Transport(ca_bundle=str(test_ca[0]), proxy=proxy.address)) as transport:
        assert 200 == transport.send("GET", f"{server.url}/x").status

    assert 1 == len(proxy.targets)


@pytest.mark.parametrize(("no_proxy", "targets"), [("localhost", 0), ("*", 0), ("contoso.com,127.0.0.0/8", 1)])
def test_no_proxy_is_honoured(
    no_proxy: str,
    targets: int,
    transport: Transport,
    raw_server: Callable[..., RawServer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    A server that NO_PROXY covers is reached directly. Names are not resolved to compare addresses.
    """
    server = raw_server(OK)
    with HttpProxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
        monkeypatch.setenv("NO_PROXY", no_proxy)
        assert 200 == transport.send("GET", f"{server.url}/x").status

    assert targets == len(proxy.targets)


def test_the_tunnel_is_kept_for_the_next_request(
    transport: Transport, test_ca: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A tunnel is opened once, not for each request.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener, HttpProxy() as proxy:
        import threading

        def serve() -> None:
            plain, _ = listener.accept()
            with test_ca[1].wrap_socket(plain, server_side=True) as secured:
                for _ in range(3):
                    secured.recv(65536)
                    secured.sendall(OK)

        thread = threading.Thread(target=serve)
        thread.start()
        monkeypatch.setenv("HTTPS_PROXY", proxy.address)
        answers = [transport.send("GET", f"https://localhost:{listener.getsockname()[1]}/x") for _ in range(3)]
        transport.close()
        thread.join(5)

    assert [200] * 3 == [answer.status for answer in answers]
    assert 1 == len(proxy.targets)


def test_user_name_and_password_are_for_the_proxy_only(
    transport: Transport,
    raw_server: Callable[..., RawServer],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """
    They are sent to the proxy with the first request, never to the server, and are not logged.
    """
    caplog.set_level(logging.DEBUG)
    server = raw_server(OK)
    with HttpProxy(username="contoso\\zoë", password="canary@:/") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://contoso%5Czo%C3%AB:canary%40%3A%2F@{proxy.address}")
        assert 200 == transport.send("GET", f"{server.url}/x").status

    assert 1 == len(proxy.received) == len(proxy.targets)
    assert b"proxy-authorization" not in server.requests[0].lower()
    assert not [word for word in ("canary", "Y29udG9zb") if word in caplog.text]


@pytest.mark.parametrize("status", REFUSALS)
def test_a_refusal_is_reported_at_once(
    status: int,
    transport: Transport,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """
    A wrong password is sent once, because a directory locks the account after several; the error names the proxy.
    """
    caplog.set_level(logging.DEBUG)
    with HttpProxy(answers=(REFUSALS[status],)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://ada:canary@{proxy.address}")
        with pytest.raises(NetworkError, match=rf"The proxy {proxy.address} refused .* \(HTTP {status}\)") as caught:
            transport.send("GET", "https://graph.microsoft.com/v1.0/users")

    assert (1, []) == (len(proxy.received), clock.sleeps)
    assert (False, False) == (caught.value.retryable, caught.value.may_have_arrived)
    assert "HTTPS_PROXY" in caught.value.remedy
    assert (status == 407) == ("user name" in caught.value.remedy)
    seen = f"{caught.value!r} {caplog.text} {''.join(traceback.format_exception(caught.value))}"
    assert not [word for word in ("canary", "YWRhOmNhbmFyeQ", "ada:") if word in seen]


def test_a_wrong_password_is_reported(transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A proxy that checks credentials refuses a wrong or a missing password.
    """
    with HttpProxy(username="ada", password="right") as proxy:
        for user in ("", "ada:wrong@"):
            monkeypatch.setenv("HTTPS_PROXY", f"http://{user}{proxy.address}")
            with pytest.raises(NetworkError, match="HTTP 407"):
                transport.send("GET", "https://localhost/x")

    assert (2, []) == (len(proxy.received), proxy.targets)


@pytest.mark.parametrize("trouble", [b"HTTP/1.1 502 Bad Gateway\r\n\r\n", b"HTTP/1.1 503 Busy\r\n\r\n", b""])
def test_trouble_of_the_proxy_is_tried_again(
    trouble: bytes,
    transport: Transport,
    raw_server: Callable[..., RawServer],
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    A 5xx, or a connection that the proxy closes, can pass. The request did not arrive, so repeating it is safe.
    """
    server = raw_server(OK)
    with HttpProxy(answers=(trouble,), is_proxy_then=True) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.address)
        assert 200 == transport.send("POST", f"{server.url}/x").status

    assert (2, 1, 1) == (len(proxy.received), len(proxy.targets), len(clock.sleeps))


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH_9.2\r\n", b"\x15\x03\x01\x00\x02\x02\x46"])
def test_a_server_that_is_not_a_proxy_is_reported(
    answer: bytes, transport: Transport, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The port of another server in HTTPS_PROXY is an error at once.
    """
    with HttpProxy(answers=(answer,)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.address)
        with pytest.raises(NetworkError, match=rf"{proxy.address} refused .* \(its answer is not HTTP\)") as caught:
            transport.send("GET", "https://localhost/x")

    assert (False, []) == (caught.value.retryable, clock.sleeps)


def test_a_dead_proxy_is_named(transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Errors of the connection to the proxy name the proxy, not the service.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
    monkeypatch.setenv("HTTPS_PROXY", f"http://ada:canary@{address}")

    with pytest.raises(NetworkError, match=f"The proxy {address} refuses the connection") as caught:
        transport.send("GET", "https://localhost/x", repeatable=False)
    assert caught.value.retryable

    monkeypatch.setenv("HTTPS_PROXY", "http://ada:canary@proxy.invalid:8080")
    with pytest.raises(NetworkError, match=r"The name of the proxy proxy\.invalid:8080 can't be found"):
        transport.send("GET", "https://localhost/x", repeatable=False)


def test_a_silent_proxy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A proxy that accepts the connection, and answers nothing, is given up after the time-out.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        monkeypatch.setenv("HTTPS_PROXY", address)
        with pytest.raises(NetworkError, match=rf"The proxy {address} can't be reached \(0\.2 s passed\)"):
            Transport(timeout_s=0.2).send("GET", "https://localhost/x", repeatable=False)


@pytest.mark.parametrize("kind", [HttpProxy, Socks5Proxy])
def test_a_silent_server_behind_a_proxy_is_named(kind: type[LittleProxy], monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Once the tunnel is open, the proxy has done its part, and is not blamed for the server.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener, kind() as proxy:
        port = listener.getsockname()[1]
        monkeypatch.setenv("ALL_PROXY", f"{kind.scheme}://{proxy.address}")
        words = rf"localhost:{port} can't be reached through the proxy {proxy.address} \(0\.3 s passed\)"
        with pytest.raises(NetworkError, match=words):
            Transport(timeout_s=0.3).send("GET", f"https://localhost:{port}/x", repeatable=False)


def test_the_connection_to_a_proxy_can_be_encrypted(
    transport: Transport,
    raw_server: Callable[..., RawServer],
    test_ca: tuple[Path, ssl.SSLContext],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    An `https` proxy gets the password inside TLS; the connection to the server is a second TLS inside the first.
    """
    body = b"x" * 1_000_000
    server = raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    with HttpProxy(context=test_ca[1], username="ada", password="canary") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"https://ada:canary@{proxy.address}")
        answer = transport.send("POST", f"{server.url}/x", body=body)

    assert (200, body) == (answer.status, answer.body)
    assert server.requests[0].endswith(body)
    assert [("localhost", server.port)] == proxy.targets


def test_an_untrusted_proxy_gets_nothing(
    test_ca: tuple[Path, ssl.SSLContext], clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The certificate of an `https` proxy is verified before it gets the password. The error names the proxy.
    """
    with HttpProxy(context=test_ca[1]) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"https://ada:canary@{proxy.address}")
        with pytest.raises(TlsError, match=rf"the proxy {proxy.address} shows is not trusted") as caught:
            Transport(clock=clock).send("GET", "https://localhost/x")

    assert ([], []) == (proxy.received, clock.sleeps)
    assert not caught.value.retryable


def test_an_inspecting_proxy_is_named_by_its_issuer(
    raw_server: Callable[..., RawServer], clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The issuer in the error is the one that was seen through the proxy, which may be the inspecting one.
    """
    server = raw_server(OK)
    with HttpProxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.address)
        with pytest.raises(TlsError, match=r"localhost:.* is not trusted: .*issued by CN=Inspecting Proxy CA"):
            Transport(clock=clock).send("GET", f"{server.url}/x")

    assert [("localhost", server.port)] * 2 == proxy.targets
    assert not any(server.requests)


def test_a_proxy_without_tls_is_reported(transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The address of a plain proxy with the scheme `https` is a common mistake.
    """
    with HttpProxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"https://ada:canary@{proxy.address}")
        with pytest.raises(TlsError, match=f"to the proxy {proxy.address}: its answer is not TLS") as caught:
            transport.send("GET", "https://localhost/x")

    assert "http://" in caught.value.remedy
    assert b"canary" not in proxy.received[0]


def test_an_ipv6_address_is_sent_to_the_proxy_in_brackets(
    transport: Transport, raw_server: Callable[..., RawServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The target of CONNECT is host and port (RFC 9110, 9.3.6).
    """
    server = raw_server(OK)
    with HttpProxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.address)
        # The certificate is for other names.
        with pytest.raises(TlsError):
            transport.send("GET", f"https://[::1]:{server.port}/x")

    assert ("[::1]", server.port) == proxy.targets[0]


def test_an_unusable_address_is_reported_before_anything_is_sent(
    transport: Transport, raw_server: Callable[..., RawServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The variable is named, and its value is not shown.
    """
    monkeypatch.setenv("ALL_PROXY", "http://ada:canary@proxy:port")

    with pytest.raises(ParameterError, match="in ALL_PROXY can't be used") as caught:
        transport.send("GET", f"{raw_server(OK).url}/x")
    assert "canary" not in "".join(traceback.format_exception(caught.value))
