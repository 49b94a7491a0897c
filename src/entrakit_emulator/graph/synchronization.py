"""Synchronization of users and apps between the token service and Graph.

`World.users` and `World.apps` belong to the token service; the store has the rest. A change on one side reaches the
other: seeds are visible in Graph before its next answer, and changes through Graph decide who can sign in.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from entrakit_emulator.graph import app_documents
from entrakit_emulator.graph.schema import security_identifier
from entrakit_emulator.graph.timestamps import SEEDED
from entrakit_emulator.state.identities import User

if TYPE_CHECKING:
    from entrakit_emulator.world import World

    JSON = dict[str, object]


def synchronize(world: World) -> None:
    """Write changed users and apps of the token service to the directory."""
    for object_id, user in world.users.items():
        if world.mirrored.get(object_id) is not user:
            known = world.objects.find(user.tenant_id, object_id, ("user",))
            names = None if known is None else ("displayName", "userPrincipalName", "mail", "accountEnabled")
            doc = _document(user)
            if known is not None and names is not None:
                # Properties that only Graph has are kept.
                doc = known.doc | {name: doc[name] for name in names}
            world.objects.put(user.tenant_id, "user", doc, world.clock.now(), names)
            world.mirrored[object_id] = user
    for client_id, app in world.apps.items():
        if world.mirrored.get(client_id) is not app:
            app_documents.mirror(world, app)
            world.mirrored[client_id] = app


def forget(world: World, object_id: str) -> None:
    """Remove a user from the token service; `remember` reverts it."""
    user = world.users.pop(object_id, None)
    if user is not None:
        world.departed[object_id] = user
        world.mirrored.pop(object_id, None)


def remember(world: World, object_id: str) -> None:
    """Let a restored user sign in again."""
    user = world.departed.pop(object_id, None)
    if user is not None:
        world.users[object_id] = world.mirrored[object_id] = user


def carry(world: World, tenant: str, doc: JSON, *, password: str | None = None) -> None:
    """Update a user of the token service after a change through Graph.

    Args:
        world: State of the tenant.
        tenant: Id of the tenant.
        doc: Document of the user.
        password: A new password; None to keep the old one.
    """
    object_id = str(doc["id"])
    known = world.users.get(object_id)
    if known is None and password is None:
        # A user of the bulk objects, without a password, can't sign in.
        return
    if known is None:
        known = User(str(doc["userPrincipalName"]), "", object_id, "", tenant)
    profile = doc.get("passwordProfile")
    must_change = isinstance(profile, dict) and profile.get("forceChangePasswordNextSignIn") is True
    user = replace(
        known,
        upn=str(doc["userPrincipalName"]),
        display_name=str(doc.get("displayName") or ""),
        mail=str(doc.get("mail") or ""),
        is_enabled=doc.get("accountEnabled") is not False,
        password=known.password if password is None else password,
        is_password_expired=must_change if password is not None else known.is_password_expired,
    )
    world.users[object_id] = world.mirrored[object_id] = user


def _document(user: User) -> JSON:
    given, _, family = user.display_name.partition(" ")
    return {
        "id": user.object_id,
        "accountEnabled": user.is_enabled,
        "businessPhones": [],
        "createdDateTime": SEEDED,
        "displayName": user.display_name,
        "givenName": given,
        "mail": user.mail or None,
        "mailNickname": user.upn.partition("@")[0],
        "otherMails": [],
        "proxyAddresses": [f"SMTP:{user.mail}"] if user.mail else [],
        "securityIdentifier": security_identifier(user.object_id),
        "surname": family or None,
        "userPrincipalName": user.upn,
        "userType": "Member",
    }
