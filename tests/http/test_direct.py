"""Requests without a proxy to an endpoint on this host: plain or TLS, with limits, and a certificate by thumbprint."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from entrakit.errors import NetworkError, ParameterError, TlsError, UnexpectedAnswerError
from entrakit.http.direct import MAX_ANSWER, Endpoint
from entrakit.http.message import Request

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import RawServer

    from entrakit.http.message import Response

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-One: 1\r\n\r\n{}"


def sent(url: str, *, timeout_s: float = 5.0, longest_s: float = 20.0, **more: str | None) -> Response:
    """Send a request to an endpoint, and return the response."""
    endpoint = Endpoint(url, thumbprint=more.get("thumbprint") or "", ca_bundle=more.get("ca_bundle"))
    request = Request("GET", f"{url}?a=%26", {"x-secret": "canary"})
    return endpoint.send(request, timeout_s=timeout_s, longest_s=longest_s, connect_s=timeout_s, sent_at=1.0)


class Plain:
    """A server without TLS that reads each request, and writes the parts of an answer with a pause between them."""

    def __init__(self, *parts: bytes, pause_s: float = 0.0) -> None:
        self.requests: list[bytes] = []
        self._parts, self._pause_s = parts, pause_s
        self._done = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/token"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop it."""
        self._done.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                one, _ = self._socket.accept()
            except OSError:
                return
            with one:
                one.settimeout(5)
                self.requests.append(one.recv(65536))
                try:
                    for part in self._parts:
                        one.sendall(part)
                        self._done.wait(self._pause_s)
                except OSError:
                    continue


@pytest.fixture
def plain() -> Iterator[Callable[..., Plain]]:
    """Return a function that starts a server without TLS."""
    servers: list[Plain] = []

    def start(*parts: bytes, pause_s: float = 0.0) -> Plain:
        servers.append(Plain(*parts, pause_s=pause_s))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def test_a_request_goes_to_the_endpoint_itself(plain: Callable[..., Plain], monkeypatch: pytest.MonkeyPatch) -> None:
    """
    No variable for proxies counts, the address is sent as it is, and the response says when it was requested.
    """
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server = plain(OK)

    response = sent(server.url)

    assert (200, b"{}", "1", 1.0) == (response.status, response.body, response.headers["x-one"], response.sent_at)
    assert server.requests[0].startswith(b"GET /token?a=%26 HTTP/1.1\r\n")
    assert b"x-secret: canary" in server.requests[0]


@pytest.mark.parametrize(
    "url",
    [
        "", "ftp://127.0.0.1/", "127.0.0.1", "http://", "http://user:canary@127.0.0.1/", "http://127.0.0.1:0/",
        "http://127.0.0.1:99999/", "http://a b/", "http://127.0.0.1/\r\nX: y", "http://127.0.0.1/?a=b",
        "http://127.0.0.1/#a", "http://1.2.3/", "http:///token", "http://127.0.0.1\\@other/",
    ],
)  # fmt: skip
def test_an_address_that_can_be_misread_is_refused(url: str) -> None:
    """
    Addresses come from the environment. One that has no clear host and port, or more than a path, is refused. The
    remedy names the variables.
    """
    with pytest.raises(ParameterError, match="can't be used") as caught:
        Endpoint(url)
    assert "canary" not in str(caught.value)
    assert "IDENTITY_ENDPOINT, MSI_ENDPOINT or AZURE_POD_IDENTITY_AUTHORITY_HOST must have" in caught.value.remedy


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("http://169.254.169.254/a", ("169.254.169.254", 80)),
        ("HTTP://LOCALHOST:40342/a", ("localhost", 40342)),
        ("https://[::1]/a", ("::1", 443)),
        ("https://10.0.0.4:2377/a", ("10.0.0.4", 2377)),
    ],
)
def test_host_and_port_of_an_address(url: str, where: tuple[str, int]) -> None:
    """
    The port is that of the scheme unless the address names one.
    """
    endpoint = Endpoint(url)

    assert where == (endpoint.host, endpoint.port)


def test_a_certificate_is_trusted_by_a_ca_or_by_its_thumbprint_only(
    raw_server: Callable[..., RawServer], test_ca: tuple[Path, ssl.SSLContext]
) -> None:
    """
    Without a thumbprint a CA must vouch for the certificate. With one, nothing else counts, and a server with another
    certificate gets no byte of the request.
    """
    from tests.sign_in.identity_server import thumbprint_of

    leaf = (test_ca[0].parent / "leaf.pem").read_text().partition("-----BEGIN PRIVATE")[0]
    server = raw_server(OK)
    assert 200 == sent(server.url, ca_bundle=str(test_ca[0])).status
    assert 200 == sent(server.url, thumbprint=thumbprint_of(leaf)).status

    with pytest.raises(TlsError):
        sent(server.url)
    with pytest.raises(TlsError, match="thumbprint"):
        sent(server.url, ca_bundle=str(test_ca[0]), thumbprint="0" * 40)
    assert 2 == len([one for one in server.requests if one])


def test_a_response_in_drops_ends_at_the_deadline(plain: Callable[..., Plain]) -> None:
    """
    A server that sends a byte now and then is not awaited forever.
    """
    server = plain(*[b"H"] * 200, pause_s=0.2)
    began = time.monotonic()

    with pytest.raises(NetworkError, match="too slowly"):
        sent(server.url, longest_s=1.0)

    # A loaded machine pauses.
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"", "broke"),
        (b"not HTTP\r\n\r\n", "broke"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "broke"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://other/\r\nContent-Length: 0\r\n\r\n", "redirects to other"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (MAX_ANSWER + 1), "is larger than 1 MiB"),
    ],
)
def test_an_answer_that_is_none_is_an_error(plain: Callable[..., Plain], answer: bytes, words: str) -> None:
    """
    A broken, huge or redirecting answer is an error that names the endpoint; no redirect is followed.
    """
    with pytest.raises(NetworkError, match=words) as caught:
        sent(plain(answer).url)
    assert "canary" not in str(caught.value)
    assert isinstance(caught.value, UnexpectedAnswerError) == ("broke" not in words)


def test_an_endpoint_that_is_missing_or_silent(plain: Callable[..., Plain]) -> None:
    """
    A refused connection certainly did not arrive; silence ends at the limit.
    """
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(NetworkError, match="refuses the connection") as caught:
            sent(f"http://127.0.0.1:{closed.getsockname()[1]}/token")
    assert not caught.value.may_have_arrived
    with pytest.raises(NetworkError, match=r"stopped answering \(0\.3 s passed\)"):
        sent(plain(b"", b"", pause_s=3.0).url, timeout_s=0.3)
