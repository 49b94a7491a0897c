"""Members, owners and memberships, direct and transitive: listed, added and removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit_emulator.graph.call import Reply
from entrakit_emulator.graph.errors import GraphError, bad_request, not_found, unsupported
from entrakit_emulator.graph.listing import Source, count, page
from entrakit_emulator.graph.objects import found, referred
from entrakit_emulator.graph.schema import FACES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrakit_emulator.graph.call import Call

LINKS = {"members": "member", "owners": "owner"}
MOST_OWNERS = 100
MOST_CHECKED = 20
MOST_IDS = 1000
_UP = (
    "WITH RECURSIVE up(id) AS (SELECT source FROM links WHERE kind='member' AND target=? "
    "UNION SELECT source FROM links JOIN up ON links.kind='member' AND links.target=up.id) SELECT id FROM up"
)
_DOWN = (
    "WITH RECURSIVE down(id) AS (SELECT target FROM links WHERE kind='member' AND source=? "
    "UNION SELECT target FROM links JOIN down ON links.kind='member' AND links.source=down.id) SELECT id FROM down"
)
_WHERE = {
    "members": "id IN (SELECT target FROM links WHERE kind='member' AND source=?)",
    "owners": "id IN (SELECT target FROM links WHERE kind='owner' AND source=?)",
    "memberOf": "id IN (SELECT source FROM links WHERE kind='member' AND target=?)",
    "transitiveMembers": f"id IN ({_DOWN})",
    "transitiveMemberOf": f"id IN ({_UP})",
}


def get_related(call: Call, key: str, relation: str, cast: str = "", counted: str = "") -> Reply:
    """List or count related objects.

    Args:
        call: The request.
        key: The object.
        relation: `members`, `owners`, `memberOf`, `transitiveMembers`, `transitiveMemberOf`.
        cast: The only type to list, such as `microsoft.graph.user`; empty for all.
        counted: Not empty to count the objects.
    """
    kinds = ("user", "servicePrincipal", "group") if relation.lower().endswith("memberof") else tuple(FACES)
    stored = found(call, key, kinds)
    name = next(one for one in _WHERE if one.lower() == relation.lower())
    kind = next((one for one in FACES if f"microsoft.graph.{one}".lower() == cast.lower()), "")
    if cast and not kind:
        raise GraphError(400, "BadRequest", f"Resource not found for the segment '{cast}'.")
    needs_index = {"$filter", "$search", "$select"} & call.options.keys()
    if cast and name.startswith("transitive") and needs_index and not call.is_eventual:
        raise unsupported("Unsupported Query.")
    collection = {"user": "users", "group": "groups"}.get(kind, "directoryObjects")
    source = Source((kind,) if kind else tuple(FACES), collection, _WHERE[name], (stored.id,))
    return count(call, source) if counted else page(call, source)


def add(call: Call, key: str, relation: str) -> Reply:
    """Add a member or an owner by reference."""
    stored = found(call, key, ("group", "application", "servicePrincipal"))
    types = stored.doc.get("groupTypes")
    if relation.lower() == "members" and isinstance(types, list) and "DynamicMembership" in types:
        raise GraphError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    target = referred(call.json().get("@odata.id"))
    other = call.listed.find(call.tenant, target, tuple(FACES))
    if other is None:
        raise not_found(target)
    if relation.lower() == "members" and isinstance(types, list) and "Unified" in types and other.kind != "user":
        raise bad_request("Only users can be members of a Microsoft 365 group.")
    if relation.lower() == "owners" and len(call.store.targets("owner", stored.id)) >= MOST_OWNERS:
        raise GraphError(
            403, "Directory_QuotaExceeded",
            f"Unable to perform operation as '{MOST_OWNERS + 1}' would exceed the maximum quota count '{MOST_OWNERS}' "
            "for forward-link owners.",
        )  # fmt: skip
    if not call.store.link(LINKS[relation.lower()], stored, other.id, call.now):
        raise bad_request(
            "One or more added object references already exist for the following modified properties: "
            f"'{relation.lower()}'."
        )
    return Reply(204)


def check_linked(call: Call, key: str, relation: str, other: str) -> None:
    """Check that an object is a member or an owner. Raises GraphError (404)."""
    stored = found(call, key, ("group", "application", "servicePrincipal"))
    if found(call, other, tuple(FACES)).id not in call.store.targets(LINKS[relation], stored.id):
        raise not_found(other)


def take_away(call: Call, key: str, relation: str, other: str) -> Reply:
    """Remove a member or an owner by reference; the last owner of a group can't be removed."""
    stored = found(call, key, ("group", "application", "servicePrincipal"))
    kind = LINKS[relation]
    target = call.store.find(call.tenant, other, tuple(FACES))
    present = call.store.targets(kind, stored.id)
    if target is None or target.id not in present:
        raise not_found(other)
    if kind == "owner" and stored.kind == "group" and present == [target.id]:
        raise bad_request("The group must have at least one owner, hence this owner cannot be removed.")
    call.store.unlink(kind, stored, target.id, call.now)
    return Reply(204)


def memberships(call: Call, key: str, action: str) -> Reply:
    """Return the direct and transitive groups of an object: `getMemberGroups`, `checkMemberGroups`, ..."""
    stored = found(call, key, tuple(FACES))
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
    kinds: Sequence[str] = tuple(FACES)
    if isinstance(types, list):
        kinds = [kind for kind in FACES if kind.lower() in {str(one).lower() for one in types}]
    marks = ",".join("?" * len(ids))
    values = tuple(str(one).lower() for one in ids)
    return page(call, Source(tuple(kinds), "directoryObjects", f"id IN ({marks})", values))


def _above(call: Call, object_id: str) -> list[str]:
    rows = call.listed.connection.execute(_UP, (object_id,)).fetchall()
    return [str(one) for (one,) in rows if call.listed.find(call.tenant, str(one), ("group",))]


def _is_secure(call: Call, object_id: str) -> bool:
    return found(call, object_id, ("group",)).doc.get("securityEnabled") is True
