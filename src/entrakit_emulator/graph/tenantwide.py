"""What a tenant has once: the organization, and the bin of deleted objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit_emulator.graph import people, principals, registrations, users
from entrakit_emulator.graph.call import TYPES, Reply
from entrakit_emulator.graph.errors import GraphError, not_found
from entrakit_emulator.graph.permissions import READ_OF, WRITE_OF, need
from entrakit_emulator.graph.schema import FACES, value_of
from entrakit_emulator.sts.errors import NotImplementedHereError

if TYPE_CHECKING:
    from entrakit_emulator.graph.call import Call
    from entrakit_emulator.graph.store import Stored

    JSON = dict[str, object]


def _names(text: str) -> tuple[str, ...]:
    """Return the names in a text."""
    return tuple(text.split())


ORGANIZATION = _names(
    "id deletedDateTime businessPhones city country countryLetterCode createdDateTime displayName "
    "marketingNotificationEmails onPremisesLastSyncDateTime onPremisesSyncEnabled partnerTenantType postalCode "
    "preferredLanguage securityComplianceNotificationMails securityComplianceNotificationPhones state street "
    "technicalNotificationMails tenantType assignedPlans privacyProfile provisionedPlans verifiedDomains"
)
_LISTS = frozenset(
    {"businessPhones", "marketingNotificationEmails", "securityComplianceNotificationMails", "assignedPlans",
     "securityComplianceNotificationPhones", "technicalNotificationMails", "provisionedPlans", "verifiedDomains"}
)  # fmt: skip


def organizations(call: Call) -> Reply:
    """List the one organization."""
    context = f"{call.root}/$metadata#organization"
    return Reply(200, {"@odata.context": context, "value": [selected_of(call, _organization(call))]})


def organization(call: Call, key: str) -> Reply:
    """Read the organization."""
    if key.lower() != call.tenant:
        raise not_found(key)
    context = f"{call.root}/$metadata#organization/$entity"
    return Reply(200, {"@odata.context": context, **selected_of(call, _organization(call))})


def deleted(call: Call, cast: str) -> Reply:
    """List deleted objects of a kind."""
    kind = _kind(cast)
    rows = call.store.select("id", "tenant=? AND kind=? AND deleted IS NOT NULL", (call.tenant, kind), "ORDER BY key")
    items = [_deleted(_bin(call, str(row[0]))) for row in list(rows)]
    collection = {"user": "users", "group": "groups"}.get(kind, "directoryObjects")
    return Reply(200, {"@odata.context": f"{call.root}/$metadata#{collection}", "value": items})


def deleted_one(call: Call, key: str) -> Reply:
    """Read a deleted object."""
    stored = _bin(call, key)
    need(call, READ_OF[stored.kind].split())
    context = f"{call.root}/$metadata#directoryObjects/$entity"
    return Reply(200, {"@odata.context": context, "@odata.type": f"#microsoft.graph.{stored.kind}", **_deleted(stored)})


def restore(call: Call, key: str) -> Reply:
    """Bring a deleted object back; a person by another sign-in name where somebody else has the old one."""
    stored = _bin(call, key)
    _need(call, stored)
    if stored.kind == "user":
        wanted = (call.json() if call.body.strip() else {}).get("newUserPrincipalName")
        name = wanted if isinstance(wanted, str) and wanted else str(stored.doc["userPrincipalName"])
        users.check_name(call, name, own=stored.id)
        stored.doc["userPrincipalName"] = name
    call.store.restore(stored, call.now)
    people.remember(call.exchange.world, stored.id)
    if stored.kind == "user":
        people.carry(call.exchange.world, call.tenant, stored.doc)
        call.store.put(call.tenant, "user", stored.doc, call.now, ["userPrincipalName"])
    if stored.kind in ("application", "servicePrincipal"):
        principals.restored(call, stored)
    body = _deleted(stored) | {"deletedDateTime": None}
    context = f"{call.root}/$metadata#directoryObjects/$entity"
    return Reply(200, {"@odata.context": context, "@odata.type": f"#microsoft.graph.{stored.kind}", **body})


def purge(call: Call, key: str) -> Reply:
    """Delete an object for good."""
    stored = _bin(call, key)
    _need(call, stored)
    call.store.delete(stored, call.now, for_good=True)
    return Reply(204)


def _need(call: Call, stored: Stored) -> None:
    more = " User.DeleteRestore.All" if stored.kind == "user" else ""
    need(call, f"{WRITE_OF[stored.kind]}{more}".split())


def _kind(cast: str) -> str:
    for kind in FACES:
        if cast.lower() == f"microsoft.graph.{kind}".lower():
            return kind
    if cast.lower().removeprefix("microsoft.graph.") in TYPES:
        raise NotImplementedHereError(f"Microsoft Graph's /directory/deletedItems/{cast}")
    raise GraphError(400, "BadRequest", f"Resource not found for the segment '{cast}'.")


def _bin(call: Call, key: str) -> Stored:
    stored = call.store.find(call.tenant, key, FACES, is_deleted=True)
    if stored is None:
        raise not_found(key)
    return stored


def _deleted(stored: Stored) -> JSON:
    shown = {name: value_of(stored.kind, stored.doc, name) for name in FACES[stored.kind]}
    return {**shown, "deletedDateTime": people.stamp(stored.deleted or 0.0)}


def _organization(call: Call) -> JSON:
    directory = call.exchange.world.tenants[call.tenant]
    domains = [
        {
            "capabilities": "Email, OfficeCommunicationsOnline",
            "isDefault": index == 0,
            "isInitial": domain.endswith(".onmicrosoft.com"),
            "name": domain,
            "type": "Managed",
        }
        for index, domain in enumerate(directory.domains)
    ]
    known: JSON = {
        "id": directory.tenant_id, "displayName": directory.name, "verifiedDomains": domains, "tenantType": "AAD",
        "createdDateTime": registrations.BORN, "countryLetterCode": "DK",
    }  # fmt: skip
    return {name: known.get(name, [] if name in _LISTS else None) for name in ORGANIZATION}


def selected_of(call: Call, body: JSON) -> JSON:
    """Return the members of an object that are asked for; all where none are named."""
    text = call.options.get("$select")
    if text is None:
        return body
    wanted = {name.strip().lower() for name in text.split(",")}
    return {name: value for name, value in body.items() if name.lower() in wanted}
