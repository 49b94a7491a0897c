"""Kinds that are not in the store: their documents are computed for each request, and are not paged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit_emulator.graph.call import Reply
from entrakit_emulator.graph.errors import not_found, unsupported
from entrakit_emulator.graph.expansion import expansion_of
from entrakit_emulator.graph.kind import KINDS, value_of
from entrakit_emulator.graph.listing import selected

if TYPE_CHECKING:
    from entrakit_emulator.graph.call import Call

    JSON = dict[str, object]


def get_all(call: Call, kind: str) -> Reply:
    """List all objects of a kind."""
    expansion_of(call, (kind,))
    for option in ("$filter", "$top", "$orderby", "$search"):
        if option in call.options:
            raise unsupported("Unsupported Query.")
    context = f"{call.root}/$metadata#{KINDS[kind].collection}"
    return Reply(200, {"@odata.context": context, "value": [_shown(call, kind, doc) for doc in _documents(call, kind)]})


def get_one(call: Call, kind: str, key: str) -> Reply:
    """Read one object of a kind."""
    expansion_of(call, (kind,))
    doc = next((one for one in _documents(call, kind) if str(one["id"]).lower() == key.lower()), None)
    if doc is None:
        raise not_found(key)
    context = f"{call.root}/$metadata#{KINDS[kind].collection}/$entity"
    return Reply(200, {"@odata.context": context, **_shown(call, kind, doc)})


def _documents(call: Call, kind: str) -> list[JSON]:
    documents = KINDS[kind].documents
    return documents(call) if documents else []


def _shown(call: Call, kind: str, doc: JSON) -> JSON:
    names = selected(call, (kind,))
    return {name: value_of(kind, doc, name) for name in (KINDS[kind].default if names is None else names)}
