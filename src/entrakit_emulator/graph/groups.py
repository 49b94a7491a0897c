"""Groups: created, read, changed and deleted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from entrakit_emulator.graph.call import Reply
from entrakit_emulator.graph.errors import GraphError, bad_request
from entrakit_emulator.graph.listing import Source, count, page
from entrakit_emulator.graph.objects import (
    changed,
    check_match,
    checked,
    created,
    found,
    guid_of,
    one,
    referred,
    required,
)
from entrakit_emulator.graph.schema import FACES, security_identifier
from entrakit_emulator.graph.timestamps import stamp

if TYPE_CHECKING:
    from entrakit_emulator.graph.call import Call
    from entrakit_emulator.state.store import DirectoryObject

    JSON = dict[str, object]

SOURCE = Source(("group",), "groups")
REQUIRED = ("displayName", "mailEnabled", "mailNickname", "securityEnabled")
BOUND = 20
LONGEST_NAME = 256


def get_all(call: Call) -> Reply:
    """List groups."""
    return page(call, SOURCE)


def get_count(call: Call) -> Reply:
    """Count groups."""
    return count(call, SOURCE)


def get_one(call: Call, key: str) -> Reply:
    """Read a group."""
    return one(call, found(call, key, ("group",)))


def create(call: Call) -> Reply:
    """Create a group; a user who creates one becomes its owner."""
    values = checked(call, "group", is_new=True)
    required("group", values, REQUIRED)
    _check({"groupTypes": [], **values})
    members, owners = _bound(call)
    object_id = guid_of(call, str(values["displayName"]))
    born = stamp(call.now)
    is_unified = "Unified" in (values.get("groupTypes") or [])  # type: ignore[operator] # checked to be a list
    domain = call.exchange.world.tenants[call.tenant].domains[0]
    mail = f"{values['mailNickname']}@{domain}" if is_unified else None
    doc = {
        "id": object_id,
        "createdDateTime": born,
        "renewedDateTime": born,
        "securityIdentifier": security_identifier(object_id),
        "groupTypes": [],
        "mail": mail,
        "proxyAddresses": [f"SMTP:{mail}"] if mail else [],
        "visibility": "Public" if is_unified else None,
        **values,
    }
    call.store.put(call.tenant, "group", doc, call.now)
    stored = found(call, object_id, ("group",))
    if call.claims.get("idtyp") != "app" and not owners:
        owners = [found(call, str(call.claims["oid"]), ("user",))]
    for member in members:
        call.store.link("member", stored, member.id, call.now)
    for owner in owners:
        call.store.link("owner", stored, owner.id, call.now)
    return created(call, stored)


def change(call: Call, key: str) -> Reply:
    """Change a group and add members to it: all of them, or none."""
    stored = found(call, key, ("group",))
    check_match(call, stored)
    values = checked(call, "group", is_new=False)
    _check(values)
    members, _ = _bound(call)
    present = set(call.store.targets("member", stored.id))
    if any(member.id in present for member in members):
        raise bad_request(
            "One or more added object references already exist for the following modified properties: 'members'."
        )
    for member in members:
        call.store.link("member", stored, member.id, call.now)
    if values:
        call.store.put(call.tenant, "group", stored.doc | values, call.now, list(values))
    return changed(call, found(call, stored.id, ("group",)))


def remove(call: Call, key: str) -> Reply:
    """Delete a group: a Microsoft 365 group for 30 days, another one permanently."""
    stored = found(call, key, ("group",))
    check_match(call, stored)
    delete(call, stored)
    return Reply(204)


def delete(call: Call, stored: DirectoryObject) -> None:
    """Delete a group."""
    types = stored.doc.get("groupTypes")
    call.store.delete(stored, call.now, for_good=not (isinstance(types, list) and "Unified" in types))


def _bound(call: Call) -> tuple[list[DirectoryObject], list[DirectoryObject]]:
    """Return the members and the owners that a body refers to."""
    body = call.json()
    given = {relation: body.get(f"{relation}@odata.bind", []) for relation in ("members", "owners")}
    for relation, references in given.items():
        if not isinstance(references, list):
            raise bad_request(f"Invalid value specified for property '{relation}@odata.bind' of resource 'Group'.")
    if sum(len(references) for references in given.values() if isinstance(references, list)) > BOUND:
        raise bad_request(f"The number of references exceeds the maximum of {BOUND}.")
    members, owners = (
        [found(call, referred(one), tuple(FACES)) for one in references]
        for references in given.values()
        if isinstance(references, list)
    )
    return members, owners


def _check(values: JSON) -> None:
    """Check the values of a group and their combination."""
    types = values.get("groupTypes", [])
    known = {"Unified", "DynamicMembership"}
    if not isinstance(types, list) or not set(map(str, types)) <= known:
        raise bad_request("Invalid value specified for property 'groupTypes' of resource 'Group'.")
    nickname = values.get("mailNickname")
    if nickname is not None and (
        not re.fullmatch(r'[^@()\\\[\]";:.<>, ]{1,64}', str(nickname)) or not str(nickname).isascii()
    ):
        raise bad_request(
            "Invalid value specified for property 'mailNickname' of resource 'Group'.",
            code="InvalidValue", target="mailNickname",
        )  # fmt: skip
    if len(str(values.get("displayName") or "")) > LONGEST_NAME:
        raise bad_request("Invalid value specified for property 'displayName' of resource 'Group'.")
    if values.get("mailEnabled") is True and "groupTypes" in values and "Unified" not in types:
        raise GraphError(
            400,
            "Request_BadRequest",
            "The service does not currently support writes of mail-enabled groups. Please ensure that the "
            "mail-enablement property is unset and the security-enablement property is set.",
        )
    if "DynamicMembership" in types and not (
        values.get("membershipRule") and values.get("membershipRuleProcessingState")
    ):
        raise bad_request("A value is required for property 'membershipRule' of resource 'Group'.")
