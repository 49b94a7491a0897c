"""Delta queries (Microsoft Graph, "Use delta query to track changes"), from the journal of changes.

A first round lists all objects page by page and ends with a delta link; a later round, which starts from a delta link,
lists each object that changed since then, with its current state and the changes of its relations, or as removed.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from entrakit_emulator.graph import page_tokens
from entrakit_emulator.graph.call import Reply
from entrakit_emulator.graph.errors import GraphError, bad_request
from entrakit_emulator.graph.kind import KINDS, stored_kinds, value_of
from entrakit_emulator.graph.listing import context_of, selected
from entrakit_emulator.graph.permissions import visible

if TYPE_CHECKING:
    from entrakit_emulator.graph.call import Call
    from entrakit_emulator.graph.kind import Relation
    from entrakit_emulator.state.store import DirectoryObject

    JSON = dict[str, object]

PAGE, LARGEST = 100, 999
# Members of one object on one page; the object is repeated for the rest.
RELATED = 100
LIFETIME_S = 7 * 24 * 3600.0
MOST_IDS = 50
REFUSED = ("$expand", "$top", "$orderby", "$search", "$count", "$skip")


class _Round(NamedTuple):
    """State of a round.

    Args:
        kinds: Kinds of objects in the round.
        names: Properties to show; None for all that were ever set.
        relations: Relations to show.
        since: The client knows all changes up to this one; -1 in a first round.
        until: This round shows changes up to this one.
        after: Position of the last object shown.
        skip: Position of the last related object shown, if the object has more of them.
        ids: Ids of the only objects in the round; empty for all.
    """

    kinds: tuple[str, ...]
    names: tuple[str, ...] | None
    relations: tuple[str, ...]
    since: int
    until: int
    after: int
    skip: int = 0
    ids: tuple[str, ...] = ()


def get(call: Call, kind: str = "") -> Reply:
    """Answer a delta query.

    Args:
        call: The request.
        kind: Kind of the objects; empty for all that the caller may read.

    Raises:
        GraphError: An option is not supported, the token is too old (410), or it is not a token of this query.
    """
    for option in REFUSED:
        if option in call.options:
            raise GraphError(400, "BadRequest", f"The query parameter '{option}' is not supported with delta.")
    collection = KINDS[kind].collection if kind else "directoryObjects"
    kinds = (kind,) if kind else tuple(one for one in _reported() if visible(call, one) is None)
    # The options are part of the tokens; tokens are bound to the tenant and the path.
    query = page_tokens.digest(call, without=tuple(call.options))
    round_ = _round(call, kinds, query)
    if call.options.get("$deltatoken", "").lower() == "latest":
        return Reply(200, {**_head(call, collection, round_), **_end(call, round_, query), "value": []})
    rows = _rows(call, round_)
    size = _size(call)
    items, reached, skip = _items(call, round_, rows[:size])
    body: JSON = _head(call, collection, round_)
    if skip or len(rows) > size:
        body["@odata.nextLink"] = _link(
            call, "$skiptoken", {**round_._asdict(), "after": reached, "skip": skip, "q": query}
        )
    else:
        body |= _end(call, round_, query)
    return Reply(200, {**body, "value": items})


def _round(call: Call, kinds: tuple[str, ...], query: str) -> _Round:
    token = call.options.get("$skiptoken") or call.options.get("$deltatoken")
    if token and token.lower() != "latest":
        for option in call.options:
            if option.startswith("$") and option not in ("$skiptoken", "$deltatoken"):
                raise bad_request(f"The query parameter '{option}' can't be changed: it is inside the token.")
        state = page_tokens.read(call, token, query, lifetime_s=float("inf"))
        if call.now - float(str(state["at"])) > LIFETIME_S:
            raise _too_old(call)
        names = state["names"]
        relations, ids = state["relations"], state["ids"]
        numbers = {name: int(str(state[name])) for name in ("since", "until", "after", "skip")}
        given = _Round(
            kinds, tuple(names) if isinstance(names, list) else None,
            tuple(relations) if isinstance(relations, list) else (),
            ids=tuple(ids) if isinstance(ids, list) else (), **numbers,
        )  # fmt: skip
        if "$deltatoken" in call.options:
            return given._replace(since=given.until, until=call.store.sequence, after=0, skip=0)
        return given
    chosen = call.options.get("$select")
    names_ = selected(call, kinds)
    asked = {one.strip().lower() for one in (chosen or "").split(",")}
    relations_ = tuple(
        one.name for kind in kinds for one in _relations(kind) if chosen is None or one.name.lower() in asked
    )
    sequence = call.store.sequence
    shown = tuple(names_) if names_ is not None else None
    return _Round(kinds, shown, relations_, -1, sequence, 0, ids=tuple(_filtered(call)))


def _rows(call: Call, round_: _Round) -> list[tuple[int, str]]:
    """Return the next objects of a round by position, one more than a page holds."""
    kinds = ",".join("?" * len(round_.kinds))
    ids = round_.ids
    among = f"AND id IN ({','.join('?' * len(ids))})" if ids else ""
    # If only some of its relations were shown, the object itself is repeated.
    sign = ">=" if round_.skip else ">"
    if round_.since < 0:
        where = f"tenant=? AND kind IN ({kinds}) {among} AND deleted IS NULL AND key {sign} ?"
        values: tuple[object, ...] = (call.tenant, *round_.kinds, *ids, round_.after)
        rows = call.store.select("key, id", where, values, f"ORDER BY key LIMIT {_size(call) + 1}")
    else:
        where = (
            f"SELECT MAX(sequence), id FROM changes WHERE tenant=? AND kind IN ({kinds}) {among} AND sequence > ? "  # noqa: S608 - question marks
            f"AND sequence <= ? GROUP BY id HAVING MAX(sequence) {sign} ? ORDER BY 1 LIMIT {_size(call) + 1}"
        )
        values = (call.tenant, *round_.kinds, *ids, round_.since, round_.until, round_.after)
        rows = call.store.connection.execute(where, values)
    return [(int(str(key)), str(id_)) for key, id_ in rows]


def _items(call: Call, round_: _Round, rows: list[tuple[int, str]]) -> tuple[list[JSON], int, int]:
    """Return the items of a page, the position of the last one, and the position in its relations if some are left."""
    items: list[JSON] = []
    reached = round_.after
    for place, object_id in rows:
        # The object whose relations were shown in part may be deleted by now.
        skip = round_.skip if place == round_.after else 0
        item, more = _item(call, round_, object_id, skip)
        items.append(item)
        reached = place
        if more:
            return items, reached, more
    return items, reached, 0


def _item(call: Call, round_: _Round, object_id: str, skip: int) -> tuple[JSON, int]:
    stored = call.store.find(call.tenant, object_id, round_.kinds)
    if stored is None:
        reason = "changed" if call.store.find(call.tenant, object_id, round_.kinds, is_deleted=True) else "deleted"
        return {"id": object_id, "@removed": {"reason": reason}}, 0
    minimal = call.prefers("return=minimal") and round_.since >= 0
    names = _names(call, round_, stored, minimal=minimal)
    typed = {} if len(round_.kinds) == 1 else {"@odata.type": f"#microsoft.graph.{stored.kind}"}
    item: JSON = {**typed, "id": stored.id, **{name: value_of(stored.kind, stored.doc, name) for name in names}}
    more = 0
    for relation in (one for one in _relations(stored.kind) if one.name in round_.relations):
        is_split = relation.name == "members"
        if skip and not is_split:
            continue
        related = _related(call, round_, stored, relation, skip)
        if is_split and len(related) > RELATED:
            related = related[:RELATED]
            more = related[-1][0]
        if related:
            item[f"{relation.name}@delta"] = [reference for _, reference in related]
    return item, more


def _names(call: Call, round_: _Round, stored: DirectoryObject, *, minimal: bool) -> list[str]:
    """Return the properties to show: those selected, or all that were ever set."""
    known = [name for name in KINDS[stored.kind].properties if name in stored.doc and name != "id"]
    names = [name for name in known if round_.names is None or name in round_.names]
    if not minimal:
        return names
    rows = call.store.connection.execute(
        "SELECT names, what FROM changes WHERE id=? AND sequence > ? AND sequence <= ?",
        (stored.id, round_.since, round_.until),
    )
    changed: set[str] = set()
    for text, what in rows:
        changed |= set(names) if what in ("created", "restored") else set(json.loads(text))
    return [name for name in names if name in changed]


def _related(
    call: Call, round_: _Round, stored: DirectoryObject, relation: Relation, skip: int
) -> list[tuple[int, JSON]]:
    """Return related objects after a position, each with its own; of `members`, one more than fits a page."""
    link, most = relation.link, RELATED + 1 if relation.name == "members" else -1
    if round_.since < 0:
        # Positions are the numbers of links, so a member that is removed meanwhile does not move others to an earlier
        # page.
        rows = call.store.connection.execute(
            "SELECT links.key, target, '' FROM links JOIN objects ON target=id AND deleted IS NULL "
            "WHERE links.kind=? AND source=? AND links.key > ? ORDER BY links.key LIMIT ?",
            (link, stored.id, skip, most),
        )
    else:
        rows = call.store.connection.execute(
            "SELECT MAX(sequence), other, what FROM changes WHERE id=? AND sequence > ? AND sequence <= ? "
            "AND what IN (?, ?) GROUP BY other HAVING MAX(sequence) > ? ORDER BY 1 LIMIT ?",
            (stored.id, round_.since, round_.until, f"{link}_added", f"{link}_removed", skip, most),
        )
    removed: JSON = {"@removed": {"reason": "deleted"}}
    return [
        (int(place), _reference(call, str(other)) | (removed if str(what).endswith("_removed") else {}))
        for place, other, what in rows
    ]


def _reference(call: Call, target: str) -> JSON:
    stored = call.store.find(call.tenant, target, stored_kinds()) or call.store.find(
        call.tenant, target, stored_kinds(), is_deleted=True
    )
    kind = stored.kind if stored else "directoryObject"
    return {"@odata.type": f"#microsoft.graph.{kind}", "id": target}


def _reported() -> list[str]:
    return [name for name in stored_kinds() if KINDS[name].has_delta]


def _relations(kind: str) -> list[Relation]:
    return [one for one in KINDS[kind].relations if one.in_delta]


def _filtered(call: Call) -> list[str]:
    """Return the ids in `$filter`, or none for all objects. Only `id eq '…'`, joined by or, is supported."""
    text = call.options.get("$filter")
    if text is None:
        return []
    parts = [re.fullmatch(r"id\s+eq\s+'([0-9a-fA-F-]{36})'", part.strip()) for part in re.split(r"\bor\b", text)]
    if not all(parts) or len(parts) > MOST_IDS:
        raise bad_request(
            "Unsupported or invalid query filter clause specified for delta query: only id eq is supported."
        )
    return [part[1].lower() for part in parts if part]


def _head(call: Call, collection: str, round_: _Round) -> JSON:
    context = context_of(collection, round_.names)
    return {"@odata.context": f"{call.root}/$metadata#{context}" + ("/$delta" if round_.since >= 0 else "")}


def _end(call: Call, round_: _Round, query: str) -> JSON:
    """Return the delta link. Changes during a first round come in the next round."""
    return {"@odata.deltaLink": _link(call, "$deltatoken", {**round_._asdict(), "after": 0, "skip": 0, "q": query})}


def _link(call: Call, name: str, state: JSON) -> str:
    path = "/".join(quote(one, safe="()$.") for one in call.segments)
    return f"{call.root}/{path}?{name}={page_tokens.make(call, state)}"


def _size(call: Call) -> int:
    for one in call.headers.get("prefer", "").split(","):
        name, _, value = one.strip().partition("=")
        if name.lower() == "odata.maxpagesize" and value.isascii() and value.isdigit():
            return max(1, min(int(value[:6]), LARGEST))
    return PAGE


def _too_old(call: Call) -> GraphError:
    path = "/".join(call.segments)
    return GraphError(
        410, "syncStateNotFound", "The sync state generation is not found; the delta token is too old.",
        {"location": f"{call.root}/{path}?$deltatoken="},
    )  # fmt: skip
