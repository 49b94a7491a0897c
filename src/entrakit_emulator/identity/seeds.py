"""Seeds of managed identities."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from entrakit_emulator.contoso import GROUP_ID, TENANT_ID
from entrakit_emulator.state.identities import App, ManagedIdentity

if TYPE_CHECKING:
    from entrakit_emulator.world import World

IDENTITY_STEPS = ("add_identity", "remove_identity")


class IdentitySeeds:
    """Steps that change managed identities until the next reset.

    Args:
        world: State of the tenant.
    """

    _world: World

    def add_identity(
        self, name: str, *, is_user_assigned: bool = True, client_id: str = "", resource_id: str = ""
    ) -> ManagedIdentity:
        """Add a managed identity, which is assigned to all hosts; `grant_roles` gives it app roles.

        Args:
            name: Display name: that of the identity, or of the virtual machine that has it.
            is_user_assigned: False for a system-assigned identity, which replaces the present one on the hosts.
            client_id: Client id; a new one if empty.
            resource_id: Id of the Azure resource; one in the seeded subscription if empty.
        """
        kind = (
            "Microsoft.ManagedIdentity/userAssignedIdentities"
            if is_user_assigned
            else "Microsoft.Compute/virtualMachines"
        )
        with self._world.lock:
            app = App(
                str(uuid.UUID(client_id)) if client_id else str(uuid.uuid4()), name, TENANT_ID,
                resource_id=resource_id or f"{GROUP_ID}/providers/{kind}/{name}",
            )  # fmt: skip
            if app.managed_identity.is_user_assigned != is_user_assigned:
                raise ValueError(f"{resource_id!r} is not the id of a resource of that kind.")
            self._world.apps[app.client_id] = app
            return app.managed_identity

    def remove_identity(self, client_id: str) -> None:
        """Remove a managed identity from the hosts and from the tenant.

        Args:
            client_id: Its client id.
        """
        with self._world.lock:
            app = self._world.apps.get(client_id.lower())
            if app is None or not app.resource_id:
                raise ValueError(f"Unknown managed identity {client_id!r}.")
            del self._world.apps[app.client_id]
            self._world.mirrored.pop(app.client_id, None)
            principal = self._world.objects.find(app.tenant_id, app.managed_identity.object_id, ("servicePrincipal",))
            if principal is not None:
                self._world.objects.delete(principal, self._world.clock.now(), for_good=True)
