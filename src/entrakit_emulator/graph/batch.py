"""`$batch`: up to 20 requests in one (Microsoft Graph, "Combine multiple requests in one HTTP call").

Each item is checked, throttled and answered separately. The answers come in another order than the requests.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from entrakit_emulator.exchange import NotImplementedHereError
from entrakit_emulator.graph import routes, throttle
from entrakit_emulator.graph.address import options_of, segments_of
from entrakit_emulator.graph.call import METADATA, Call, Reply
from entrakit_emulator.graph.errors import GraphError, not_here

if TYPE_CHECKING:
    JSON = dict[str, object]

MOST = 20
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
FAILED = GraphError(424, "FailedDependency", "This request depends on another request that failed.")


def answer(call: Call) -> Reply:
    """Answer a batch.

    Raises:
        GraphError: The batch as a whole is malformed (400).
    """
    items = _items(call)
    done: dict[str, Reply] = {}
    for key in _order(items):
        failed = any(done[other].status >= 400 for other in _needed(items[key]))
        done[key] = _refused(call, FAILED) if failed else _one(call, items[key])
    responses = [_response(key, done[key]) for key in _shuffled(list(items))]
    return Reply(200, {"responses": responses})


def _items(call: Call) -> dict[str, JSON]:
    """Return the checked items by their ids. Raises GraphError (400) if any of them is malformed."""
    listed = call.json().get("requests")
    if not isinstance(listed, list) or not listed:
        raise _malformed("Invalid batch payload format.")
    if len(listed) > MOST:
        raise GraphError(
            400, "MaximumValueExceeded", f"Number of batch request steps exceeds the maximum value of {MOST}."
        )
    items: dict[str, JSON] = {}
    for item in listed:
        if not isinstance(item, dict):
            raise _malformed("Invalid batch payload format.")
        key = item.get("id")
        if not isinstance(key, str) or not key:
            raise _malformed("Request Id must be specified and not be empty.")
        if key in items:
            raise _malformed(f"Request Id '{key}' has to be unique in a batch.")
        _check(key, item)
        items[key] = item
    for key, item in items.items():
        for other in _needed(item):
            if other not in items or other == key:
                raise _malformed(f"Request '{key}' depends on '{other}', which is not in the batch.")
    return items


def _check(key: str, item: JSON) -> None:
    url, headers = item.get("url"), item.get("headers", {})
    if str(item.get("method", "")).upper() not in METHODS:
        raise _malformed(f"The request method of '{key}' is not supported.")
    if not isinstance(url, str) or not url or "://" in url.partition("?")[0]:
        raise _malformed(f"The request url of '{key}' has to be relative.")
    if not isinstance(headers, dict):
        raise _malformed(f"The headers of '{key}' are not an object.")
    if item.get("body") is not None and "content-type" not in {str(name).lower() for name in headers}:
        raise _malformed(f"Write request id : {key} does not contain Content-Type header or body.")


def _order(items: dict[str, JSON]) -> list[str]:
    """Return an order with each item after its dependencies. Raises GraphError if the dependencies are circular."""
    order: list[str] = []
    waiting = list(items)
    while waiting:
        ready = [key for key in waiting if all(other in order for other in _needed(items[key]))]
        if not ready:
            raise _malformed("The batch has a circular dependency.")
        order += ready
        waiting = [key for key in waiting if key not in ready]
    return order


def _needed(item: JSON) -> list[str]:
    given = item.get("dependsOn") or []
    if not isinstance(given, list):
        raise _malformed(f"The dependsOn of '{item['id']}' is not a list.")
    return [str(one) for one in given]


def _one(call: Call, item: JSON) -> Reply:
    """Answer one request of a batch."""
    url, method = str(item["url"]), str(item["method"]).upper()
    headers = {str(name).lower(): str(value) for name, value in dict(item.get("headers") or {}).items()}  # type: ignore[call-overload]
    planned = call.exchange.world.faults.take_item(url)
    if planned is not None:
        waits = {} if planned.retry_after is None else {"Retry-After": str(planned.retry_after)}
        code = "TooManyRequests" if planned.status == 429 else "ServiceUnavailable"
        return _refused(call, GraphError(planned.status, code, "Please retry again later.", waits))
    path, _, query = url.strip("/").partition("?")
    body = item.get("body")
    content = b"" if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    try:
        if path.lower() == "$batch":
            raise GraphError(400, "BadRequest", "Nested batches are not supported.")
        options = options_of(dict(parse_qsl(query, keep_blank_values=True)), call.version)
        inner = Call(call.exchange, method, call.version, segments_of(path), options, headers, content, call.claims)
        units = throttle.admit(inner)
        reply = routes.answer(inner)
        return reply._replace(headers={**units, **reply.headers})
    except GraphError as error:
        return _refused(call, error)
    except NotImplementedHereError as error:
        return _refused(call, not_here(error))


def _refused(call: Call, error: GraphError) -> Reply:
    return Reply(error.status, error.body(call.exchange), error.headers)


def _response(key: str, reply: Reply) -> JSON:
    body: object = reply.body
    kind = {"OData-Version": "4.0", "Content-Type": METADATA}
    if reply.status >= 400:
        kind = {"Content-Type": "application/json"}
    elif isinstance(reply.body, str):
        kind, body = {"Content-Type": "text/plain"}, reply.body
    elif isinstance(reply.body, bytes):
        body = json.loads(reply.body)
    named = {"-".join(part.capitalize() for part in name.split("-")): value for name, value in reply.headers.items()}
    headers = {"Cache-Control": "no-cache", **named}
    if body is None:
        return {"id": key, "status": reply.status, "headers": headers}
    return {"id": key, "status": reply.status, "headers": headers | kind, "body": body}


def _shuffled(keys: list[str]) -> list[str]:
    """Return the order of the answers: always the same, and never that of two or more requests."""
    return keys[1::2] + keys[::2]


def _malformed(message: str) -> GraphError:
    return GraphError(400, "BadRequest", message)
