"""Errors for requests without a usable response: each names the host and what to do, and never the query."""

from __future__ import annotations

import socket
import ssl
from http import client

import pytest

from entrakit.errors import NetworkError, ParameterError, ServiceUnavailableError, TlsError, UnexpectedAnswerError
from entrakit.http import failures
from entrakit.http.failures import ProxyRefusedError, ProxyTlsError, ServerNotFoundError
from entrakit.http.message import Headers, Request, Response

REQUEST = Request("GET", "https://localhost:9/x?canary", {"client-request-id": "id-1"})


@pytest.mark.parametrize(
    ("error", "proxy", "words"),
    [
        (socket.gaierror(), "", "The name localhost:9 can't be found"),
        (socket.gaierror(), "proxy.contoso.com:8080", "The name of the proxy proxy.contoso.com:8080 can't be found"),
        (ConnectionRefusedError(), "", "localhost:9 refuses the connection"),
        (ConnectionRefusedError(), "proxy.contoso.com:8080", "The proxy proxy.contoso.com:8080 refuses the connection"),
        (TimeoutError(), "", r"localhost:9 can't be reached \(5 s passed\)"),
        (TimeoutError(), "proxy.contoso.com:8080", r"The proxy proxy.contoso.com:8080 can't be reached"),
        (
            ProxyRefusedError("HTTP 502", is_transient=True),
            "proxy.contoso.com:8080",
            r"The proxy proxy.contoso.com:8080 refused .* \(HTTP 502\)",
        ),
        (ServerNotFoundError(), "proxy.contoso.com:8080", "The name localhost:9 can't be found"),
        (ConnectionResetError(), "proxy:80", "to localhost:9 through the proxy proxy:80 broke before the request"),
        (ssl.SSLZeroReturnError(), "", "broke before the request was sent"),
        (ConnectionResetError(), "", "broke before the request was sent"),
    ],
)
def test_a_connection_that_was_not_opened_is_explained(error: Exception, proxy: str, words: str) -> None:
    """
    The error names the peer that failed, and says that the request did not arrive.
    """
    explained = failures.unreachable(error, REQUEST, 5.0, proxy=proxy, is_too_slow=False)

    assert type(explained) is NetworkError
    assert (True, False) == (explained.retryable, explained.may_have_arrived)
    assert ("localhost:9", "id-1") == (explained.host, explained.correlation_id)
    assert isinstance(error, socket.gaierror | ServerNotFoundError) == explained.name_not_found
    assert "canary" not in str(explained)
    with pytest.raises(NetworkError, match=words):
        raise explained


@pytest.mark.parametrize("reason", ["", "HTTP 403", "HTTP 407"])
def test_a_refusal_of_the_proxy_is_not_repeated(reason: str) -> None:
    """
    A proxy that requires a sign-in, or forbids the host, answers the same again, and may lock the account.
    """
    refused = failures.unreachable(ProxyRefusedError(reason), REQUEST, 5.0, proxy="proxy:80", is_too_slow=False)

    assert not refused.retryable


@pytest.mark.parametrize(
    ("error", "is_too_slow", "words"),
    [
        (TimeoutError(), False, r"stopped answering \(5 s passed\)"),
        (TimeoutError(), True, "arrives too slowly"),
        (client.RemoteDisconnected("x"), False, "broke"),
        (ssl.SSLEOFError(), False, "broke"),
    ],
)
def test_an_exchange_that_did_not_end_is_explained(error: Exception, is_too_slow: bool, words: str) -> None:
    """
    On an open connection, the request may have arrived.
    """
    explained = failures.broken(error, REQUEST, 5.0, is_too_slow=is_too_slow)

    assert (True, True) == (explained.retryable, explained.may_have_arrived)
    with pytest.raises(NetworkError, match=words):
        raise explained


def test_a_handshake_that_fails_is_never_repeated() -> None:
    """
    Without a reason of the certificate, the error names the reason of TLS.
    """
    error = failures.unreachable(ssl.SSLError(1, "x"), REQUEST, 5.0, proxy="", is_too_slow=False)

    assert isinstance(error, TlsError)
    assert (False, False) == (error.retryable, error.may_have_arrived)
    assert "No secure connection to localhost:9" in error.problem


def test_the_peer_of_a_failed_handshake_is_named() -> None:
    """
    The certificate can be that of the server, with its issuer, or that of an `https` proxy.
    """
    reason = ssl.SSLCertVerificationError(1, "x")
    reason.verify_message = "certificate has expired"
    server = failures.unreachable(reason, REQUEST, 5.0, proxy="proxy:80", is_too_slow=False, issuer="CN=Inspector")
    proxy = failures.unreachable(ProxyTlsError(reason), REQUEST, 5.0, proxy="proxy:80", is_too_slow=False)

    assert (TlsError, TlsError) == (type(server), type(proxy))
    expired = "not trusted: certificate has expired."
    assert f"The certificate that localhost:9 shows is {expired} It was issued by CN=Inspector." == server.problem
    assert f"The certificate that the proxy proxy:80 shows is {expired}" == proxy.problem


def test_other_errors_name_the_host_only() -> None:
    """
    A redirect, a size, a slow response, an outage and an address without TLS: none repeats the query.
    """
    response = Response(REQUEST, 302, Headers({"Location": "https://portal.example/login?canary"}), b"")
    errors = [
        failures.redirected(response),
        failures.redirected(response._replace(headers=Headers({}))),
        failures.too_large(REQUEST, 2**20),
        failures.too_slow(REQUEST),
        failures.unavailable(response._replace(status=503)),
        failures.not_https("http://localhost/x?canary"),
        failures.not_https("https://user:canary@localhost/x"),
        failures.not_sendable(REQUEST),
        failures.unusable_proxy(),
        failures.socks_missing("proxy:1080"),
    ]

    assert [
        UnexpectedAnswerError, UnexpectedAnswerError, UnexpectedAnswerError, NetworkError, ServiceUnavailableError,
        ParameterError, ParameterError, ParameterError, ParameterError, ParameterError,
    ] == [type(error) for error in errors]  # fmt: skip
    assert "canary" not in "".join(map(str, errors))
    assert "portal.example" in errors[0].problem
    assert "another page" in errors[1].problem
    assert "1 MiB" in errors[2].problem
    assert "HTTP 503" in errors[4].problem
