"""Access tokens of managed identities. A host requests them from the token service and keeps them for half their life.

A client can't force a new token. Only a host that takes `token_sha256_to_refresh` replaces the named one.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from entrakit_emulator.state.tickets import HostToken
from entrakit_emulator.sts import scopes, token_response
from entrakit_emulator.sts.errors import ServiceError

if TYPE_CHECKING:
    from entrakit_emulator.exchange import Exchange
    from entrakit_emulator.state.identities import App


def token_of(exchange: Exchange, app: App, resource: str, *, refused: str = "") -> HostToken:
    """Return an access token of an identity.

    Args:
        exchange: The request.
        app: The identity.
        resource: The resource: an identifier URI or a client id.
        refused: SHA-256 hash of a token to replace, hexadecimal; empty for none.

    Raises:
        ServiceError: The token service refuses: the resource is unknown (500011), or the identity is disabled
            (7000112).
    """
    kept = exchange.world.host_tokens
    known = kept.get((app.client_id, resource))
    if known is not None and exchange.now < (known.issued_at + known.expires_on) / 2 and not _is(known, refused):
        return known
    if not app.is_enabled:
        raise ServiceError(7000112, app=app.client_id, name=app.name)
    if len(resource.split()) != 1:
        raise ServiceError(500011, resource=resource, tenant=app.tenant_id)
    asked = scopes.parse(exchange.world, f"{resource}/{scopes.DEFAULT}", app=app, tenant=app.tenant_id)
    answer = token_response.for_app(exchange, app, app.tenant_id, asked.first, acr="2", is_long=True)
    made = host_token(exchange, answer, resource)
    kept[app.client_id, resource] = made
    return made


def host_token(exchange: Exchange, answer: dict[str, object], resource: str) -> HostToken:
    """Return the access token in an answer of the token service."""
    now = int(exchange.now)
    return HostToken(str(answer["access_token"]), resource, now, now + int(str(answer["expires_in"])))


def _is(token: HostToken, digest: str) -> bool:
    return hashlib.sha256(token.access_token.encode()).hexdigest() == digest.lower()
