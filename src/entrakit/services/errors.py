"""Errors of services: an unsuccessful response as an error of the tree, with the permissions that a 403 requires.

    {"error": {"code": "Request_ResourceNotFound", "message": "…", "innerError": {…}, "details": […]}}

Microsoft Graph, Azure Resource Manager, Key Vault and Defender use this form. Any member may be missing or have another
type, and a proxy may answer with HTML. The service's words, details included, are shown without control characters,
secrets masked.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from entrakit.errors import (
    ForbiddenError,
    GraphError,
    NetworkError,
    NotFoundError,
    ResyncRequiredError,
    ServiceUnavailableError,
    TooManyRequestsError,
    UnexpectedAnswerError,
)
from entrakit.http.address import path_of, shown_host
from entrakit.http.failures import permanent_remedy
from entrakit.http.retry import may_be_done, may_pass, retry_after
from entrakit.services.operation import HeldPermissions, held_of
from entrakit.services.retrying import promises_no_effect
from entrakit.shown_text import escaped, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit.errors import GraphFields
    from entrakit.services.operation import Operation, Request, Response

MAX_TEXT = 1000
MAX_CODE = 200
MAX_PATH = 300
MAX_DETAILS = 20
_RESYNC = ("syncstatenotfound", "resyncrequired")
_EXPIRED_PAGE = "directory_expiredpagetoken"
_DETAIL = ("code", "target", "message")
_FOR_USERS = "delegated authentication flow"
_REMEDIES = {
    400: "Fix the request; the message says what is wrong.",
    401: "Connect again; the service does not accept the token of this connection.",
    404: "Check the id or name, and that it is in the connected tenant; a new object may take a minute to appear.",
    405: "Check the method and the address.",
    409: "Read the object again, then decide; another change was made at the same time.",
    412: "Read the object again; it has changed since you read it.",
    413: "Send less at a time; the service does not accept such a large body.",
    414: "Send the request in a batch, which allows a longer address, or request less.",
    501: "Use another way: the service does not have this function.",
}


class ServiceError(NamedTuple):
    """The contents of an error body.

    Args:
        code: Code of the service; empty if there is none.
        message: Message of the service, safe to show.
        inner: Inner error and details; the details have safe strings: `code`, `target`, `message`.
    """

    code: str = ""
    message: str = ""
    inner: Mapping[str, object] = {}

    @property
    def text(self) -> str:
        """The message, followed by each detail that says more: `displayName: Too long. (InvalidValue)`."""
        parts = [self.message]
        details = self.inner.get("details")
        for one in details if isinstance(details, list) else []:
            words, target, code = one.get("message", ""), one.get("target", ""), one.get("code", "")
            if words in self.message:
                words = ""
            if words or target:
                about = f"{target}: {words}" if target and words else target or words
                parts.append(f"{about} ({code})" if code else about)
        return " ".join(part for part in parts if part)[: 2 * MAX_TEXT]


def check(response: Response) -> Operation[None]:
    """Raise the error of a response, unless it is successful or "not modified".

    Args:
        response: The response.

    Raises:
        GraphError: The service refused the request; 403, 404, 410 and 429 have subclasses.
        ServiceUnavailableError: The service failed (5xx) on every attempt.
        OutcomeUnknownError: The service failed during a write that may have been done; it is one of these two as well.
        UnexpectedAnswerError: The response is a redirect.
    """
    if response.is_success or _is_unchanged(response):
        return
    error = error_of(response)
    if isinstance(error, ForbiddenError):
        from entrakit.services.needed_permissions import remedy_of_refusal

        held = held_of((yield HeldPermissions()))
        error.has = held.names
        if response.request.is_graph:
            error.needs = _permissions_for(response.request, is_app=held.is_app)
        method, path = response.request.method, path_of(response.request.url)
        error.remedy = remedy_of_refusal(method, path, error.code, error.needs, held)
    raise error


def error_of(response: Response) -> GraphError | NetworkError:
    """Return the error for an unsuccessful response."""
    error = _error_of(response)
    if not may_be_done(response.status, is_unavailable_safe=promises_no_effect(response)):
        return error
    from entrakit.services import outcome

    if not outcome.may_double(response.request):
        return error
    return outcome.as_unknown(error, f"{error.problem.rstrip('.')}. {outcome.not_known(response.request)}")


def _error_of(response: Response) -> GraphError | NetworkError:
    status, request = response.status, response.request
    found = parse_error(response.body) if response.media_type != "text/plain" else _plain_error(response)
    host = shown_host(request.url)
    path = path_of(request.url)
    shown = escaped(path)
    what = f"{request.method} {shown if len(shown) <= MAX_PATH else shown[:MAX_PATH] + '…'}"
    tries = f" ({response.attempts} attempts)" if response.attempts > 1 else ""
    if 300 <= status < 400:
        return UnexpectedAnswerError(
            f"{host} answered {what} with a redirect, which is not followed for this method.",
            remedy="Check the address.", host=host, correlation_id=request.client_request_id,
            request_id=response.request_id, retryable=False,
        )  # fmt: skip
    if status >= 500 and not found.code:
        return ServiceUnavailableError(
            f"{host} failed with HTTP {status} for {what}{tries}{f': {found.text}' if found.text else '.'}",
            remedy=permanent_remedy(status) or "Try again later; the service's status page lists its outages.",
            host=host, correlation_id=request.client_request_id, request_id=response.request_id,
            retryable=may_pass(status),
        )  # fmt: skip
    fields: GraphFields = {
        "status": status, "code": found.code, "message": found.message, "inner": found.inner,
        "request_id": response.request_id, "client_request_id": request.client_request_id,
        "retryable": may_pass(status),
    }  # fmt: skip
    verb = "failed" if status >= 500 else "was refused"
    problem = f"{what} {verb}{tries}: {found.text or f'HTTP {status}.'}"
    if status == 429:
        return _throttled(response, f"{what}{tries}", fields)
    if status == 403:
        return ForbiddenError(problem, needs=_permissions_for(request) if request.is_graph else (), **fields)
    fields["remedy"] = _REMEDIES.get(status, "")
    if status == 400 and request.is_graph and _FOR_USERS in found.message:
        from entrakit.services.needed_permissions import remedy_without_user

        fields["remedy"] = remedy_without_user(path) or fields["remedy"]
    if status == 404:
        return NotFoundError(problem, **fields)
    if found.code.lower() == _EXPIRED_PAGE:
        fields["remedy"] = "Read the collection again from its beginning; the position in it is too old."
    if status == 410 or found.code.lower() in _RESYNC:
        fields["remedy"] = "Start a new delta query, which reads everything again."
        return ResyncRequiredError(problem, location=response.headers.get("location", ""), **fields)
    return GraphError(problem, **fields)


def parse_error(body: bytes) -> ServiceError:
    """Parse an error body. Return an empty `ServiceError` if it is not one."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return ServiceError()
    if not isinstance(parsed, dict):
        return ServiceError()
    error = parsed.get("error", parsed.get("odata.error"))
    if isinstance(error, str):
        return ServiceError(_text(error, MAX_CODE), _text(parsed.get("error_description") or parsed.get("message")))
    if not isinstance(error, dict):
        # ASP.NET, and problem details (RFC 9457).
        words = next((parsed[name] for name in ("message", "Message", "detail", "title") if parsed.get(name)), "")
        return ServiceError("", _text(words))
    inner = error.get("innerError") or error.get("innererror")
    members = dict(inner) if isinstance(inner, dict) else {}
    details = _details(error.get("details"))
    if details:
        members["details"] = details
    message = error.get("message")
    message = message.get("value") if isinstance(message, dict) else message
    return ServiceError(_text(error.get("code"), MAX_CODE), _text(message), members)


def _details(value: object) -> list[dict[str, str]]:
    """Return the details of an error as safe strings."""
    listed = [one for one in value if isinstance(one, dict)][:MAX_DETAILS] if isinstance(value, list) else []
    texts = [{name: _text(one.get(name)) for name in _DETAIL} for one in listed]
    return [{name: text for name, text in one.items() if text} for one in texts if any(one.values())]


def _plain_error(response: Response) -> ServiceError:
    """Return the first line of a plain response as the message."""
    return ServiceError("", _text(response.text.strip().partition("\n")[0]))


def _permissions_for(request: Request, *, is_app: bool | None = None) -> tuple[str, ...]:
    from entrakit.services.needed_permissions import permissions_for

    try:
        body = json.loads(request.body or b"null")
    except (ValueError, RecursionError):
        body = None
    members = tuple(body) if isinstance(body, dict) else ()
    return permissions_for(request.method, path_of(request.url), is_app=is_app, members=members)


def _is_unchanged(response: Response) -> bool:
    """Return whether a response to a conditional request means "not modified" (RFC 9110, 15.4.5)."""
    return response.status == 304 and not {"if-none-match", "if-modified-since"}.isdisjoint(response.request.headers)


def _throttled(response: Response, what: str, fields: GraphFields) -> TooManyRequestsError:
    seconds = retry_after(response)
    pause = f" and requires a pause of {seconds:.0f} s" if seconds is not None else ""
    fields["remedy"] = "Try again later, with fewer requests at a time."
    host = shown_host(response.request.url)
    return TooManyRequestsError(f"{host} throttles {what}{pause}.", retry_after_s=seconds, **fields)


def _text(value: object, longest: int = MAX_TEXT) -> str:
    if not isinstance(value, str):
        return ""
    from entrakit.redaction import redact

    return redact(one_line(value))[:longest]
