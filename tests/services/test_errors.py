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
from entrakit.services.errors import check, error_of, parse_error
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


DETAILS = {
    "error": {
        "code": "Request_BadRequest",
        "message": "Validation failed.",
        "details": [
            {"code": "ContainsBlockedWord", "target": "displayName", "message": "A blocked word: 'payroll'.\x1b[2J"},
            {"code": "ObjectConflict", "target": "userPrincipalName"},
            {"code": "Same", "message": "Validation failed."},
            "nonsense",
        ],
    }
}


def test_the_details_of_a_refusal_are_kept() -> None:
    """
    `error.details` says which property is wrong and why; the error repeats it, and programs get it in `inner`.
    """
    error = error_of(reply(REQUEST, 400, DETAILS))

    assert isinstance(error, GraphError)
    assert (
        "GET /v1.0/users/x was refused: Validation failed. displayName: A blocked word: 'payroll'.[2J "
        "(ContainsBlockedWord) userPrincipalName (ObjectConflict)"
    ) == error.problem
    assert [
        {"code": "ContainsBlockedWord", "target": "displayName", "message": "A blocked word: 'payroll'.[2J"},
        {"code": "ObjectConflict", "target": "userPrincipalName"},
        {"code": "Same", "message": "Validation failed."},
    ] == error.inner["details"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"code": "x", "message": {"lang": "en", "value": "The name is taken."}}}, "The name is taken."),
        ({"odata.error": {"code": "x", "message": {"value": "The name is taken."}}}, "The name is taken."),
        ({"error": "x", "error_description": "The name is taken."}, "The name is taken."),
        ({"Message": "The name is taken."}, "The name is taken."),
        ({"title": "Conflict", "detail": "The name is taken."}, "The name is taken."),
    ],
)
def test_the_words_of_each_form_of_error_are_kept(body: object, words: str) -> None:
    """
    OData 3, OAuth 2.0, ASP.NET and problem details (RFC 9457) have the message in other members.
    """
    assert f"GET /v1.0/users/x was refused: {words}" == error_of(reply(REQUEST, 400, body)).problem


def test_a_plain_text_is_the_message() -> None:
    """
    A gateway answers with a line of text.
    """
    error = error_of(Response(REQUEST, 400, {"content-type": "text/plain"}, b"Quota of this key is used up.\nmore"))

    assert "GET /v1.0/users/x was refused: Quota of this key is used up." == error.problem


@pytest.mark.parametrize(
    "body", [{"error": {"code": "NotImplemented", "message": "Not yet."}}, {"message": "Not yet."}]
)
def test_what_a_service_lacks_will_not_come_by_trying_again(body: object) -> None:
    """
    HTTP 501 is permanent: the reason of the service is kept, and nothing says "try again" or "it may have been done".
    """
    error = error_of(reply(REQUEST._replace(method="POST"), 501, body))

    assert error.problem.endswith(": Not yet.")
    assert not error.retryable
    assert "Use another way: the service does not have this function." == error.remedy


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("/v1.0/me", "request /users/ID with the id or user principal name of a user."),
        ("/v1.0/me/messages", "request /users/ID/messages with the id"),
    ],
)
def test_an_app_that_asks_for_me_is_told_what_to_ask_instead(url: str, remedy: str) -> None:
    """
    `/me` is the signed-in user. An app has none.
    """
    body = {"error": {"code": "BadRequest", "message": "/me request is only valid with delegated authentication flow."}}

    error = error_of(reply(REQUEST._replace(url=f"https://graph.microsoft.com{url}"), 400, body))

    assert remedy in error.remedy
    assert "/servicePrincipals(appId='CLIENT_ID')" in error.remedy


def test_a_403_in_spite_of_the_permission_names_the_missing_role() -> None:
    """
    The permission is in the token, so the user lacks a directory role; a broader permission counts, too.
    """
    request = REQUEST._replace(method="DELETE", url="https://graph.microsoft.com/v1.0/groups/x")

    with pytest.raises(ForbiddenError) as caught:
        run(check(reply(request, 403, BODY)), lambda _: reply(request, 200), held=("Group.ReadWrite.All",))

    assert (
        "The token has Group.ReadWrite.All, which is enough, but the user lacks a directory role, such as Groups "
        "Administrator. Have it assigned."
    ) == caught.value.remedy
