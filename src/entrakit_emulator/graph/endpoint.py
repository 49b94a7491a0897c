"""Graph over HTTP: token, throttling, then the directory or a batch, and the response."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.responses import HTMLResponse, Response

from entrakit_emulator.bearer import BearerError, Flaw, claims_of
from entrakit_emulator.exchange import NotImplementedHereError
from entrakit_emulator.graph import batch, consistency, permissions, routes, synchronization, throttle
from entrakit_emulator.graph.address import options_of, segments_of
from entrakit_emulator.graph.call import METADATA, Call
from entrakit_emulator.graph.errors import (
    GraphError,
    answer_headers,
    challenge,
    error_response,
    not_here,
    unauthorized,
    wrong_method,
)
from entrakit_emulator.state.identities import GRAPH_ID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit_emulator.exchange import Exchange
    from entrakit_emulator.graph.call import Reply

# The service refuses longer URLs; a batch avoids that limit.
LONGEST_URL = 8 * 1024
FLAWS = {
    Flaw.MISSING: "Access token is empty.",
    Flaw.MALFORMED: "IDX14100: JWT is not well formed, there are no dots (.).",
    Flaw.SIGNATURE: "Invalid token: its signature can't be verified.",
    Flaw.EXPIRED: "Lifetime validation failed, the token is expired.",
    Flaw.NOT_YET_VALID: "Lifetime validation failed, the token is not yet valid.",
    Flaw.AUDIENCE: "Access token validation failure. Invalid audience.",
    Flaw.ISSUER: "Access token validation failure. Invalid issuer.",
}


def answer(exchange: Exchange) -> Response:
    """Answer a request to Graph; errors in Graph's own form."""
    if len(exchange.raw_path) + len(exchange.query_text) > LONGEST_URL:
        exchange.error = "url_too_long"
        return HTMLResponse("<html><body><h2>HTTP Error 414. The request URL is too long.</h2></body></html>", 414)
    try:
        claims = _token(exchange)
        consistency.follow(exchange.world)
        synchronization.synchronize(exchange.world)
        version, _, path = exchange.path.strip("/").partition("/")
        parameters = dict(parse_qsl(exchange.query_text, keep_blank_values=True))
        call = Call(
            exchange, exchange.method, version.lower(), segments_of(exchange.raw_path.strip("/").partition("/")[2]),
            options_of(parameters, version.lower()), exchange.headers, exchange.body, claims,
        )  # fmt: skip
        if path.lower() == "$batch":
            if call.method != "POST":
                raise wrong_method()
            return rendered(exchange, batch.answer(call))
        headers = throttle.admit(call)
        reply = routes.answer(call)
        return rendered(exchange, reply._replace(headers={**headers, **reply.headers}))
    except GraphError as error:
        return error_response(exchange, error)
    except NotImplementedHereError as error:
        response = error_response(exchange, not_here(error))
        exchange.error = "emulator_not_implemented"
        return response


def userinfo(exchange: Exchange) -> Response:
    """Answer the userinfo endpoint that discovery names (OpenID Connect Core 1.0, 5.3)."""
    try:
        claims = _token(exchange)
        call = Call(exchange, exchange.method, "oidc", ("userinfo",), {}, exchange.headers, b"", claims)
        permissions.need(call, "openid")
    except GraphError as error:
        return error_response(exchange, error)
    user = exchange.world.users.get(str(claims.get("oid")))
    told = {"profile": ("name", user.display_name), "email": ("email", user.mail)} if user else {}
    names = dict(claim for scope, claim in told.items() if permissions.may(call, scope))
    return exchange.json({"sub": claims.get("sub"), **names}, headers=answer_headers(exchange))


def rendered(exchange: Exchange, reply: Reply) -> Response:
    """Return the HTTP response for a reply."""
    headers = answer_headers(exchange) | dict(reply.headers)
    if reply.body is None:
        return Response(b"", reply.status, headers)
    if isinstance(reply.body, str):
        return Response(reply.body, reply.status, {**headers, "content-type": "text/plain"})
    content = reply.body
    if not isinstance(content, bytes):
        content = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
    return Response(content, reply.status, {**headers, "content-type": METADATA, "odata-version": "4.0"})


def _token(exchange: Exchange) -> Mapping[str, object]:
    """Return the checked claims of a request's access token.

    Raises:
        GraphError: The token is missing or not acceptable.
    """

    def is_graph(audience: str) -> bool:
        graph = exchange.world.find_resource(audience)
        return graph is not None and graph.client_id == GRAPH_ID

    try:
        return claims_of(exchange, is_graph)
    except BearerError as error:
        if error.flaw is Flaw.REVOKED:
            raise challenge(exchange) from error
        raise unauthorized(exchange, FLAWS[error.flaw]) from error
