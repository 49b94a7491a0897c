"""Service principals: the presence of an app in a tenant, which lets the app sign in."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from entrakit_emulator.graph import app_documents
from entrakit_emulator.graph.errors import GraphError, bad_request
from entrakit_emulator.graph.federated_credentials import federated_rows
from entrakit_emulator.graph.kind import Kind
from entrakit_emulator.graph.objects import by_alternate_key, checked, created, found, required
from entrakit_emulator.graph.permissions import APP_DELETE, APP_READ, APP_WRITE
from entrakit_emulator.graph.registered_apps import app_of, change, delete, password_rows
from entrakit_emulator.graph.relations import OWNERS, membership
from entrakit_emulator.graph.schema import merged, names_in, typed
from entrakit_emulator.graph.timestamps import stamp

if TYPE_CHECKING:
    from entrakit_emulator.graph.call import Call, Reply
    from entrakit_emulator.state.store import DirectoryObject


def create(call: Call) -> Reply:
    """Create the service principal of an app, which lets the app sign in to this tenant."""
    values = checked(call, "servicePrincipal", is_new=True)
    required("servicePrincipal", values)
    client_id = str(values["appId"]).lower()
    registration = by_alternate_key(call, "application", client_id)
    world = call.exchange.world
    if registration is None and client_id not in world.apps:
        raise bad_request(
            f"The appId '{client_id}' of the service principal does not reference a valid application object."
        )
    if by_alternate_key(call, "servicePrincipal", client_id) is not None:
        raise GraphError(
            409, "Request_MultipleObjectsWithSameKeyValue",
            "The service principal cannot be created, updated, or restored because the service principal name "
            f"{client_id} is already in use.",
        )  # fmt: skip
    app = world.apps.get(client_id) or app_of(call, registration)
    world.apps[client_id] = world.mirrored[client_id] = app
    principal = app.principal_id(call.tenant)
    new = app_documents.PRINCIPAL_PARTS | app_documents.principal(app, principal) | {"createdDateTime": stamp(call.now)}
    doc = merged(new, values)
    call.store.put(call.tenant, "servicePrincipal", doc, call.now)
    return created(call, found(call, principal, ("servicePrincipal",)))


def restore(call: Call, stored: DirectoryObject) -> None:
    """Let an app sign in again when its service principal is restored."""
    world, client_id = call.exchange.world, str(stored.doc["appId"])
    app = world.registered.get(client_id)
    if app is not None:
        world.apps[client_id] = world.mirrored[client_id] = app


KIND = Kind(
    name="servicePrincipal",
    collection="servicePrincipals",
    properties=typed(
        "appDescription appDisplayName appId appOwnerOrganizationId applicationTemplateId description "
        "disabledByMicrosoftStatus displayName homepage id loginUrl logoutUrl notes preferredSingleSignOnMode "
        "preferredTokenSigningKeyThumbprint servicePrincipalType signInAudience tokenEncryptionKeyId",
        booleans="accountEnabled appRoleAssignmentRequired",
        dates="createdDateTime deletedDateTime",
        lists="addIns alternativeNames appRoles keyCredentials notificationEmailAddresses oauth2PermissionScopes "
        "passwordCredentials replyUrls resourceSpecificApplicationPermissions servicePrincipalNames tags",
        objects="info samlSingleSignOnSettings verifiedPublisher",
    ),
    default=names_in(
        "id deletedDateTime accountEnabled alternativeNames appDisplayName appDescription appId applicationTemplateId "
        "appOwnerOrganizationId appRoleAssignmentRequired createdDateTime description disabledByMicrosoftStatus "
        "displayName homepage loginUrl logoutUrl notes notificationEmailAddresses preferredSingleSignOnMode "
        "preferredTokenSigningKeyThumbprint replyUrls servicePrincipalNames servicePrincipalType signInAudience tags "
        "tokenEncryptionKeyId samlSingleSignOnSettings verifiedPublisher addIns appRoles info keyCredentials "
        "oauth2PermissionScopes passwordCredentials resourceSpecificApplicationPermissions"
    ),
    absent=frozenset(
        names_in(
            "createdByAppId customSecurityAttributes isDisabled appManagementPolicies appRoleAssignedTo "
            "appRoleAssignments claimsMappingPolicies createdObjects delegatedPermissionClassifications endpoints "
            "federatedIdentityCredentials homeRealmDiscoveryPolicies oauth2PermissionGrants ownedObjects "
            "remoteDesktopSecurityConfiguration synchronization tokenIssuancePolicies tokenLifetimePolicies"
        )
    ),
    read_only=frozenset({"id", "deletedDateTime", "createdDateTime", "appId"}),
    required=("appId",),
    never_empty=("displayName",),
    filters={
        "e": "id accountEnabled appId servicePrincipalType applicationTemplateId preferredSingleSignOnMode",
        "es": "displayName servicePrincipalNames alternativeNames tags",
        "EN": "appOwnerOrganizationId appRoleAssignmentRequired homepage notes description",
    },
    sorting_advanced=frozenset({"displayName", "createdDateTime"}),
    searching=frozenset({"displayName"}),
    read=APP_READ,
    write=APP_WRITE,
    delete=APP_DELETE,
    alternate_key="appId",
    relations=(*membership(APP_READ), OWNERS),
    rows=(*password_rows("servicePrincipal"), *federated_rows("servicePrincipal")),
    on_create=create,
    on_change=partial(change, kind="servicePrincipal"),
    on_delete=delete,
    on_restore=restore,
)
