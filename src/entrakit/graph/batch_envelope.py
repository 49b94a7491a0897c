"""The wire format of a JSON batch: several requests in the body of one, several responses in the body of its response.

Requests are numbered from 1. The service can respond in any order. It can also leave a response out; then the outcome
is unknown, as if the response had been lost. So it is if the result of a request is malformed: it affects no other.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from entrakit.errors import UnexpectedAnswerError
from entrakit.http.address import path_of, shown_host
from entrakit.http.message import Headers, media_type
from entrakit.services.operation import Request, Response, Undelivered
from entrakit.shown_text import escaped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrakit.services.service import Service


def envelope(service: Service, requests: Sequence[Request]) -> Request:
    """Return the request for a batch of requests."""
    items = []
    for number, request in enumerate(requests, 1):
        item: dict[str, object] = {
            "id": str(number),
            "method": request.method,
            "url": request.url[len(service.url) :],
            "headers": dict(request.headers),
        }
        if request.body:
            item["body"] = json_of(request.body)
        items.append(item)
    body = json.dumps({"requests": items}, separators=(",", ":")).encode()
    fields = {
        "accept": "application/json",
        "content-type": "application/json",
        "client-request-id": requests[0].client_request_id,
    }
    claims = next((request.claims for request in requests if request.claims), "")
    issued_after = max(request.issued_after for request in requests)
    return Request("POST", f"{service.url}/$batch", fields, body, claims=claims, issued_after=issued_after)


def replies(requests: Sequence[Request], response: Response) -> list[Response | Undelivered]:
    """Return the outcome of each request of a batch: its response, or Undelivered if it has none."""
    found = _responses(response)
    return [_reply(request, found.get(str(number)), response) for number, request in enumerate(requests, 1)]


def _responses(response: Response) -> dict[str, dict[str, object]]:
    """Return the responses of a batch by the number of their request."""
    parsed = json_of(response.body)
    listed = parsed.get("responses") if isinstance(parsed, dict) else None
    found: dict[str, dict[str, object]] = {}
    for one in listed if isinstance(listed, list) else []:
        if isinstance(one, dict):
            number = one.get("id")
            # Of two results for a request, the first that can be read counts.
            if isinstance(number, str | int) and not _is_readable(found.get(str(number))):
                found[str(number)] = one
    return found


def _is_readable(item: dict[str, object] | None) -> bool:
    """Return whether an item has the status of a final response."""
    status = item.get("status") if item is not None else None
    return type(status) is int and 200 <= status < 600


def _reply(request: Request, item: dict[str, object] | None, carrier: Response) -> Response | Undelivered:
    if item is None or not _is_readable(item):
        return _without_result(request, carrier, "no result" if item is None else "no readable result")
    fields = item.get("headers")
    fields = {str(name).lower(): str(value) for name, value in fields.items()} if isinstance(fields, dict) else {}
    headers = Headers({"request-id": carrier.request_id, "date": carrier.headers.get("date", ""), **fields})
    status = int(str(item["status"]))
    try:
        body = _bytes(item.get("body"), headers)
    except RecursionError:
        return _without_result(request, carrier, "no readable result")
    return Response(request, status, headers, body, carrier.sent_at)


def _without_result(request: Request, carrier: Response, what: str) -> Undelivered:
    host = shown_host(request.url)
    return Undelivered(
        UnexpectedAnswerError(
            f"The batch response of {host} has {what} for {request.method} {escaped(path_of(request.url))}.",
            remedy="Try again; if it happens again, send the request outside of a batch.",
            host=host,
            correlation_id=request.client_request_id,
            request_id=carrier.request_id,
        )
    )


def _bytes(body: object, headers: Headers) -> bytes:
    """Return the body of an item: JSON, or decoded base64 if the media type is another one."""
    if body is None:
        return b""
    kind = media_type(headers.get("content-type", "application/json"))
    if isinstance(body, str) and kind != "application/json":
        if kind == "text/plain" and body.isdigit():
            return body.encode()
        try:
            return base64.b64decode(body, validate=True)
        except ValueError:
            return body.encode()
    # In ASCII, because JSON can contain half of a surrogate pair, and UTF-8 can't.
    return json.dumps(body, separators=(",", ":")).encode()


def json_of(body: bytes) -> object:
    """Parse JSON. Return None if it is not JSON."""
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value
