"""What an answer says: its JSON as dicts or as a type, or the error that it can't be read.

msgspec takes some 25 ms to load, so a short answer without a type goes without it.
"""

from __future__ import annotations

import json
import sys

from entrakit.errors import UnexpectedAnswerError
from entrakit.http.address import path_of, shown_host
from entrakit.services.errors import check
from entrakit.services.operation import Wait
from entrakit.services.retrying import PATIENCE_S, backoff, send

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from entrakit.services.operation import Operation, Request, Response

    T = TypeVar("T")

SHORT = 64 * 1024
READINGS = 3


def fetch(request: Request, read: Callable[[Response], T]) -> Operation[T]:
    """Send a request, and make a result of the answer; an answer that is cut off is asked for again.

    Args:
        request: What is asked.
        read: Makes the result; raises UnexpectedAnswerError for an answer that can't be read.

    Raises:
        GraphError: The service refused.
        NetworkError: No answer, or none that can be read.
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
            if attempt == READINGS or not request.is_idempotent or not error.retryable:
                raise
            yield Wait(backoff(attempt), error.problem)
    raise AssertionError("unreachable")


def as_json(response: Response) -> object:
    """Return what an answer's JSON says; None for an answer without a body.

    Raises:
        UnexpectedAnswerError: It is no JSON.
    """
    body = response.body
    if not body:
        return None
    if response.media_type == "text/plain":
        return _plain(response)
    # Half a surrogate pair is mended by the decoder.
    if len(body) < SHORT and "msgspec" not in sys.modules and b"\\u" not in body:
        try:
            value: object = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise unreadable(response) from error
        return value
    return as_type(response, object)


def as_type(response: Response, type: type[T]) -> T:
    """Return an answer's JSON as a value of a type.

    Args:
        response: The answer.
        type: What to make of it: a `msgspec.Struct`, a dataclass, a TypedDict, `dict[str, object]`, …

    Raises:
        UnexpectedAnswerError: It is no JSON, or not of that type.
    """
    from entrakit.services import decoding

    try:
        return decoding.read(response.body, type)
    except decoding.ERRORS as error:
        raise unreadable(response, error) from error


def as_response(response: Response) -> Response:
    """Return an answer as it is."""
    return response


def unreadable(response: Response, error: Exception | None = None) -> UnexpectedAnswerError:
    """Return the error for an answer that is not what it should be.

    Args:
        response: The answer.
        error: What the decoder says, where it is about the type; it names members, not values.
    """
    host = shown_host(response.request.url)
    asked = f"{response.request.method} {path_of(response.request.url)}"
    done = "" if response.request.is_idempotent else " The service has done what was asked."
    is_page = response.media_type == "text/html"
    if error is not None and type(error).__name__ == "ValidationError":
        # The answer came whole, so the same one would come again.
        return _not_as_expected(response, f"The answer to {asked} is not of the type asked for: {error}.{done}")
    if is_page:
        problem = f"{host} answers {asked} with a web page instead of JSON.{done}"
        remedy = (
            "This network may want you to sign in first (captive portal): open a page in a browser, then try again."
        )
    else:
        problem = f"The answer to {asked} is not whole, or no JSON.{done}"
        remedy = "Try again; check the network and the proxy."
    return UnexpectedAnswerError(
        problem, remedy=remedy, host=host, correlation_id=response.request.client_request_id,
        request_id=response.request_id,
    )  # fmt: skip


def _not_as_expected(response: Response, problem: str) -> UnexpectedAnswerError:
    return UnexpectedAnswerError(
        problem, remedy="Mend the type, or ask without one.", host=shown_host(response.request.url),
        correlation_id=response.request.client_request_id, request_id=response.request_id, retryable=False,
    )  # fmt: skip


def _plain(response: Response) -> object:
    """Return the number that a `/$count` answers with, or the text."""
    text = response.body.decode("utf-8-sig", "replace").strip()
    is_count = path_of(response.request.url).endswith("/$count")
    return int(text) if is_count and text.isascii() and text.isdigit() else text
