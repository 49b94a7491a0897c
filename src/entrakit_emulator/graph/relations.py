"""Members, owners and memberships, direct and transitive: listed, added and removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit_emulator.graph.address import OTHER_TYPES, absent, is_key
from entrakit_emulator.graph.call import Reply
from entrakit_emulator.graph.errors import GraphError, bad_request, not_found, unsupported
from entrakit_emulator.graph.kind import KINDS, Relation, stored_kinds
from entrakit_emulator.graph.listing import Source, count, page
from entrakit_emulator.graph.objects import found, referred

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrakit_emulator.graph.call import Call
    from entrakit_emulator.state.store import DirectoryObject

MOST_OWNERS = 100
MOST_CHECKED = 20
MOST_IDS = 1000
_WAYS = {
    (True, False): "SELECT target FROM links WHERE kind=? AND source=?",
    (False, False): "SELECT source FROM links WHERE kind=? AND target=?",
    (True, True): "WITH RECURSIVE found(id) AS (SELECT target FROM links WHERE kind=? AND source=? UNION "
    "SELECT target FROM links JOIN found ON links.kind=? AND links.source=found.id) SELECT id FROM found",
    (False, True): "WITH RECURSIVE found(id) AS (SELECT source FROM links WHERE kind=? AND target=? UNION "
    "SELECT source FROM links JOIN found ON links.kind=? AND links.target=found.id) SELECT id FROM found",
}


def get_related(call: Call, stored: DirectoryObject, relation: Relation, cast: str = "", *, counted: bool) -> Reply:
    """List or count related objects.

    Args:
        call: The request.
        stored: The object.
        relation: The relation.
        cast: The only type to list, such as `microsoft.graph.user`; empty for all.
        counted: Whether to count the objects instead.
    """
    kind = next((one for one in stored_kinds() if f"microsoft.graph.{one}".lower() == cast.lower()), "")
    if cast == "$ref" or is_key(cast):
        raise absent(call)
    other = cast.lower().removeprefix("microsoft.graph.")
    is_membership = relation.link == "member" and not relation.is_forward
    if other in OTHER_TYPES and (other in ("administrativeunit", "directoryrole")) == is_membership:
        return _none(call, OTHER_TYPES[other], counted=counted)
    if cast and not kind:
        raise GraphError(400, "BadRequest", f"Resource not found for the segment '{cast}'.")
    needs_index = {"$filter", "$search", "$select"} & call.options.keys()
    if cast and relation.is_transitive and needs_index and not call.is_eventual:
        raise unsupported("Unsupported Query.")
    collection = KINDS[kind].collection if kind else "directoryObjects"
    values = (relation.link, stored.id, *((relation.link,) if relation.is_transitive else ()))
    where = f"id IN ({_WAYS[relation.is_forward, relation.is_transitive]})"
    is_plain = call.version == "v1.0" and not (call.is_advanced or counted)
    shown = tuple(one for one in stored_kinds() if not is_plain or one not in relation.left_out)
    source = Source((kind,) if kind else shown, collection, where, values)
    return count(call, source) if counted else page(call, source)


def _none(call: Call, collection: str, *, counted: bool) -> Reply:
    """Answer for related objects of a type that the tenant has no objects of."""
    source = Source(stored_kinds(), collection, "0")
    if counted:
        return count(call, source)
    number: dict[str, object] = {"@odata.count": 0} if call.wants_count and call.is_eventual else {}
    return Reply(200, {"@odata.context": f"{call.root}/$metadata#{collection}", **number, "value": []})


def add(call: Call, stored: DirectoryObject, relation: Relation) -> Reply:
    """Add a related object by reference."""
    target = referred(call.json().get("@odata.id"))
    other = call.listed.find(call.tenant, target, stored_kinds())
    if other is None:
        raise not_found(target)
    if relation.on_add is not None:
        relation.on_add(call, stored, other)
    if not call.store.link(relation.link, stored, other.id, call.now):
        raise bad_request(
            "One or more added object references already exist for the following modified properties: "
            f"'{relation.name}'."
        )
    return Reply(204)


def check_owners(call: Call, stored: DirectoryObject, _: DirectoryObject) -> None:
    """Check that an object may have one more owner. Raises GraphError (403)."""
    if len(call.store.targets("owner", stored.id)) >= MOST_OWNERS:
        raise GraphError(
            403, "Directory_QuotaExceeded",
            f"Unable to perform operation as '{MOST_OWNERS + 1}' would exceed the maximum quota count '{MOST_OWNERS}' "
            "for forward-link owners.",
        )  # fmt: skip


def check_linked(call: Call, stored: DirectoryObject, relation: Relation, other: str) -> None:
    """Check that an object is related. Raises GraphError (404)."""
    if found(call, other, stored_kinds()).id not in call.store.targets(relation.link, stored.id):
        raise not_found(other)


def take_away(call: Call, stored: DirectoryObject, relation: Relation, other: str) -> Reply:
    """Remove a related object by reference."""
    target = call.store.find(call.tenant, other, stored_kinds())
    if target is None or target.id not in call.store.targets(relation.link, stored.id):
        raise not_found(other)
    if relation.on_remove is not None:
        relation.on_remove(call, stored, target)
    call.store.unlink(relation.link, stored, target.id, call.now)
    return Reply(204)


OWNERS = Relation("owners", "owner", is_writable=True, in_delta=True, on_add=check_owners)


def membership(read: str, own: str = "") -> tuple[Relation, Relation]:
    """Return the relations of a kind whose objects can be members of groups.

    Args:
        read: Permissions to list the groups of an object.
        own: Permissions that suffice for the caller's own groups.
    """
    return (
        Relation("memberOf", "member", is_forward=False, read=read, own=own),
        Relation("transitiveMemberOf", "member", is_forward=False, is_transitive=True, read=read, own=own),
    )


def memberships(call: Call, key: str, action: str, kinds: Sequence[str]) -> Reply:
    """Return the direct and transitive groups of an object: `getMemberGroups`, `checkMemberGroups`, ..."""
    stored = found(call, key, kinds)
    body = call.json()
    ids = _above(call, stored.id)
    if action.lower().startswith("check"):
        name = "groupIds" if action.lower().endswith("groups") else "ids"
        asked = body.get(name)
        if not isinstance(asked, list) or not 1 <= len(asked) <= MOST_CHECKED:
            raise bad_request(f"Invalid value specified for property '{name}'.")
        ids = [str(one) for one in asked if str(one).lower() in set(ids)]
    elif not isinstance(body.get("securityEnabledOnly"), bool):
        raise bad_request("A value is required for property 'securityEnabledOnly'.")
    elif body["securityEnabledOnly"]:
        ids = [one for one in ids if _is_secure(call, one)]
    value: dict[str, object] = {"@odata.context": f"{call.root}/$metadata#Collection(Edm.String)", "value": ids}
    return Reply(200, value, {"location": call.exchange.world.origin})


def get_by_ids(call: Call) -> Reply:
    """Return objects by their ids, without those that do not exist."""
    body = call.json()
    ids, types = body.get("ids"), body.get("types")
    if not isinstance(ids, list) or not 1 <= len(ids) <= MOST_IDS:
        raise bad_request("Invalid value specified for property 'ids'.")
    kinds: Sequence[str] = stored_kinds()
    if isinstance(types, list):
        kinds = [kind for kind in stored_kinds() if kind.lower() in {str(one).lower() for one in types}]
    marks = ",".join("?" * len(ids))
    values = tuple(str(one).lower() for one in ids)
    return page(call, Source(tuple(kinds), "directoryObjects", f"id IN ({marks})", values))


def _above(call: Call, object_id: str) -> list[str]:
    rows = call.listed.connection.execute(_WAYS[False, True], ("member", object_id, "member")).fetchall()
    return [str(one) for (one,) in rows if call.listed.find(call.tenant, str(one), ("group",))]


def _is_secure(call: Call, object_id: str) -> bool:
    return found(call, object_id, ("group",)).doc.get("securityEnabled") is True
