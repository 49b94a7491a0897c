"""Requests: query, form and ids."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

if TYPE_CHECKING:
    import httpx2
    from tests.emulator.conftest import Caller


@pytest.mark.parametrize(
    "body", [b"grant_type=%ff", b"grant_type=a&grant_type=b", b"\xff=a", b"&".join([b"a=1"] * 101)]
)
def test_malformed_forms_are_refused(caller: Caller, body: bytes) -> None:
    """
    A form with invalid text, a repeated parameter (RFC 6749, 3.2), other bytes or too many fields is refused.
    """
    response = caller.http.post(
        f"/{caller.tenant.tenant_id}/oauth2/v2.0/token",
        content=body,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )

    assert (400, [9002313]) == (response.status_code, response.json()["error_codes"])


def post_without_type(caller: Caller, path: str, body: bytes) -> httpx2.Response:
    """Post a body without a content type."""
    request = caller.http.build_request("POST", path, content=body)
    assert "content-type" not in request.headers
    return caller.http.send(request)


def test_a_form_without_content_type_is_read(caller: Caller) -> None:
    """
    Like the service, the token endpoint reads a form that has no content type; the journal records the breach.
    """
    form = {
        "grant_type": "client_credentials", "client_id": caller.tenant.confidential_client,
        "client_secret": caller.tenant.client_secret, "scope": "https://graph.microsoft.com/.default",
    }  # fmt: skip
    path = f"/{caller.tenant.tenant_id}/oauth2/v2.0/token"

    response = post_without_type(caller, path, urlencode(form).encode())

    assert 200 == response.status_code, response.text
    assert [("content_type", True)] == [(one.rule, "missing" in one.text) for one in caller.tenant.journal.violations]


@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
def test_a_body_of_another_type_is_not_a_form(caller: Caller, content_type: str) -> None:
    """
    A body with another content type is not read as a form: its parameters are missing (AADSTS900144).
    """
    path = f"/{caller.tenant.tenant_id}/oauth2/v2.0/token"

    response = caller.http.post(path, content=b"grant_type=password", headers={"Content-Type": content_type})

    assert [900144] == response.json()["error_codes"]


def test_a_malformed_query_is_refused(caller: Caller) -> None:
    """
    A query with invalid bytes gets an answer, too.
    """
    port = int(caller.tenant.url.rpartition(":")[2])
    context = ssl.create_default_context(cafile=caller.tenant.ca_path)
    with context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost") as raw:
        raw.sendall(f"GET /error?code=\xff HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode("latin-1"))

        assert raw.recv(12) in (b"HTTP/1.1 400", b"HTTP/1.1 404")


def test_an_id_that_is_no_guid_is_replaced(caller: Caller) -> None:
    """
    Only a GUID becomes a correlation id; other values of a client never occur in errors.
    """
    caller.http.headers["client-request-id"] = "<script>"

    assert "<script>" not in caller.app_token(client_secret="wrong").text
