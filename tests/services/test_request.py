"""Requests as values: none is for another host, and invalid input is reported before a request is sent."""

from __future__ import annotations

import datetime
import logging
from typing import TYPE_CHECKING

import msgspec
import pytest

from entrakit.errors import ParameterError
from entrakit.services import odata
from entrakit.services.operation import Response
from entrakit.services.request import call, on_service, path_call, request_to
from entrakit.services.service import Service

if TYPE_CHECKING:
    from entrakit.services.odata import Query

GRAPH = Service("graph", "https://graph.microsoft.com/v1.0", "https://graph.microsoft.com", is_graph=True)
VAULT = Service(
    "key-vault", "https://contoso.vault.azure.net", "https://vault.azure.net", (), (("api-version", "7.5"),)
)


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("/users", "https://graph.microsoft.com/v1.0/users"),
        ("users", "https://graph.microsoft.com/v1.0/users"),
        ("//evil.example/users", "https://graph.microsoft.com/v1.0/evil.example/users"),
        ("/beta/users", "https://graph.microsoft.com/beta/users"),
        ("/v1.0/users", "https://graph.microsoft.com/v1.0/users"),
        ("https://graph.microsoft.com/beta/me?$select=id", "https://graph.microsoft.com/beta/me?$select=id"),
        ("HTTPS://GRAPH.microsoft.com:443/v1.0/me", "HTTPS://GRAPH.microsoft.com:443/v1.0/me"),
        ("/users/a%23EXT%23@b", "https://graph.microsoft.com/v1.0/users/a%23EXT%23@b"),
        ("/users?$filter=a://b", "https://graph.microsoft.com/v1.0/users?$filter=a://b"),
    ],
)
def test_a_path_goes_below_the_base_address(path: str, address: str) -> None:
    """
    A path is below the service's base address; a complete address must belong to the service.
    """
    assert address == request_to(GRAPH, "GET", path).url


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/v1.0/users", "http://graph.microsoft.com/v1.0/users", "https://graph.microsoft.com.evil.example/",
        "https://graph.microsoft.com@evil.example/", "https://evil.example\\@graph.microsoft.com/", "https://graph.microsoft.com:8443/",
        "/users/a b", "/users/a#b", "/users\r\nx: y", "/../../x", "ftp://graph.microsoft.com/", "https:///users",
    ],
)  # fmt: skip
def test_an_address_elsewhere_is_refused(path: str) -> None:
    """
    Another host, another port, an address without TLS, and an invalid address are errors before a request is sent.
    """
    with pytest.raises(ParameterError):
        request_to(GRAPH, "GET", path)


@pytest.mark.parametrize("name", ["Authorization", "host", "Content-Length", "cookie", "Transfer-Encoding"])
def test_headers_that_are_ours_are_refused(name: str) -> None:
    """
    Headers for the token and for the framing of a request can't be set.
    """
    with pytest.raises(ParameterError, match=name):
        request_to(GRAPH, "GET", "/users", headers={name: "x"})


@pytest.mark.parametrize(("name", "value"), [("x y", "1"), ("x", "1\r\ny: 2"), ("x", "ü"), ("", "1"), ("x", "\x00")])
def test_headers_that_are_none_are_refused(name: str, value: str) -> None:
    """
    A name or a value that would end the header is an error.
    """
    with pytest.raises(ParameterError):
        request_to(GRAPH, "GET", "/users", headers={name: value})


@pytest.mark.parametrize("method", ["", "G ET", "GET\r\n", "get it"])
def test_a_method_is_a_word(method: str) -> None:
    """
    A method consists of letters.
    """
    with pytest.raises(ParameterError):
        request_to(GRAPH, method, "/users")


class Point(msgspec.Struct):
    """A struct with a field whose name differs from that in JSON."""

    at_x: int = msgspec.field(name="x")


@pytest.mark.parametrize(
    ("body", "content"),
    [
        ({"a": "ü"}, '{"a":"ü"}'.encode()),
        ([1], b"[1]"),
        (Point(1), b'{"x":1}'),
        ({"p": Point(1)}, b'{"p":{"x":1}}'),
        ({"at": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)}, b'{"at":"2026-01-01T00:00:00Z"}'),
        ('{"a":1}', b'{"a":1}'),
        (b"bytes", b"bytes"),
        (None, None),
    ],
)
def test_bodies_become_json(body: object, content: bytes | None) -> None:
    """
    Dicts, lists, structs and dates become JSON; strings and bytes are sent as they are.
    """
    request = request_to(GRAPH, "POST", "/users", body=body)

    assert content == request.body
    assert request.headers.get("content-type") == (None if body is None else "application/json")


@pytest.mark.parametrize("body", [object(), {"a": object()}, {"a": float("nan"), "b": object()}, {1: {2, object()}}])
def test_a_body_that_is_no_json_is_refused(body: object) -> None:
    """
    A body that can't be written as JSON is an error before a request is sent.
    """
    with pytest.raises(ParameterError):
        request_to(GRAPH, "POST", "/users", body=body)


@pytest.mark.parametrize("body", [None, "", b""])
def test_a_patch_without_a_body_is_refused(body: object) -> None:
    """
    A PATCH describes changes (RFC 5789), so one without a body is a mistake. A POST to an action has none, and a PUT of
    an own service may have none.
    """
    with pytest.raises(ParameterError, match="A PATCH without a body changes nothing") as caught:
        call(GRAPH, "PATCH", "/users/x", body=body)
    with pytest.raises(ParameterError, match="A PATCH without a body changes nothing"):
        path_call("PATCH", "/users/x", body=body)
    assert ("body",) == caught.value.parameters
    for method in ("POST", "PUT", "DELETE"):
        assert call(GRAPH, method, "/users/x/revokeSignInSessions").request.body is None


def test_each_request_has_an_id_of_its_own() -> None:
    """
    Each request has a different `client-request-id`; one set by the caller is used.
    """
    first, second = (request_to(GRAPH, "GET", "/me").client_request_id for _ in range(2))

    assert first != second
    assert request_to(GRAPH, "GET", "/me", headers={"Client-Request-Id": "mine"}).client_request_id == "mine"


def test_an_advanced_query_is_made_one_and_said(caplog: pytest.LogCaptureFixture) -> None:
    """
    `ConsistencyLevel` and `$count=true` are added if they are required, and the log says why.
    """
    with caplog.at_level(logging.DEBUG, "entrakit.graph"):
        request = request_to(GRAPH, "GET", "/users", query={"filter": "endsWith(mail,'a')"})

    assert "eventual" == request.headers["consistencylevel"]
    assert "$count=true" in request.url
    assert "endswith" in caplog.text


@pytest.mark.parametrize(
    "path", ["/users?$count=true", "/users?%24count=true", "https://graph.microsoft.com/v1.0/users?$count=true"]
)
def test_a_query_inside_a_path_is_seen_too(path: str) -> None:
    """
    An advanced query is recognized in a path, too, and no parameter is added twice.
    """
    request = request_to(GRAPH, "GET", path)

    assert "eventual" == request.headers["consistencylevel"]
    assert path.partition("users")[2] == request.url.partition("users")[2]


def test_other_services_have_their_own_parameters() -> None:
    """
    A request to a key vault has its `api-version`, and no header of Graph.
    """
    assert "https://contoso.vault.azure.net/secrets?api-version=7.5" == request_to(VAULT, "GET", "/secrets").url
    assert "api-version=7.4" in request_to(VAULT, "GET", "/secrets", query={"options": {"api-version": "7.4"}}).url


def test_a_base_address_may_have_a_path() -> None:
    """
    If Graph is below a path, its other version is below it, too, and advanced queries are recognized.
    """
    below = Service("graph", "https://gate.contoso.com/graph/v1.0", "https://graph.microsoft.com", is_graph=True)

    assert "https://gate.contoso.com/graph/beta/users" == request_to(below, "GET", "/beta/users").url
    whole = request_to(below, "GET", "https://gate.contoso.com/graph/v1.0/users/$count")
    assert "eventual" == whole.headers["consistencylevel"]


def test_nothing_shows_a_body() -> None:
    """
    A body can contain a password, a query personal data: the `repr` of calls, requests and responses shows neither.
    """
    made = call(GRAPH, "POST", "/users?$filter=mail eq 'canary'".replace(" ", "%20"), body={"password": "canary"})
    answer = Response(made.request, 201, {"location": "canary"}, b"canary")

    assert "Call(POST https://graph.microsoft.com/v1.0/users)" == repr(made)
    assert "canary" not in repr((made.request, answer, [made]))


@pytest.mark.parametrize(
    ("method", "status"), [("PATCH", 204), ("POST", 202), ("PUT", 200), ("GET", 202), ("HEAD", 200)]
)
def test_what_answers_with_nothing_has_no_result(method: str, status: int) -> None:
    """
    If a type is requested and the response to a write is empty, the result is `None`.
    """
    made = call(GRAPH, method, "/users/x", body={}, type=Point)

    assert made.read(Response(made.request, status, {}, b"")) is None


def test_a_header_of_the_callers_gets_its_count() -> None:
    """
    If the caller sets `ConsistencyLevel`, `$count=true` is added.
    """
    request = request_to(
        GRAPH, "GET", "/users", headers={"ConsistencyLevel": "eventual"}, query={"filter": "displayName ne 'x'"}
    )

    assert "$count=true" in request.url


def test_a_list_of_names_is_joined() -> None:
    """
    A further option can be a list.
    """
    assert request_to(GRAPH, "GET", "/me", query={"options": {"$select": ["id", "mail"]}}).url.endswith(
        "$select=id,mail"
    )


def test_a_call_without_a_service_is_completed_by_the_one_that_runs_it() -> None:
    """
    The same value becomes a request to each service, with the rules of that service.
    """
    made = path_call("get", "/users", filter="endsWith(mail,'a')", headers={"X": "1"}, top=2)
    azure = Service("azure", "https://management.azure.com", "https://management.azure.com")

    graph, other = on_service(made.request, GRAPH), on_service(made.request, azure)

    assert graph.url.startswith(f"{GRAPH.url}/users?$filter=")
    assert ("eventual", True) == (graph.headers["consistencylevel"], "$count=true" in graph.url)
    assert other.url.startswith("https://management.azure.com/users?$filter=")
    assert "consistencylevel" not in other.headers
    assert ("1", "1") == (graph.headers["x"], other.headers["x"])
    assert graph is on_service(graph, azure)


@pytest.mark.parametrize(
    ("method", "path", "more"),
    [
        ("GET /", "/x", {}),
        ("GET", "users", {}),
        ("GET", "https://other", {}),
        ("GET", "/x", {"headers": {"host": "a"}}),
    ],
)
def test_a_call_without_a_service_is_checked_early(method: str, path: str, more: dict[str, dict[str, str]]) -> None:
    """
    A mistake is found when the call is made, if it does not depend on the service.
    """
    with pytest.raises(ParameterError):
        path_call(method, path, headers=more.get("headers"))


# Latin-1 bytes in an argument of a program (PEP 383).
NOT_UTF8 = "gr\udcf6\udcdfe"


@pytest.mark.parametrize(
    "query",
    [
        {"filter": f"city eq '{NOT_UTF8}'"}, {"filter": {"city": NOT_UTF8}}, {"search": f"displayName:{NOT_UTF8}"},
        {"select": [NOT_UTF8]}, {"orderby": NOT_UTF8}, {"expand": NOT_UTF8}, {"options": {"$filter": NOT_UTF8}},
        {"options": {NOT_UTF8: "x"}},
    ],
)  # fmt: skip
def test_an_option_that_is_not_utf8_is_refused(query: Query) -> None:
    """
    A script or a terminal in another encoding gives halves of characters, which no address can have.
    """
    with pytest.raises(ParameterError, match=r"\\udcf6.* is not UTF-8 text, so nothing was sent\."):
        request_to(GRAPH, "GET", "/users", query=query)


@pytest.mark.parametrize("path", [f"/users/{NOT_UTF8}", f"/users?$filter={NOT_UTF8}"])
def test_a_path_and_a_body_that_are_not_utf8_are_refused(path: str) -> None:
    """
    The same for the path and for a body that is a string; a JSON body can't be written.
    """
    with pytest.raises(ParameterError, match="is not UTF-8 text"):
        request_to(GRAPH, "GET", path)
    with pytest.raises(ParameterError, match="is not UTF-8 text"):
        request_to(GRAPH, "POST", "/users", body=NOT_UTF8)
    with pytest.raises(ParameterError, match="can't be written as JSON"):
        request_to(GRAPH, "POST", "/users", body={"displayName": NOT_UTF8})
    with pytest.raises(ParameterError, match="is not UTF-8 text"):
        odata.segment(NOT_UTF8)
