"""Consent: the permissions that a user granted to an app, and those that are missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit_emulator.state.identities import Permission
from entrakit_emulator.sts.scopes import OIDC

if TYPE_CHECKING:
    from entrakit_emulator.state.identities import App
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


def for_everybody(world: World, app: App, scopes: Scopes) -> list[Permission]:
    """Return the permissions and app roles that an administrator's consent grants, in the order of the page."""
    listed = []
    for api in scopes.resources:
        resource = world.apps[api.resource]
        listed += [one for one in resource.permissions if one.value in wanted(app, api)]
        text = f"The app has it in {resource.name} without a signed-in user."
        listed += [Permission(role, role, text, is_admin_only=True) for role in _roles(app, api)]
    return listed


def grant_for_everybody(world: World, app: App, scopes: Scopes, tenant_id: str) -> None:
    """Record that an administrator granted all requested permissions, and install the app in the tenant."""
    grant(world, EVERYBODY, app, scopes)
    # The app may have been changed while the administrator read the page.
    now = world.apps[app.client_id]
    roles = dict(now.granted_roles)
    for api in scopes.resources:
        added = tuple(dict.fromkeys((*roles.get(api.resource, ()), *_roles(app, api))))
        roles |= {api.resource: added} if added else {}
    installed = now.installed_in | ({tenant_id} - {now.tenant_id})
    world.change_app(now.client_id, granted_roles=roles, installed_in=installed)


def _roles(app: App, api: ResourceScopes) -> tuple[str, ...]:
    return tuple(app.required_roles.get(api.resource, ())) if api.is_default else ()
