"""Users: created, read, changed and deleted; managers, reports and sessions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from entrakit_emulator.graph import synchronization
from entrakit_emulator.graph.call import Reply
from entrakit_emulator.graph.errors import GraphError, bad_request, not_found
from entrakit_emulator.graph.expansion import RELATIONS
from entrakit_emulator.graph.listing import Source, count, page
from entrakit_emulator.graph.objects import (
    changed,
    check_match,
    checked,
    created,
    found,
    guid_of,
    merged,
    one,
    referred,
    required,
    shown,
    typed,
)
from entrakit_emulator.graph.schema import security_identifier
from entrakit_emulator.graph.timestamps import stamp

if TYPE_CHECKING:
    from entrakit_emulator.graph.call import Call
    from entrakit_emulator.state.store import DirectoryObject

    JSON = dict[str, object]

SOURCE = Source(("user",), "users")
REQUIRED = ("accountEnabled", "displayName", "mailNickname", "passwordProfile", "userPrincipalName")
ME = "/me request is only valid with delegated authentication flow."
SHORTEST_PASSWORD = 8


def get_all(call: Call) -> Reply:
    """List users."""
    return page(call, SOURCE)


def get_count(call: Call) -> Reply:
    """Count users."""
    return count(call, SOURCE)


def get_one(call: Call, key: str) -> Reply:
    """Read a user."""
    return one(call, found(call, key, ("user",)))


def me(call: Call) -> str:
    """Return the id of the user who sends a request. Raises GraphError if an app sends it."""
    if call.claims.get("idtyp") == "app":
        raise GraphError(400, "BadRequest", ME)
    return str(call.claims.get("oid"))


def get_me(call: Call) -> Reply:
    """Read the user who sends the request."""
    return one(call, found(call, me(call), ("user",)))


def create(call: Call) -> Reply:
    """Create a user, who can sign in."""
    values = checked(call, "user", is_new=True)
    required("user", values, REQUIRED)
    check_name(call, str(values["userPrincipalName"]))
    password = _password(values, is_new=True)
    object_id = guid_of(call, str(values["userPrincipalName"]))
    doc = {
        "id": object_id,
        "businessPhones": [],
        "otherMails": [],
        "userType": "Member",
        "createdDateTime": stamp(call.now),
        "securityIdentifier": security_identifier(object_id),
        **values,
    }
    doc["proxyAddresses"] = [f"SMTP:{doc['mail']}"] if doc.get("mail") else []
    # The token service gets the password before it is removed from the document.
    synchronization.carry(call.exchange.world, call.tenant, doc, password=password)
    doc["passwordProfile"] = None
    call.store.put(call.tenant, "user", doc, call.now)
    return created(call, found(call, object_id, ("user",)))


def change(call: Call, key: str) -> Reply:
    """Change a user."""
    stored = found(call, key, ("user",))
    check_match(call, stored)
    values = checked(call, "user", is_new=False)
    if "userPrincipalName" in values:
        check_name(call, str(values["userPrincipalName"]), own=stored.id)
    for name in ("displayName", "mailNickname", "userPrincipalName", "accountEnabled"):
        if name in values and values[name] in (None, ""):
            raise bad_request(f"Invalid value specified for property '{name}' of resource 'User'.")
    password = _password(values, is_new=False) if "passwordProfile" in values else None
    doc = merged(stored.doc, values)
    if "mail" in values:
        doc["proxyAddresses"] = [f"SMTP:{values['mail']}"] if values["mail"] else []
    synchronization.carry(call.exchange.world, call.tenant, doc, password=password)
    doc["passwordProfile"] = None
    call.store.put(call.tenant, "user", doc, call.now, [name for name in values if name != "passwordProfile"])
    return changed(call, found(call, stored.id, ("user",)))


def remove(call: Call, key: str) -> Reply:
    """Delete a user, who can be restored for 30 days."""
    stored = found(call, key, ("user",))
    check_match(call, stored)
    delete(call, stored)
    return Reply(204)


def delete(call: Call, stored: DirectoryObject) -> None:
    """Delete a user, who can't sign in any more."""
    call.store.delete(stored, call.now, for_good=False)
    synchronization.forget(call.exchange.world, stored.id)


def revoke(call: Call, key: str) -> Reply:
    """Revoke all sessions and refresh tokens of a user; APIs then request newer tokens."""
    stored = found(call, key, ("user",))
    call.exchange.world.valid_from[stored.id] = call.now
    return Reply(200, {"@odata.context": f"{call.root}/$metadata#Edm.Boolean", "value": True})


def get_manager(call: Call, key: str) -> Reply:
    """Read a user's manager."""
    stored = found(call, key, ("user",))
    managers = call.store.targets("manager", stored.id)
    manager = call.store.find(call.tenant, managers[0], ("user",)) if managers else None
    if manager is None:
        raise not_found("manager")
    return Reply(200, typed(shown(call, manager), manager))


def put_manager(call: Call, key: str) -> Reply:
    """Set a user's manager."""
    stored = found(call, key, ("user",))
    manager = found(call, referred(call.json().get("@odata.id")), ("user",))
    for before in call.store.targets("manager", stored.id):
        call.store.unlink("manager", stored, before, call.now)
    call.store.link("manager", stored, manager.id, call.now)
    return Reply(204)


def delete_manager(call: Call, key: str) -> Reply:
    """Remove a user's manager."""
    stored = found(call, key, ("user",))
    managers = call.store.targets("manager", stored.id)
    if not managers:
        raise not_found("manager")
    call.store.unlink("manager", stored, managers[0], call.now)
    return Reply(204)


def get_reports(call: Call, key: str) -> Reply:
    """List a user's direct reports."""
    stored = found(call, key, ("user",))
    kind, _ = RELATIONS["user"]["directReports"]
    where = "id IN (SELECT source FROM links WHERE kind=? AND target=?)"
    return page(call, Source(("user",), "directoryObjects", where, (kind, stored.id)))


def check_name(call: Call, upn: str, own: str = "") -> None:
    """Check that a sign-in name is valid, of a verified domain and not in use. Raises GraphError (400)."""
    local, separator, domain = upn.partition("@")
    directory = call.exchange.world.tenants[call.tenant]
    if not separator or not re.fullmatch(r"[A-Za-z0-9'._!#^~-]{1,64}", local):
        raise bad_request(
            "Invalid value specified for property 'userPrincipalName' of resource 'User'.",
            code="InvalidValue", target="userPrincipalName",
        )  # fmt: skip
    if domain.lower() not in directory.domains:
        raise bad_request(
            "The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain "
            "names in your organization.",
            code="InvalidValue", target="userPrincipalName",
        )  # fmt: skip
    other = call.store.find(call.tenant, upn, ("user",))
    if other is not None and other.id != own:
        raise bad_request(
            "Another object with the same value for property userPrincipalName already exists.",
            code="ObjectConflict", target="userPrincipalName",
        )  # fmt: skip


def _password(values: JSON, *, is_new: bool) -> str | None:
    profile = values["passwordProfile"]
    password = profile.get("password") if isinstance(profile, dict) else None
    if not isinstance(password, str) or not password:
        if is_new:
            required("user", {}, ("password",))
        return None
    kinds = sum(bool(re.search(pattern, password)) for pattern in (r"[a-z]", r"[A-Z]", r"\d", r"[^a-zA-Z\d]"))
    if len(password) < SHORTEST_PASSWORD or kinds < 3:
        raise bad_request(
            "The specified password does not comply with password complexity requirements. Please provide a different "
            "password."
        )
    return password
