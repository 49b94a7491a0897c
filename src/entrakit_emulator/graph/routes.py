"""All routes of Graph except `$batch`; the first match answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from entrakit_emulator.exchange import NotImplementedHereError
from entrakit_emulator.graph import (
    applications,
    deleted_items,
    delta,
    groups,
    licenses,
    organization,
    permissions,
    relations,
    users,
)
from entrakit_emulator.graph.call import Reply
from entrakit_emulator.graph.errors import GraphError, wrong_method
from entrakit_emulator.graph.objects import any_kind, found, need_write
from entrakit_emulator.graph.schema import FACES

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrakit_emulator.graph.call import Call


class GraphRoute(NamedTuple):
    """A path of Graph and its handler.

    Args:
        method: HTTP method.
        pattern: Segments in lower case; `*` matches one segment that is passed to the handler.
        handler: Function that answers the request.
    """

    method: str
    pattern: tuple[str, ...]
    handler: Callable[..., Reply]

    def match(self, segments: tuple[str, ...]) -> list[str] | None:
        """Return the segments to pass to the handler; None if the path does not match."""
        if len(segments) != len(self.pattern):
            return None
        given: list[str] = []
        for wanted, segment in zip(self.pattern, segments, strict=True):
            if wanted == "*":
                given.append(segment)
            elif wanted != segment.lower():
                return None
        return given


def _single() -> list[tuple[str, str, Callable[..., Reply]]]:
    """Return the routes that do not follow a scheme."""
    return [
        # Before the routes with a wildcard in the same place.
        *(
            ("GET", f"{collection}/{name}", delta.get)
            for collection in ("users", "groups", "applications", "serviceprincipals", "directoryobjects")
            for name in ("delta", "delta()", "microsoft.graph.delta", "microsoft.graph.delta()")
        ),
        ("GET", "me", users.get_me),
        ("PATCH", "me", lambda call: users.change(call, users.me(call))),
        ("POST", "me/revokesigninsessions", lambda call: users.revoke(call, users.me(call))),
        ("GET", "me/manager", lambda call: users.get_manager(call, users.me(call))),
        ("GET", "me/directreports", lambda call: users.get_reports(call, users.me(call))),
        ("GET", "users", users.get_all),
        ("POST", "users", users.create),
        ("GET", "users/$count", users.get_count),
        ("GET", "users/*/manager", users.get_manager),
        ("PUT", "users/*/manager/$ref", users.put_manager),
        ("DELETE", "users/*/manager/$ref", users.delete_manager),
        ("GET", "users/*/directreports", users.get_reports),
        ("POST", "users/*/revokesigninsessions", users.revoke),
        ("GET", "groups", groups.get_all),
        ("POST", "groups", groups.create),
        ("GET", "groups/$count", groups.get_count),
        ("POST", "directoryobjects/getbyids", relations.get_by_ids),
        ("GET", "directoryobjects/*", any_kind),
        ("DELETE", "directoryobjects/*", _delete_any),
        ("GET", "directory/deleteditems/*", _deleted),
        ("POST", "directory/deleteditems/*/restore", deleted_items.restore),
        ("DELETE", "directory/deleteditems/*", deleted_items.purge),
        ("GET", "organization", organization.organizations),
        ("GET", "organization/*", organization.organization),
        ("GET", "subscribedskus", licenses.get_all),
        ("GET", "subscribedskus/*", licenses.get_one),
        ("GET", "users/*/licensedetails", licenses.details),
        ("GET", "me/licensedetails", lambda call: licenses.details(call, users.me(call))),
        ("POST", "users/*/assignlicense", licenses.assign),
        ("POST", "applications", applications.create),
        ("POST", "serviceprincipals", applications.create_principal),
    ]


def _table() -> list[GraphRoute]:
    rows = _single()
    for collection, module in (("users", users), ("groups", groups)):
        rows += [
            ("GET", f"{collection}/*", module.get_one),
            ("PATCH", f"{collection}/*", module.change),
            ("DELETE", f"{collection}/*", module.remove),
        ]
    for collection in ("applications", "serviceprincipals"):
        rows += [
            ("GET", collection, applications.get_all),
            ("GET", f"{collection}/$count", applications.get_count),
            ("GET", f"{collection}/*", applications.get_one),
            ("PATCH", f"{collection}/*", applications.change),
            ("DELETE", f"{collection}/*", applications.remove),
            ("POST", f"{collection}/*/addpassword", applications.add_password),
            ("POST", f"{collection}/*/removepassword", applications.remove_password),
        ]
    for action in ("getmembergroups", "getmemberobjects", "checkmembergroups", "checkmemberobjects"):
        for collection in ("users", "groups", "serviceprincipals", "directoryobjects"):
            rows.append(("POST", f"{collection}/*/{action}", _memberships(action)))
        rows.append(("POST", f"me/{action}", _own_memberships(action)))
    for start, names in (
        ("users/*", ("memberof", "transitivememberof")),
        ("me", ("memberof", "transitivememberof")),
        ("serviceprincipals/*", ("memberof", "transitivememberof", "owners")),
        ("groups/*", ("members", "owners", "memberof", "transitivemembers", "transitivememberof")),
        ("applications/*", ("owners",)),
    ):
        for relation in names:
            rows += _relation(start, relation)
    return [GraphRoute(method, tuple(pattern.split("/")), handler) for method, pattern, handler in rows]


def answer(call: Call) -> Reply:
    """Answer a request.

    Raises:
        GraphError: Graph refuses the request.
        NotImplementedHereError: The emulator does not support the request.
    """
    permissions.check(call)
    fits = False
    for address in ROUTES:
        given = address.match(call.segments)
        if given is None:
            continue
        fits = True
        if address.method == call.method:
            return address.handler(call, *given)
    if fits:
        raise wrong_method()
    if call.segments and call.segments[0].lower() in KNOWN:
        rest = "/".join(call.segments[2:]) or "/".join(call.segments)
        raise NotImplementedHereError(f"Microsoft Graph's /{call.segments[0]}/…/{rest}")
    if call.segments and call.segments[0].isascii() and call.segments[0].isalnum():
        raise NotImplementedHereError(f"Microsoft Graph's /{call.segments[0]}")
    raise GraphError(400, "BadRequest", f"Resource not found for the segment '{'/'.join(call.segments)}'.")


def _relation(start: str, relation: str) -> list[tuple[str, str, Callable[..., Reply]]]:
    is_own = start == "me"

    def listed(call: Call, *given: str) -> Reply:
        key, *rest = (users.me(call), *given) if is_own else given
        cast = next((one for one in rest if one != "$count"), "")
        return relations.get_related(call, key, relation, cast, "$count" if call.segments[-1] == "$count" else "")

    rows: list[tuple[str, str, Callable[..., Reply]]] = [
        ("GET", f"{start}/{relation}", listed),
        ("GET", f"{start}/{relation}/$count", listed),
        ("GET", f"{start}/{relation}/*/$count", listed),
    ]
    if relation in relations.LINKS:
        rows += [
            ("POST", f"{start}/{relation}/$ref", lambda call, key: relations.add(call, key, relation)),
            (
                "DELETE",
                f"{start}/{relation}/*/$ref",
                lambda call, key, other: relations.take_away(call, key, relation, other),
            ),
            ("DELETE", f"{start}/{relation}/*", _delete_related(relation)),
        ]
    return [*rows, ("GET", f"{start}/{relation}/*", listed)]


def _memberships(action: str) -> Callable[..., Reply]:
    return lambda call, key: relations.memberships(call, key, action)


def _own_memberships(action: str) -> Callable[..., Reply]:
    return lambda call: relations.memberships(call, users.me(call), action)


def _deleted(call: Call, key: str) -> Reply:
    if key.lower().startswith("microsoft.graph."):
        return deleted_items.deleted(call, key)
    return deleted_items.deleted_one(call, key)


def _delete_related(relation: str) -> Callable[..., Reply]:
    """Return the handler of DELETE for a member without `/$ref`, which deletes the object itself."""

    def handler(call: Call, key: str, other: str) -> Reply:
        relations.check_linked(call, key, relation, other)
        return _delete_any(call, other)

    return handler


def _delete_any(call: Call, key: str) -> Reply:
    stored = found(call, key, tuple(FACES))
    need_write(call, stored)
    {"user": users.delete, "group": groups.delete}.get(stored.kind, applications.delete)(call, stored)
    return Reply(204)


ROUTES = _table()
KNOWN = frozenset({address.pattern[0] for address in ROUTES})
