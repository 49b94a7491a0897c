"""App registrations. An app that is created here can sign in."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from entrakit_emulator.graph import app_documents
from entrakit_emulator.graph.federated_credentials import federated_rows
from entrakit_emulator.graph.kind import Kind
from entrakit_emulator.graph.objects import checked, created, found, guid_of, required
from entrakit_emulator.graph.permissions import APP_DELETE, APP_READ, APP_WRITE
from entrakit_emulator.graph.registered_apps import change, delete, password_rows
from entrakit_emulator.graph.relations import OWNERS
from entrakit_emulator.graph.schema import merged, names_in, typed
from entrakit_emulator.graph.timestamps import stamp
from entrakit_emulator.state.identities import App

if TYPE_CHECKING:
    from entrakit_emulator.graph.call import Call, Reply


def create(call: Call) -> Reply:
    """Register an app."""
    values = checked(call, "application", is_new=True)
    required("application", values)
    client_id = guid_of(call, "app", str(values["displayName"]))
    app = App(client_id, str(values["displayName"]), call.tenant)
    object_id = app_documents.object_id(app)
    new = {
        "id": object_id, "createdDateTime": stamp(call.now), "signInAudience": "AzureADMyOrg", "identifierUris": [],
        "publisherDomain": call.exchange.world.tenants[call.tenant].domains[0], "appId": client_id,
    }  # fmt: skip
    doc = merged(app_documents.PARTS | new, values)
    call.exchange.world.registered[client_id] = app_documents.with_document(app, doc)
    call.store.put(call.tenant, "application", doc, call.now)
    if call.claims.get("idtyp") != "app":
        call.store.link("owner", found(call, object_id, ("application",)), str(call.claims["oid"]), call.now)
    return created(call, found(call, object_id, ("application",)))


KIND = Kind(
    name="application",
    collection="applications",
    properties=typed(
        "appId applicationTemplateId defaultRedirectUri description disabledByMicrosoftStatus displayName "
        "groupMembershipClaims id notes publisherDomain serviceManagementReference signInAudience tokenEncryptionKeyId "
        "uniqueName",
        booleans="isDeviceOnlyAuthSupported isFallbackPublicClient",
        dates="createdDateTime deletedDateTime",
        lists="addIns appRoles identifierUris keyCredentials passwordCredentials requiredResourceAccess tags",
        objects="api certification info optionalClaims parentalControlSettings publicClient spa verifiedPublisher web",
    ),
    default=names_in(
        "id deletedDateTime appId applicationTemplateId disabledByMicrosoftStatus createdDateTime displayName "
        "description groupMembershipClaims identifierUris isDeviceOnlyAuthSupported isFallbackPublicClient notes "
        "publisherDomain serviceManagementReference signInAudience tags tokenEncryptionKeyId uniqueName "
        "defaultRedirectUri certification optionalClaims addIns api appRoles info keyCredentials "
        "parentalControlSettings passwordCredentials publicClient requiredResourceAccess verifiedPublisher web spa"
    ),
    absent=frozenset(
        names_in(
            "authenticationBehaviors createdByAppId isDisabled logo managerApplications "
            "nativeAuthenticationApisEnabled oauth2RequirePostResponse requestSignatureVerification samlMetadataUrl "
            "servicePrincipalLockConfiguration appManagementPolicies createdOnBehalfOf extensionProperties "
            "federatedIdentityCredentials homeRealmDiscoveryPolicies synchronization tokenIssuancePolicies "
            "tokenLifetimePolicies"
        )
    ),
    read_only=frozenset({"id", "deletedDateTime", "createdDateTime", "appId"}),
    required=("displayName",),
    never_empty=("displayName",),
    filters={
        "e": "id appId signInAudience disabledByMicrosoftStatus",
        "es": "displayName publisherDomain uniqueName identifierUris tags",
        "eg": "createdDateTime",
        "ESN": "description notes serviceManagementReference",
        "ES": "publicClient requiredResourceAccess spa web",
    },
    elements={"requiredResourceAccess": typed("resourceAppId")},
    sorting_advanced=frozenset({"displayName", "createdDateTime"}),
    searching=frozenset({"displayName"}),
    read=APP_READ,
    write=APP_WRITE,
    delete=APP_DELETE,
    alternate_key="appId",
    relations=(OWNERS,),
    rows=(*password_rows("application"), *federated_rows("application")),
    on_create=create,
    on_change=partial(change, kind="application"),
    on_delete=delete,
)
