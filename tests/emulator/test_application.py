"""Headers of all answers, and requests that are refused before their handler."""

from __future__ import annotations

import gzip
import socket
import ssl
import zlib
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import pytest

from entrakit_emulator import start

if TYPE_CHECKING:
    import httpx2
    from tests.emulator.conftest import Caller


@pytest.mark.parametrize("host", ["rebound.example", "localhost", "localhost:1", "192.168.0.1:443"])
def test_other_host_names_get_nothing(caller: Caller, host: str) -> None:
    """
    A web page that points its own name to 127.0.0.1 reaches nothing (DNS rebinding).
    """
    response = caller.http.get("/common/discovery/keys", headers={"Host": host})

    assert 421 == response.status_code


def test_large_bodies_are_refused(caller: Caller) -> None:
    """
    A body beyond 64 KiB is not read completely.
    """
    response = caller.token("password", password="x" * 70000)

    assert 413 == response.status_code
    assert 413 == caller.tenant.journal.entries[0].status


def post_encoded(caller: Caller, body: bytes, encoding: str, path: str = "") -> httpx2.Response:
    """Post a form with a content encoding."""
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Content-Encoding": encoding}
    return caller.http.post(
        path or f"/{caller.tenant.tenant_id}/oauth2/v2.0/token", content=body, headers=headers | caller.headers
    )


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip", "identity"])
def test_compressed_forms_are_read(caller: Caller, encoding: str) -> None:
    """
    A form that is compressed with gzip is read like any other (RFC 9110, 8.4.1.3).
    """
    form = urlencode(
        {
            "grant_type": "client_credentials", "client_id": caller.tenant.confidential_client,
            "client_secret": caller.tenant.client_secret, "scope": "https://graph.microsoft.com/.default",
        }
    ).encode()  # fmt: skip

    response = post_encoded(caller, form if encoding == "identity" else gzip.compress(form), encoding)

    assert 200 == response.status_code, response.text


def test_compressed_requests_to_graph_are_read(caller: Caller) -> None:
    """
    The Go client of Microsoft Graph compresses the JSON that it sends.
    """
    body = b'{"requests": [{"id": "1", "method": "GET", "url": "/me"}]}'
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    bearer = {"Authorization": f"Bearer {caller.person_token()}"}

    response = caller.http.post("/v1.0/$batch", content=gzip.compress(body), headers=headers | bearer)

    assert [200] == [one["status"] for one in response.json()["responses"]]


@pytest.mark.parametrize("path", ["", "/v1.0/$batch"])
def test_a_compressed_body_has_the_limit_of_its_content(caller: Caller, path: str) -> None:
    """
    A body of 20 KB that decompresses to 20 MB is refused as too large; no more than the limit is decompressed.
    """
    bomb = gzip.compress(bytes(20 * 1024 * 1024))

    response = post_encoded(caller, bomb, "gzip", path)

    assert len(bomb) < 21 * 1024
    assert 413 == response.status_code


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (b"grant_type=password", "gzip", 400),
        (gzip.compress(b"grant_type=password", mtime=0)[:-1], "gzip", 400),
        (gzip.compress(b"a=b", mtime=0) * 2, "gzip", 400),
        (b"", "gzip", 400),
        (zlib.compress(b"grant_type=password"), "deflate", 415),
        (gzip.compress(gzip.compress(b"a=b", mtime=0), mtime=0), "gzip, gzip", 415),
    ],
)
def test_other_encodings_are_refused(caller: Caller, body: bytes, encoding: str, status: int) -> None:
    """
    Data that is not one gzip member is malformed (400). For another method, the answer names gzip (RFC 7694, 3).
    """
    response = post_encoded(caller, body, encoding)

    assert (status, status) == (response.status_code, caller.tenant.journal.entries[0].status)
    assert ("gzip" if status == 415 else None) == response.headers.get("accept-encoding")


def test_answers_of_the_token_service_have_its_headers(caller: Caller) -> None:
    """
    Answers have no-store, no-sniff and ids (service facts, 1.5).
    """
    headers = caller.app_token().headers

    assert "no-store, no-cache" == headers["cache-control"]
    assert ("no-cache", "-1", "nosniff") == (headers["pragma"], headers["expires"], headers["x-content-type-options"])
    assert "1,0,0,," == headers["x-ms-clitelem"]
    assert headers["x-ms-request-id"]
    assert "client-request-id" not in headers


@pytest.mark.parametrize("path", ["/common/discovery/keys", "/v1.0/me", "/devicelogin"])
def test_no_browser_is_moved_to_tls(caller: Caller, path: str) -> None:
    """
    HSTS for `localhost` would break other servers on it for a year, so it is sent as expired (RFC 6797, 6.1.1).
    """
    assert "max-age=0" == caller.http.get(path).headers["strict-transport-security"]


def test_the_clients_id_is_echoed_on_demand(caller: Caller) -> None:
    """
    `return-client-request-id: true` returns the client's id.
    """
    response = caller.http.get("/common/discovery/keys", headers={"return-client-request-id": "true"})

    assert "11111111-2222-4333-8444-555555555555" == response.headers["client-request-id"]


def test_an_idle_connection_does_not_hold_up_the_end() -> None:
    """
    A silent client, one with half a request, and one with an idle connection do not delay the end.
    """
    with start() as one:
        context = ssl.create_default_context(cafile=one.ca_path)
        port = urlsplit(one.url).port or 0
        silent = socket.create_connection(("127.0.0.1", port))
        half = context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost")
        half.sendall(b"POST /common/oauth2/v2.0/token HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
        kept = context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost")
        kept.sendall(f"GET /favicon.ico HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
        assert b"HTTP/1.1 204" == kept.recv(12)
    for client in (silent, half, kept):
        client.close()
