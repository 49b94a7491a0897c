"""The HTTPS client: retries, refusals and error messages."""

from __future__ import annotations

import itertools
import logging
import socket
import time
from typing import TYPE_CHECKING

import pytest

from entrakit.errors import NetworkError, ParameterError, TlsError, UnexpectedAnswerError
from entrakit.http import failures
from entrakit.http.transport import MAX_ANSWER, Transport

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import FakeClock, RawServer

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


def failed(status: int, *headers: str) -> bytes:
    """Return an empty answer with a status."""
    lines = "".join(f"{header}\r\n" for header in headers)
    return f"HTTP/1.1 {status} Trouble\r\n{lines}Content-Length: 0\r\nConnection: close\r\n\r\n".encode()


def test_an_answer_is_returned_whatever_its_status(transport: Transport, raw_server: Callable[..., RawServer]) -> None:
    """
    A refusal of the service is an answer, and is not repeated (checklist 50).
    """
    server = raw_server(failed(401))

    answer = transport.send("POST", f"{server.url}/token", body="a=b")

    assert 401 == answer.status
    assert 1 == len(server.requests)


def test_trouble_that_passes_is_tried_again(
    transport: Transport, raw_server: Callable[..., RawServer], clock: FakeClock
) -> None:
    """
    503 and 429 are repeated, and Retry-After is obeyed in seconds (checklist 50).
    """
    server = raw_server(failed(503), failed(429, "Retry-After: 7"), OK)

    answer = transport.send("GET", f"{server.url}/x")

    assert 200 == answer.status
    assert 7.0 == clock.sleeps[1]
    assert 3 == len(server.requests)


@pytest.mark.parametrize("status", [400, 404, 501, 505, 507, 511])
def test_a_permanent_answer_is_not_repeated(
    transport: Transport, raw_server: Callable[..., RawServer], clock: FakeClock, status: int
) -> None:
    """
    An answer that stays the same is returned at once, also if it names a time; the error for it is not retryable.
    """
    server = raw_server(failed(status, "Retry-After: 1"))

    answer = transport.send("POST", f"{server.url}/token", body="x")

    assert (status, []) == (answer.status, clock.sleeps)
    assert 1 == len(server.requests)
    assert not failures.unavailable(answer).retryable or status < 500
    assert "ait a little" not in failures.unavailable(answer).remedy or status < 500


def test_a_name_that_is_not_found_is_tried_twice(transport: Transport, clock: FakeClock) -> None:
    """
    A name that can't be resolved is looked up twice, with one short wait.
    """
    with pytest.raises(NetworkError, match="can't be found") as caught:
        transport.send("GET", "https://nowhere.invalid/x")

    assert caught.value.name_not_found
    assert 1 == len(clock.sleeps)
    assert clock.sleeps[0] <= 0.5


def test_each_wait_is_logged_with_its_reason(
    transport: Transport, raw_server: Callable[..., RawServer], caplog: pytest.LogCaptureFixture
) -> None:
    """
    Programs and the command can tell what is being waited for, and how long.
    """
    server = raw_server(failed(503, "Retry-After: 7"), None, OK)

    with caplog.at_level(logging.INFO, "entrakit.waits"):
        transport.send("GET", f"{server.url}/x")

    first, second = [record for record in caplog.records if record.name == "entrakit.waits"]
    assert f"waiting 7.0 s: localhost:{server.port} answered with HTTP 503" == first.getMessage()
    assert f"s: The connection to localhost:{server.port} broke" in second.getMessage()


def test_a_wait_beyond_our_patience_is_not_begun(
    transport: Transport, raw_server: Callable[..., RawServer], clock: FakeClock
) -> None:
    """
    If the service requires a wait of an hour, its answer is returned at once.
    """
    server = raw_server(failed(429, "Retry-After: 3600"))

    answer = transport.send("GET", f"{server.url}/x")

    assert (429, []) == (answer.status, clock.sleeps)


def test_a_dropped_connection_is_tried_again(transport: Transport, raw_server: Callable[..., RawServer]) -> None:
    """
    A connection that breaks before the answer is repeated if the request can be sent twice.
    """
    server = raw_server(None, OK)

    assert 200 == transport.send("GET", f"{server.url}/x").status


def test_what_must_not_be_sent_twice_is_not(transport: Transport, raw_server: Callable[..., RawServer]) -> None:
    """
    An authorization code may be spent by a request whose answer was lost, so it is sent once.
    """
    server = raw_server(None, OK)

    with pytest.raises(NetworkError, match="broke"):
        transport.send("POST", f"{server.url}/token", body="code=1", repeatable=False)

    assert 1 == len(server.requests)


def test_a_cut_answer_is_no_answer(transport: Transport, raw_server: Callable[..., RawServer]) -> None:
    """
    A body shorter than announced is a broken connection, never half an answer.
    """
    server = raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\n{")

    with pytest.raises(NetworkError, match="broke"):
        transport.send("GET", f"{server.url}/x", repeatable=False)


def test_redirects_are_not_followed(transport: Transport, raw_server: Callable[..., RawServer]) -> None:
    """
    Credentials are not sent to the target of a redirect; the error mentions a captive portal.
    """
    server = raw_server(failed(302, "Location: https://portal.example/login?x=secret"))

    with pytest.raises(UnexpectedAnswerError, match=r"portal\.example") as caught:
        transport.send("POST", f"{server.url}/token", body="a=b")

    assert "secret" not in str(caught.value)
    assert "captive portal" in caught.value.remedy


def test_an_endless_answer_is_not_read(transport: Transport, raw_server: Callable[..., RawServer]) -> None:
    """
    An answer larger than the limit is not read, so that no server fills the memory.
    """
    body = b"x" * (MAX_ANSWER + 1)
    server = raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    with pytest.raises(UnexpectedAnswerError, match="larger"):
        transport.send("GET", f"{server.url}/x")


@pytest.mark.parametrize("url", ["http://localhost/token", "ftp://localhost/", "file:///etc/passwd", "localhost"])
def test_only_https_is_called(transport: Transport, url: str) -> None:
    """
    Nothing is sent without TLS (checklist 14).
    """
    with pytest.raises(ParameterError, match="not an https address"):
        transport.send("GET", url)


def test_an_untrusted_certificate_names_its_issuer(
    raw_server: Callable[..., RawServer], clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    TLS interception is reported with the issuer, and not retried.
    """
    server = raw_server(OK)

    with pytest.raises(TlsError, match="Inspecting Proxy CA") as caught:
        Transport(clock=clock).send("GET", f"{server.url}/x")

    # A second connection was made to read the issuer; nothing was sent on either.
    assert [] == [request for request in server.requests if request]
    assert not caught.value.retryable


def test_an_unknown_name_is_told(transport: Transport) -> None:
    """
    A name that DNS does not know has its own error; `.invalid` never exists (RFC 2606).
    """
    with pytest.raises(NetworkError, match=r"The name nowhere\.invalid can't be found"):
        transport.send("GET", "https://nowhere.invalid/x", repeatable=False)


def test_a_refused_connection_is_told(transport: Transport, clock: FakeClock) -> None:
    """
    A closed port has its own error, after the retries.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(NetworkError, match="refuses the connection"):
        transport.send("GET", f"https://localhost:{port}/x")

    assert 3 == len(clock.sleeps)


def test_silence_is_a_time_out(test_ca: tuple[Path, ssl.SSLContext], clock: FakeClock) -> None:
    """
    A server that accepts and says nothing is given up after the time-out.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        impatient = Transport(ca_bundle=str(test_ca[0]), timeout_s=0.2, clock=clock)

        with pytest.raises(NetworkError, match=r"0\.2 s passed"):
            impatient.send("GET", f"https://localhost:{listener.getsockname()[1]}/x", repeatable=False)


def test_the_clock_is_compared_with_the_server(
    transport: Transport, raw_server: Callable[..., RawServer], clock: FakeClock
) -> None:
    """
    The skew against the server's Date is measured.
    """
    clock.now = 784_111_777.0
    server = raw_server(
        b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:59:37 GMT\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
    )

    transport.send("GET", f"{server.url}/x")

    assert 600.0 == transport.skew_s


def test_a_proxy_that_cannot_be_used_is_told(clock: FakeClock) -> None:
    """
    A proxy's address is checked when it is needed, and its password never shown.
    """
    with pytest.raises(ParameterError, match="proxy") as caught:
        Transport(proxy="nonsense://host", clock=clock).send("GET", "https://localhost/x")

    assert "http://proxy" in caught.value.remedy
    with pytest.raises(ParameterError, match="user name and password") as caught:
        Transport(proxy="http://user:canary@host")
    assert "canary" not in str(caught.value)


def test_a_dead_proxy_is_told(clock: FakeClock) -> None:
    """
    An unreachable proxy is a network error.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(NetworkError):
        Transport(proxy=f"http://127.0.0.1:{port}", clock=clock).send("GET", "https://localhost/x", repeatable=False)


def test_a_proxy_that_refuses_is_told(clock: FakeClock, raw_server: Callable[..., RawServer]) -> None:
    """
    A proxy that requires a sign-in is named in the error.
    """
    import threading

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(65536)
                peer.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=refuse)
        thread.start()
        proxy = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(NetworkError, match="proxy") as caught:
            Transport(proxy=proxy, clock=clock).send("GET", "https://localhost/x", repeatable=False)
        thread.join(5)

    assert "HTTPS_PROXY" in caught.value.remedy


def test_an_answer_that_drips_is_given_up(
    transport: Transport, raw_server: Callable[..., RawServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A server that sends a byte now and then does not block a call forever.
    """
    server = raw_server(OK)
    later = itertools.count(0, 500)
    monkeypatch.setattr("entrakit.http.connection.monotonic", lambda: time.monotonic() + next(later))

    with pytest.raises(NetworkError, match="too slowly"):
        transport.send("GET", f"{server.url}/x", repeatable=False)
