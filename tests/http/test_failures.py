"""Errors for requests without a usable response: each names the host and what to do, and never the query."""

from __future__ import annotations

import socket
import ssl

import httpx2
import pytest

from entrakit.errors import NetworkError, ParameterError, ServiceUnavailableError, TlsError, UnexpectedAnswerError
from entrakit.http import failures
from entrakit.http.message import Headers, Request, Response

REQUEST = Request("GET", "https://localhost:9/x?canary", {"client-request-id": "id-1"})


def caused(error: Exception, *causes: Exception) -> Exception:
    """Return an error with a chain of causes."""
    current: BaseException = error
    for cause in causes:
        current.__cause__ = cause
        current = cause
    return error


@pytest.mark.parametrize(
    ("error", "words", "may_have_arrived"),
    [
        (caused(httpx2.ConnectError("x"), OSError(), socket.gaierror()), "can't be found", False),
        (httpx2.ConnectError("x"), "refuses the connection", False),
        (httpx2.ConnectTimeout("x"), r"can't be reached \(5 s passed\)", False),
        (httpx2.ReadTimeout("x"), r"stopped answering \(5 s passed\)", True),
        (httpx2.ProxyError("x"), "The proxy refused", False),
        (httpx2.RemoteProtocolError("x"), "broke", True),
        (caused(httpx2.ReadError("x"), ssl.SSLEOFError()), "broke", True),
        (caused(httpx2.ConnectError("x"), ssl.SSLZeroReturnError()), "refuses the connection", False),
    ],
)
def test_a_failure_is_explained_by_its_causes(error: Exception, words: str, may_have_arrived: bool) -> None:
    """
    The chain of causes decides the message, and whether the request may have arrived.
    """
    explained = failures.explained(error, REQUEST, 5.0)

    assert type(explained) is NetworkError
    assert (True, may_have_arrived) == (explained.retryable, explained.may_have_arrived)
    assert ("localhost:9", "id-1") == (explained.host, explained.correlation_id)
    assert "canary" not in str(explained)
    with pytest.raises(NetworkError, match=words):
        raise explained


def test_a_handshake_that_fails_is_never_repeated() -> None:
    """
    Without a reason of the certificate, the error names the reason of TLS.
    """
    error = failures.explained(caused(httpx2.ConnectError("x"), ssl.SSLError(1, "x")), REQUEST, 5.0)

    assert isinstance(error, TlsError)
    assert (False, False) == (error.retryable, error.may_have_arrived)
    assert "No secure connection to localhost:9" in error.problem


def test_other_errors_name_the_host_only() -> None:
    """
    A redirect, a size, a slow response, an outage and an address without TLS: none repeats the query.
    """
    response = Response(REQUEST, 302, Headers({"Location": "https://portal.example/login?canary"}), b"")
    errors = [
        failures.redirected(response),
        failures.redirected(response._replace(headers=Headers({}))),
        failures.excess(REQUEST, limit=2**20, is_too_large=True),
        failures.excess(REQUEST, limit=2**20, is_too_large=False),
        failures.unavailable(response._replace(status=503)),
        failures.not_https("http://localhost/x?canary"),
        failures.unusable_proxy(),
    ]

    assert [
        UnexpectedAnswerError, UnexpectedAnswerError, UnexpectedAnswerError, NetworkError, ServiceUnavailableError,
        ParameterError, ParameterError,
    ] == [type(error) for error in errors]  # fmt: skip
    assert "canary" not in "".join(map(str, errors))
    assert "portal.example" in errors[0].problem
    assert "another page" in errors[1].problem
    assert "1 MiB" in errors[2].problem
    assert "HTTP 503" in errors[4].problem
