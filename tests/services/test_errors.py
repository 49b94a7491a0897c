"""Errors of services: their ids and remedies, and the permissions for a call."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.services.fake_service import reply, run

from entrakit.errors import (
    EntraError,
    ForbiddenError,
    GraphError,
    NetworkError,
    NotFoundError,
    ResyncRequiredError,
    ServiceUnavailableError,
    TooManyRequestsError,
    UnexpectedAnswerError,
)
from entrakit.services.errors import check, error_of, parse_error, permissions_for
from entrakit.services.operation import Request, Response

REQUEST = Request(
    "GET",
    "https://graph.microsoft.com/v1.0/users/x?$filter=mail eq 'ada'",
    {"client-request-id": "mine"},
    is_graph=True,
)
BODY = {"error": {"code": "Request_X", "message": "No.", "innerError": {"date": "d", "request-id": "theirs"}}}


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (400, GraphError, 10), (401, GraphError, 10), (403, ForbiddenError, 9), (404, NotFoundError, 11),
        (409, GraphError, 10),
        (410, ResyncRequiredError, 10), (412, GraphError, 10), (429, TooManyRequestsError, 7), (500, GraphError, 10),
        (503, GraphError, 10), (302, UnexpectedAnswerError, 6),
    ],
)  # fmt: skip
def test_each_status_has_its_error(status: int, kind: type[EntraError], code: int) -> None:
    """
    The error's class and exit code follow the status.
    """
    error = error_of(reply(REQUEST, status, BODY))

    assert (kind, code) == (type(error), error.exit_code)


def test_an_error_has_all_that_support_requires() -> None:
    """
    Code, message, inner error, request id and our own id are fields, and `str()` shows them.
    """
    error = error_of(reply(REQUEST, 400, BODY, request_id="theirs"))

    assert isinstance(error, GraphError)
    assert ("Request_X", "No.", "theirs", "mine") == (
        error.code,
        error.message,
        error.request_id,
        error.client_request_id,
    )
    assert {"date": "d", "request-id": "theirs"} == error.inner
    assert all(one in str(error) for one in ("Request_X", "No.", "theirs", "mine", "GET /v1.0/users/x"))


@pytest.mark.parametrize(("status", "remedy"), [(413, "less at a time"), (414, "in a batch")])
def test_a_request_that_is_too_long_has_a_remedy(status: int, remedy: str) -> None:
    """
    A proxy refuses with HTML, without a code or a message; the remedy says how to send less.
    """
    error = error_of(Response(REQUEST, status, {"content-type": "text/html"}, b"<html>too long</html>"))

    assert isinstance(error, GraphError)
    assert (status, "") == (error.status, error.code)
    assert remedy in error.remedy


def test_an_error_does_not_show_the_query() -> None:
    """
    A filter may contain personal data, so errors name the path only.
    """
    assert "ada" not in str(error_of(reply(REQUEST, 400, BODY)))


def test_a_server_error_without_a_code_is_the_services_fault() -> None:
    """
    An HTML page with 503 means that the service failed.
    """
    error = error_of(Response(REQUEST, 503, {"content-type": "text/html"}, b"<html>"))

    assert isinstance(error, ServiceUnavailableError)


@given(st.binary(max_size=300), st.integers(300, 599))
def test_any_body_makes_an_error(body: bytes, status: int) -> None:
    """
    Any error body makes an error of the tree, and its message is safe to show.
    """
    error = error_of(Response(REQUEST, status, {}, body))

    assert isinstance(error, GraphError | NetworkError)
    assert str(error).replace("\n", "").isprintable()


NAMES = st.sampled_from(["error", "code", "message", "innerError", "details"])
VALUES = st.none() | st.booleans() | st.integers() | st.text()


@given(st.recursive(VALUES, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner)))
def test_any_json_is_read(value: object) -> None:
    """
    Any JSON in an error body is parsed without an exception.
    """
    found = parse_error(json.dumps(value).encode())

    assert len(found.message) <= 1000
    assert found.code.isprintable()


def test_secrets_in_a_message_are_masked() -> None:
    """
    A token that a service repeats in its message does not appear in our errors.
    """
    body = {"error": {"code": "x", "message": "Authorization: Bearer eyJhbGciOiJub25lIn0.eyJhIjoxfQ.canary is wrong"}}

    assert "canary" not in str(error_of(reply(REQUEST, 401, body)))


def test_a_403_names_held_and_required_permissions() -> None:
    """
    The error of a forbidden call names the permissions that the token has, and those that would be enough.
    """
    with pytest.raises(ForbiddenError) as caught:
        run(check(reply(REQUEST, 403, BODY)), lambda request: reply(request, 200))

    assert ("User.Read",) == caught.value.has
    assert "User.Read.All" in caught.value.needs
    assert "User.Read" in caught.value.remedy
    assert "User.Read.All" in caught.value.remedy


def test_a_403_of_another_service_names_no_permission_of_graph() -> None:
    """
    A path like one of Microsoft Graph does not make a service Microsoft Graph.
    """
    error = error_of(reply(REQUEST._replace(url="https://api.contoso.com/v1.0/users/x", is_graph=False), 403, BODY))

    assert isinstance(error, ForbiddenError)
    assert () == error.needs


@pytest.mark.parametrize(
    ("method", "path", "least"),
    [
        ("GET", "/v1.0/me", "User.Read"),
        ("GET", "/v1.0/users", "User.ReadBasic.All"),
        ("POST", "/v1.0/users", "User.ReadWrite.All"),
        ("DELETE", "/beta/users/x", "User.ReadWrite.All"),
        ("POST", "/v1.0/groups/x/members/$ref", "GroupMember.ReadWrite.All"),
        ("DELETE", "/v1.0/groups/x/members/y/$ref", "GroupMember.ReadWrite.All"),
        ("POST", "/v1.0/groups", "Group.Create"),
        ("POST", "/v1.0/users/x/assignLicense", "LicenseAssignment.ReadWrite.All"),
        ("GET", "/v1.0/groups/delta", "GroupMember.Read.All"),
        ("GET", "/v1.0/groups/", "GroupMember.Read.All"),
        ("GET", "/gateway/graph/v1.0/me", "User.Read"),
    ],
)
def test_permissions_for_our_calls(method: str, path: str, least: str) -> None:
    """
    The least permission of a call comes first.
    """
    assert permissions_for(method, path)[0] == least


@pytest.mark.parametrize("path", ["/v1.0/unheardOf", "/secrets", "/", "", "/v2.0/users"])
def test_an_unknown_call_names_no_permission(path: str) -> None:
    """
    No permission is named for calls that are not in the table.
    """
    assert permissions_for("GET", path) == ()
