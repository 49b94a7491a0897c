"""Scopes: which resource and which of its permissions a text asks for.

A scope is `{resource}/{permission}`; without a resource it is Microsoft Graph's. The resource is everything before
the last slash, so that `https://management.azure.com//.default` is about `https://management.azure.com/`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from entrakit_emulator.sts.errors import ServiceError
from entrakit_emulator.sts.model import GRAPH_ID

if TYPE_CHECKING:
    from entrakit_emulator.sts.model import App
    from entrakit_emulator.sts.world import World

OIDC = ("email", "openid", "profile", "offline_access")
DEFAULT = ".default"
GRAPH = "https://graph.microsoft.com"


class Ask(NamedTuple):
    """What is asked of one resource.

    Args:
        resource: Client id of the resource.
        identifier: The resource as the request names it; it becomes the audience.
        values: Permissions, by their exact names.
        is_default: True for `.default`: all that was granted before, or what the app is registered with.
    """

    resource: str
    identifier: str
    values: tuple[str, ...] = ()
    is_default: bool = False


class Scopes(NamedTuple):
    """A parsed scope parameter.

    Args:
        text: As the request has it.
        oidc: OpenID Connect scopes in it.
        asks: What is asked, by resource, in order; never empty. The first one is what the token is for.
    """

    text: str
    oidc: frozenset[str]
    asks: tuple[Ask, ...]

    @property
    def first(self) -> Ask:
        """What the token is for."""
        return self.asks[0]


def parse(world: World, text: str, *, app: App, tenant: str) -> Scopes:
    """Read a scope parameter.

    Args:
        world: Knows the resources.
        text: The parameter.
        app: Who asks, for the errors.
        tenant: Tenant, for the errors.

    Raises:
        ServiceError: A resource (500011) or a permission (650053) that there is not, or `.default` mixed (70011).
    """
    words = list(dict.fromkeys(text.split()))
    found: dict[str, tuple[str, list[str]]] = {}
    for word in words:
        if word in OIDC:
            continue
        identifier, _, value = word.rpartition("/")
        resource = world.find_resource(identifier or GRAPH)
        if resource is None:
            raise ServiceError(500011, resource=identifier, tenant=tenant)
        _, values = found.setdefault(resource.client_id, (identifier or GRAPH, []))
        values.append(_exact(resource, value, app))
    asks = []
    for client_id, (identifier, values) in found.items():
        if DEFAULT in values and len(values) > 1:
            raise ServiceError(70011, scope=text)
        is_default = DEFAULT in values
        asks.append(Ask(client_id, identifier, () if is_default else tuple(values), is_default))
    # A request for an ID token alone gets an access token for Graph all the same.
    return Scopes(text, frozenset(words) & frozenset(OIDC), tuple(asks) or (Ask(GRAPH_ID, GRAPH),))


def _exact(resource: App, value: str, app: App) -> str:
    if value.lower() == DEFAULT:
        return DEFAULT
    permission = resource.permission(value)
    if permission is None:
        raise ServiceError(650053, name=app.name, scope=value, resource=resource.client_id)
    return permission.value
