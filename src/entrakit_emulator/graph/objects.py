"""What all kinds of objects have in common: being found, shown, changed and deleted."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING
from uuid import UUID

from entrakit_emulator.exchange import NotImplementedHereError
from entrakit_emulator.graph.call import Reply, segments_of
from entrakit_emulator.graph.errors import GraphError, bad_request, denied, not_found
from entrakit_emulator.graph.expansion import expand, expansion_of
from entrakit_emulator.graph.listing import context_of, selected
from entrakit_emulator.graph.permissions import BARE, WRITE_OF, need, visible
from entrakit_emulator.graph.schema import (
    BOOLEAN,
    COLLECTION_OF,
    DATE,
    FACES,
    LIST,
    NAMES,
    OBJECT,
    PROPERTIES,
    READ_ONLY,
    property_of,
    value_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from entrakit_emulator.graph.call import Call
    from entrakit_emulator.state.store import DirectoryObject

    JSON = dict[str, object]

# Collections whose objects have their client id as an alternate key.
BY_APP_ID = {"applications": "application", "serviceprincipals": "servicePrincipal"}
_PYTHON = {BOOLEAN: bool, LIST: list, OBJECT: dict, DATE: str}


def found(call: Call, key: str, kinds: Sequence[str]) -> DirectoryObject:
    """Return the object that a key stands for.

    Raises:
        GraphError: There is none (404).
        NotImplementedHereError: The key is an alternate one.
    """
    name, separator, value = key.partition("=")
    if not separator:
        stored = call.store.find(call.tenant, key, kinds)
    elif name.lower() == "appid" and call.segments[0].lower() in BY_APP_ID:
        stored = by_app_id(call, value, BY_APP_ID[call.segments[0].lower()])
    else:
        raise NotImplementedHereError(f"Microsoft Graph's alternate key {name} of a {kinds[0]}")
    if stored is None:
        raise not_found(key)
    return stored


def by_app_id(call: Call, client_id: str, kind: str) -> DirectoryObject | None:
    """Return the app registration, or the service principal, of a client id."""
    where = "tenant=? AND kind=? AND deleted IS NULL AND json_extract(doc, '$.appId')=?"
    row = next(iter(call.store.select("id", where, (call.tenant, kind, client_id.lower()))), None)
    return call.store.find(call.tenant, str(row[0]), (kind,)) if row else None


def referred(reference: object) -> str:
    """Return the id in a reference, the address of an object. Raises GraphError (400) for what is none."""
    if not isinstance(reference, str) or not reference.strip("/"):
        raise bad_request("A value is required for property '@odata.id' of resource 'ReferenceBase'.")
    return segments_of(reference)[-1]


def need_write(call: Call, stored: DirectoryObject) -> None:
    """Check that the caller may change a kind of object. Raises GraphError (403)."""
    need(call, WRITE_OF[stored.kind].split())


def any_kind(call: Call, key: str) -> Reply:
    """Return the answer to a GET of an object whose kind the address does not tell."""
    stored = found(call, key, tuple(FACES))
    if visible(call, stored.kind) == BARE:
        raise denied()
    return Reply(200, typed(shown(call, stored), stored))


def typed(body: JSON, stored: DirectoryObject) -> JSON:
    """Return an object as one of any kind: it says what it is, and has the id first."""
    context = str(body["@odata.context"]).replace(f"#{COLLECTION_OF[stored.kind]}", "#directoryObjects")
    head = {"@odata.context": context, "@odata.type": f"#microsoft.graph.{stored.kind}"}
    return (
        head
        | {name: body[name] for name in ("id",) if name in body}
        | {name: value for name, value in body.items() if name not in ("@odata.context", "id")}
    )


def shown(call: Call, stored: DirectoryObject, *, is_new: bool = False) -> JSON:
    """Return an object as an answer: context, default or chosen properties, expansion, ETag where these are on."""
    names = selected(call, (stored.kind,))
    expansion = expansion_of(call, (stored.kind,))
    listed = names if names is not None else _ordered(stored.kind, is_new=is_new)
    seen = None if stored.id == call.claims.get("oid") else visible(call, stored.kind)
    values = {
        name: value_of(stored.kind, stored.doc, name) if seen is None or name in seen else None for name in listed
    }
    if expansion:
        values = json.loads(expand(call, expansion, stored.id, json.dumps(values)))
    name = context_of(COLLECTION_OF[stored.kind], names, expansion)
    tag = {"@odata.etag": etag(stored)} if call.exchange.world.settings.etags else {}
    return {"@odata.context": f"{call.root}/$metadata#{name}/$entity", **tag, **values}


def one(call: Call, stored: DirectoryObject) -> Reply:
    """Return the answer to a GET of an object."""
    return Reply(200, shown(call, stored))


def created(call: Call, stored: DirectoryObject) -> Reply:
    """Return the answer to a POST that made an object."""
    location = (
        f"{call.exchange.world.origin}/v2/{call.tenant}/directoryObjects/{stored.id}/"
        f"Microsoft.DirectoryServices.{NAMES[stored.kind]}"
    )
    return Reply(201, shown(call, stored, is_new=True), {"location": location})


def changed(call: Call, stored: DirectoryObject) -> Reply:
    """Return the answer to a PATCH."""
    if call.prefers("return=representation"):
        return Reply(200, shown(call, stored), {"preference-applied": "return=representation"})
    return Reply(204)


def checked(call: Call, kind: str, *, is_new: bool) -> JSON:
    """Return the properties that a body sets, by their names in the schema.

    Raises:
        GraphError: One of them does not exist, can't be set, or is of the wrong type.
    """
    values: JSON = {}
    for given, value in call.json().items():
        if given.startswith("@odata.") or given.endswith("@odata.bind"):
            continue
        name = property_of(kind, given)
        if name is None:
            raise GraphError(
                400,
                "Request_BadRequest",
                f"Could not find a property named '{given}' on type 'microsoft.graph.{kind}'.",
            )
        if name in READ_ONLY and not (is_new and name == "appId" and kind == "servicePrincipal"):
            raise bad_request(f"Property '{name}' is read-only and cannot be set.")
        expected = _PYTHON.get(PROPERTIES[kind][name], str)
        if value is not None and not isinstance(value, expected):
            raise bad_request(f"Invalid value specified for property '{name}' of resource '{NAMES[kind]}'.")
        values[name] = value
    return values


def merged(doc: Mapping[str, object], values: Mapping[str, object]) -> JSON:
    """Return a document with a change: members of an object that are not named stay."""
    return {**doc} | {
        name: {**old, **value} if isinstance(value, dict) and isinstance(old := doc.get(name), dict) else value
        for name, value in values.items()
    }


def required(kind: str, values: Mapping[str, object], names: Sequence[str]) -> None:
    """Check that all required properties are there. Raises GraphError, which names the first that is not."""
    for name in names:
        if values.get(name) in (None, ""):
            raise bad_request(f"A value is required for property '{name}' of resource '{NAMES[kind]}'.")


def guid_of(call: Call, *parts: str) -> str:
    """Return a new id; where the world's random numbers are seeded, always the same one."""
    raw = hashlib.sha256("\0".join([str(call.exchange.world.random.random()), *parts]).encode()).digest()[:16]
    return str(UUID(bytes=raw, version=4))


def etag(stored: DirectoryObject) -> str:
    """Return what tells one state of an object from another."""
    return f'W/"{hashlib.sha256(json.dumps(stored.doc, sort_keys=True).encode()).hexdigest()[:20]}"'


def check_match(call: Call, stored: DirectoryObject) -> None:
    """Compare `If-Match`, where ETags are on; the directory ignores it otherwise. Raises GraphError (412)."""
    wanted = call.headers.get("if-match")
    if call.exchange.world.settings.etags and wanted not in (None, "*", etag(stored)):
        raise GraphError(412, "Request_PreconditionFailed", "The object was changed since it was read.")


def _ordered(kind: str, *, is_new: bool) -> list[str]:
    """Return the default properties; the answer to a POST has the id first."""
    names = list(FACES[kind])
    return ["id", *(name for name in names if name != "id")] if is_new else names
