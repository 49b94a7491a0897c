"""Requests and responses as values: names of header fields, media types, and the repr of a message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrakit.graph import Response as PublicResponse
from entrakit.http.message import Headers, Request, Response, is_json, media_type, parse_date

REQUEST = Request("GET", "https://graph.microsoft.com/v1.0/me?$filter=canary#x", {"client-request-id": "id"}, b"canary")
NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)


def answered(headers: dict[str, str], body: bytes = b"", status: int = 200) -> Response:
    """Return a response."""
    return Response(REQUEST, status, Headers(headers), body)


@given(st.dictionaries(NAMES, st.text(), max_size=5))
def test_names_of_headers_have_no_case(fields: dict[str, str]) -> None:
    """
    A field is found by its name in any case (RFC 9110, 5.1); the names are listed in lower case.
    """
    fields = {name.lower(): value for name, value in fields.items()}
    headers = Headers({name.upper(): value for name, value in fields.items()})

    assert fields == headers
    assert all(headers[name.upper()] == headers.get(name) == value for name, value in fields.items())
    assert all(name.upper() in headers for name in fields)
    assert len(fields) == len(list(headers))
    assert headers.get(" ", "none") == "none"


def test_there_is_one_type_of_response() -> None:
    """
    Users, services and transports share one type.
    """
    assert PublicResponse is Response


def test_neither_body_nor_query_nor_cookies_are_shown() -> None:
    """
    The repr and the string of a message are safe for a log.
    """
    response = answered({"Set-Cookie": "canary", "Date": "today"}, b"canary")

    assert "canary" not in f"{REQUEST!r} {REQUEST} {response!r} {response.headers!r}"
    assert "GET https://graph.microsoft.com/v1.0/me" == str(REQUEST)
    assert "Headers(set-cookie, date)" == repr(response.headers)


@pytest.mark.parametrize(
    ("method", "expected"),
    [("GET", True), ("HEAD", True), ("OPTIONS", True), ("PUT", True), ("DELETE", True), ("POST", False),
     ("PATCH", False)],
)  # fmt: skip
def test_idempotent_methods_can_be_sent_twice(method: str, expected: bool) -> None:
    """
    Some methods have the same effect if they are sent twice (RFC 9110, 9.2.2).
    """
    assert expected == Request(method, "https://x/").is_idempotent


@pytest.mark.parametrize(("status", "expected"), [(199, False), (200, True), (299, True), (300, False), (404, False)])
def test_success_is_2xx(status: int, expected: bool) -> None:
    """
    HTTP 2xx is a success, and nothing else.
    """
    assert expected == answered({}, status=status).is_success


@pytest.mark.parametrize(
    ("content_type", "kind", "expected"),
    [
        ("application/json", "application/json", True), (" Application/JSON ; charset=utf-8", "application/json", True),
        ("application/problem+json", "application/problem+json", True), ("text/html;charset=utf-8", "text/html", False),
        ("", "", False), (";", "", False), ("text/jsonx", "text/jsonx", False),
    ],
)  # fmt: skip
def test_media_types(content_type: str, kind: str, expected: bool) -> None:
    """
    A media type has no case and no parameters; JSON is one, or follows the plus sign.
    """
    assert kind == media_type(content_type) == answered({"Content-Type": content_type}).media_type
    assert expected == is_json(kind)


def test_ids_date_and_text() -> None:
    """
    Ids of services, the server's time, and the text of a body that may be damaged.
    """
    response = answered({"x-ms-request-id": "azure", "Date": "Sun, 06 Nov 1994 08:49:37 GMT"}, b"k\xf6ln")

    assert ("azure", "id", 784_111_777.0) == (response.request_id, REQUEST.client_request_id, response.date)
    assert "graph" == answered({"request-id": "graph", "x-ms-request-id": "azure"}).request_id
    assert "k\ufffdln" == response.text
    assert answered({}).date is None


@given(st.none() | st.text())
def test_any_text_is_a_date_or_nothing(text: str | None) -> None:
    """
    Other text is not a date, and not an error.
    """
    date = parse_date(text)

    assert date is None or isinstance(date, float)


def test_an_id_of_a_response_is_safe_to_show() -> None:
    """
    Header fields of batch items are JSON strings, which may contain control characters.
    """
    assert "id[2J x" == answered({"request-id": "id\x1b[2J\r\n\u202ex\x9b"}).request_id
    assert 200 == len(answered({"request-id": "x" * 999}).request_id)
    assert "GET https://x/\\u202e" == str(REQUEST._replace(method="GET", url="https://x/\u202e?y"))
