"""Addresses of a kind of objects, which follow from its value."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from entrakit_emulator.graph import computed, delta, objects, relations
from entrakit_emulator.graph.errors import bad_request
from entrakit_emulator.graph.kind import Row, stored_kinds
from entrakit_emulator.graph.listing import Source, count, page
from entrakit_emulator.graph.permissions import GROUP_READ, deleters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from entrakit_emulator.graph.call import Call, Reply
    from entrakit_emulator.graph.kind import Kind, Relation

DELTA = ("delta", "delta()", "microsoft.graph.delta", "microsoft.graph.delta()")
ACTIONS = ("getMemberGroups", "getMemberObjects", "checkMemberGroups", "checkMemberObjects")


def rows_of(kind: Kind) -> Iterator[Row]:
    """Yield all addresses below the collection of a kind; those without a wildcard come first."""
    readers = f"{kind.read_basic} {kind.read}"
    if kind.documents is not None:
        yield Row("GET", "", partial(computed.get_all, kind=kind.name), readers)
        yield Row("GET", "*", lambda call, key: computed.get_one(call, kind.name, key), readers)
        yield from kind.rows
        return
    source = Source((kind.name,), kind.collection)
    yield Row("GET", "", lambda call: page(call, source), readers)
    yield Row("GET", "$count", lambda call: count(call, source), readers)
    if kind.has_delta:
        for name in DELTA:
            yield Row("GET", name, partial(delta.get, kind=kind.name), kind.read)
    yield Row("GET", "*", _one(kind), readers, own=kind.own_read)
    if kind.write:
        change = kind.on_change or partial(objects.change, kind=kind.name)
        yield Row("POST", "", kind.on_create or partial(objects.create, kind=kind.name), kind.create or kind.write)
        yield Row("PATCH", "*", change, kind.write, own=kind.own_write)
        yield Row("DELETE", "*", partial(objects.remove, kinds=(kind.name,)), kind.delete or kind.write)
    yield from kind.rows
    for relation in kind.relations:
        if not relation.is_single:
            yield from _relation(kind, relation)
    if kind.relation("memberOf") is not None:
        yield from membership_actions((kind.name,), f"{relations_read(kind)} {GROUP_READ}")


def relations_read(kind: Kind) -> str:
    """Return the permissions that list the groups of an object of a kind."""
    found = kind.relation("memberOf")
    return (found.read if found else "") or kind.read


def membership_actions(kinds: tuple[str, ...], permissions: str) -> Iterator[Row]:
    """Yield the addresses of the four actions on memberships of an object."""
    for action in ACTIONS:
        handler = partial(relations.memberships, action=action, kinds=kinds)
        yield Row("POST", f"*/{action}", handler, permissions)


def _one(kind: Kind) -> Callable[..., Reply]:
    return lambda call, key: objects.one(call, objects.found(call, key, (kind.name,)))


def _relation(kind: Kind, relation: Relation) -> Iterator[Row]:
    """Yield the addresses of a relation: its list, its casts and its references."""
    read = relation.read or f"{kind.read_basic} {kind.read}"
    write = relation.write or kind.write
    start = f"*/{relation.name}"

    def listed(call: Call, key: str, cast: str = "") -> Reply:
        stored = objects.found(call, key, (kind.name,))
        return relations.get_related(call, stored, relation, cast, counted=call.segments[-1] == "$count")

    def added(call: Call, key: str) -> Reply:
        return relations.add(call, objects.found(call, key, (kind.name,)), relation)

    def taken(call: Call, key: str, other: str = "") -> Reply:
        stored = objects.found(call, key, (kind.name,))
        if not other and "@id" not in call.options:
            raise bad_request("The query parameter '@id' is required.")
        return relations.take_away(call, stored, relation, other or objects.referred(call.options["@id"]))

    def deleted(call: Call, key: str, other: str) -> Reply:
        # Without /$ref, the related object itself is deleted.
        relations.check_linked(call, objects.found(call, key, (kind.name,)), relation, other)
        return objects.remove(call, other, stored_kinds())

    yield Row("GET", start, listed, read, own=relation.own)
    yield Row("GET", f"{start}/$count", listed, read, own=relation.own)
    yield Row("GET", f"{start}/*/$count", listed, read, own=relation.own)
    if relation.is_writable:
        yield Row("POST", f"{start}/$ref", added, write)
        yield Row("DELETE", f"{start}/$ref", taken, write)
        yield Row("DELETE", f"{start}/*/$ref", taken, write)
        yield Row("DELETE", f"{start}/*", deleted, deleters())
    yield Row("GET", f"{start}/*", listed, read, own=relation.own)
