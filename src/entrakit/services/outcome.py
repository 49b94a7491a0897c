"""Writes with an unknown outcome: which requests may be done twice if they are repeated, and the error that says so.

    POST      may double, except the actions of Microsoft Graph that only read; a batch, if one of its requests may
    PATCH     may double, unless its body only sets properties: `@odata.bind` and `@delta` add, actions act
    others    don't double (RFC 9110, 9.2.2)

An error of such a request is an `OutcomeUnknownError` if the request may have arrived. It is also an error of the class
that it would have without this: `except NetworkError` and `except GraphError` catch the same failures.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from entrakit.errors import (
    GraphError,
    NetworkError,
    OutcomeUnknownError,
    ServiceUnavailableError,
    UnexpectedAnswerError,
)
from entrakit.http.address import path_of
from entrakit.http.message import IDEMPOTENT, Request, is_json, media_type

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOK_FIRST = "Look first: check whether the change was made, and repeat the request only if it was not."
# Actions of Microsoft Graph that change nothing (reference of v1.0 and beta), in lower case.
_READING = frozenset(
    {
        *("checkmembergroups", "checkmemberobjects", "getmembergroups", "getmemberobjects", "ismemberof"),
        *("getbyids", "getavailableextensionproperties", "getuserownedobjects", "validateproperties"),
        *("evaluate", "evaluatedynamicmembership", "estimateaccess", "parseexpression", "validatepassword"),
        *("findmeetingtimes", "getmailtips", "getpresencesbyuserid", "getschedule", "translateexchangeids"),
        *("getapplicablepolicyrequirements", "runhuntingquery"),
    }
)
# Annotations of OData that describe an object and change nothing.
_DESCRIPTIONS = frozenset({"type", "context", "etag"})


class LostWriteError(OutcomeUnknownError, NetworkError):
    """No answer to a write arrived."""


class UnreadableWriteError(OutcomeUnknownError, UnexpectedAnswerError):
    """The answer to a write can't be read."""


class UnavailableWriteError(OutcomeUnknownError, ServiceUnavailableError):
    """The service failed during a write, and its answer has no error code."""


class FailedWriteError(OutcomeUnknownError, GraphError):
    """The service failed during a write, and its answer has an error code."""


def may_double(request: Request) -> bool:
    """Return whether repeating a request that was done may do it a second time."""
    if request.method == "POST":
        last = path_of(request.url).rstrip("/").rpartition("/")[2]
        if last == "$batch":
            return any(map(may_double, _items(request)))
        action = last.rpartition(".")[2].removesuffix("()").lower()
        is_search = path_of(request.url).endswith("/search/query")
        return not (request.is_graph and (action in _READING or is_search))
    if request.method == "PATCH":
        return not _only_sets_properties(request)
    return request.method not in IDEMPOTENT


def not_known(request: Request) -> str:
    """Return the sentence that the outcome of a request is not known."""
    return f"It is not known whether {request.method} {path_of(request.url)} was done."


def as_unknown(error: NetworkError | GraphError, problem: str) -> NetworkError | GraphError:
    """Return an error as one of the same kind that says that a write may have been done.

    Args:
        error: The error.
        problem: Its problem, with what is known of the outcome.
    """
    if isinstance(error, GraphError):
        return FailedWriteError(
            problem, remedy=LOOK_FIRST, status=error.status, code=error.code, message=error.message, inner=error.inner,
            request_id=error.request_id, client_request_id=error.client_request_id,
        )  # fmt: skip
    kind: type[LostWriteError | UnreadableWriteError | UnavailableWriteError] = LostWriteError
    if isinstance(error, UnexpectedAnswerError):
        kind = UnreadableWriteError
    elif isinstance(error, ServiceUnavailableError):
        kind = UnavailableWriteError
    return kind(
        problem, remedy=LOOK_FIRST, host=error.host, correlation_id=error.correlation_id, retryable=False,
        request_id=error.request_id,
    )  # fmt: skip


def _items(batch: Request) -> Iterator[Request]:
    """Yield the requests in the body of a batch; for a body that can't be read, one that may double."""
    try:
        listed = json.loads(batch.body or b"")["requests"]
        for one in listed:
            body = json.dumps(one["body"]).encode() if one.get("body") is not None else None
            url = f"{batch.url.removesuffix('/$batch')}/{str(one['url']).lstrip('/')}"
            fields = {"content-type": "application/json"}
            yield Request(str(one["method"]).upper(), url, fields, body, is_graph=batch.is_graph)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        yield batch._replace(method="")


def _only_sets_properties(request: Request) -> bool:
    """Return whether the body of a PATCH is a JSON object with values of properties, and its address one object."""
    last = path_of(request.url).rstrip("/").rpartition("/")[2].lower()
    if not is_json(media_type(request.headers.get("content-type", ""))) or last.startswith(("$", "microsoft.graph.")):
        return False
    try:
        body = json.loads(request.body or b"")
        return isinstance(body, dict) and all(map(_is_plain, _names(body)))
    except (ValueError, RecursionError):
        return False


def _is_plain(name: str) -> bool:
    _, is_annotation, rest = name.partition("@")
    return not name.startswith("#") and (not is_annotation or rest.removeprefix("odata.") in _DESCRIPTIONS)


def _names(value: object) -> Iterator[str]:
    """Yield the names of all members of a JSON value."""
    if isinstance(value, dict):
        yield from value
        for one in value.values():
            yield from _names(one)
    elif isinstance(value, list):
        for one in value:
            yield from _names(one)
