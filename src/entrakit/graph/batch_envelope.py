"""The wire form of a JSON batch: several requests in the body of one, several answers in the body of its answer.

Requests are numbered from 1. The service answers in any order, and may leave one out: then what became of it is not
known, which is the same as an answer that was lost.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from entrakit.errors import UnexpectedAnswerError
from entrakit.http.address import path_of, shown_host
from entrakit.http.message import Headers, media_type
from entrakit.services.operation import Request, Response, Undelivered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrakit.services.service import Service


def envelope(service: Service, requests: Sequence[Request]) -> Request:
    """Return the request that carries several requests."""
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
    """Return what became of each request of a batch: its answer, or the news that there is none."""
    found = _answers(response)
    return [_reply(request, found.get(str(number)), response) for number, request in enumerate(requests, 1)]


def _answers(response: Response) -> dict[str, dict[str, object]]:
    """Return the answers of a batch by the number of their request."""
    parsed = json_of(response.body)
    listed = parsed.get("responses") if isinstance(parsed, dict) else None
    found: dict[str, dict[str, object]] = {}
    for one in listed if isinstance(listed, list) else []:
        if isinstance(one, dict) and isinstance(one.get("status"), int):
            found.setdefault(str(one.get("id")), one)
    return found


def _reply(request: Request, answer: dict[str, object] | None, carrier: Response) -> Response | Undelivered:
    if answer is None:
        host = shown_host(request.url)
        return Undelivered(
            UnexpectedAnswerError(
                f"{host} answered a batch without saying what became of {request.method} {path_of(request.url)}.",
                remedy="Look whether it was done before you repeat it.",
                host=host,
                correlation_id=request.client_request_id,
            )
        )
    given = answer.get("headers")
    fields = {str(name).lower(): str(value) for name, value in given.items()} if isinstance(given, dict) else {}
    headers = Headers({"request-id": carrier.request_id, "date": carrier.headers.get("date", ""), **fields})
    status = int(str(answer["status"]))
    return Response(request, status, headers, _bytes(answer.get("body"), headers), carrier.sent_at)


def _bytes(body: object, headers: Headers) -> bytes:
    """Return the body of an item: JSON as it was meant; base64 where the service says that it is something else."""
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
    # In ASCII, because JSON can write half a surrogate pair, and UTF-8 can't.
    return json.dumps(body, separators=(",", ":")).encode()


def json_of(body: bytes) -> object:
    """Return what JSON text says; None if it is none."""
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value
