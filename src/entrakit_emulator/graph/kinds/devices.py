"""Devices: they have an owner and users, and can be members of groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit_emulator.graph import objects
from entrakit_emulator.graph.errors import bad_request, denied
from entrakit_emulator.graph.kind import Kind, Relation
from entrakit_emulator.graph.permissions import DIRECTORY_READ
from entrakit_emulator.graph.relations import membership
from entrakit_emulator.graph.schema import names_in, typed
from entrakit_emulator.graph.timestamps import stamp

if TYPE_CHECKING:
    from entrakit_emulator.graph.call import Call, Reply
    from entrakit_emulator.state.store import DirectoryObject

# A user who changes devices needs the permission that carries all rights of the user.
WRITE = "Device.ReadWrite.All Directory.AccessAsUser.All"
READ = f"Device.Read.All {WRITE} {DIRECTORY_READ}"
# Only the app that manages a device sets these.
MANAGED = frozenset({"isCompliant", "isManaged"})


def create(call: Call) -> Reply:
    """Register a device. Raises GraphError (400) if the device id is in use."""
    values = objects.checked(call, "device", is_new=True)
    objects.required("device", values)
    device_id = str(values["deviceId"]).lower()
    if objects.by_alternate_key(call, "device", device_id) is not None:
        raise bad_request(
            "Another object with the same value for property deviceId already exists.",
            code="ObjectConflict", target="deviceId",
        )  # fmt: skip
    object_id = objects.guid_of(call, "device", device_id)
    doc = {"id": object_id, "registrationDateTime": stamp(call.now), **values, "deviceId": device_id}
    call.store.put(call.tenant, "device", doc, call.now)
    return objects.created(call, objects.found(call, object_id, ("device",)))


def change(call: Call, key: str) -> Reply:
    """Change a device. Raises GraphError (403) if a user sets what only management sets."""
    is_app = call.claims.get("idtyp") == "app"
    if not is_app and MANAGED & objects.checked(call, "device", is_new=False).keys():
        raise denied()
    return objects.change(call, key, "device")


def _check_owner(call: Call, stored: DirectoryObject, other: DirectoryObject) -> None:
    """Check that a device has no other owner. Raises GraphError (400)."""
    if call.store.targets("registeredOwner", stored.id) not in ([], [other.id]):
        raise bad_request("A device can have one registered owner only.")


KIND = Kind(
    name="device",
    collection="devices",
    properties=typed(
        "deviceCategory deviceId deviceMetadata deviceOwnership displayName enrollmentProfileName enrollmentType id "
        "managementType manufacturer mdmAppId model onPremisesSecurityIdentifier operatingSystem "
        "operatingSystemVersion profileType trustType",
        booleans="accountEnabled isCompliant isManaged isManagementRestricted isRooted onPremisesSyncEnabled",
        dates="approximateLastSignInDateTime complianceExpirationDateTime deletedDateTime onPremisesLastSyncDateTime "
        "registrationDateTime",
        lists="alternativeSecurityIds physicalIds systemLabels",
        objects="extensionAttributes",
        numbers="deviceVersion",
    ),
    default=names_in(
        "id deletedDateTime accountEnabled approximateLastSignInDateTime complianceExpirationDateTime deviceCategory "
        "deviceId deviceMetadata deviceOwnership deviceVersion displayName enrollmentProfileName enrollmentType "
        "isCompliant isManaged isManagementRestricted isRooted managementType manufacturer mdmAppId model "
        "onPremisesLastSyncDateTime onPremisesSecurityIdentifier onPremisesSyncEnabled operatingSystem "
        "operatingSystemVersion physicalIds profileType registrationDateTime systemLabels trustType "
        "alternativeSecurityIds"
    ),
    absent=frozenset(
        names_in(
            "extensions"
        )
    ),
    read_only=frozenset(
        names_in(
            "id deletedDateTime approximateLastSignInDateTime complianceExpirationDateTime isManagementRestricted "
            "onPremisesLastSyncDateTime onPremisesSecurityIdentifier onPremisesSyncEnabled registrationDateTime"
        )
    ),
    required=(
        "accountEnabled", "alternativeSecurityIds", "deviceId", "displayName", "operatingSystem",
        "operatingSystemVersion",
    ),
    never_empty=("accountEnabled", "deviceId", "displayName"),
    filters={
        "e": "id accountEnabled deviceId isCompliant isManaged mdmAppId profileType trustType "
        "onPremisesSecurityIdentifier onPremisesSyncEnabled physicalIds",
        "es": "displayName operatingSystem operatingSystemVersion",
        "eg": "approximateLastSignInDateTime onPremisesLastSyncDateTime",
        "EG": "registrationDateTime",
        "E": "extensionAttributes alternativeSecurityIds",
    },
    elements={"alternativeSecurityIds": typed("identityProvider key", numbers="type")},
    sorting_advanced=frozenset({"displayName", "approximateLastSignInDateTime"}),
    searching=frozenset({"displayName"}),
    read=READ,
    write=WRITE,
    alternate_key="deviceId",
    is_soft=False,
    relations=(
        Relation("registeredOwners", "registeredOwner", is_writable=True, on_add=_check_owner),
        Relation("registeredUsers", "registeredUser", is_writable=True),
        *membership(READ),
    ),
    on_create=create,
    on_change=change,
)  # fmt: skip
