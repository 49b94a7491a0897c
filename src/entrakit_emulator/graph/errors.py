"""Errors of Microsoft Graph and their JSON form."""

from __future__ import annotations

import datetime
import json
from typing import TYPE_CHECKING

from entrakit_emulator.bearer import claims_challenge
from entrakit_emulator.state.identities import GRAPH_ID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.responses import Response

    from entrakit_emulator.exchange import Exchange, NotImplementedHereError

DIAGNOSTIC = json.dumps(
    {
        "ServerInfo": {
            "DataCenter": "Emulator",
            "Slice": "E",
            "Ring": "0",
            "ScaleUnit": "001",
            "RoleInstance": "EMULATOR",
        }
    },
    separators=(",", ":"),
)


class GraphError(Exception):
    """An error of Microsoft Graph.

    Args:
        status: HTTP status.
        code: Error code of Graph.
        message: Message.
        headers: Additional headers.
        details: Items of `details`: code, message, target.
        inner: Additional members of the inner error.
    """

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None, *,
        details: Sequence[Mapping[str, str]] = (), inner: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})
        self.details = list(details)
        self.inner = dict(inner or {})
        super().__init__(code)

    def body(self, exchange: Exchange) -> dict[str, object]:
        """Return the body as Graph writes it."""
        date = datetime.datetime.fromtimestamp(exchange.now, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S")
        ids = {"date": date, "request-id": exchange.trace_id, "client-request-id": client_request_id(exchange)}
        details: dict[str, object] = {"details": self.details} if self.details else {}
        return {"error": {"code": self.code, "message": self.message, **details, "innerError": {**self.inner, **ids}}}


def error_response(exchange: Exchange, error: GraphError) -> Response:
    """Return the response for an error in Graph's form."""
    exchange.error = error.code
    headers = answer_headers(exchange) | {"content-type": "application/json"} | error.headers
    return exchange.json(error.body(exchange), error.status, headers)


def answer_headers(exchange: Exchange) -> dict[str, str]:
    """Return the headers that every answer has."""
    return {
        "cache-control": "no-cache",
        "request-id": exchange.trace_id,
        "client-request-id": client_request_id(exchange),
        "x-ms-resource-unit": "1",
        "x-ms-ags-diagnostic": DIAGNOSTIC,
    }


def client_request_id(exchange: Exchange) -> str:
    """Return the client's id of a request, or the service's own id if the client sent none."""
    return exchange.correlation_id if exchange.named("client-request-id") else exchange.trace_id


def challenge(exchange: Exchange, claims: str = "") -> GraphError:
    """Return the error that requests a newer or stronger token (continuous access evaluation).

    Args:
        exchange: The request.
        claims: Claims to request, JSON text; empty for "issued from now on".
    """
    return unauthorized(
        exchange,
        "Continuous access evaluation resulted in claims challenge with result: InteractionRequired and code: "
        "TokenIssuedBeforeRevocationTimestamp",
        claims_challenge(exchange, claims),
    )


def unauthorized(exchange: Exchange, message: str, extra: str = "") -> GraphError:
    """Return the error for an unacceptable token."""
    value = (
        f'Bearer realm="", authorization_uri="{exchange.world.origin}/common/oauth2/authorize", '
        f'client_id="{GRAPH_ID}"{extra}'
    )
    return GraphError(401, "InvalidAuthenticationToken", message, {"www-authenticate": value})


def not_found(key: str) -> GraphError:
    """Return the error for an object that does not exist."""
    return GraphError(
        404, "Request_ResourceNotFound",
        f"Resource '{key}' does not exist or one of its queried reference-property objects are not present.",
    )  # fmt: skip


def bad_request(message: str, *, code: str = "", target: str = "") -> GraphError:
    """Return the error for invalid input; with a code, the error has details."""
    details = [{"code": code, "message": message, "target": target}] if code else []
    return GraphError(400, "Request_BadRequest", message, details=details)


def unsupported(message: str) -> GraphError:
    """Return the error for a query that the directory does not support."""
    return GraphError(400, "Request_UnsupportedQuery", message)


def denied() -> GraphError:
    """Return the error for a caller without permission."""
    return GraphError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


def wrong_method() -> GraphError:
    """Return the error for an unsupported method."""
    return GraphError(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")


def not_here(error: NotImplementedHereError) -> GraphError:
    """Return the error for a feature that only the real service has. Its message is the emulator's."""
    return GraphError(501, "NotImplemented", str(error.body()["error_description"]))


def malformed() -> GraphError:
    """Return the error for a request whose query or form can't be read."""
    return GraphError(400, "BadRequest", "The request URL is malformed.")
