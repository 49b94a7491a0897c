"""Functions for all kinds of objects: finding, showing, changing and deleting them."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING
from uuid import UUID

from entrakit_emulator.exchange import NotImplementedHereError
from entrakit_emulator.graph.address import absent, segments_of
from entrakit_emulator.graph.call import Reply
from entrakit_emulator.graph.errors import GraphError, bad_request, denied, not_found
from entrakit_emulator.graph.expansion import expand, expansion_of
from entrakit_emulator.graph.kind import KINDS, known_property, stored_kinds, value_of
from entrakit_emulator.graph.listing import context_of, selected
from entrakit_emulator.graph.permissions import BARE, need, visible
from entrakit_emulator.graph.schema import BOOLEAN, DATE, LIST, NUMBER, OBJECT, merged
from entrakit_emulator.graph.timestamps import stamp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from entrakit_emulator.graph.call import Call
    from entrakit_emulator.state.store import DirectoryObject

    JSON = dict[str, object]

_PYTHON = {BOOLEAN: bool, LIST: list, OBJECT: dict, DATE: str, NUMBER: int}


def found(call: Call, key: str, kinds: Sequence[str]) -> DirectoryObject:
    """Return the object with a key.

    Raises:
        GraphError: The object does not exist (404).
        NotImplementedHereError: The alternate key is not supported, or the key is a type to cast a collection to.
    """
    if key.startswith("microsoft.graph."):
        raise absent(call)
    name, separator, value = key.partition("=")
    alternate = KINDS[kinds[0]].alternate_key if len(kinds) == 1 else ""
    if not separator:
        stored = call.store.find(call.tenant, key, kinds)
    elif alternate and name.lower() == alternate.lower():
        stored = by_alternate_key(call, kinds[0], value)
    else:
        raise NotImplementedHereError(f"Microsoft Graph's alternate key {name} of the type {kinds[0]}")
    if stored is None:
        raise not_found(key)
    return stored


def by_alternate_key(call: Call, kind: str, value: str) -> DirectoryObject | None:
    """Return the object of a kind with a value of its alternate key, such as the client id of an app registration."""
    where = f"tenant=? AND kind=? AND deleted IS NULL AND json_extract(doc, '$.{KINDS[kind].alternate_key}')=?"
    row = next(iter(call.store.select("id", where, (call.tenant, kind, value.lower()))), None)
    return call.store.find(call.tenant, str(row[0]), (kind,)) if row else None


def referred(reference: object) -> str:
    """Return the id in a reference, which is a URL of an object. Raises GraphError (400) if it is not a reference."""
    if not isinstance(reference, str) or not reference.strip("/"):
        raise bad_request("A value is required for property '@odata.id' of resource 'ReferenceBase'.")
    return segments_of(reference)[-1]


def need_delete(call: Call, stored: DirectoryObject) -> None:
    """Check that the caller may delete a kind of object. Raises GraphError (403)."""
    need(call, KINDS[stored.kind].delete or KINDS[stored.kind].write)


def any_kind(call: Call, key: str) -> Reply:
    """Return the answer to a GET of an object of any kind."""
    stored = found(call, key, stored_kinds())
    if visible(call, stored.kind) == BARE:
        raise denied()
    return Reply(200, typed(shown(call, stored), stored))


def typed(body: JSON, stored: DirectoryObject) -> JSON:
    """Return an object in the form for mixed kinds: with its type, and the id first."""
    context = str(body["@odata.context"]).replace(f"#{KINDS[stored.kind].collection}", "#directoryObjects")
    head = {"@odata.context": context, "@odata.type": f"#microsoft.graph.{stored.kind}"}
    return (
        head
        | {name: body[name] for name in ("id",) if name in body}
        | {name: value for name, value in body.items() if name not in ("@odata.context", "id")}
    )


def shown(call: Call, stored: DirectoryObject, *, is_new: bool = False) -> JSON:
    """Return the JSON of an object: context, default or selected properties, expansion, and ETag if enabled."""
    names = selected(call, (stored.kind,), of_one=True)
    expansion = expansion_of(call, (stored.kind,))
    listed = names if names is not None else _ordered(stored.kind, is_new=is_new)
    seen = None if stored.id == call.claims.get("oid") else visible(call, stored.kind)
    values = {
        name: value_of(stored.kind, stored.doc, name) if seen is None or name in seen else None for name in listed
    }
    if expansion:
        values = json.loads(expand(call, expansion, stored.id, json.dumps(values)))
    name = context_of(KINDS[stored.kind].collection, names, expansion)
    tag = {"@odata.etag": etag(stored)} if call.exchange.world.settings.etags else {}
    return {"@odata.context": f"{call.root}/$metadata#{name}/$entity", **tag, **values}


def one(call: Call, stored: DirectoryObject) -> Reply:
    """Return the answer to a GET of an object."""
    return Reply(200, shown(call, stored))


def create(call: Call, kind: str) -> Reply:
    """Create an object of a kind without special rules."""
    values = checked(call, kind, is_new=True)
    required(kind, values)
    object_id = guid_of(call, kind, str(values.get("displayName")))
    born = {"createdDateTime": stamp(call.now)} if "createdDateTime" in KINDS[kind].properties else {}
    call.store.put(call.tenant, kind, {"id": object_id, **born, **values}, call.now)
    return created(call, found(call, object_id, (kind,)))


def change(call: Call, key: str, kind: str) -> Reply:
    """Change an object of a kind without special rules."""
    stored = found(call, key, (kind,))
    check_match(call, stored)
    values = checked(call, kind, is_new=False)
    call.store.put(call.tenant, kind, merged(stored.doc, values), call.now, list(values))
    return changed(call, found(call, stored.id, (kind,)))


def remove(call: Call, key: str, kinds: Sequence[str]) -> Reply:
    """Answer a DELETE of an object. Raises GraphError (403) if the caller may not delete its kind."""
    stored = found(call, key, kinds)
    need_delete(call, stored)
    check_match(call, stored)
    kind = KINDS[stored.kind]
    if kind.on_delete is not None:
        kind.on_delete(call, stored)
    else:
        call.store.delete(stored, call.now, for_good=not kind.is_soft)
    return Reply(204)


def created(call: Call, stored: DirectoryObject) -> Reply:
    """Return the answer to a POST that created an object."""
    location = (
        f"{call.exchange.world.origin}/v2/{call.tenant}/directoryObjects/{stored.id}/"
        f"Microsoft.DirectoryServices.{KINDS[stored.kind].title}"
    )
    return Reply(201, shown(call, stored, is_new=True), {"location": location})


def changed(call: Call, stored: DirectoryObject) -> Reply:
    """Return the answer to a PATCH."""
    if call.prefers("return=representation"):
        return Reply(200, shown(call, stored), {"preference-applied": "return=representation"})
    return Reply(204)


def checked(call: Call, kind: str, *, is_new: bool, bound: Sequence[str] = ()) -> JSON:
    """Return the properties in a body, spelled as in the schema.

    Args:
        call: The request.
        kind: Kind of the object.
        is_new: Whether the object is created.
        bound: Relations that the caller reads from the body, as `members@odata.bind`.

    Raises:
        GraphError: A property does not exist, is read-only, or has a value of the wrong type.
        NotImplementedHereError: The body binds objects of another relation.
    """
    values: JSON = {}
    for given, value in call.json().items():
        relation, _, annotation = given.partition("@odata.")
        if annotation == "bind" and relation not in bound:
            raise NotImplementedHereError(f"Microsoft Graph's {given} of the type {kind}")
        if annotation:
            continue
        name = known_property(kind, given, code="Request_BadRequest")
        is_required = is_new and name in KINDS[kind].required
        if name in KINDS[kind].read_only and not is_required:
            raise bad_request(f"Property '{name}' is read-only and cannot be set.")
        expected = _PYTHON.get(KINDS[kind].properties[name], str)
        is_cleared = value in (None, "") and name in KINDS[kind].never_empty and not is_new
        if is_cleared or (value is not None and not isinstance(value, expected)):
            raise bad_request(f"Invalid value specified for property '{name}' of resource '{KINDS[kind].title}'.")
        values[name] = value
    return values


def required(kind: str, values: Mapping[str, object]) -> None:
    """Check that all required properties are set. Raises GraphError, which names the first missing one."""
    for name in KINDS[kind].required:
        if values.get(name) in (None, ""):
            raise missing(kind, name)


def missing(kind: str, name: str) -> GraphError:
    """Return the error for a required property that is not set."""
    return bad_request(f"A value is required for property '{name}' of resource '{KINDS[kind].title}'.")


def guid_of(call: Call, *parts: str) -> str:
    """Return a new id, which is reproducible if the world's random numbers are."""
    raw = hashlib.sha256("\0".join([str(call.exchange.world.random.random()), *parts]).encode()).digest()[:16]
    return str(UUID(bytes=raw, version=4))


def etag(stored: DirectoryObject) -> str:
    """Return the ETag of an object's state."""
    return f'W/"{hashlib.sha256(json.dumps(stored.doc, sort_keys=True).encode()).hexdigest()[:20]}"'


def check_match(call: Call, stored: DirectoryObject) -> None:
    """Compare `If-Match` if ETags are enabled; otherwise it is ignored. Raises GraphError (412)."""
    wanted = call.headers.get("if-match")
    if call.exchange.world.settings.etags and wanted not in (None, "*", etag(stored)):
        raise GraphError(412, "Request_PreconditionFailed", "The object was changed since it was read.")


def _ordered(kind: str, *, is_new: bool) -> list[str]:
    """Return the default properties in order; a POST returns the id first."""
    names = list(KINDS[kind].default)
    return ["id", *(name for name in names if name != "id")] if is_new else names
