"""Managed identities of the tenant, which are all assigned to its hosts, and the one that a request selects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit_emulator.identity.refusals import HostError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from entrakit_emulator.exchange import Exchange
    from entrakit_emulator.state.identities import App, ManagedIdentity
    from entrakit_emulator.world import World

CLIENT_ID, OBJECT_ID, RESOURCE_ID = "client_id", "object_id", "resource_id"


def all_of(world: World) -> Iterator[App]:
    """Yield the apps that are managed identities."""
    return (app for app in world.apps.values() if app.resource_id)


def system_assigned(world: World) -> App | None:
    """Return the system-assigned identity of the hosts; None if there is none. The last one that was added wins."""
    found = [app for app in all_of(world) if not app.managed_identity.is_user_assigned]
    return found[-1] if found else None


def user_assigned(world: World) -> list[App]:
    """Return the user-assigned identities."""
    return [app for app in all_of(world) if app.managed_identity.is_user_assigned]


def selected(exchange: Exchange, selectors: dict[str, str], among: Sequence[App]) -> App | None:
    """Return the identity that the query of a request selects; None if it selects none.

    Args:
        exchange: The request.
        selectors: Kind of id (`client_id`, `object_id`, `resource_id`) by the parameter of this host.
        among: Identities that the host knows.

    Raises:
        LookupError: The host does not know the selected identity.
        HostError: The query has several selectors (400).
    """
    given = [(kind, exchange.query[name]) for name, kind in selectors.items() if name in exchange.query]
    if not given:
        return None
    if len(given) > 1:
        raise HostError(400, "invalid_request", "Only one of the parameters that select an identity is allowed.")
    ((kind, value),) = given
    for app in among:
        # Ids of Azure resources are the same in any case.
        if _id(app.managed_identity, kind).lower() == value.lower():
            return app
    raise LookupError(value)


def _id(identity: ManagedIdentity, kind: str) -> str:
    return {
        CLIENT_ID: identity.client_id, OBJECT_ID: identity.object_id, RESOURCE_ID: identity.resource_id
    }[kind]  # fmt: skip
