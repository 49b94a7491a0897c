"""Keeping two views of the same people and apps in step: what the token service reads, and what Graph shows.

`World.users` and `World.apps` are what the token service knows; the store holds the rest. A change on either side is
seen on the other: seeds and controls show in Graph before its next answer, and what Graph changes can sign in, or not.
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
    """Bring what the token service knows into the store, where it changed."""
    for object_id, user in world.users.items():
        if world.mirrored.get(object_id) is not user:
            known = world.objects.find(user.tenant_id, object_id, ("user",))
            names = None if known is None else ("displayName", "userPrincipalName", "mail", "accountEnabled")
            doc = _document(user)
            if known is not None and names is not None:
                # What only Graph knows of somebody stays.
                doc = known.doc | {name: doc[name] for name in names}
            world.objects.put(user.tenant_id, "user", doc, world.clock.now(), names)
            world.mirrored[object_id] = user
    for client_id, app in world.apps.items():
        if world.mirrored.get(client_id) is not app:
            app_documents.mirror(world, app)
            world.mirrored[client_id] = app


def forget(world: World, object_id: str) -> None:
    """Take a person out of what the token service knows; `remember` brings them back."""
    user = world.users.pop(object_id, None)
    if user is not None:
        world.departed[object_id] = user
        world.mirrored.pop(object_id, None)


def remember(world: World, object_id: str) -> None:
    """Let a person sign in again who was deleted and restored."""
    user = world.departed.pop(object_id, None)
    if user is not None:
        world.users[object_id] = world.mirrored[object_id] = user


def carry(world: World, tenant: str, doc: JSON, *, password: str | None = None) -> None:
    """Let the token service know what Graph has written about a person.

    Args:
        world: The world.
        tenant: The tenant.
        doc: The person's document.
        password: A new password; None if it stays.
    """
    object_id = str(doc["id"])
    known = world.users.get(object_id)
    if known is None and password is None:
        # One of the many who were seeded without a password: they can't sign in.
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
