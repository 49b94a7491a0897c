"""Answers that a fault replaces or changes."""

from __future__ import annotations

import json
from email.utils import formatdate
from typing import TYPE_CHECKING

from starlette.responses import Response, StreamingResponse

from entrakit_emulator import faults, resource_manager
from entrakit_emulator.graph import errors as graph
from entrakit_emulator.identity import refusals
from entrakit_emulator.key_vault import endpoint as key_vault
from entrakit_emulator.key_vault.errors import KeyVaultError
from entrakit_emulator.sts.errors import ServiceError, error_response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from entrakit_emulator.exchange import Exchange

PORTAL = (
    "<!DOCTYPE html><html><head><title>Guest network</title></head><body><h1>Welcome to our guest network</h1>"
    "<p>Accept the terms to continue.</p></body></html>"
)
OUTAGE = (
    "<html><body><h1>503 Service Unavailable</h1><p>No server is available to handle this request.</p></body></html>"
)
GARBAGE = {"text": b"upstream connect error", "array": b"[]", "empty": b"", "binary": b"\xff\xfe\x00\x81"}
THROTTLED = "Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached"
CHUNK = b" " * 65536


# Error codes and messages of Microsoft Graph by status; other statuses get "ServiceUnavailable".
GRAPH_FAILURES = {
    409: (
        "Directory_ConcurrencyViolation",
        "Error due to concurrent requests being made to the tenant. Please wait briefly and retry.",
    ),
    500: ("Service_InternalServerError", "Encountered an internal server error."),
    504: ("GatewayTimeout", "The request timed out."),
}


def instead(exchange: Exchange, fault: faults.AnyFault) -> Response | None:
    """Return the answer that a fault sends instead of the real one; None for a fault that changes the real one."""
    match fault:
        case faults.Throttle():
            return _throttled(exchange, fault)
        case faults.Failure():
            return _failed(exchange, fault)
        case faults.CaptivePortal():
            return Response(PORTAL, 200, media_type="text/html")
        case faults.Garbage(form=form) if form in GARBAGE:
            return Response(GARBAGE[form], 200, {"content-type": "application/json; charset=utf-8"})
        case faults.UnexpectedRedirect():
            return Response(b"", fault.status, {"location": fault.location})
        case faults.OversizedBody():
            return StreamingResponse(_endless(fault.size), 200, {"content-type": "application/json; charset=utf-8"})
        case faults.Refusal():
            error = ServiceError(
                fault.code, error=fault.error, suberror=fault.suberror, status=fault.status, claims=fault.claims
            )
            return error_response(exchange, error)
        case faults.Challenge() if exchange.endpoint == "key_vault":
            return key_vault.error_response(exchange, key_vault.challenge(exchange, fault.claims))
        case faults.ExpiredToken():
            text = "Lifetime validation failed, the token is expired."
            return graph.error_response(exchange, graph.unauthorized(exchange, text))
        case faults.Challenge():
            return graph.error_response(exchange, graph.challenge(exchange, fault.claims))
        case _:
            return None


def truncated(response: Response, fault: faults.Garbage) -> Response:
    """Return a real answer cut in the middle. The HTTP framing is correct, so only its JSON is broken."""
    del fault
    body = bytes(response.body)
    return Response(body[: len(body) // 2], response.status_code, {"content-type": response.headers["content-type"]})


def wrong_page(exchange: Exchange, response: Response, fault: faults.WrongPage) -> Response:
    """Return a real answer with a wrong next link or order; an answer without these is not changed."""
    try:
        body = json.loads(bytes(response.body))
    except ValueError:
        return response
    if not isinstance(body, dict):
        return response
    link = body.get("@odata.nextLink")
    if fault.form == "foreign" and link:
        body["@odata.nextLink"] = str(link).replace(exchange.world.origin, f"https://{fault.host}")
    if fault.form == "twice" and link:
        query = exchange.query_text
        body["@odata.nextLink"] = (
            f"{exchange.world.origin}{exchange.raw_path}?{query}{'&' if query else ''}again={exchange.trace_id}"
        )
    for name in ("value", "responses"):
        if fault.form == "reordered" and isinstance(body.get(name), list):
            body[name] = body[name][::-1]
    content = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    headers = {name: value for name, value in response.headers.items() if name != "content-length"}
    return Response(content, response.status_code, headers)


def half_of(response: Response, cut: Callable[[], None]) -> Response:
    """Return an answer that announces its full length and cuts the connection after half of it."""
    body = bytes(response.body)

    async def parts() -> AsyncIterator[bytes]:
        yield body[: len(body) // 2]
        cut()

    headers = dict(response.headers) | {"content-length": str(len(body))}
    return StreamingResponse(parts(), response.status_code, headers)


def _throttled(exchange: Exchange, fault: faults.Throttle) -> Response:
    headers = {}
    if fault.retry_after is not None:
        at = exchange.now + fault.retry_after
        headers["retry-after"] = formatdate(at, usegmt=True) if fault.is_date else str(fault.retry_after)
    if exchange.endpoint == "graph":
        return graph.error_response(exchange, graph.GraphError(429, "TooManyRequests", "Too many requests.", headers))
    if exchange.endpoint == "key_vault":
        return key_vault.error_response(exchange, KeyVaultError(429, "Throttled", THROTTLED, headers=headers))
    if exchange.endpoint in faults.HOSTS:
        return refusals.error_response(
            exchange, refusals.HostError(429, "too_many_requests", "Too many requests", headers)
        )
    if exchange.endpoint == "resource_manager":
        error = resource_manager.ArmError(429, "TooManyRequests", "The request is being throttled.", headers)
        return resource_manager.error_response(exchange, error)
    response = error_response(exchange, ServiceError(90055, status=429))
    response.headers.update(headers)
    return response


def _failed(exchange: Exchange, fault: faults.Failure) -> Response:
    if fault.is_html:
        response = Response(OUTAGE, fault.status, media_type="text/html")
    elif exchange.endpoint == "graph":
        code, text = GRAPH_FAILURES.get(fault.status, ("ServiceUnavailable", "Try again later."))
        response = graph.error_response(exchange, graph.GraphError(fault.status, code, text))
    elif exchange.endpoint == "key_vault":
        text = "The service is temporarily unavailable. Please try again later."
        response = key_vault.error_response(exchange, KeyVaultError(fault.status, "ServiceUnavailable", text))
    elif exchange.endpoint in faults.HOSTS:
        text = "The endpoint is temporarily unavailable"
        response = refusals.error_response(exchange, refusals.HostError(fault.status, "unavailable", text))
    elif exchange.endpoint == "resource_manager":
        text = "The server is temporarily unavailable."
        error = resource_manager.ArmError(fault.status, "ServiceUnavailable", text)
        response = resource_manager.error_response(exchange, error)
    else:
        response = error_response(exchange, ServiceError(90033, status=fault.status))
    if fault.retry_after is not None:
        response.headers["retry-after"] = str(fault.retry_after)
    return response


async def _endless(size: int) -> AsyncIterator[bytes]:
    yield b'{"padding":"'
    for _ in range(size // len(CHUNK)):
        yield CHUNK
    yield b'"}'
