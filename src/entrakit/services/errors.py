"""What a service refuses, turned into an error of the tree.

    {"error": {"code": "Request_ResourceNotFound", "message": "…", "innerError": {…}, "details": […]}}

Azure Resource Manager, Key Vault and Defender write the same form. Any member may be missing or of another type, and a
proxy may answer in HTML; the service's text is shown without control characters and with secrets masked.
"""

from __future__ import annotations

import json
from typing import NamedTuple

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
from entrakit.http.retry import retry_after
from entrakit.redaction import redact
from entrakit.services.needs import permissions_for
from entrakit.services.operation import HeldPermissions, held_of
from entrakit.shown_text import one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit.errors import GraphFields
    from entrakit.services.operation import Operation, Response

MAX_TEXT = 1000
MAX_PATH = 300
_RESYNC = ("syncstatenotfound", "resyncrequired")
_REMEDIES = {
    400: "Mend the request; the message says what is wrong.",
    401: "Connect again; the service does not accept this connection's token.",
    404: "Check the id or name, and that it is in the connected tenant; what was made just now may take a minute.",
    405: "Check the method and the address.",
    409: "Read the object again, then decide; another change came in between.",
    412: "Read the object again: it was changed since.",
    413: "Send less at a time: the service does not take so large a body.",
    414: "Send the request in a batch, where an address may be longer, or ask for less.",
}


class Refused(NamedTuple):
    """The error object of an answer.

    Args:
        code: The service's code; empty if it gave none.
        message: Its text, fit to be shown.
        inner: Inner error and details.
    """

    code: str = ""
    message: str = ""
    inner: Mapping[str, object] = {}


def check(response: Response) -> Operation[None]:
    """Let a success pass, and raise what anything else stands for.

    Args:
        response: The answer.

    Raises:
        GraphError: The service refused; the subclass tells 403, 404, 410 and 429 apart.
        ServiceUnavailableError: The service is in trouble (5xx), and stayed so.
        UnexpectedAnswerError: A redirect.
    """
    if response.is_success or _is_unchanged(response):
        return
    error = error_of(response)
    if isinstance(error, ForbiddenError):
        held = held_of((yield HeldPermissions()))
        error.has = held
        error.remedy = _permission_remedy(error.needs, held)
    raise error


def _is_unchanged(response: Response) -> bool:
    """Return whether an answer says that what was asked for with a condition is as it was (RFC 9110, 15.4.5)."""
    return response.status == 304 and not {"if-none-match", "if-modified-since"}.isdisjoint(response.request.headers)


def error_of(response: Response) -> GraphError | NetworkError:
    """Return the error that an answer other than a success stands for."""
    status, request = response.status, response.request
    refused = read_refusal(response.body)
    host = shown_host(request.url)
    path = path_of(request.url)
    asked = f"{request.method} {path if len(path) <= MAX_PATH else path[:MAX_PATH] + '…'}"
    tries = f" ({response.attempts} attempts)" if response.attempts > 1 else ""
    if 300 <= status < 400:
        return UnexpectedAnswerError(
            f"{host} answers {asked} with a redirect, which is not followed for this method.",
            remedy="Check the address.", host=host, correlation_id=request.client_request_id,
            request_id=response.request_id, retryable=False,
        )  # fmt: skip
    if status >= 500 and not refused.code:
        return ServiceUnavailableError(
            f"{host} is in trouble: HTTP {status} for {asked}{tries}.",
            remedy=_uncertain(response) or "Wait a little and try again; the service's status page knows of outages.",
            host=host, correlation_id=request.client_request_id, request_id=response.request_id,
        )  # fmt: skip
    fields: GraphFields = {
        "status": status, "code": refused.code, "message": refused.message, "inner": refused.inner,
        "request_id": response.request_id, "client_request_id": request.client_request_id,
        "retryable": status == 429 or status >= 500,
    }  # fmt: skip
    said = refused.message or f"HTTP {status}."
    problem = f"{asked} was refused{tries}: {said}"
    if status == 429:
        return _throttled(response, asked, tries, fields)
    if status == 403:
        return ForbiddenError(problem, needs=permissions_for(request.method, path), **fields)
    fields["remedy"] = _uncertain(response) or _REMEDIES.get(status, "")
    if status == 404:
        return NotFoundError(problem, **fields)
    if status == 410 or refused.code.lower() in _RESYNC:
        fields["remedy"] = "Read everything again: begin the delta query anew."
        return ResyncRequiredError(problem, location=response.headers.get("location", ""), **fields)
    return GraphError(problem, **fields)


def read_refusal(body: bytes) -> Refused:
    """Return what is in an error body; nothing of one that is none."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return Refused()
    error = parsed.get("error") if isinstance(parsed, dict) else None
    if isinstance(error, str):
        return Refused(_text(error, 200), _text(parsed.get("error_description") or parsed.get("message")))
    if not isinstance(error, dict):
        return Refused()
    inner = error.get("innerError") or error.get("innererror")
    found = dict(inner) if isinstance(inner, dict) else {}
    if isinstance(error.get("details"), list):
        found["details"] = error["details"]
    return Refused(_text(error.get("code"), 200), _text(error.get("message")), found)


def _throttled(response: Response, asked: str, tries: str, fields: GraphFields) -> TooManyRequestsError:
    seconds = retry_after(response)
    wanted = f" and asks to wait {seconds:.0f} s" if seconds is not None else ""
    fields["remedy"] = "Try again later, with fewer requests at a time."
    return TooManyRequestsError(
        f"{shown_host(response.request.url)} throttles {asked}{tries}{wanted}.", retry_after_s=seconds, **fields
    )


def _uncertain(response: Response) -> str:
    if response.status < 500 or response.request.is_idempotent:
        return ""
    return "Look whether it was done before you repeat it: the service did not say."


def _permission_remedy(needs: tuple[str, ...], held: tuple[str, ...]) -> str:
    has = f"The token has {', '.join(held)}" if held else "The token names no permission"
    if not needs:
        return f"{has}. Look up which permission the call needs, have it consented to, and connect again."
    if set(needs) & set(held):
        return f"{has}, which is enough: the person's or app's role in the directory is not."
    return f"{has}; needed is {' or '.join(needs)}. Have it consented to, and connect again."


def _text(value: object, longest: int = MAX_TEXT) -> str:
    if not isinstance(value, str):
        return ""
    return redact(one_line(value))[:longest]
