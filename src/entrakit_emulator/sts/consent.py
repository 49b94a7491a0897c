"""Consent: the permissions that a user granted to an app, and those that are missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit_emulator.sts.scopes import OIDC

if TYPE_CHECKING:
    from entrakit_emulator.state.identities import App, Permission
    from entrakit_emulator.state.scopes import ResourceScopes, Scopes
    from entrakit_emulator.world import World

EVERYBODY = "*"


def granted(world: World, user_id: str, app: App, resource: str) -> frozenset[str]:
    """Return the permissions on a resource that a user, or an administrator for all users, granted to an app.

    Scopes of OpenID Connect are granted by each request, not by consent, so they are left out.
    """
    personal = world.consents.get((user_id, app.client_id, resource), frozenset())
    return (personal | world.consents.get((EVERYBODY, app.client_id, resource), frozenset())) - frozenset(OIDC)


def wanted(app: App, api: ResourceScopes) -> frozenset[str]:
    """Return the permissions that a request for a resource requires."""
    return frozenset(app.required.get(api.resource, ())) if api.is_default else frozenset(api.values)


def missing(world: World, user_id: str, app: App, scopes: Scopes) -> list[Permission]:
    """Return the permissions that a user has not granted yet, in the order of the consent page."""
    lacking = []
    for api in scopes.resources:
        have = granted(world, user_id, app, api.resource)
        # `.default` requires nothing more once any permission was granted.
        want = frozenset() if api.is_default and have else wanted(app, api)
        lacking += [one for one in world.apps[api.resource].permissions if one.value in want - have]
    return lacking


def is_first_visit(world: World, user_id: str, app: App, scopes: Scopes) -> bool:
    """Return whether a user never granted an app any permission on the requested resources."""
    return not any(
        (who, app.client_id, api.resource) in world.consents for api in scopes.resources for who in (user_id, EVERYBODY)
    )


def grant(world: World, user_id: str, app: App, scopes: Scopes) -> None:
    """Record that a user granted all requested permissions."""
    for api in scopes.resources:
        key = (user_id, app.client_id, api.resource)
        world.consents[key] = world.consents.get(key, frozenset()) | wanted(app, api)
