"""All routes of Graph except `$batch`: those of each kind of objects, and those for objects of any kind."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from entrakit_emulator.graph import deleted_items, delta, objects, relations
from entrakit_emulator.graph.address import absent
from entrakit_emulator.graph.errors import GraphError, wrong_method
from entrakit_emulator.graph.kind import Row, stored_kinds
from entrakit_emulator.graph.kind_routes import DELTA, membership_actions, rows_of
from entrakit_emulator.graph.kinds import KINDS
from entrakit_emulator.graph.permissions import deleters, need, readers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from entrakit_emulator.graph.call import Call, Reply
    from entrakit_emulator.graph.kind import Kind

# Actions of v1.0 on a collection of directory objects.
COLLECTION_ACTIONS = ("getByIds", "validateProperties", "getAvailableExtensionProperties")
# Methods and functions of v1.0 on kinds that the emulator computes.
COMPUTED_ABSENT = (
    ("GET", "$count"), ("GET", "delta()"), ("GET", "delta"), ("POST", ""), ("PATCH", "*"), ("DELETE", "*"),
)  # fmt: skip
# Further addresses of v1.0 that fit an address of the emulator.
ABSENT = (
    ("POST", "directory/deletedItems/getUserOwnedObjects"),
    ("GET", "directory/deletedItems/$count"),
    ("GET", "directoryObjects/$count"),
    ("PATCH", "directoryObjects/*"),
    ("POST", "devices/provision"),
    ("GET", "users/*/manager/$ref"),
    ("GET", "me/manager/$ref"),
    ("POST", "users/*/licenseDetails"),
    ("POST", "me/licenseDetails"),
)
ME = "/me request is only valid with delegated authentication flow."


class GraphRoute(NamedTuple):
    """A path of Graph and its handler.

    Args:
        method: HTTP method.
        pattern: Segments; `*` matches one segment that is passed to the handler.
        handler: Function that answers the request.
        permissions: Permissions; one of them suffices.
        own: Permissions that suffice for the caller's own object.
    """

    method: str
    pattern: tuple[str, ...]
    handler: Callable[..., Reply]
    permissions: str
    own: str = ""

    def match(self, segments: tuple[str, ...]) -> list[str] | None:
        """Return the segments to pass to the handler; None if the path does not match."""
        if len(segments) != len(self.pattern):
            return None
        given: list[str] = []
        for wanted, segment in zip(self.pattern, segments, strict=True):
            if wanted == "*":
                given.append(segment)
            elif wanted.lower() != segment.lower():
                return None
        return given


def answer(call: Call) -> Reply:
    """Answer a request.

    Raises:
        GraphError: Graph refuses the request.
        NotImplementedHereError: The emulator does not support the request.
    """
    fits = False
    routes = _built(tuple(KINDS.values()))
    for route in routes.get(call.segments[0].lower(), ()):
        given = route.match(call.segments)
        if given is None:
            continue
        fits = True
        if route.method == call.method:
            is_own = bool(given) and given[0].lower() == str(call.claims.get("oid")).lower()
            if route.handler is not _absent:
                need(call, f"{route.permissions} {route.own}" if is_own else route.permissions)
            return route.handler(call, *given)
    if fits:
        raise wrong_method()
    first = call.segments[0].removeprefix("$")
    if (first.isascii() and first.isalnum()) or call.segments == ("",):
        return _absent(call)
    raise GraphError(400, "BadRequest", f"Resource not found for the segment '{'/'.join(call.segments)}'.")


def table() -> list[GraphRoute]:
    """Return all routes; the first match answers."""
    routes = (route for found in _built(tuple(KINDS.values())).values() for route in found)
    return [route for route in routes if route.handler is not _absent]


@cache
def _built(kinds: tuple[Kind, ...]) -> dict[str, list[GraphRoute]]:
    """Return the routes by their first segment, in lower case."""
    routes: dict[str, list[GraphRoute]] = {}
    for row in (*_absent_rows(kinds), *_any_kind(), *(row for kind in kinds for row in _of_kind(kind))):
        pattern = tuple(row.path.rstrip("/").split("/"))
        routes.setdefault(pattern[0].lower(), []).append(GraphRoute(row.method, pattern, *row[2:]))
    return routes


def _of_kind(kind: Kind) -> Iterator[Row]:
    """Yield the addresses of a kind with their full path, and those of the caller's own object."""
    for row in rows_of(kind):
        yield row._replace(path=f"{kind.collection}/{row.path}")
        is_twin = row.path.startswith("*/") or (row.path == "*" and row.own)
        if kind.own_path and is_twin:
            own = row._replace(path=kind.own_path + row.path[1:], handler=_own(row.handler), own="")
            yield own._replace(permissions=row.own or row.permissions)


def _own(handler: Callable[..., Reply]) -> Callable[..., Reply]:
    return lambda call, *given: handler(call, _me(call), *given)


def _me(call: Call) -> str:
    """Return the id of the user who sends a request. Raises GraphError if an app sends it."""
    if call.claims.get("idtyp") == "app":
        raise GraphError(400, "BadRequest", ME)
    return str(call.claims.get("oid"))


def _absent(call: Call, *_: str) -> Reply:
    """Refuse an address of the real service by name."""
    raise absent(call)


def _absent_rows(kinds: tuple[Kind, ...]) -> Iterator[Row]:
    """Yield the addresses of v1.0 that would otherwise fit an address of another meaning or method."""
    for collection in (*(kind.collection for kind in kinds), "directoryObjects", "directory/deletedItems"):
        for action in COLLECTION_ACTIONS:
            if (collection, action) != ("directoryObjects", "getByIds"):
                yield Row("POST", f"{collection}/{action}", _absent, "")
    for kind in (kind for kind in kinds if kind.documents):
        for method, path in COMPUTED_ABSENT:
            yield Row(method, f"{kind.collection}/{path}", _absent, "")
    for method, path in ABSENT:
        yield Row(method, path, _absent, "")


def _any_kind() -> Iterator[Row]:
    """Yield the addresses of objects of any kind."""
    read, delete = readers(), deleters()
    for name in DELTA:
        yield Row("GET", f"directoryObjects/{name}", delta.get, read)
    yield Row("POST", "directoryObjects/getByIds", relations.get_by_ids, read)
    yield Row("GET", "directoryObjects/*", objects.any_kind, read)
    yield Row("DELETE", "directoryObjects/*", lambda call, key: objects.remove(call, key, stored_kinds()), delete)
    for row in membership_actions(stored_kinds(), read):
        yield row._replace(path=f"directoryObjects/{row.path}")
    yield Row("GET", "directory/deletedItems/*", _deleted, read)
    yield Row("POST", "directory/deletedItems/*/restore", deleted_items.restore, delete)
    yield Row("DELETE", "directory/deletedItems/*", deleted_items.purge, delete)


def _deleted(call: Call, key: str) -> Reply:
    if key.lower().startswith("microsoft.graph."):
        return deleted_items.deleted(call, key)
    return deleted_items.deleted_one(call, key)
