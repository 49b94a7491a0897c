"""App registrations and service principals. An app that is created here can sign in."""

from __future__ import annotations

import datetime
import secrets
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from entrakit_emulator.graph import app_documents
from entrakit_emulator.graph.call import Reply
from entrakit_emulator.graph.errors import GraphError, bad_request, denied, not_found
from entrakit_emulator.graph.listing import Source, count, page
from entrakit_emulator.graph.objects import (
    BY_APP_ID,
    by_app_id,
    changed,
    checked,
    created,
    found,
    guid_of,
    merged,
    one,
    required,
)
from entrakit_emulator.graph.schema import NAMES
from entrakit_emulator.graph.timestamps import stamp
from entrakit_emulator.state.identities import App, Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit_emulator.graph.call import Call
    from entrakit_emulator.state.store import DirectoryObject

    JSON = dict[str, object]

SOURCES = {
    "applications": Source(("application",), "applications"),
    "serviceprincipals": Source(("servicePrincipal",), "servicePrincipals"),
}  # fmt: skip
YEARS_2 = datetime.timedelta(days=730)


def get_all(call: Call) -> Reply:
    """List app registrations or service principals."""
    return page(call, SOURCES[call.segments[0].lower()])


def get_count(call: Call) -> Reply:
    """Count app registrations or service principals."""
    return count(call, SOURCES[call.segments[0].lower()])


def get_one(call: Call, key: str) -> Reply:
    """Read one object, by its id or by `appId='…'`."""
    return one(call, _found(call, key))


def create(call: Call) -> Reply:
    """Register an app."""
    values = checked(call, "application", is_new=True)
    required("application", values, ("displayName",))
    client_id = guid_of(call, "app", str(values["displayName"]))
    app = App(client_id, str(values["displayName"]), call.tenant)
    object_id = app_documents.object_id(app)
    doc = {
        "id": object_id, "createdDateTime": stamp(call.now), "signInAudience": "AzureADMyOrg",
        "identifierUris": [], "api": {"oauth2PermissionScopes": [], "requestedAccessTokenVersion": None},
        "publicClient": {"redirectUris": []}, "web": {"redirectUris": []}, "spa": {"redirectUris": []},
        **values, "appId": client_id,
    }  # fmt: skip
    call.exchange.world.registered[client_id] = app_documents.with_document(app, doc)
    call.store.put(call.tenant, "application", doc, call.now)
    if call.claims.get("idtyp") != "app":
        call.store.link("owner", found(call, object_id, ("application",)), str(call.claims["oid"]), call.now)
    return created(call, found(call, object_id, ("application",)))


def create_principal(call: Call) -> Reply:
    """Create the service principal of an app, which lets the app sign in to this tenant."""
    values = checked(call, "servicePrincipal", is_new=True)
    required("servicePrincipal", values, ("appId",))
    client_id = str(values["appId"]).lower()
    registration = by_app_id(call, client_id, "application")
    world = call.exchange.world
    if registration is None and client_id not in world.apps:
        raise bad_request(
            f"The appId '{client_id}' of the service principal does not reference a valid application object."
        )
    if by_app_id(call, client_id, "servicePrincipal") is not None:
        raise GraphError(
            409, "Request_MultipleObjectsWithSameKeyValue",
            "The service principal cannot be created, updated, or restored because the service principal name "
            f"{client_id} is already in use.",
        )  # fmt: skip
    app = world.apps.get(client_id) or _app(call, registration)
    world.apps[client_id] = world.mirrored[client_id] = app
    principal = app.principal_id(call.tenant)
    doc = {**app_documents.principal(app, principal), "createdDateTime": stamp(call.now), **values}
    call.store.put(call.tenant, "servicePrincipal", doc, call.now)
    return created(call, found(call, principal, ("servicePrincipal",)))


def change(call: Call, key: str) -> Reply:
    """Change an app registration or a service principal."""
    stored = _found(call, key)
    values = checked(call, stored.kind, is_new=False)
    if "displayName" in values and not values["displayName"]:
        raise bad_request(f"Invalid value specified for property 'displayName' of resource '{NAMES[stored.kind]}'.")
    if stored.doc["appId"] in app_documents.FIRST_PARTY:
        raise denied()
    doc = merged(stored.doc, values)
    call.store.put(call.tenant, stored.kind, doc, call.now, list(values))
    app = _known(call, stored)
    if app is not None and stored.kind == "application":
        _replace(call, app_documents.with_document(app, doc))
    elif app is not None:
        _replace(call, replace(app, is_enabled=doc.get("accountEnabled") is not False))
    return changed(call, found(call, stored.id, (stored.kind,)))


def remove(call: Call, key: str) -> Reply:
    """Delete an app registration or a service principal. The app can't sign in any more."""
    delete(call, _found(call, key))
    return Reply(204)


def delete(call: Call, stored: DirectoryObject) -> None:
    """Delete a service principal, or an app registration with its service principal."""
    if stored.doc["appId"] in app_documents.FIRST_PARTY:
        raise denied()
    call.store.delete(stored, call.now, for_good=False)
    client_id = str(stored.doc["appId"])
    app = _known(call, stored)
    if app is not None:
        call.exchange.world.registered[client_id] = app
    call.exchange.world.apps.pop(client_id, None)
    call.exchange.world.mirrored.pop(client_id, None)
    other = by_app_id(call, client_id, "servicePrincipal")
    if stored.kind == "application" and other is not None:
        call.store.delete(other, call.now, for_good=False)


def restored(call: Call, stored: DirectoryObject) -> None:
    """Let an app sign in again after its service principal was restored."""
    world, client_id = call.exchange.world, str(stored.doc["appId"])
    app = world.registered.get(client_id)
    if stored.kind == "servicePrincipal" and app is not None:
        world.apps[client_id] = world.mirrored[client_id] = app


def add_password(call: Call, key: str) -> Reply:
    """Add a secret to an app. Only this answer contains the secret."""
    stored = _found(call, key)
    given = call.json().get("passwordCredential") if call.body.strip() else {}
    asked: Mapping[str, object] = given if isinstance(given, dict) else {}
    ends = _time(asked.get("endDateTime")) or datetime.datetime.fromtimestamp(call.now, datetime.UTC) + YEARS_2
    value = secrets.token_urlsafe(30)
    credential = {
        "customKeyIdentifier": None,
        "displayName": asked.get("displayName"),
        "endDateTime": ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "hint": value[:3],
        "keyId": str(uuid.uuid4()),
        "secretText": None,
        "startDateTime": stamp(call.now),
    }
    _store_credentials(call, stored, [*_credentials(stored), credential])
    app = _known(call, stored) or _app(call, stored)
    made = Secret(value, str(credential["keyId"]), ends.timestamp())
    _replace(call, replace(app, secrets=(*app.secrets, made)))
    context = f"{call.root}/$metadata#microsoft.graph.passwordCredential"
    return Reply(
        200, {"@odata.context": context, **credential, "secretText": value}, {"location": call.exchange.world.origin}
    )


def remove_password(call: Call, key: str) -> Reply:
    """Remove a secret of an app."""
    stored = _found(call, key)
    key_id = str(call.json().get("keyId"))
    before = _credentials(stored)
    place = next((index for index, each in enumerate(before) if each["keyId"] == key_id), None)
    if place is None:
        raise bad_request(f"No password credential found with keyId '{key_id}'.")
    _store_credentials(call, stored, [*before[:place], *before[place + 1 :]])
    app = _known(call, stored)
    if app is not None:
        _replace(call, replace(app, secrets=tuple(each for each in app.secrets if each.key_id != key_id)))
    return Reply(204)


def _found(call: Call, key: str) -> DirectoryObject:
    return found(call, key, (BY_APP_ID[call.segments[0].lower()],))


def _app(call: Call, registration: DirectoryObject | None) -> App:
    if registration is None:
        raise not_found("application")
    doc = registration.doc
    app = App(str(doc["appId"]), str(doc["displayName"]), call.tenant)
    return _known(call, registration) or app_documents.with_document(app, doc)


def _known(call: Call, stored: DirectoryObject) -> App | None:
    """Return an app of the token service, also if it has no service principal yet."""
    world, client_id = call.exchange.world, str(stored.doc["appId"])
    return world.apps.get(client_id) or world.registered.get(client_id)


def _replace(call: Call, app: App) -> None:
    """Update an app of the token service, and store it for the time when it gets a service principal."""
    world = call.exchange.world
    world.registered[app.client_id] = app
    if app.client_id in world.apps:
        world.apps[app.client_id] = world.mirrored[app.client_id] = app


def _credentials(stored: DirectoryObject) -> list[JSON]:
    listed = stored.doc.get("passwordCredentials")
    return list(listed) if isinstance(listed, list) else []


def _store_credentials(call: Call, stored: DirectoryObject, credentials: list[JSON]) -> None:
    doc = stored.doc | {"passwordCredentials": credentials}
    call.store.put(call.tenant, stored.kind, doc, call.now, ["passwordCredentials"])


def _time(value: object) -> datetime.datetime | None:
    if value is None:
        return None
    try:
        at = datetime.datetime.fromisoformat(str(value))
    except ValueError as error:
        raise bad_request("Invalid value specified for property 'endDateTime'.") from error
    return at if at.tzinfo else at.replace(tzinfo=datetime.UTC)
