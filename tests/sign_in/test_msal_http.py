"""The HTTP client that MSAL uses: which answers reach MSAL, and in which form."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import pytest

from entrakit.authority.clouds import find_cloud
from entrakit.errors import NetworkError, ServiceUnavailableError, ThrottledError, UnexpectedAnswerError
from entrakit.sign_in._msal import MsalHttp, seconds_of
from entrakit.sign_in.discovery import Authority

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import RawServer

    from entrakit.http.transport import Transport


def client(transport: Transport, url: str, *, repeatable: bool = False) -> MsalHttp:
    """Return the client for an authority."""
    address = f"{url}/tenant"
    authority = Authority(find_cloud(url), "tenant", '{"issuer": "i"}', f"{address}/token", "i", "", address)
    return MsalHttp(authority, transport, repeatable=repeatable)


def answer(body: bytes, status: int = 200, *headers: str) -> bytes:
    """Return the bytes of an answer."""
    lines = "".join(f"{header}\r\n" for header in headers)
    head = f"HTTP/1.1 {status} X\r\n{lines}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


def test_the_metadata_is_answered_without_a_request(transport: Transport) -> None:
    """
    MSAL's request for the metadata of the authority is answered with the document that was checked.
    """
    http = client(transport, "https://localhost:9")

    found = http.get("https://localhost:9/tenant/v2.0/.well-known/openid-configuration", params={"a": "b"})

    assert (200, '{"issuer": "i"}') == (found.status_code, found.text)
    found.raise_for_status()


def test_numbers_and_nulls_are_made_plain(transport: Transport, raw_server: Callable[..., RawServer]) -> None:
    """
    Numbers that are strings become numbers, and null values are omitted: MSAL fails for both.
    """
    body = json.dumps({"expires_in": "3599", "refresh_in": 1800.5, "ext_expires_in": "x", "scope": None}).encode()
    server = raw_server(answer(body))
    http = client(transport, server.url)

    found = http.post(f"{server.url}/token", data={"a": "1", "b": None}, headers={"client-request-id": "id-1"})

    assert {"expires_in": 3599, "refresh_in": 1800, "ext_expires_in": 0} == json.loads(found.text)
    assert (200, 1800.0, "id-1") == (http.status, http.refresh_in, http.correlation_id)
    assert server.requests[0].endswith(b"\r\n\r\na=1")


@pytest.mark.parametrize(
    ("response", "error", "words"),
    [
        (answer(b"", 429, "Retry-After: 7"), ThrottledError, "too many requests"),
        (answer(b"<html>", 503), ServiceUnavailableError, "HTTP 503"),
        (answer(b"<HTML>", 200), UnexpectedAnswerError, "a web page instead of a token"),
        (answer(b"x", 200, "Content-Type: Text/HTML; charset=x"), UnexpectedAnswerError, "a web page"),
        (answer(b"[1]", 200), UnexpectedAnswerError, "something else instead of a token"),
        (answer(b"[" * 100_000, 200), UnexpectedAnswerError, "something else"),
    ],
)
def test_msal_does_not_see_what_it_cannot_read(
    transport: Transport, raw_server: Callable[..., RawServer], response: bytes, error: type[NetworkError], words: str
) -> None:
    """
    Outages, throttling without a reason, web pages and other JSON become errors before MSAL reads them.
    """
    server = raw_server(response)
    http = client(transport, server.url)

    with pytest.raises(error, match=words) as caught:
        http.post(f"{server.url}/token", data={"a": "1"}, headers={"client-request-id": "id-1"})

    assert "id-1" == caught.value.correlation_id
    assert http.retry_after_s == (7.0 if b"Retry-After" in response else None)


def test_a_refusal_reaches_msal_with_400(transport: Transport, raw_server: Callable[..., RawServer]) -> None:
    """
    The body of a refusal decides; MSAL itself raises only for a status of 500 or more.
    """
    server = raw_server(answer(b'{"error": "slow_down"}', 429, "Retry-After: 7"))
    http = client(transport, server.url)

    found = http.post(f"{server.url}/token", data={"a": "1"})

    assert (400, 429, 7.0) == (found.status_code, http.status, http.retry_after_s)
    with pytest.raises(NetworkError, match="HTTP 400"):
        found.raise_for_status()


def test_a_federation_service_is_asked_once_and_named(
    transport: Transport, raw_server: Callable[..., RawServer], caplog: pytest.LogCaptureFixture
) -> None:
    """
    A SOAP message contains the password: it is sent once, and the log names the host, never the message.
    """
    caplog.set_level(logging.WARNING)
    server = raw_server(answer(b"<fault/>", 500))

    found = client(transport, server.url, repeatable=True).post(f"{server.url}/adfs?canary", data="<canary/>")

    assert (500, "<fault/>") == (found.status_code, found.text)
    assert 1 == len(server.requests)
    assert f"localhost:{server.url.rpartition(':')[2]}" in caplog.text
    assert "canary" not in caplog.text


def test_the_realm_of_a_user_is_asked_at_the_authority(
    transport: Transport, raw_server: Callable[..., RawServer]
) -> None:
    """
    MSAL omits the port and does not escape the user name; both are corrected.
    """
    server = raw_server(answer(b'{"account_type": "Managed"}'), answer(b"none", 404))
    http = client(transport, server.url)

    found = [http.get("https://localhost/common/userrealm/ada b@contoso.com?api-version=1.0") for _ in range(2)]
    other = http.get(f"{server.url}/mex")

    assert ['{"account_type": "Managed"}', "none"] == [one.text for one in found]
    assert 404 == other.status_code
    assert server.requests[0].startswith(b"GET /common/userrealm/ada%20b@contoso.com?api-version=1.0 ")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("5", 5.0), (5, 5.0), (None, 9.0), ("x", 9.0), (-1, 9.0), (float("inf"), 9.0), (float("nan"), 9.0), ([], 9.0)],
)
def test_seconds_can_be_strings(value: object, seconds: float) -> None:
    """
    A number of seconds may be a string; any other value, and an impossible number, is the default.
    """
    assert seconds == seconds_of(value, 9.0)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": "server_error", "error_description": "AADSTS90033: A transient error.\r\nTrace ID: x"},
         "AADSTS90033: A transient error."),
        ({"error": {"code": "X", "message": "No node is free."}}, "No node is free."),
        ({"error": "temporarily_unavailable"}, "temporarily_unavailable"),
    ],
)  # fmt: skip
def test_the_words_of_a_failing_service_are_kept(
    transport: Transport, raw_server: Callable[..., RawServer], body: object, words: str
) -> None:
    """
    HTTP 5xx with an error body: its first line, the status and the id are in the error.
    """
    server = raw_server(answer(json.dumps(body).encode(), 501, "x-ms-request-id: theirs"))
    http = client(transport, server.url)

    with pytest.raises(ServiceUnavailableError) as caught:
        http.post(f"{server.url}/token", data={"a": "1"})

    assert caught.value.problem.endswith(f" failed (HTTP 501). The service says: {words}")
    assert ("theirs", False) == (caught.value.request_id, caught.value.retryable)
    assert "Use another way: the service does not have this function." == caught.value.remedy


@pytest.mark.parametrize("secret", ["canary+Se cret", "canary\nsecret"])
def test_a_failing_service_does_not_repeat_our_secret(
    transport: Transport, raw_server: Callable[..., RawServer], secret: str
) -> None:
    """
    Secrets of the form are masked in the message of the service.
    """
    body = {"error": "server_error", "error_description": f"Failed with {secret}, sorry."}
    server = raw_server(answer(json.dumps(body).encode(), 501))
    http = client(transport, server.url)

    with pytest.raises(ServiceUnavailableError) as caught:
        http.post(f"{server.url}/token", data={"client_secret": secret})

    assert "canary" not in str(caught.value)


def test_an_error_that_is_an_object_reaches_msal_in_the_form_of_oauth(
    transport: Transport, raw_server: Callable[..., RawServer]
) -> None:
    """
    MSAL expects a string.
    """
    body = {"error": {"code": "TooLarge", "message": "The header is too large."}}
    server = raw_server(answer(json.dumps(body).encode(), 431))

    found = client(transport, server.url).post(f"{server.url}/token", data={"a": "1"})

    assert {"error": "TooLarge", "error_description": "The header is too large."} == json.loads(found.text)
