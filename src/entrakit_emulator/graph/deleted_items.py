"""Deleted objects: listed, read, restored and purged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit_emulator.exchange import NotImplementedHereError
from entrakit_emulator.graph import page_tokens
from entrakit_emulator.graph.address import is_type
from entrakit_emulator.graph.call import Reply
from entrakit_emulator.graph.errors import GraphError, not_found
from entrakit_emulator.graph.kind import KINDS, stored_kinds, value_of
from entrakit_emulator.graph.listing import next_link, selected, size_of
from entrakit_emulator.graph.objects import need_delete
from entrakit_emulator.graph.permissions import need
from entrakit_emulator.graph.timestamps import stamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrakit_emulator.graph.call import Call
    from entrakit_emulator.state.store import DirectoryObject

    JSON = dict[str, object]


KEPT_S = 30 * 24 * 3600


def deleted(call: Call, cast: str) -> Reply:
    """List deleted objects of a type, in pages."""
    kind = _kind(cast)
    need(call, KINDS[kind].read)
    for option in ("$filter", "$orderby", "$search", "$expand"):
        if option in call.options:
            raise NotImplementedHereError(f"Microsoft Graph's {option} on deleted items")
    _empty_bin(call)
    size, mark = size_of(call), page_tokens.digest(call, without=("$skiptoken",))
    token = call.options.get("$skiptoken")
    after = 0 if token is None else page_tokens.read(call, token, mark)["k"]
    where = "tenant=? AND kind=? AND deleted IS NOT NULL"
    rows = call.store.select(
        "key, id", f"{where} AND key > ?", (call.tenant, kind, after), f"ORDER BY key LIMIT {size + 1}"
    )
    found = list(rows)
    body: JSON = {"@odata.context": f"{call.root}/$metadata#{KINDS[kind].collection}"}
    if call.wants_count and call.is_eventual and token is None:
        body["@odata.count"] = call.store.count(where, (call.tenant, kind))
    if len(found) > size:
        body["@odata.nextLink"] = next_link(call, (found[size - 1][0], None), mark)
    names = selected(call, (kind,))
    items = [_deleted(_bin(call, str(row[1])), names) for row in found[:size]]
    body["value"] = items
    return Reply(200, body)


def deleted_one(call: Call, key: str) -> Reply:
    """Read a deleted object."""
    stored = _bin(call, key)
    need(call, KINDS[stored.kind].read)
    context = f"{call.root}/$metadata#directoryObjects/$entity"
    return Reply(200, {"@odata.context": context, "@odata.type": f"#microsoft.graph.{stored.kind}", **_deleted(stored)})


def restore(call: Call, key: str) -> Reply:
    """Restore a deleted object; a user may get a new sign-in name if the old one is in use."""
    stored = _bin(call, key)
    need_delete(call, stored)
    on_restore = KINDS[stored.kind].on_restore
    if on_restore is not None:
        on_restore(call, stored)
    call.store.restore(stored, call.now)
    body = _deleted(stored) | {"deletedDateTime": None}
    context = f"{call.root}/$metadata#directoryObjects/$entity"
    return Reply(200, {"@odata.context": context, "@odata.type": f"#microsoft.graph.{stored.kind}", **body})


def purge(call: Call, key: str) -> Reply:
    """Delete an object permanently."""
    stored = _bin(call, key)
    need_delete(call, stored)
    call.store.delete(stored, call.now, for_good=True)
    return Reply(204)


def _kind(cast: str) -> str:
    for kind in (name for name in stored_kinds() if KINDS[name].is_soft):
        if cast.lower() == f"microsoft.graph.{kind}".lower():
            return kind
    if is_type(cast.lower().removeprefix("microsoft.graph.")):
        raise NotImplementedHereError(f"Microsoft Graph's /directory/deletedItems/{cast}")
    raise GraphError(400, "BadRequest", f"Resource not found for the segment '{cast}'.")


def _empty_bin(call: Call) -> None:
    """Permanently delete objects that were deleted thirty days ago."""
    for (key,) in list(call.store.select("id", "tenant=? AND deleted <= ?", (call.tenant, call.now - KEPT_S))):
        stored = call.store.find(call.tenant, str(key), stored_kinds(), is_deleted=True)
        if stored is not None:
            call.store.delete(stored, call.now, for_good=True)


def _bin(call: Call, key: str) -> DirectoryObject:
    _empty_bin(call)
    stored = call.store.find(call.tenant, key, stored_kinds(), is_deleted=True)
    if stored is None:
        raise not_found(key)
    return stored


def _deleted(stored: DirectoryObject, names: Sequence[str] | None = None) -> JSON:
    shown = {name: value_of(stored.kind, stored.doc, name) for name in names or KINDS[stored.kind].default}
    when = {"deletedDateTime": stamp(stored.deleted or 0.0)}
    return shown | (when if names is None or "deletedDateTime" in names else {})
