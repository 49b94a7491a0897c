"""Results of requests: send a request and read its response as JSON or as a type.

Loading msgspec takes about 25 ms, so a short response without a type is read by the standard library.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from entrakit.errors import UnexpectedAnswerError
from entrakit.http.address import path_of, shown_host
from entrakit.services.errors import check
from entrakit.services.operation import Wait
from entrakit.services.retrying import PATIENCE_S, backoff, send
from entrakit.shown_text import escaped

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from entrakit.services.operation import Operation, Request, Response

    T = TypeVar("T")

SHORT = 64 * 1024
READINGS = 3
_DONE = " By its status, the request was done."


def fetch(request: Request, read: Callable[[Response], T]) -> Operation[T]:
    """Send a request and return the result of its response. If the response is incomplete, send it again.

    Args:
        request: The request.
        read: Makes the result from the response; raises UnexpectedAnswerError if that is not possible.

    Raises:
        GraphError: The service refused the request.
        NetworkError: There is no response, or it can't be read.
        OutcomeUnknownError: Likewise, and the request may have been done; it is one of these two as well.
    """
    left_s = PATIENCE_S
    for attempt in range(1, READINGS + 1):
        response = yield from send(request, patience_s=left_s)
        left_s -= response.waited_s
        if not response.is_success:
            yield from check(response)
        try:
            return read(response)
        except UnexpectedAnswerError as error:
            if attempt < READINGS and request.is_idempotent and error.retryable:
                yield Wait(backoff(attempt), error.problem)
                continue
            if error.retryable:
                from entrakit.services.outcome import as_unknown, may_double, not_known

                if may_double(request):
                    problem = error.problem
                    known = "" if problem.endswith(_DONE) else f" {not_known(request)}"
                    raise as_unknown(error, f"{problem}{known}") from error
            raise
    raise AssertionError("unreachable")


def as_json(response: Response) -> object:
    """Return the JSON of a response as dicts, lists, strings and numbers; None if the body is empty.

    Raises:
        UnexpectedAnswerError: The body is not JSON.
    """
    body = response.body
    if not body:
        return None
    if response.media_type == "text/plain":
        return _plain(response)
    # Only the decoder replaces halves of surrogate pairs.
    if len(body) < SHORT and "msgspec" not in sys.modules and b"\\u" not in body:
        try:
            value: object = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise unreadable(response) from error
        return value
    return as_type(response, object)


def as_type(response: Response, type: type[T]) -> T:
    """Return the JSON of a response as a value of a type.

    Args:
        response: The response.
        type: A `msgspec.Struct`, a dataclass, a TypedDict, `dict[str, object]`, …

    Raises:
        UnexpectedAnswerError: The body is not JSON, or not of that type.
    """
    from entrakit.services import decoding

    try:
        return decoding.read(response.body, type)
    except decoding.ERRORS as error:
        raise unreadable(response, error) from error


def as_response(response: Response) -> Response:
    """Return the response itself."""
    return response


def unreadable(response: Response, error: Exception | None = None) -> UnexpectedAnswerError:
    """Return the error for a response that can't be read.

    Args:
        response: The response.
        error: Error of the decoder, which names members but not values.
    """
    host = shown_host(response.request.url)
    what = f"{response.request.method} {escaped(path_of(response.request.url))}"
    is_page = response.media_type == "text/html"
    # A page comes from a proxy or a portal, which may have answered in place of the service.
    is_done = not response.request.is_idempotent and not is_page
    done = _DONE if is_done else ""
    if error is not None and type(error).__name__ == "ValidationError":
        # The response is complete, so the same one would be sent again.
        return _wrong_type(response, f"The response to {what} is not of the requested type: {error}.{done}")
    if is_page:
        problem = f"{host} answered {what} with a web page instead of JSON.{done}"
        remedy = (
            "This network may require you to sign in first (captive portal): open a page in a browser, then try again."
        )
    else:
        problem = f"The response to {what} is incomplete or not JSON.{done}"
        remedy = "Try again; check the network and the proxy."
    return UnexpectedAnswerError(
        problem, remedy=remedy, host=host, correlation_id=response.request.client_request_id,
        request_id=response.request_id,
    )  # fmt: skip


def _wrong_type(response: Response, problem: str) -> UnexpectedAnswerError:
    return UnexpectedAnswerError(
        problem, remedy="Correct the type, or leave it out.", host=shown_host(response.request.url),
        correlation_id=response.request.client_request_id, request_id=response.request_id, retryable=False,
    )  # fmt: skip


def _plain(response: Response) -> object:
    """Return the number of a `/$count`, or the text."""
    text = response.body.decode("utf-8-sig", "replace").strip()
    is_count = path_of(response.request.url).endswith("/$count")
    return int(text) if is_count and text.isascii() and text.isdigit() else text
