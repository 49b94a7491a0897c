"""The page that explains an AADSTS number: /error?code=N."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from starlette.responses import Response

from entrakit_emulator.sts import pages
from entrakit_emulator.sts.error_table import TABLE
from entrakit_emulator.sts.errors import ServiceError

if TYPE_CHECKING:
    from entrakit_emulator.exchange import Exchange


def error_page(exchange: Exchange) -> Response:
    """Show the explanation of a number."""
    text = exchange.query.get("code", "")
    kind = TABLE.get(int(text)) if text.isdecimal() and len(text) < 12 else None
    if kind is None:
        body = pages.heading("Error lookup", "Unknown number", "The emulator does not know this AADSTS number.")
        return pages.respond("Unknown number", body, status=404)
    body = (
        pages.heading("Error lookup", f"AADSTS{text}")
        + f"<p>{escape(ServiceError(int(text)).text)}</p>"
        + pages.facts({"Error": kind.error, "HTTP status": str(kind.status), "Suberror": kind.suberror or "none"})
    )
    return pages.respond(f"AADSTS{text}", body)


def no_icon(_: Exchange) -> Response:
    """Answer a browser's request for an icon."""
    return Response(b"", 204)
