"""One connection: informational responses, and the use of the same connection for the next request."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from entrakit.errors import ParameterError
from entrakit.http.message import Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import RawServer

    from entrakit.http.transport import Transport

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.mark.parametrize("status", [b"100 Continue", b"102 Processing", b"103 Early Hints\r\nLink: </a>", b"199 x"])
def test_informational_responses_are_skipped(
    status: bytes, transport: Transport, raw_server: Callable[..., RawServer]
) -> None:
    """
    Any number of them may come before the final response, and a client need not know them (RFC 9110, 15.2).
    """
    server = raw_server(b"HTTP/1.1 %s\r\n\r\n" % status * 3 + OK)

    answer = transport.once(Request("GET", f"{server.url}/x"))

    assert (200, b"{}") == (answer.status, answer.body)
    assert "link" not in answer.headers


def test_a_connection_that_the_server_ended_is_not_used_again(
    transport: Transport, raw_server: Callable[..., RawServer]
) -> None:
    """
    The next request gets a new connection, and no error.
    """
    server = raw_server(OK)

    answers = [transport.once(Request("GET", f"{server.url}/{number}")) for number in range(3)]

    assert [200] * 3 == [answer.status for answer in answers]
    assert 3 == len(server.requests)


def test_fields_of_the_same_name_are_one_list(transport: Transport, raw_server: Callable[..., RawServer]) -> None:
    """
    Several fields of the same name mean a list (RFC 9110, 5.3): two challenges arrive as both.
    """
    server = raw_server(b"HTTP/1.1 401 x\r\nWWW-Authenticate: Basic\r\nWWW-Authenticate: Bearer\r\n" + OK[17:])

    answer = transport.once(Request("GET", f"{server.url}/x"))

    assert "Basic, Bearer" == answer.headers["www-authenticate"]


def test_a_field_that_http_does_not_allow_is_not_shown(
    transport: Transport, raw_server: Callable[..., RawServer]
) -> None:
    """
    Nothing is sent, and neither the error nor its causes contain the value.
    """
    server = raw_server(OK)

    with pytest.raises(ParameterError, match="header field") as caught:
        transport.once(Request("GET", f"{server.url}/x"), authorization="Bearer canary\r\nX: y")

    assert (None, True) == (caught.value.__cause__, caught.value.__suppress_context__)
    assert [b""] == server.requests or not server.requests


def test_a_path_is_sent_in_ascii(transport: Transport, raw_server: Callable[..., RawServer]) -> None:
    """
    Other characters are percent-encoded as UTF-8 (RFC 3986); what is encoded already stays as it is.
    """
    server = raw_server(OK)

    transport.once(Request("GET", f"{server.url}/users/zoë?$filter=name%20eq%20'ß'#fragment"))

    line = server.requests[0].split(b"\r\n")[0]
    assert b"GET /users/zo%C3%AB?$filter=name%20eq%20'%C3%9F' HTTP/1.1" == line


def test_connections_use_tls_with_the_socket_that_has_a_deadline(
    transport: Transport, raw_server: Callable[..., RawServer]
) -> None:
    """
    The context makes the sockets, so no connection can have another one.
    """
    transport.once(Request("GET", f"{raw_server(OK).url}/x"))

    made = transport._context
    assert isinstance(made, ssl.SSLContext)
    assert "SecureSocket" == made.sslsocket_class.__name__
