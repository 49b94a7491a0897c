"""A small Microsoft Graph: enough to show that a token opens a door, and that a wrong one does not.

token    signature, issuer, audience, lifetime, revocation
right    scp for a person, roles for an app
answer   /v1.0/me, /v1.0/me/revokeSignInSessions, /v1.0/organization, /oidc/userinfo
"""

from __future__ import annotations

import base64
import datetime
import json
from typing import TYPE_CHECKING

from entrakit_emulator.bearer import BearerError, Flaw, claims_of
from entrakit_emulator.sts.errors import NotImplementedHereError
from entrakit_emulator.sts.model import GRAPH_ID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from entrakit_emulator.exchange import Exchange

METADATA = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
REVOKE = "me/revokesigninsessions"
REVOKE_SELF = frozenset({"User.RevokeSessions.All", "User.ReadWrite.All", "Directory.ReadWrite.All"})
READ_SELF = frozenset({"User.Read", "User.ReadWrite", "User.Read.All", "User.ReadWrite.All", "Directory.Read.All"})
READ_ORGANIZATION = frozenset({"User.Read", "Organization.Read.All", "Directory.Read.All"})
FLAWS = {
    Flaw.MISSING: "Access token is empty.",
    Flaw.MALFORMED: "IDX14100: JWT is not well formed, there are no dots (.).",
    Flaw.SIGNATURE: "Invalid token: its signature can't be verified.",
    Flaw.EXPIRED: "Lifetime validation failed, the token is expired.",
    Flaw.NOT_YET_VALID: "Lifetime validation failed, the token is not yet valid.",
    Flaw.AUDIENCE: "Access token validation failure. Invalid audience.",
    Flaw.ISSUER: "Access token validation failure. Invalid issuer.",
}


class GraphError(Exception):
    """Graph says no.

    Args:
        status: HTTP status.
        code: Error code of Graph.
        message: Its text.
        headers: Further headers.
    """

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})
        super().__init__(code)


def answer(exchange: Exchange) -> Response:
    """Answer a request to Graph; errors in Graph's own form."""
    try:
        body = _answer(exchange)
    except GraphError as error:
        return refusal(exchange, error)
    return exchange.json(body, headers=_headers(exchange) | {"content-type": METADATA, "odata-version": "4.0"})


def refusal(exchange: Exchange, error: GraphError) -> Response:
    """Return an error the way Graph writes it."""
    exchange.error = error.code
    date = datetime.datetime.fromtimestamp(exchange.now, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S")
    ids = {"date": date, "request-id": exchange.trace_id, "client-request-id": exchange.correlation_id}
    body = {"error": {"code": error.code, "message": error.message, "innerError": ids}}
    return exchange.json(body, error.status, _headers(exchange) | {"content-type": "application/json"} | error.headers)


def challenge(exchange: Exchange, claims: str = "") -> GraphError:
    """Return the refusal that asks for a newer or stronger token (continuous access evaluation).

    Args:
        exchange: The request.
        claims: JSON text of the claims to ask for; empty for "issued from now on".
    """
    wanted = claims or json.dumps({"access_token": {"nbf": {"essential": True, "value": str(int(exchange.now))}}})
    return _unauthorized(
        exchange,
        "Continuous access evaluation resulted in claims challenge with result: InteractionRequired and code: "
        "TokenIssuedBeforeRevocationTimestamp",
        f', error="insufficient_claims", claims="{base64.b64encode(wanted.encode()).decode()}"',
    )


def _answer(exchange: Exchange) -> dict[str, object]:
    path = exchange.path_parameters.get("path", "userinfo").strip("/").lower()
    if exchange.method != ("POST" if path == REVOKE else "GET"):
        raise GraphError(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
    claims = _token(exchange)
    if path == REVOKE:
        return _revoke(exchange, claims)
    if path == "me":
        return _me(exchange, claims)
    if path == "userinfo":
        return _userinfo(exchange, claims)
    if path == "organization":
        return _organization(exchange, claims)
    raise NotImplementedHereError(f"Microsoft Graph's /{path.partition('/')[0]}")


def _token(exchange: Exchange) -> Mapping[str, object]:
    """Return the claims of the token that a request carries, checked.

    Raises:
        GraphError: There is none, or it is not good here.
    """

    def is_graph(audience: str) -> bool:
        graph = exchange.world.find_resource(audience)
        return graph is not None and graph.client_id == GRAPH_ID

    try:
        return claims_of(exchange, is_graph)
    except BearerError as error:
        if error.flaw is Flaw.REVOKED:
            raise challenge(exchange) from error
        raise _unauthorized(exchange, FLAWS[error.flaw]) from error


def _me(exchange: Exchange, claims: Mapping[str, object]) -> dict[str, object]:
    if claims.get("idtyp") == "app":
        raise GraphError(400, "BadRequest", "/me request is only valid with delegated authentication flow.")
    _need(claims, READ_SELF)
    user = exchange.world.users.get(str(claims.get("oid")))
    if user is None:
        text = f"Resource '{claims.get('oid')}' does not exist or one of its queried reference-property objects are "
        raise GraphError(404, "Request_ResourceNotFound", f"{text}not present.")
    given, _, family = user.display_name.partition(" ")
    return {
        "@odata.context": f"{exchange.world.origin}/v1.0/$metadata#users/$entity",
        "businessPhones": [],
        "displayName": user.display_name,
        "givenName": given,
        "jobTitle": None,
        "mail": user.mail or None,
        "mobilePhone": None,
        "officeLocation": None,
        "preferredLanguage": None,
        "surname": family or None,
        "userPrincipalName": user.upn,
        "id": user.object_id,
    }


def _revoke(exchange: Exchange, claims: Mapping[str, object]) -> dict[str, object]:
    """End all sessions and refresh tokens of the person, and let APIs ask for newer tokens."""
    if claims.get("idtyp") == "app":
        raise GraphError(400, "BadRequest", "/me request is only valid with delegated authentication flow.")
    _need(claims, REVOKE_SELF)
    exchange.world.valid_from[str(claims.get("oid"))] = exchange.now
    return {"@odata.context": f"{exchange.world.origin}/v1.0/$metadata#Edm.Boolean", "value": True}


def _organization(exchange: Exchange, claims: Mapping[str, object]) -> dict[str, object]:
    _need(claims, READ_ORGANIZATION)
    directory = exchange.world.tenants[str(claims["tid"])]
    domains = [
        {
            "capabilities": "Email, OfficeCommunicationsOnline",
            "isDefault": index == 0,
            "isInitial": domain.endswith(".onmicrosoft.com"),
            "name": domain,
            "type": "Managed",
        }
        for index, domain in enumerate(directory.domains)
    ]
    organization = {"id": directory.tenant_id, "displayName": directory.name, "verifiedDomains": domains}
    return {"@odata.context": f"{exchange.world.origin}/v1.0/$metadata#organization", "value": [organization]}


def _userinfo(exchange: Exchange, claims: Mapping[str, object]) -> dict[str, object]:
    _need(claims, frozenset({"openid"}))
    user = exchange.world.users.get(str(claims.get("oid")))
    names = {"name": user.display_name, "email": user.mail} if user else {}
    return {"sub": claims.get("sub"), **names}


def _need(claims: Mapping[str, object], any_of: frozenset[str]) -> None:
    """Check that a token carries one of several permissions.

    Raises:
        GraphError: None of them.
    """
    roles = claims.get("roles")
    have = set(str(claims.get("scp", "")).split()) | {str(role) for role in (roles if isinstance(roles, list) else [])}
    if not have & any_of:
        raise GraphError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


def _unauthorized(exchange: Exchange, message: str, extra: str = "") -> GraphError:
    value = (
        f'Bearer realm="", authorization_uri="{exchange.world.origin}/common/oauth2/authorize", '
        f'client_id="{GRAPH_ID}"{extra}'
    )
    return GraphError(401, "InvalidAuthenticationToken", message, {"www-authenticate": value})


def _headers(exchange: Exchange) -> dict[str, str]:
    return {
        "cache-control": "no-cache",
        "request-id": exchange.trace_id,
        "client-request-id": exchange.correlation_id,
        "x-ms-resource-unit": "1",
        "x-ms-ags-diagnostic": json.dumps({"ServerInfo": {"DataCenter": "Emulator", "Slice": "E", "Ring": "0"}}),
    }
