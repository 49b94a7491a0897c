"""Successful answers of the token endpoint."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from entrakit_emulator import jose
from entrakit_emulator.state.identities import GRAPH_ID
from entrakit_emulator.state.tickets import IssuedToken, RefreshToken, new_ticket
from entrakit_emulator.sts import claims as say
from entrakit_emulator.sts import consent
from entrakit_emulator.sts.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit_emulator.exchange import Exchange
    from entrakit_emulator.faults import Tokens
    from entrakit_emulator.state.identities import App, User
    from entrakit_emulator.state.scopes import ResourceScopes, Scopes
    from entrakit_emulator.state.tickets import AuthorizeRequest, Subject

CONTINUOUS = "cp1"


def for_app(
    exchange: Exchange, app: App, tenant_id: str, api: ResourceScopes, *, acr: str, is_long: bool = False
) -> dict[str, object]:
    """Return the answer to client credentials: an access token only.

    Args:
        exchange: The request.
        app: The app.
        tenant_id: Id of the tenant.
        api: Resource of the token, and its scopes.
        acr: How the app authenticated (`appidacr`): "1" for a secret, "2" for a certificate.
        is_long: Whether the token is valid for a day, as those of managed identities are.
    """
    world = exchange.world
    tokens = world.faults.take_tokens()
    lifetime = _lifetime(exchange, tokens, is_long=is_long)
    claims = say.app_claims(world, app, tenant_id, api, acr=acr, ends_at=exchange.now + lifetime)
    return _shaped(
        {
            "token_type": "Bearer",
            "expires_in": lifetime,
            "ext_expires_in": lifetime,
            "access_token": _access_token(exchange, claims, tokens, api, None),
        },
        tokens,
    )


def for_person(
    exchange: Exchange,
    app: App,
    user: User,
    subject: Subject,
    scopes: Scopes,
    *,
    acr: str,
    platform: str,
    request: AuthorizeRequest | None = None,
    claims_request: str = "",
    old_refresh_token: str = "",
) -> dict[str, object]:
    """Return the answer to a grant of a user.

    Args:
        exchange: The request.
        app: The app.
        user: The user.
        subject: The sign-in of the user.
        scopes: Scopes of the request; the access token is for the first resource.
        acr: How the app authenticated (`appidacr`): "0" not at all, "1" secret, "2" certificate.
        platform: `public`, `web` or `spa`, for the refresh token.
        request: The authorization request, for the ID token; None for other grants.
        claims_request: The claims request, JSON text.
        old_refresh_token: The refresh token of the request; empty if there is none.

    Raises:
        ServiceError: The claims request can't be read, or requires a second factor.
    """
    world, api = exchange.world, scopes.first
    wishes, tokens = say.requested(claims_request), world.faults.take_tokens()
    is_continuous = _is_continuous(wishes)
    lifetime = _lifetime(exchange, tokens, is_long=is_continuous)
    names = sorted(consent.granted(world, user.object_id, app, api.resource))
    granted_oidc = _granted_oidc(scopes)
    # Only Microsoft Graph knows the scopes of OpenID Connect as permissions.
    oidc = granted_oidc if api.resource == GRAPH_ID else []
    claims = say.user_claims(
        world, app, user, subject, api, scp=[*names, *oidc], acr=acr, ends_at=exchange.now + lifetime
    )
    claims |= _requested_claims(wishes, subject, api)
    listed = [api.spelled(name) for name in (*names, *([".default"] if api.is_default else []))]
    answer: dict[str, object] = {
        "token_type": "Bearer",
        "scope": " ".join([*listed, *oidc]),
        "expires_in": lifetime,
        "ext_expires_in": lifetime,
        "access_token": _access_token(exchange, claims, tokens, api, subject),
    }
    answer |= {"refresh_in": lifetime // 2} if is_continuous and tokens.refresh_in_s is None else {}
    if "offline_access" in scopes.oidc and not tokens.is_without_refresh_token:
        kept = old_refresh_token if tokens.is_without_rotation else ""
        new = kept or _refresh_token(exchange, app, subject, scopes, platform)
        answer |= {"refresh_token": new, **({"foci": "1"} if app.is_family else {})}
    if "openid" in scopes.oidc and not tokens.is_without_id_token:
        id_claims = say.id_claims(world, app, user, subject, request, oidc=granted_oidc)
        answer["id_token"] = _signed(exchange, id_claims | dict(tokens.id_token))
    if exchange.form.get("client_info") == "1":
        answer["client_info"] = say.client_info(user)
    return _shaped(answer, tokens)


def _granted_oidc(scopes: Scopes) -> list[str]:
    """Return the scopes of OpenID Connect that a request grants: `profile` includes all that describe the user."""
    if "profile" in scopes.oidc:
        return ["email", "openid", "profile"]
    return ["email", "openid"] if "email" in scopes.oidc else ["openid"] if "openid" in scopes.oidc else []


def _is_continuous(wishes: Mapping[str, Mapping[str, object]]) -> bool:
    """Return whether a claims request announces support for claims challenges."""
    return CONTINUOUS in [str(value).lower() for value in _values(wishes.get("xms_cc"))]


def _requested_claims(
    wishes: Mapping[str, Mapping[str, object]], subject: Subject, api: ResourceScopes
) -> dict[str, object]:
    """Return the claims that a claims request adds to the access token."""
    added: dict[str, object] = {"xms_cc": [CONTINUOUS]} if _is_continuous(wishes) else {}
    if "acrs" not in wishes:
        return added
    if "mfa" not in subject.methods:
        raise ServiceError(50076, error="interaction_required", resource=api.resource)
    return added | {"acrs": _values(wishes["acrs"])}


def _values(wish: Mapping[str, object] | None) -> list[object]:
    """Return the values in a claims request, from either of its two forms."""
    if not wish:
        return []
    values = wish.get("values", [])
    return values if isinstance(values, list) and values else [wish["value"]] if "value" in wish else []


def _lifetime(exchange: Exchange, tokens: Tokens, *, is_long: bool) -> int:
    fixed = tokens.lifetime_s if tokens.lifetime_s is not None else exchange.world.settings.access_lifetime_s
    if fixed is not None:
        return fixed
    hours = (20, 28) if is_long else (1, 1.5)
    return exchange.world.random.randint(int(hours[0] * 3600), int(hours[1] * 3600) - 1)


def _access_token(
    exchange: Exchange, claims: dict[str, object], tokens: Tokens, api: ResourceScopes, subject: Subject | None
) -> str:
    world = exchange.world
    claims = claims | dict(tokens.access_token)
    resource = world.apps[api.resource]
    token = f"EwB{secrets.token_urlsafe(600)}" if tokens.is_opaque else _signed(exchange, claims, resource)
    world.issued[token] = IssuedToken(claims, exchange.now, subject.user_id if subject else "", subject)
    return token


def _signed(exchange: Exchange, claims: dict[str, object], resource: App | None = None) -> str:
    """Return a token: an access token for a resource, or else an ID token."""
    key = exchange.world.keys.active
    header: dict[str, object] = {"typ": "JWT", "alg": "RS256", "kid": key.kid}
    if resource is not None and resource.token_version == 1:
        header |= {"x5t": key.kid}
    if resource is not None and resource.client_id == GRAPH_ID:
        header |= {"nonce": secrets.token_urlsafe(32)}
    return jose.sign(header, claims, key.key)


def _refresh_token(exchange: Exchange, app: App, subject: Subject, scopes: Scopes, platform: str) -> str:
    token = new_ticket("1.A")
    exchange.world.refresh_tokens[token] = RefreshToken(
        app.client_id, subject, scopes.first.resource, scopes.text, exchange.now, platform
    )
    return token


def _shaped(answer: dict[str, object], tokens: Tokens) -> dict[str, object]:
    if tokens.refresh_in_s is not None:
        answer["refresh_in"] = tokens.refresh_in_s
    if tokens.has_text_numbers:
        return {name: str(value) if isinstance(value, int) else value for name, value in answer.items()}
    return answer
