"""App registrations as Graph documents, and the apps of the token service that correspond to them."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from entrakit_emulator import contoso
from entrakit_emulator.graph.schema import merged
from entrakit_emulator.graph.timestamps import SEEDED, stamp
from entrakit_emulator.state.identities import GRAPH_ID, TOKEN_EXCHANGE_ID, App, Redirect

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit_emulator.world import World

    JSON = dict[str, object]

# Property of a document that holds the redirect URIs of a platform.
PLATFORMS = {"public": "publicClient", "web": "web", "spa": "spa"}
SINGLE = "AzureADMyOrg"
# Apps of Microsoft. A tenant has service principals of them, but no registrations, and can't change them.
FIRST_PARTY = frozenset(
    {
        GRAPH_ID,
        TOKEN_EXCHANGE_ID,
        contoso.MANAGEMENT,
        contoso.KEY_VAULT_APP,
        contoso.GRAPH_COMMAND_LINE,
        contoso.AZURE_CLI,
        contoso.AZURE_POWERSHELL,
    }
)
# Parts of every app registration, with the values of a new one.
PARTS: JSON = {
    "api": {
        "acceptMappedClaims": None, "knownClientApplications": [], "requestedAccessTokenVersion": None,
        "oauth2PermissionScopes": [], "preAuthorizedApplications": [],
    },
    "info": dict.fromkeys(("logoUrl", "marketingUrl", "privacyStatementUrl", "supportUrl", "termsOfServiceUrl")),
    "parentalControlSettings": {"countriesBlockedForMinors": [], "legalAgeGroupRule": "Allow"},
    "publicClient": {"redirectUris": []},
    "spa": {"redirectUris": []},
    "verifiedPublisher": dict.fromkeys(("displayName", "verifiedPublisherId", "addedDateTime")),
    "web": {
        "homePageUrl": None, "logoutUrl": None, "redirectUris": [],
        "implicitGrantSettings": {"enableAccessTokenIssuance": False, "enableIdTokenIssuance": False},
    },
}  # fmt: skip
# Those of every service principal.
PRINCIPAL_PARTS: JSON = {name: PARTS[name] for name in ("info", "verifiedPublisher")}
MICROSOFT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"


def object_id(app: App) -> str:
    """Return the object id of an app registration, which differs from its client id."""
    return str(uuid.uuid5(uuid.UUID(app.client_id), "application"))


def document(app: App) -> JSON:
    """Return an app registration as Graph shows it."""
    return {
        "id": object_id(app),
        "appId": app.client_id,
        "displayName": app.name,
        "createdDateTime": SEEDED,
        "identifierUris": list(app.identifier_uris),
        "isFallbackPublicClient": app.is_public,
        "signInAudience": "AzureADMultipleOrgs" if app.is_multi_tenant else SINGLE,
        "passwordCredentials": [
            {
                "customKeyIdentifier": None,
                "displayName": None,
                "endDateTime": _end(secret.expires_at),
                "hint": secret.value[:3],
                "keyId": secret.key_id,
                "secretText": None,
                "startDateTime": SEEDED,
            }
            for secret in app.secrets
            if secret.key_id
        ],
        **{
            name: {"redirectUris": [one.uri for one in app.redirects if one.platform == platform]}
            for platform, name in PLATFORMS.items()
        },
    }


def principal(app: App, principal_id: str) -> JSON:
    """Return the service principal of an app as Graph shows it."""
    document: JSON = {
        "id": principal_id,
        "accountEnabled": app.is_enabled,
        "appDisplayName": app.name,
        "appId": app.client_id,
        "appOwnerOrganizationId": MICROSOFT if app.client_id in FIRST_PARTY else app.tenant_id,
        "appRoleAssignmentRequired": app.needs_assignment,
        "createdDateTime": SEEDED,
        "displayName": app.name,
        "replyUrls": [one.uri for one in app.redirects],
        "servicePrincipalNames": [app.client_id, *app.identifier_uris],
        "servicePrincipalType": "Application",
        "signInAudience": "AzureADMultipleOrgs" if app.is_multi_tenant else SINGLE,
    }
    if not app.resource_id:
        return document
    is_explicit = app.managed_identity.is_user_assigned
    return document | {
        "alternativeNames": [f"isExplicit={is_explicit}", app.resource_id],
        "appDisplayName": None,
        "appOwnerOrganizationId": None,
        "servicePrincipalType": "ManagedIdentity",
        "signInAudience": None,
    }


def with_document(app: App, doc: Mapping[str, object]) -> App:
    """Return an app with the changes of its registration's document. Documents contain no secrets."""
    redirects = [
        Redirect(str(uri), platform)
        for platform, name in PLATFORMS.items()
        for uri in _list(doc.get(name), "redirectUris")
    ]
    return replace(
        app,
        name=str(doc.get("displayName") or app.name),
        is_public=doc.get("isFallbackPublicClient") is True,
        is_multi_tenant=doc.get("signInAudience") not in (None, SINGLE),
        identifier_uris=tuple(str(uri) for uri in _list(doc, "identifierUris")),
        redirects=tuple(redirects),
    )


def mirror(world: World, app: App) -> None:
    """Write an app of the token service to the directory, where it differs from the document."""
    if app.client_id not in FIRST_PARTY and not app.resource_id:
        _write(world, app.tenant_id, "application", document(app), PARTS)
    for tenant in {app.tenant_id, *app.installed_in} & set(world.tenants):
        _write(world, tenant, "servicePrincipal", principal(app, app.principal_id(tenant)), PRINCIPAL_PARTS)


def _write(world: World, tenant: str, kind: str, doc: JSON, parts: JSON) -> None:
    known = world.objects.find(tenant, str(doc["id"]), (kind,))
    if known is None:
        world.objects.put(tenant, kind, merged(parts, doc), world.clock.now())
        return
    doc = {name: value for name, value in merged(known.doc, doc).items() if name in doc}
    # Only the directory has names and times of secrets.
    listed = known.doc.get("passwordCredentials")
    named = {str(one["keyId"]): one for one in listed} if isinstance(listed, list) else {}
    secrets = doc.get("passwordCredentials")
    if isinstance(secrets, list):
        doc["passwordCredentials"] = [named.get(str(one["keyId"]), one) for one in secrets]
    changed = [name for name, value in doc.items() if name != "createdDateTime" and known.doc.get(name) != value]
    if changed:
        world.objects.put(tenant, kind, known.doc | {name: doc[name] for name in changed}, world.clock.now(), changed)


def _list(doc: object, name: str) -> list[object]:
    value = doc.get(name) if isinstance(doc, dict) else None
    return value if isinstance(value, list) else []


def _end(at: float | None) -> str:
    return "2299-12-31T00:00:00Z" if at is None else stamp(at)
