"""Errors of the token service, with the messages of the real one.

A `ServiceError` is raised where the error is detected. It becomes a JSON body at the token endpoint, a redirect at the
authorize endpoint, and a page if the redirect URI is not trusted.
"""

from __future__ import annotations

import datetime
import re
from typing import TYPE_CHECKING

from entrakit_emulator.sts.error_kind import ErrorKind
from entrakit_emulator.sts.error_table import TABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from entrakit_emulator.exchange import Exchange


class ServiceError(Exception):
    """An error of the token service.

    Args:
        code: AADSTS number; its row in the table has error, status and text.
        error: OAuth error, if not that of the table.
        suberror: Suberror, if not that of the table.
        status: HTTP status, if not that of the table.
        claims: Claims that the client must request, JSON text.
        details: Values for the names in the text: `app`, `scope`, ...
    """

    def __init__(
        self,
        code: int,
        *,
        error: str = "",
        suberror: str | None = None,
        status: int = 0,
        claims: str = "",
        **details: str,
    ) -> None:
        kind = TABLE.get(code) or ErrorKind("invalid_request", 400, "An error chosen by the test.")
        self.code = code
        self.error = error or kind.error
        self.suberror = kind.suberror if suberror is None else suberror
        self.status = status or kind.status
        self.claims = claims
        self.text = _filled(kind.text, details)
        self.has_page = kind.has_page
        super().__init__(f"AADSTS{code}")

    def body(self, *, trace_id: str, correlation_id: str, now: float, origin: str) -> dict[str, object]:
        """Return the JSON body of the answer.

        Args:
            trace_id: Id of this answer.
            correlation_id: The client's id of the sign-in.
            now: The tenant's time.
            origin: Origin of the page that explains the number.
        """
        timestamp = stamp(now)
        body: dict[str, object] = {
            "error": self.error,
            "error_description": self.description(trace_id=trace_id, correlation_id=correlation_id, now=now),
            "error_codes": [self.code],
            "timestamp": timestamp,
            "trace_id": trace_id,
            "correlation_id": correlation_id,
        }
        if self.has_page:
            body["error_uri"] = f"{origin}/error?code={self.code}"
        if self.suberror:
            body["suberror"] = self.suberror
        if self.claims:
            body["claims"] = self.claims
        return body

    def description(self, *, trace_id: str, correlation_id: str, now: float) -> str:
        """Return the text in four lines: message, trace id, correlation id, time."""
        return (
            f"AADSTS{self.code}: {self.text}\r\nTrace ID: {trace_id}\r\n"
            f"Correlation ID: {correlation_id}\r\nTimestamp: {stamp(now)}"
        )


def error_response(exchange: Exchange, error: ServiceError) -> Response:
    """Return the JSON answer for an error, and record the error."""
    note(exchange, error)
    body = error.body(
        trace_id=exchange.trace_id,
        correlation_id=exchange.correlation_id,
        now=exchange.now,
        origin=exchange.world.origin,
    )
    return exchange.json(body, error.status)


def note(exchange: Exchange, error: ServiceError) -> None:
    """Record an error for the journal and the coverage page."""
    exchange.error, exchange.code = error.error, error.code
    exchange.world.answered_codes.add(error.code)


def need(parameters: Mapping[str, str], name: str) -> str:
    """Return a parameter of a request.

    Raises:
        ServiceError: The parameter is missing (AADSTS900144).
    """
    if name not in parameters:
        raise ServiceError(900144, parameter=name)
    return parameters[name]


def stamp(at: float) -> str:
    """Return a time as the service writes it in errors: `2026-01-31 12:00:00Z`."""
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def moment(at: float) -> str:
    """Return a time as the service writes it inside messages: `2026-01-31T12:00:00.0000000Z`."""
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


def _filled(text: str, details: Mapping[str, str]) -> str:
    """Return a message with its `{names}` replaced once; a name without a value becomes three dots."""
    return re.sub(r"\{(\w+)\}", lambda match: details.get(match[1], "..."), text)
