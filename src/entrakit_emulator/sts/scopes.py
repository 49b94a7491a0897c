"""Parser of scope parameters.

A scope is `{resource}/{permission}`; without a resource it belongs to Microsoft Graph. The resource is everything
before the last slash, so `https://management.azure.com//.default` names `https://management.azure.com/`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit_emulator.state.identities import GRAPH_ID
from entrakit_emulator.state.scopes import ResourceScopes, Scopes
from entrakit_emulator.sts.errors import ServiceError

if TYPE_CHECKING:
    from entrakit_emulator.state.identities import App
    from entrakit_emulator.world import World

OIDC = ("email", "openid", "profile", "offline_access")
DEFAULT = ".default"
GRAPH = "https://graph.microsoft.com"


def parse(world: World, text: str, *, app: App, tenant: str) -> Scopes:
    """Parse a scope parameter.

    Args:
        world: State of the tenant.
        text: The parameter.
        app: The app, for error messages.
        tenant: The tenant, for error messages.

    Raises:
        ServiceError: A resource (500011) or permission (650053) is unknown, or `.default` is combined with others
            (70011).
    """
    words = list(dict.fromkeys(text.split()))
    found: dict[str, tuple[str, dict[str, str]]] = {}
    for word in words:
        if word in OIDC:
            continue
        identifier, _, value = word.rpartition("/")
        resource = world.find_resource(identifier or GRAPH)
        if resource is None:
            raise ServiceError(500011, resource=identifier, tenant=tenant)
        _, prefixes = found.setdefault(resource.client_id, (identifier or GRAPH, {}))
        prefixes.setdefault(_exact(resource, value, app), word[: len(word) - len(value)])
    resources = []
    for client_id, (identifier, prefixes) in found.items():
        is_default = DEFAULT in prefixes
        if is_default and len(prefixes) > 1:
            raise ServiceError(70011, scope=text)
        values = () if is_default else tuple(prefixes)
        resources.append(ResourceScopes(client_id, identifier, values, is_default, prefixes))
    # A request for an ID token only also gets an access token for Graph.
    return Scopes(text, frozenset(words) & frozenset(OIDC), tuple(resources) or (ResourceScopes(GRAPH_ID, GRAPH),))


def parse_for_one_resource(world: World, text: str, *, app: App, tenant: str) -> Scopes:
    """Parse a scope parameter that may name one resource only.

    Raises:
        ServiceError: As for `parse`, or the scopes belong to several resources (28000).
    """
    scopes = parse(world, text, app=app, tenant=tenant)
    if len(scopes.resources) > 1:
        raise ServiceError(28000, scope=text)
    return scopes


def _exact(resource: App, value: str, app: App) -> str:
    if value.lower() == DEFAULT:
        return DEFAULT
    permission = resource.permission(value)
    if permission is None:
        raise ServiceError(650053, name=app.name, scope=value, resource=resource.client_id)
    return permission.value
