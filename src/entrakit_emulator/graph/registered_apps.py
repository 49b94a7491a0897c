"""App registrations and service principals have one app in the token service: changes, deletions and secrets."""

from __future__ import annotations

import datetime
import secrets
import uuid
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from entrakit_emulator.graph import app_documents
from entrakit_emulator.graph.call import Reply
from entrakit_emulator.graph.errors import bad_request, denied, not_found
from entrakit_emulator.graph.kind import Row
from entrakit_emulator.graph.objects import by_alternate_key, changed, checked, found
from entrakit_emulator.graph.permissions import APP_WRITE
from entrakit_emulator.graph.schema import merged
from entrakit_emulator.graph.timestamps import stamp
from entrakit_emulator.state.identities import App, Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit_emulator.graph.call import Call
    from entrakit_emulator.state.store import DirectoryObject

    JSON = dict[str, object]

YEARS_2 = datetime.timedelta(days=730)


def change(call: Call, key: str, kind: str) -> Reply:
    """Change an app registration or a service principal."""
    stored = found(call, key, (kind,))
    values = checked(call, kind, is_new=False)
    if stored.doc["appId"] in app_documents.FIRST_PARTY:
        raise denied()
    doc = merged(stored.doc, values)
    call.store.put(call.tenant, stored.kind, doc, call.now, list(values))
    app = known_app(call, stored)
    if app is not None and stored.kind == "application":
        put_app(call, app_documents.with_document(app, doc))
    elif app is not None:
        put_app(call, replace(app, is_enabled=doc.get("accountEnabled") is not False))
    return changed(call, found(call, stored.id, (stored.kind,)))


def delete(call: Call, stored: DirectoryObject) -> None:
    """Delete a service principal, or an app registration with its service principal."""
    if stored.doc["appId"] in app_documents.FIRST_PARTY:
        raise denied()
    call.store.delete(stored, call.now, for_good=False)
    client_id = str(stored.doc["appId"])
    app = known_app(call, stored)
    if app is not None:
        call.exchange.world.registered[client_id] = app
    call.exchange.world.apps.pop(client_id, None)
    call.exchange.world.mirrored.pop(client_id, None)
    other = by_alternate_key(call, "servicePrincipal", client_id)
    if stored.kind == "application" and other is not None:
        call.store.delete(other, call.now, for_good=False)


def add_password(call: Call, key: str, kind: str) -> Reply:
    """Add a secret to an app. Only this answer contains the secret."""
    stored = found(call, key, (kind,))
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
    app = known_app(call, stored) or app_of(call, stored)
    made = Secret(value, str(credential["keyId"]), ends.timestamp())
    put_app(call, replace(app, secrets=(*app.secrets, made)))
    context = f"{call.root}/$metadata#microsoft.graph.passwordCredential"
    return Reply(
        200, {"@odata.context": context, **credential, "secretText": value}, {"location": call.exchange.world.origin}
    )


def remove_password(call: Call, key: str, kind: str) -> Reply:
    """Remove a secret of an app."""
    stored = found(call, key, (kind,))
    key_id = str(call.json().get("keyId"))
    before = _credentials(stored)
    place = next((index for index, each in enumerate(before) if each["keyId"] == key_id), None)
    if place is None:
        raise bad_request(f"No password credential found with keyId '{key_id}'.")
    _store_credentials(call, stored, [*before[:place], *before[place + 1 :]])
    app = known_app(call, stored)
    if app is not None:
        put_app(call, replace(app, secrets=tuple(each for each in app.secrets if each.key_id != key_id)))
    return Reply(204)


def app_of(call: Call, registration: DirectoryObject | None) -> App:
    """Return the app of a registration. Raises GraphError (404) without a registration."""
    if registration is None:
        raise not_found("application")
    doc = registration.doc
    app = App(str(doc["appId"]), str(doc["displayName"]), call.tenant)
    return known_app(call, registration) or app_documents.with_document(app, doc)


def known_app(call: Call, stored: DirectoryObject) -> App | None:
    """Return an app of the token service, also if it has no service principal yet."""
    world, client_id = call.exchange.world, str(stored.doc["appId"])
    return world.apps.get(client_id) or world.registered.get(client_id)


def put_app(call: Call, app: App) -> None:
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


def password_rows(kind: str) -> tuple[Row, ...]:
    """Return the addresses of a kind whose objects have secrets."""
    return (
        Row("POST", "*/addPassword", partial(add_password, kind=kind), APP_WRITE),
        Row("POST", "*/removePassword", partial(remove_password, kind=kind), APP_WRITE),
    )
