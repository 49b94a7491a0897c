"""Access tokens of requests to an API: read and checked here, refused by each API with its own message."""

from __future__ import annotations

import base64
import enum
import json
from typing import TYPE_CHECKING

from entrakit_emulator.jose import MalformedError, is_signed_by, split

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from entrakit_emulator.exchange import Exchange


class Flaw(enum.Enum):
    """Reasons to refuse a token, in the order in which they are checked."""

    MISSING = enum.auto()
    MALFORMED = enum.auto()
    SIGNATURE = enum.auto()
    EXPIRED = enum.auto()
    NOT_YET_VALID = enum.auto()
    AUDIENCE = enum.auto()
    ISSUER = enum.auto()
    REVOKED = enum.auto()


class BearerError(Exception):
    """An access token is missing or not acceptable.

    Args:
        flaw: The reason.
        claims: Claims of the token; empty if they can't be read or the signature is not the tenant's.
    """

    def __init__(self, flaw: Flaw, claims: Mapping[str, object] | None = None) -> None:
        self.flaw = flaw
        self.claims = dict(claims or {})
        super().__init__(flaw.name)


def claims_of(exchange: Exchange, is_audience: Callable[[str], bool]) -> Mapping[str, object]:
    """Return the checked claims of a request's access token.

    Args:
        exchange: The request.
        is_audience: Returns whether an `aud` names the requested API.

    Raises:
        BearerError: The token is missing or not acceptable.
    """
    scheme, _, token = exchange.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise BearerError(Flaw.MISSING)
    issued = exchange.world.issued.get(token)
    claims = _verified(exchange, token) if issued is None else issued.claims
    ends, begins = claims.get("exp"), claims.get("nbf")
    if not isinstance(ends, int) or ends <= exchange.now:
        raise BearerError(Flaw.EXPIRED, claims)
    if not isinstance(begins, int) or begins > exchange.now:
        raise BearerError(Flaw.NOT_YET_VALID, claims)
    if not is_audience(str(claims.get("aud"))):
        raise BearerError(Flaw.AUDIENCE, claims)
    tenant = str(claims.get("tid"))
    if tenant not in exchange.world.tenants or claims.get("iss") != exchange.world.issuer(tenant, 1):
        raise BearerError(Flaw.ISSUER, claims)
    if issued is not None and issued.at <= exchange.world.valid_from.get(issued.user_id, float("-inf")):
        raise BearerError(Flaw.REVOKED, claims)
    return claims


def claims_challenge(exchange: Exchange, claims: str = "") -> str:
    """Return the parameters of `WWW-Authenticate` that request a newer or stronger token.

    Args:
        exchange: The request.
        claims: Claims to request, JSON text; empty for "issued from now on".
    """
    requested = claims or json.dumps({"access_token": {"nbf": {"essential": True, "value": str(int(exchange.now))}}})
    return f', error="insufficient_claims", claims="{base64.b64encode(requested.encode()).decode()}"'


def _verified(exchange: Exchange, token: str) -> Mapping[str, object]:
    """Return the claims of a token that was not issued since the last reset, if a published key has signed it."""
    try:
        parts = split(token)
    except MalformedError as error:
        raise BearerError(Flaw.MALFORMED) from error
    key = exchange.world.keys.find(str(parts.header.get("kid")))
    if parts.header.get("alg") != "RS256" or key is None or not is_signed_by(parts, key.key.public_key()):
        raise BearerError(Flaw.SIGNATURE)
    return parts.payload
