"""Claims of tokens. Graph gets access tokens of format 1.0 from every endpoint; other APIs choose their format."""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import TYPE_CHECKING

from entrakit_emulator.jose import b64url
from entrakit_emulator.state.identities import GRAPH_ID
from entrakit_emulator.sts.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrakit_emulator.state.identities import App, User
    from entrakit_emulator.state.scopes import ResourceScopes
    from entrakit_emulator.state.tickets import AuthorizeRequest, Subject
    from entrakit_emulator.world import World

# Tokens are dated back, as at the service, so that an API with a slow clock accepts them.
BACKDATED_S = 300
ID_TOKEN_LIFETIME_S = 3600


def pairwise(app: App, user_id: str) -> str:
    """Return the `sub` of a user for an app: always the same, and different for each app."""
    return b64url(hashlib.sha256(f"{app.client_id}/{user_id}".encode()).digest())


def client_info(user: User) -> str:
    """Return `client_info`, which identifies the user for the client's cache."""
    return b64url(json.dumps({"uid": user.object_id, "utid": user.tenant_id}, separators=(",", ":")).encode())


def user_claims(
    world: World,
    app: App,
    user: User,
    subject: Subject,
    api: ResourceScopes,
    *,
    scp: list[str],
    acr: str,
    ends_at: float,
) -> dict[str, object]:
    """Return the claims of a user's access token.

    Args:
        world: State of the tenant.
        app: The app that gets the token.
        user: The user.
        subject: The sign-in of the user.
        api: Resource of the token, and its scopes.
        scp: Permissions.
        acr: How the app authenticated (`appidacr`): "0" not at all, "1" secret, "2" certificate.
        ends_at: Time of expiry.
    """
    resource = world.apps[api.resource]
    common = _common(world, app, subject.tenant_id, ends_at)
    person: dict[str, object] = {"name": user.display_name, "oid": user.object_id, "sub": pairwise(app, user.object_id)}
    scope = {"scp": " ".join(scp), "sid": subject.session_id}
    if resource.token_version == 2:
        named = {"aud": resource.client_id, "azp": app.client_id, "azpacr": acr, "preferred_username": user.upn}
        return named | common | person | scope | {"iss": world.issuer(subject.tenant_id, 2), "ver": "2.0"}
    given, _, family = user.display_name.partition(" ")
    return (
        {"aud": api.identifier, "iss": world.issuer(subject.tenant_id, 1)}
        | common
        | {
            "acr": "1",
            "amr": list(subject.methods),
            "appid": app.client_id,
            "appidacr": acr,
            "family_name": family,
            "given_name": given,
            "idtyp": "user",
            "ipaddr": "127.0.0.1",
            "puid": "1003200000000001",
            "unique_name": user.upn,
            "upn": user.upn,
            "ver": "1.0",
            "wids": ["b79fbf4d-3ef9-4689-8143-76b194e85509"],
        }
        | person
        | scope
        | (_graph_user_claims(world, app, user, subject) if resource.client_id == GRAPH_ID else {})
    )


def app_claims(
    world: World, app: App, tenant_id: str, api: ResourceScopes, *, acr: str, ends_at: float
) -> dict[str, object]:
    """Return the claims of an app's own access token; arguments as for `user_claims`."""
    resource = world.apps[api.resource]
    principal = app.principal_id(tenant_id)
    roles = list(app.granted_roles.get(resource.client_id, ()))
    common = _common(world, app, tenant_id, ends_at) | {"oid": principal, "sub": principal}
    # An app without roles gets a token without the claim `roles`; the API refuses it.
    granted: dict[str, object] = {"roles": roles} if roles else {}
    if resource.token_version == 2:
        named = {"aud": resource.client_id, "azp": app.client_id, "azpacr": acr}
        return named | common | granted | {"iss": world.issuer(tenant_id, 2), "ver": "2.0"}
    return (
        {"aud": api.identifier, "iss": world.issuer(tenant_id, 1)}
        | common
        | {
            "appid": app.client_id,
            "appidacr": acr,
            "idp": world.issuer(tenant_id, 1),
            "idtyp": "app",
            "ver": "1.0",
        }
        | granted
        | ({"xms_mirid": app.resource_id} if app.resource_id else {})
        | (_graph_app_claims(world, app, tenant_id) if resource.client_id == GRAPH_ID else {})
    )


def id_claims(
    world: World, app: App, user: User, subject: Subject, request: AuthorizeRequest | None, *, oidc: Sequence[str]
) -> dict[str, object]:
    """Return the claims of an ID token (OpenID Connect Core, 2).

    Args:
        world: State of the tenant.
        app: The app that gets the token.
        user: The user.
        subject: The sign-in of the user.
        request: The authorization request; None for a grant without one.
        oidc: Granted scopes of OpenID Connect. Names and object id require `profile`, the mail address `email`.
    """
    now = int(world.clock.now()) - BACKDATED_S
    claims: dict[str, object] = {
        "aud": app.client_id,
        "iss": world.issuer(subject.tenant_id, 2),
        "iat": now,
        "nbf": now,
        "exp": now + BACKDATED_S + ID_TOKEN_LIFETIME_S,
        "aio": _noise(48),
        "rh": _rh(app),
        "sid": subject.session_id,
        "sub": pairwise(app, user.object_id),
        "tid": subject.tenant_id,
        "uti": _noise(16),
        "ver": "2.0",
    }
    if "profile" in oidc:
        claims |= {"name": user.display_name, "oid": user.object_id, "preferred_username": user.upn}
    if "email" in oidc and user.mail:
        claims["email"] = user.mail
    if request is not None and request.nonce:
        claims["nonce"] = request.nonce
    if request is not None and request.max_age_s is not None:
        claims["auth_time"] = int(subject.at)
    return claims


def requested(claims: str) -> dict[str, dict[str, object]]:
    """Return the access token's part of a `claims` parameter (OpenID Connect Core, 5.5).

    Raises:
        ServiceError: The parameter is not a JSON object of objects (AADSTS9002313).
    """
    if not claims:
        return {}
    try:
        value = json.loads(claims)
    except (ValueError, RecursionError) as error:
        raise ServiceError(9002313) from error
    if not isinstance(value, dict):
        raise ServiceError(9002313)
    wishes = value.get("access_token")
    if wishes is None:
        return {}
    if not isinstance(wishes, dict):
        raise ServiceError(9002313)
    return {str(name): wish if isinstance(wish, dict) else {} for name, wish in wishes.items()}


def _graph_user_claims(world: World, app: App, user: User, subject: Subject) -> dict[str, object]:
    """Return the claims of a user that only Microsoft Graph gets."""
    return {
        "acct": 0,
        "app_displayname": app.name,
        "platf": "14",
        "signin_state": ["kmsi"],
        "tenant_region_scope": world.tenants[subject.tenant_id].region,
        "xms_st": {"sub": pairwise(app, user.object_id)},
    }


def _graph_app_claims(world: World, app: App, tenant_id: str) -> dict[str, object]:
    """Return the claims of an app that only Microsoft Graph gets."""
    return {
        "app_displayname": app.name,
        "tenant_region_scope": world.tenants[tenant_id].region,
        "wids": ["0997a1d0-0d1d-4acb-b408-d5ca73121e90"],
    }


def _common(world: World, app: App, tenant_id: str, ends_at: float) -> dict[str, object]:
    now = int(world.clock.now()) - BACKDATED_S
    return {
        "iat": now,
        "nbf": now,
        "exp": int(ends_at),
        "aio": _noise(32),
        "rh": _rh(app),
        "tid": tenant_id,
        "uti": _noise(16),
        "xms_ftd": _noise(32),
    }


def _rh(app: App) -> str:
    return f"1.{b64url(hashlib.sha256(app.client_id.encode()).digest()[:24])}."


def _noise(size: int) -> str:
    return b64url(secrets.token_bytes(size))
