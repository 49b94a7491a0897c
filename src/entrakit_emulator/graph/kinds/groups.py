"""Groups: created, read, changed and deleted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from entrakit_emulator.graph.errors import GraphError, bad_request, denied
from entrakit_emulator.graph.kind import Kind, Relation, stored_kinds
from entrakit_emulator.graph.objects import (
    changed,
    check_match,
    checked,
    created,
    found,
    guid_of,
    referred,
    required,
)
from entrakit_emulator.graph.permissions import GROUP_DELETE, GROUP_READ, GROUP_WRITE, MEMBER_WRITE
from entrakit_emulator.graph.relations import OWNERS, membership
from entrakit_emulator.graph.schema import names_in, security_identifier, typed
from entrakit_emulator.graph.timestamps import stamp

if TYPE_CHECKING:
    from entrakit_emulator.graph.call import Call, Reply
    from entrakit_emulator.state.store import DirectoryObject

    JSON = dict[str, object]

BOUND = 20
LONGEST_NAME = 256


def create(call: Call) -> Reply:
    """Create a group; a user who creates one becomes its owner."""
    values = checked(call, "group", is_new=True, bound=("members", "owners"))
    required("group", values)
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
    values = checked(call, "group", is_new=False, bound=("members",))
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


def delete(call: Call, stored: DirectoryObject) -> None:
    """Delete a group for 30 days; distribution lists, mail-enabled security groups and synced groups permanently."""
    types = stored.doc.get("groupTypes")
    is_unified = isinstance(types, list) and "Unified" in types
    is_foreign = stored.doc.get("onPremisesSyncEnabled") is True
    is_mail_only = stored.doc.get("mailEnabled") is True and not is_unified
    call.store.delete(stored, call.now, for_good=is_foreign or is_mail_only)


def _check_member(_: Call, stored: DirectoryObject, other: DirectoryObject) -> None:
    """Check that an object can become a member. Raises GraphError if it can't."""
    types = stored.doc.get("groupTypes")
    if isinstance(types, list) and "DynamicMembership" in types:
        raise denied()
    if isinstance(types, list) and "Unified" in types and other.kind != "user":
        raise bad_request("Only users can be members of a Microsoft 365 group.")


def _check_last_owner(call: Call, stored: DirectoryObject, other: DirectoryObject) -> None:
    if call.store.targets("owner", stored.id) == [other.id]:
        raise bad_request("The group must have at least one owner, hence this owner cannot be removed.")


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
        [found(call, referred(one), stored_kinds()) for one in references]
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


_LEFT_OUT = ("servicePrincipal",)
_MEMBERS = Relation(
    "members", "member", is_writable=True, in_delta=True, write=MEMBER_WRITE, left_out=_LEFT_OUT, on_add=_check_member
)

KIND = Kind(
    name="group",
    collection="groups",
    properties=typed(
        "classification description displayName id mail mailNickname membershipRule membershipRuleProcessingState "
        "onPremisesDomainName onPremisesNetBiosName onPremisesSamAccountName onPremisesSecurityIdentifier "
        "organizationId preferredDataLocation preferredLanguage securityIdentifier theme uniqueName visibility",
        booleans="hasMembersWithLicenseErrors isArchived isAssignableToRole isManagementRestricted mailEnabled "
        "onPremisesSyncEnabled securityEnabled",
        dates="createdDateTime deletedDateTime expirationDateTime onPremisesLastSyncDateTime renewedDateTime",
        lists="assignedLabels assignedLicenses creationOptions groupTypes infoCatalogs onPremisesProvisioningErrors "
        "proxyAddresses resourceBehaviorOptions resourceProvisioningOptions serviceProvisioningErrors",
        objects="licenseProcessingState",
    ),
    default=names_in(
        "id deletedDateTime classification createdDateTime creationOptions description displayName expirationDateTime "
        "groupTypes isAssignableToRole mail mailEnabled mailNickname membershipRule membershipRuleProcessingState "
        "onPremisesDomainName onPremisesLastSyncDateTime onPremisesNetBiosName onPremisesSamAccountName "
        "onPremisesSecurityIdentifier onPremisesSyncEnabled preferredDataLocation preferredLanguage proxyAddresses "
        "renewedDateTime resourceBehaviorOptions resourceProvisioningOptions securityEnabled securityIdentifier theme "
        "uniqueName visibility onPremisesProvisioningErrors serviceProvisioningErrors"
    ),
    absent=frozenset(
        names_in(
            "accessType allowExternalSenders autoSubscribeNewMembers hideFromAddressLists hideFromOutlookClients "
            "isFavorite isSubscribedByMail onPremisesExtensionAttributes unseenConversationsCount unseenCount "
            "unseenMessagesCount welcomeMessageEnabled acceptedSenders appRoleAssignments calendar calendarView "
            "conversations createdOnBehalfOf drive drives events extensions groupLifecyclePolicies "
            "membersWithLicenseErrors onPremisesSyncBehavior onenote permissionGrants photo photos planner "
            "rejectedSenders settings sites team threads"
        )
    ),
    read_only=frozenset(
        names_in(
            "id deletedDateTime createdDateTime securityIdentifier renewedDateTime assignedLicenses proxyAddresses "
            "creationOptions"
        )
    ),
    required=("displayName", "mailEnabled", "mailNickname", "securityEnabled"),
    filters={
        "es": "classification displayName mail mailNickname membershipRule uniqueName",
        "esc": "proxyAddresses",
        "ec": "assignedLicenses",
        "c": "owners",
        "en": "hasMembersWithLicenseErrors",
        "e": "id isAssignableToRole mailEnabled securityEnabled membershipRuleProcessingState visibility "
        "onPremisesSecurityIdentifier onPremisesSyncEnabled resourceBehaviorOptions resourceProvisioningOptions "
        "groupTypes",
        "eg": "onPremisesLastSyncDateTime renewedDateTime",
        "ESN": "description onPremisesSamAccountName preferredLanguage",
        "EG": "expirationDateTime createdDateTime",
    },
    elements={"assignedLicenses": typed("skuId")},
    sorting=frozenset({"displayName"}),
    sorting_advanced=frozenset({"createdDateTime", "onPremisesLastSyncDateTime"}),
    searching=frozenset({"displayName", "description", "mail", "mailNickname"}),
    read=GROUP_READ,
    write=GROUP_WRITE,
    create=f"Group.Create {GROUP_WRITE}",
    delete=GROUP_DELETE,
    relations=(
        _MEMBERS,
        OWNERS._replace(left_out=_LEFT_OUT, on_remove=_check_last_owner),
        Relation("transitiveMembers", "member", is_transitive=True),
        *membership(GROUP_READ),
    ),
    on_create=create,
    on_change=change,
    on_delete=delete,
)
