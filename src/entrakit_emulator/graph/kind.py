"""Kinds of objects: a `Kind` holds everything that the functions of Graph must know of one.

`KINDS` has the kinds of all files in `graph/kinds`, by name.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from entrakit_emulator.exchange import NotImplementedHereError
from entrakit_emulator.graph.errors import GraphError, not_here
from entrakit_emulator.graph.schema import LIST

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from entrakit_emulator.graph.call import Call, Reply
    from entrakit_emulator.state.store import DirectoryObject

    JSON = dict[str, object]


class Relation(NamedTuple):
    """A relation of a kind to other objects.

    Args:
        name: Name, such as `members`.
        link: Kind of its links in the store.
        is_forward: Whether the links lead from the object to the related ones.
        is_transitive: Whether links are followed over several objects.
        is_single: Whether there is at most one related object; the kind has its own routes for it.
        is_writable: Whether references can be added and removed.
        in_delta: Whether a delta query reports changes.
        read: Permissions to list related objects; empty for those that read the kind.
        write: Permissions to add and remove references; empty for those that write the kind.
        own: Permissions that suffice for the caller's own object.
        left_out: Kinds that a list in v1.0 lacks, unless it is a cast or an advanced query.
        on_add: Called with the object and a new related object; raises `GraphError` to refuse it.
        on_remove: Called with the object and a related object; raises `GraphError` to keep it.
    """

    name: str
    link: str
    is_forward: bool = True
    is_transitive: bool = False
    is_single: bool = False
    is_writable: bool = False
    in_delta: bool = False
    read: str = ""
    write: str = ""
    own: str = ""
    left_out: tuple[str, ...] = ()
    on_add: Callable[[Call, DirectoryObject, DirectoryObject], None] | None = None
    on_remove: Callable[[Call, DirectoryObject, DirectoryObject], None] | None = None


class Row(NamedTuple):
    """An address below the collection of a kind.

    Args:
        method: HTTP method.
        path: Path below the collection, such as `*/manager`; `*` matches a segment that is passed to the handler.
        handler: Function that answers.
        permissions: Permissions; one of them suffices.
        own: Permissions that suffice for the caller's own object; empty for the same.
    """

    method: str
    path: str
    handler: Callable[..., Reply]
    permissions: str
    own: str = ""


@dataclass(frozen=True, eq=False, kw_only=True)
class Kind:
    """A kind of objects.

    Args:
        name: Type in Graph's schema, such as `user`.
        collection: Name of the collection, such as `users`.
        properties: Types of the properties by name.
        default: Properties without `$select`, in the order of the service.
        absent: Properties and relations of the real service that the emulator does not have.
        single_only: Properties that the service itself does not show in a collection.
        read_only: Properties that only the service sets.
        required: Properties that a new object must have.
        never_empty: Properties that a change can't clear.
        filters: Names of properties by the letters of their operators: `e` is eq and in, `s` startsWith, `g` ge and le,
            `n` eq null, `c` `/$count`; upper case requires an advanced query, as ne, not and endsWith always do.
        elements: Types of the properties in a list of objects that a filter may name, by the list.
        sorting: Properties for `$orderby`.
        sorting_advanced: Properties for `$orderby` in an advanced query.
        searching: Properties for `$search`.
        read: Permissions to read; one of them suffices.
        write: Permissions to change; empty if the kind can only be read.
        create: Permissions to create; empty for those in `write`.
        delete: Permissions to delete, restore and purge; empty for those in `write`.
        read_basic: Permissions to read the properties in `basic` only.
        basic: Those properties.
        own_path: Path of the object of the caller, `me`; empty if a caller is never of this kind.
        own_read: Permissions to read the caller's own object.
        own_write: Permissions to change the caller's own object.
        alternate_key: Property that addresses an object like its id; empty for none.
        is_soft: Whether deleted objects can be restored.
        has_delta: Whether the kind has delta queries.
        documents: Returns all documents of a kind that is not in the store; None for a kind in the store.
        relations: Relations.
        rows: Further addresses.
        on_create: Answers POST; None for the general function.
        on_change: Answers PATCH; None for the general function.
        on_delete: Deletes an object; None for the general function.
        on_restore: Called before an object is restored; raises `GraphError` to refuse it.
    """

    name: str
    collection: str
    properties: Mapping[str, str]
    default: tuple[str, ...]
    absent: frozenset[str] = frozenset()
    single_only: frozenset[str] = frozenset()
    read_only: frozenset[str] = frozenset({"id"})
    required: tuple[str, ...] = ()
    never_empty: tuple[str, ...] = ()
    filters: Mapping[str, str] = field(default_factory=dict)
    elements: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    sorting: frozenset[str] = frozenset()
    sorting_advanced: frozenset[str] = frozenset()
    searching: frozenset[str] = frozenset()
    read: str
    write: str = ""
    create: str = ""
    delete: str = ""
    read_basic: str = ""
    basic: frozenset[str] = frozenset()
    own_path: str = ""
    own_read: str = ""
    own_write: str = ""
    alternate_key: str = ""
    is_soft: bool = True
    has_delta: bool = True
    documents: Callable[[Call], list[JSON]] | None = None
    relations: tuple[Relation, ...] = ()
    rows: tuple[Row, ...] = ()
    on_create: Callable[[Call], Reply] | None = None
    on_change: Callable[[Call, str], Reply] | None = None
    on_delete: Callable[[Call, DirectoryObject], None] | None = None
    on_restore: Callable[[Call, DirectoryObject], None] | None = None

    @property
    def title(self) -> str:
        """Name in messages, such as `ServicePrincipal`."""
        return self.name[0].upper() + self.name[1:]

    @cached_property
    def letters(self) -> dict[str, str]:
        """Letters of the operators of each property."""
        return {name: letters for letters, names in self.filters.items() for name in names.split()}

    @cached_property
    def spellings(self) -> dict[str, str]:
        """Names of the properties by their lower case."""
        return {name.lower(): name for name in self.properties}

    def relation(self, name: str) -> Relation | None:
        """Return the relation with a name, in any case; None if there is none."""
        return next((one for one in self.relations if one.name.lower() == name.lower()), None)


KINDS: dict[str, Kind] = {}


def add(kind: Kind) -> None:
    """Add a kind; one of the same name is replaced."""
    KINDS[kind.name] = kind


def stored_kinds() -> tuple[str, ...]:
    """Return the names of the kinds in the store."""
    return tuple(name for name, kind in KINDS.items() if kind.documents is None)


def property_of(kind: str, name: str) -> str | None:
    """Return a property's name as the schema spells it, from any case; None if it does not exist."""
    return KINDS[kind].spellings.get(name.lower())


def known_property(kind: str, name: str, *, code: str = "BadRequest") -> str:
    """Return a property's name as the schema spells it.

    Raises:
        GraphError: The property does not exist (400), or only the real service has it (501).
    """
    found = property_of(kind, name)
    if found is None:
        raise unknown_property(kind, name, code=code)
    return found


def unknown_property(kind: str, name: str, *, code: str = "BadRequest") -> GraphError:
    """Return the error for a property that does not exist, or that only the real service has (501)."""
    relations = (one.name for one in KINDS[kind].relations)
    others = (*KINDS[kind].absent, *KINDS[kind].single_only, *relations)
    absent = next((one for one in others if one.lower() == name.lower()), None)
    if absent is not None:
        return not_here(NotImplementedHereError(f"Microsoft Graph's property {absent} of the type {kind}"))
    return GraphError(400, code, f"Could not find a property named '{name}' on type 'microsoft.graph.{kind}'.")


def value_of(kind: str, doc: Mapping[str, object], name: str) -> object:
    """Return a property of a document; lists are never null."""
    value = doc.get(name)
    return [] if value is None and KINDS[kind].properties.get(name) == LIST else value


def face(kind: str, doc: Mapping[str, object]) -> str:
    """Return the JSON text of the default properties."""
    return json.dumps(
        {name: value_of(kind, doc, name) for name in KINDS[kind].default}, separators=(",", ":"), ensure_ascii=False
    )
