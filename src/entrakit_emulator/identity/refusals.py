"""Errors of the hosts of managed identities: one class, and the JSON form of each host."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from entrakit_emulator.exchange import Exchange

# Hosts with the errors of OAuth; App Service, Container Apps and Azure Machine Learning have the form of App Service.
OAUTH_HOSTS = ("imds", "arc")


class HostError(Exception):
    """An error of a host.

    Args:
        status: HTTP status.
        code: Error code; App Service does not send it.
        message: Message.
        headers: Additional headers.
    """

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})
        super().__init__(code)


def error_response(exchange: Exchange, error: HostError) -> Response:
    """Return the answer for an error in the form of the requested host, and record the error."""
    exchange.error = error.code
    return exchange.json(_body(exchange, error), error.status, error.headers)


def _body(exchange: Exchange, error: HostError) -> dict[str, object]:
    if exchange.endpoint in OAUTH_HOSTS:
        return {"error": error.code, "error_description": error.message, "error_codes": [error.status]}
    if exchange.endpoint == "service_fabric":
        return {"error": {"correlationId": exchange.trace_id, "code": error.code, "message": error.message}}
    if exchange.endpoint == "cloud_shell":
        return {"error": {"code": error.code, "message": error.message}}
    return {"statusCode": error.status, "message": error.message, "correlationId": exchange.trace_id}
