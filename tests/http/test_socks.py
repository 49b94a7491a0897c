"""Connections through SOCKS proxies: who resolves names, credentials, refusals, time limits, and the missing extra."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import traceback
from typing import TYPE_CHECKING

import pytest
from tests.little_proxies import LittleProxy, Socks4Proxy, Socks5Proxy

from entrakit.errors import EntraError, NetworkError, ParameterError, TlsError
from entrakit.http.connection import Deadline, PlainSocket
from entrakit.http.proxies import Proxy
from entrakit.http.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import FakeClock, RawServer

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.mark.parametrize(
    ("scheme", "kind", "resolver"),
    [
        ("socks5h", Socks5Proxy, "proxy"),
        ("socks", Socks5Proxy, "proxy"),
        ("socks5", Socks5Proxy, "this machine"),
        ("socks4a", Socks4Proxy, "proxy"),
        ("socks4", Socks4Proxy, "this machine"),
    ],
)
def test_a_request_goes_through_a_socks_proxy(
    scheme: str,
    kind: type[LittleProxy],
    resolver: str,
    transport: Transport,
    raw_server: Callable[..., RawServer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    With `socks5h` and `socks4a` the proxy gets the name of the server, and nothing asks the DNS of this machine.
    """
    server = raw_server(OK)
    with kind() as proxy:
        monkeypatch.setenv("ALL_PROXY", f"{scheme}://{proxy.address}")
        assert 200 == transport.send("POST", f"{server.url}/x", body=b"x" * 100_000).status

    [(host, port)] = proxy.targets
    assert server.port == port
    assert ("localhost" if resolver == "proxy" else True) in (host, host in ("127.0.0.1", "::1"))
    assert server.requests[0].endswith(b"x" * 100_000)


@pytest.mark.parametrize(("scheme", "kind"), [("socks5h", Socks5Proxy), ("socks4a", Socks4Proxy)])
def test_the_names_that_only_the_proxy_knows(
    scheme: str, kind: type[LittleProxy], transport: Transport, raw_server: Callable[..., RawServer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """
    A name without an address on this machine arrives at the proxy; TLS compares it with the certificate.
    """
    server = raw_server(OK)
    with kind() as proxy:
        monkeypatch.setenv("ALL_PROXY", f"{scheme}://{proxy.address}")
        with pytest.raises(TlsError, match=r"certificate that only\.proxy\.invalid:\d+ shows.*mismatch.*Inspecting"):
            transport.send("GET", f"https://only.proxy.invalid:{server.port}/x")

    assert {("only.proxy.invalid", server.port)} == set(proxy.targets)


@pytest.mark.parametrize("scheme", ["socks5", "socks4"])
def test_a_name_that_this_machine_cannot_resolve_is_reported(
    scheme: str, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The error names the server, since it is not the name of the proxy that can't be found.
    """
    with Socks5Proxy() as proxy:
        monkeypatch.setenv("ALL_PROXY", f"{scheme}://{proxy.address}")
        with pytest.raises(NetworkError, match=r"The name nowhere\.invalid can't be found"):
            transport.send("GET", "https://nowhere.invalid/x", repeatable=False)

    assert [] == proxy.received


def test_an_ipv6_address_is_sent_as_one(
    transport: Transport, raw_server: Callable[..., RawServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    SOCKS 5 has IPv6 addresses. SOCKS 4 has none, which is an error.
    """
    server = raw_server(OK)
    with Socks5Proxy() as proxy:
        monkeypatch.setenv("ALL_PROXY", f"socks5://{proxy.address}")
        # The certificate is for other names.
        with pytest.raises(TlsError):
            transport.send("GET", f"https://[::1]:{server.port}/x")
    assert {("::1", server.port)} == set(proxy.targets)

    with Socks4Proxy() as other:
        monkeypatch.setenv("ALL_PROXY", f"socks4://{other.address}")
        with pytest.raises(NetworkError, match=r"refused .* \(SOCKS 4 reaches IPv4 addresses only\)") as caught:
            transport.send("GET", "https://[::1]/x")
    assert not caught.value.retryable


@pytest.mark.parametrize(
    ("kind", "user", "username", "password"),
    [
        (Socks5Proxy, "zo%C3%AB:canary%40@", "zoë", "canary@"),
        (Socks5Proxy, f"{'a' * 127}:{'c' * 127}@", "a" * 127, "c" * 127),
        (Socks4Proxy, "ada@", "ada", ""),
    ],
)
def test_user_name_and_password_are_sent_to_the_proxy(
    kind: type[LittleProxy], user: str, username: str, password: str, transport: Transport,
    raw_server: Callable[..., RawServer], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """
    They come from the variable, percent-decoded, in UTF-8. SOCKS 4 has a user name only.
    """
    server = raw_server(OK)
    with kind(username=username, password=password) as proxy:
        monkeypatch.setenv("ALL_PROXY", f"{kind.scheme}://{user}{proxy.address}")
        assert 200 == transport.send("GET", f"{server.url}/x").status

    assert (1, 1) == (len(proxy.received), len(proxy.targets))


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ("ada:canary@", "user name and password rejected"),
        ("", "user name and password required"),
        ("ada@", "user name and password required"),
    ],
)
def test_a_wrong_password_is_sent_once(
    user: str, words: str, transport: Transport, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The refusal is reported at once, without the password.
    """
    with Socks5Proxy(username="ada", password="right") as proxy:
        monkeypatch.setenv("ALL_PROXY", f"socks5h://{user}{proxy.address}")
        with pytest.raises(NetworkError, match=rf"The proxy {proxy.address} refused .* \({words}\)") as caught:
            transport.send("GET", "https://localhost/x")

    assert (1, []) == (len(proxy.received), clock.sleeps)
    assert (False, False) == (caught.value.retryable, caught.value.may_have_arrived)
    assert "canary" not in f"{caught.value!r} {''.join(traceback.format_exception(caught.value))}"


@pytest.mark.parametrize("size", [128, 255])
def test_a_password_that_pysocks_would_garble_is_not_sent(
    size: int, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    PySocks encodes the size of longer strings wrongly, so that the proxy would see another password.
    """
    with Socks5Proxy() as proxy:
        monkeypatch.setenv("ALL_PROXY", f"socks5h://ada:{'c' * size}@{proxy.address}")
        with pytest.raises(ParameterError, match="127 bytes") as caught:
            transport.send("GET", "https://localhost/x")

    assert [] == proxy.received
    assert "ccc" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "answer", "words", "is_retryable"),
    [
        (Socks5Proxy, b"\x05\x00\x05\x02\x00\x01" + bytes(6), "SOCKS: connection not allowed by ruleset", False),
        (Socks5Proxy, b"\x05\x00\x05\x04\x00\x01" + bytes(6), "SOCKS: host unreachable", True),
        (Socks5Proxy, b"\x05\x00\x05\x05\x00\x01" + bytes(6), "SOCKS: connection refused", True),
        (Socks5Proxy, b"\x05\x00\x05\x08\x00\x01" + bytes(6), "SOCKS: address type not supported", False),
        (Socks5Proxy, b"\x05\x00\x05\x77\x00\x01" + bytes(6), "SOCKS: unknown error", False),
        (Socks4Proxy, b"\x00\x5b" + bytes(6), "SOCKS: request rejected or failed", False),
        (Socks5Proxy, b"HTTP/1.1 400 Bad Request\r\n\r\n", "its answer is not SOCKS", False),
        (Socks4Proxy, b"HTTP/1.1 400 Bad Request\r\n\r\n", "its answer is not SOCKS", False),
    ],
)
def test_a_refusal_is_explained(
    kind: type[LittleProxy], answer: bytes, words: str, is_retryable: bool, transport: Transport,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """
    A request that the network prevents can succeed later. A request that the proxy forbids can't.
    """
    with kind(answers=(answer,)) as proxy:
        monkeypatch.setenv("ALL_PROXY", f"{kind.scheme}://{proxy.address}")
        with pytest.raises(NetworkError, match=rf"{proxy.address} refused .* \({words}\)") as caught:
            transport.send("GET", "https://localhost/x", repeatable=False)

    assert (is_retryable, False) == (caught.value.retryable, caught.value.may_have_arrived)


@pytest.mark.parametrize("kind", [Socks5Proxy, Socks4Proxy])
def test_a_proxy_that_closes_the_connection_is_tried_again(
    kind: type[LittleProxy], transport: Transport, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A proxy that restarts closes connections without an answer.
    """
    with kind(answers=(b"",)) as proxy:
        monkeypatch.setenv("ALL_PROXY", f"{kind.scheme}://{proxy.address}")
        with pytest.raises(NetworkError, match=f"through the proxy {proxy.address} broke") as caught:
            transport.send("GET", "https://localhost/x")

    assert caught.value.retryable
    assert len(clock.sleeps) == len(proxy.received) - 1 > 0


def test_a_dead_proxy_is_named(transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Errors of the connection to the proxy name the proxy.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
    monkeypatch.setenv("ALL_PROXY", f"socks5h://ada:canary@{address}")

    with pytest.raises(NetworkError, match=f"The proxy {address} refuses the connection") as caught:
        transport.send("GET", "https://localhost/x", repeatable=False)
    assert "canary" not in "".join(traceback.format_exception(caught.value))

    monkeypatch.setenv("ALL_PROXY", "socks5h://proxy.invalid")
    with pytest.raises(NetworkError, match=r"The name of the proxy proxy\.invalid:1080 can't be found"):
        transport.send("GET", "https://localhost/x", repeatable=False)


def test_a_silent_proxy_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The time-out limits each step of the negotiation.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        monkeypatch.setenv("ALL_PROXY", f"socks5h://{address}")
        with pytest.raises(NetworkError, match=rf"The proxy {address} can't be reached \(0\.2 s passed\)"):
            Transport(timeout_s=0.2).send("GET", "https://localhost/x", repeatable=False)


def test_a_proxy_that_drips_is_given_up_at_the_deadline(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A byte now and then does not prolong the exchange, in the negotiation either.
    """
    from entrakit.http.socks import open_socks_socket

    monkeypatch.setattr("entrakit.http.connection.monotonic", clock.monotonic)
    next_byte = threading.Semaphore(0)

    class Dripping(Deadline):
        """A deadline. Each operation takes four seconds, and a byte arrives."""

        def left_s(self) -> float:
            clock.advance(4.0)
            next_byte.release()
            return super().left_s()

    def serve(listener: socket.socket) -> None:
        peer, _ = listener.accept()
        with peer, contextlib.suppress(OSError):
            # The bound address is a name of 255 bytes.
            for byte in b"\x05\x00\x05\x00\x00\x03\xff" + b"x" * 255:
                assert next_byte.acquire(timeout=5)
                peer.sendall(bytes([byte]))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        proxy = Proxy("socks5h", "127.0.0.1", listener.getsockname()[1])
        with pytest.raises(TimeoutError):
            open_socks_socket(proxy, "localhost", 443, Dripping(5.0, clock.monotonic() + 100.0))
        next_byte.release(1000)
        thread.join(5)

    assert 100.0 <= clock.elapsed <= 104.0


def test_the_socket_has_a_deadline() -> None:
    """
    The limits of `PlainSocket` come before the methods of PySocks.
    """
    from entrakit.http.socks import SocksSocket

    assert SocksSocket.recv is PlainSocket.recv
    assert SocksSocket.recv_into is PlainSocket.recv_into
    assert SocksSocket.sendall is PlainSocket.sendall


def test_without_the_extra_the_error_names_the_line_to_type(
    transport: Transport, raw_server: Callable[..., RawServer], clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A SOCKS proxy in the environment without PySocks is a clear error, not an ImportError.
    """
    monkeypatch.setitem(sys.modules, "socks", None)
    monkeypatch.setenv("ALL_PROXY", "socks5://ada:canary@127.0.0.1:9")

    with pytest.raises(EntraError, match=r"127\.0\.0\.1:9 uses SOCKS, which requires the extra socks") as caught:
        transport.send("GET", "https://localhost/x")

    assert "pip install 'entrakit[socks]'" in caught.value.remedy
    assert "canary" not in str(caught.value)
    assert [] == clock.sleeps
    monkeypatch.setenv("NO_PROXY", "localhost")
    assert 200 == transport.send("GET", f"{raw_server(OK).url}/x").status
