"""Users: created, read, changed and deleted; managers, reports and sessions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from entrakit_emulator.graph import licenses, synchronization
from entrakit_emulator.graph.call import Reply
from entrakit_emulator.graph.errors import bad_request, not_found
from entrakit_emulator.graph.kind import Kind, Relation, Row
from entrakit_emulator.graph.objects import (
    changed,
    check_match,
    checked,
    created,
    found,
    guid_of,
    missing,
    referred,
    required,
    shown,
    typed,
)
from entrakit_emulator.graph.permissions import GROUP_READ, LICENSE_READ, SELF_READ, USER_DELETE, USER_READ, USER_WRITE
from entrakit_emulator.graph.relations import membership
from entrakit_emulator.graph.schema import merged, names_in, security_identifier
from entrakit_emulator.graph.schema import typed as properties
from entrakit_emulator.graph.timestamps import stamp

if TYPE_CHECKING:
    from entrakit_emulator.graph.call import Call
    from entrakit_emulator.state.store import DirectoryObject

    JSON = dict[str, object]

SHORTEST_PASSWORD = 8


def create(call: Call) -> Reply:
    """Create a user, who can sign in."""
    values = checked(call, "user", is_new=True)
    if values.get("identities") and not values.get("userPrincipalName"):
        values = _local(call, values)
    required("user", values)
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
    password = _password(values, is_new=False) if "passwordProfile" in values else None
    doc = merged(stored.doc, values)
    if "mail" in values:
        doc["proxyAddresses"] = [f"SMTP:{values['mail']}"] if values["mail"] else []
    synchronization.carry(call.exchange.world, call.tenant, doc, password=password)
    doc["passwordProfile"] = None
    call.store.put(call.tenant, "user", doc, call.now, [name for name in values if name != "passwordProfile"])
    return changed(call, found(call, stored.id, ("user",)))


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


def restore(call: Call, stored: DirectoryObject) -> None:
    """Restore a user, who can sign in again; the user gets a new sign-in name if the request has one."""
    wanted = (call.json() if call.body.strip() else {}).get("newUserPrincipalName")
    name = wanted if isinstance(wanted, str) and wanted else str(stored.doc["userPrincipalName"])
    check_name(call, name, own=stored.id)
    stored.doc["userPrincipalName"] = name
    synchronization.remember(call.exchange.world, stored.id)
    synchronization.carry(call.exchange.world, call.tenant, stored.doc)
    call.store.put(call.tenant, "user", stored.doc, call.now, ["userPrincipalName"])


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


def _local(call: Call, values: JSON) -> JSON:
    """Return the properties of a local account, whose sign-in name is made from its id. Raises GraphError (400)."""
    given = values["identities"]
    identities = given if isinstance(given, list) else []
    needed = {"signInType", "issuer", "issuerAssignedId"}
    for one in identities:
        if not isinstance(one, dict) or not all(isinstance(one.get(name), str) for name in needed):
            raise bad_request("Invalid value specified for property 'identities' of resource 'User'.")
    domains = call.exchange.world.tenants[call.tenant].domains
    initial = next((one for one in domains if one.endswith(".onmicrosoft.com")), domains[0])
    nickname = guid_of(call, "local", str(identities))
    upn = f"{nickname}@{initial}"
    own = {"signInType": "userPrincipalName", "issuer": initial, "issuerAssignedId": upn}
    return {
        "accountEnabled": True, "mailNickname": nickname, "creationType": "LocalAccount", **values,
        "userPrincipalName": upn, "identities": [*identities, own],
    }  # fmt: skip


def _password(values: JSON, *, is_new: bool) -> str | None:
    profile = values["passwordProfile"]
    password = profile.get("password") if isinstance(profile, dict) else None
    if not isinstance(password, str) or not password:
        if is_new:
            raise missing("user", "password")
        return None
    kinds = sum(bool(re.search(pattern, password)) for pattern in (r"[a-z]", r"[A-Z]", r"\d", r"[^a-zA-Z\d]"))
    if len(password) < SHORTEST_PASSWORD or kinds < 3:
        raise bad_request(
            "The specified password does not comply with password complexity requirements. Please provide a different "
            "password."
        )
    return password


_FILTERS = {
    "esN": "city country department displayName givenName jobTitle mail mailNickname surname",
    "es": "usageLocation userPrincipalName",
    "eN": "employeeId state onPremisesSecurityIdentifier onPremisesSyncEnabled userType",
    "e": "accountEnabled ageGroup consentProvidedForMinor creationType externalUserState isResourceAccount id "
    "onPremisesImmutableId identities",
    "egN": "createdDateTime",
    "eg": "onPremisesLastSyncDateTime signInActivity",
    "esc": "imAddresses otherMails proxyAddresses infoCatalogs",
    "ec": "assignedLicenses onPremisesProvisioningErrors",
    "ESN": "companyName faxNumber mobilePhone officeLocation postalCode preferredLanguage streetAddress",
    "EN": "employeeType employeeOrgData onPremisesExtensionAttributes showInAddressList passwordProfile",
    "EGN": "employeeHireDate",
    "ES": "onPremisesSamAccountName businessPhones",
    "E": "assignedPlans provisionedPlans",
    "N": "passwordPolicies",
}
_MANAGER = Relation("manager", "manager", is_single=True, in_delta=True)
_REPORTS = Relation("directReports", "manager", is_forward=False, own=SELF_READ)
_DEVICES = (
    Relation("ownedDevices", "registeredOwner", is_forward=False, own=SELF_READ),
    Relation("registeredDevices", "registeredUser", is_forward=False, own=SELF_READ),
)
_BASIC = "User.ReadBasic.All"

KIND = Kind(
    name="user",
    collection="users",
    properties=properties(
        "ageGroup city companyName consentProvidedForMinor country creationType department displayName employeeId "
        "employeeType externalUserState faxNumber givenName id jobTitle legalAgeGroupClassification mail mailNickname "
        "mobilePhone officeLocation onPremisesDistinguishedName onPremisesDomainName onPremisesImmutableId "
        "onPremisesSamAccountName onPremisesSecurityIdentifier onPremisesUserPrincipalName passwordPolicies "
        "postalCode preferredDataLocation preferredLanguage securityIdentifier state streetAddress surname "
        "usageLocation userPrincipalName userType",
        booleans="accountEnabled isManagementRestricted isResourceAccount onPremisesSyncEnabled showInAddressList",
        dates="createdDateTime deletedDateTime employeeHireDate employeeLeaveDateTime "
        "externalUserStateChangeDateTime lastPasswordChangeDateTime onPremisesLastSyncDateTime "
        "signInSessionsValidFromDateTime",
        lists="assignedLicenses assignedPlans businessPhones identities imAddresses licenseAssignmentStates "
        "onPremisesProvisioningErrors otherMails provisionedPlans proxyAddresses serviceProvisioningErrors",
        objects="authorizationInfo employeeOrgData onPremisesExtensionAttributes passwordProfile signInActivity",
    ),
    default=names_in(
        "businessPhones displayName givenName jobTitle mail mobilePhone officeLocation preferredLanguage surname "
        "userPrincipalName id"
    ),
    absent=frozenset(
        names_in(
            "customSecurityAttributes deviceEnrollmentLimit identityParentId print activities adhocCalls "
            "agreementAcceptances appRoleAssignments authentication calendar calendarGroups calendarView calendars "
            "chats cloudClipboard cloudPCs contactFolders contacts createdObjects dataSecurityAndGovernance "
            "deviceManagementTroubleshootingEvents drive drives employeeExperience events extensions followedSites "
            "inferenceClassification insights joinedTeams licenseDetails mailFolders managedAppRegistrations "
            "managedDevices messages oauth2PermissionGrants onPremisesSyncBehavior onenote onlineMeetings outlook "
            "ownedObjects people permissionGrants photo photos planner presence "
            "scopedRoleMemberOf settings solutions sponsorOf sponsors teamwork todo"
        )
    ),
    single_only=frozenset(
        names_in(
            "aboutMe birthday hireDate interests mySite pastProjects preferredName responsibilities schools skills "
            "mailboxSettings"
        )
    ),
    read_only=frozenset(
        names_in(
            "id deletedDateTime createdDateTime securityIdentifier assignedLicenses assignedPlans provisionedPlans "
            "licenseAssignmentStates signInActivity creationType externalUserState proxyAddresses "
            "lastPasswordChangeDateTime signInSessionsValidFromDateTime"
        )
    ),
    required=("accountEnabled", "displayName", "mailNickname", "passwordProfile", "userPrincipalName"),
    never_empty=("displayName", "mailNickname", "userPrincipalName", "accountEnabled"),
    filters=_FILTERS,
    elements={
        "assignedLicenses": properties("skuId"),
        "assignedPlans": properties("capabilityStatus service servicePlanId", dates="assignedDateTime"),
        "provisionedPlans": properties("capabilityStatus provisioningStatus service"),
        "identities": properties("issuer issuerAssignedId signInType"),
        "onPremisesProvisioningErrors": properties("category propertyCausingError value", dates="occurredDateTime"),
    },
    sorting=frozenset({"displayName", "userPrincipalName"}),
    sorting_advanced=frozenset({"createdDateTime", "onPremisesLastSyncDateTime"}),
    searching=frozenset(names_in("displayName mail mailNickname userPrincipalName givenName surname otherMails")),
    read=USER_READ,
    write=USER_WRITE,
    delete=USER_DELETE,
    read_basic=_BASIC,
    basic=frozenset(names_in("id displayName givenName surname mail userPrincipalName")),
    own_path="me",
    own_read=SELF_READ,
    own_write="User.ReadWrite User.ReadWrite.All Directory.ReadWrite.All",
    relations=(_MANAGER, _REPORTS, *_DEVICES, *membership(f"User.Read {GROUP_READ} {USER_READ}")),
    rows=(
        Row("GET", "*/manager", get_manager, f"{_BASIC} {USER_READ}", own=SELF_READ),
        Row("PUT", "*/manager/$ref", put_manager, USER_WRITE),
        Row("DELETE", "*/manager/$ref", delete_manager, USER_WRITE),
        Row("POST", "*/revokeSignInSessions", revoke, f"User.RevokeSessions.All {USER_WRITE}"),
        Row("GET", "*/licenseDetails", licenses.details, f"{USER_READ} {LICENSE_READ}", own=SELF_READ),
        Row("POST", "*/assignLicense", licenses.assign, f"LicenseAssignment.ReadWrite.All {USER_WRITE}"),
    ),
    on_create=create,
    on_change=change,
    on_delete=delete,
    on_restore=restore,
)
