"""`$expand`: one relation, at most 20 related objects, one level."""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from entrakit_emulator.exchange import NotImplementedHereError
from entrakit_emulator.graph.errors import GraphError
from entrakit_emulator.graph.permissions import visible
from entrakit_emulator.graph.schema import FACES, property_of, value_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrakit_emulator.graph.call import Call

MOST = 20
# Relation: the kind of its links, and whether it follows them from source to target.
RELATIONS = {
    "user": {"manager": ("manager", True), "directReports": ("manager", False), "memberOf": ("member", False)},
    "group": {"members": ("member", True), "owners": ("owner", True), "memberOf": ("member", False)},
    "application": {"owners": ("owner", True)},
    "servicePrincipal": {"owners": ("owner", True), "memberOf": ("member", False)},
}
SINGLE = ("manager",)
_FORM = re.compile(r"\s*([A-Za-z]+)\s*(?:\(\s*\$select=([\w,\s]+)\))?\s*")


class Expansion(NamedTuple):
    """A relation to include.

    Args:
        relation: Name of the relation.
        names: Properties to show of the related objects; None for the default ones.
    """

    relation: str
    names: tuple[str, ...] | None


def expansion_of(call: Call, kinds: Sequence[str]) -> Expansion | None:
    """Return the relation to expand; None if `$expand` is not used.

    Raises:
        GraphError: The relation is unknown, or there are several.
    """
    text = call.options.get("$expand")
    if text is None:
        return None
    if "$levels" in text.lower():
        raise NotImplementedHereError("Microsoft Graph's $levels")
    found = _FORM.fullmatch(text)
    relations = {name.lower(): name for kind in kinds for name in RELATIONS[kind]}
    if found is None or found[1].lower() not in relations:
        raise GraphError(
            400, "BadRequest", f"Parsing OData Select and Expand failed: Could not find a property named '{text}' on "
            f"type 'microsoft.graph.{kinds[0]}'.",
        )  # fmt: skip
    names = tuple(part.strip() for part in found[2].split(",")) if found[2] else None
    return Expansion(relations[found[1].lower()], names)


def expand(call: Call, expansion: Expansion, object_id: str, item: str) -> str:
    """Return the JSON text of an object with its related objects."""
    related = (_shown(call, one, expansion) for one in _ids(call, expansion.relation, object_id))
    value: object = list(islice((one for one in related if one is not None), MOST))
    if expansion.relation in SINGLE:
        value = value[0] if isinstance(value, list) and value else None
        if value is None:
            return item
    separator = "" if item == "{}" else ","
    return f"{item[:-1]}{separator}{json.dumps(expansion.relation)}:{json.dumps(value, ensure_ascii=False)}}}"


def _ids(call: Call, relation: str, object_id: str) -> list[str]:
    kind, is_forward = next(table[relation] for table in RELATIONS.values() if relation in table)
    return (call.listed.targets if is_forward else call.listed.sources)(kind, object_id)


def _shown(call: Call, object_id: str, expansion: Expansion) -> dict[str, object] | None:
    stored = call.listed.find(call.tenant, object_id, FACES)
    if stored is None:
        return None
    names = expansion.names
    listed = [property_of(stored.kind, name) for name in names] if names else list(FACES[stored.kind])
    known = [name for name in listed if name]
    seen = visible(call, stored.kind)
    return {"@odata.type": f"#microsoft.graph.{stored.kind}"} | {
        name: value_of(stored.kind, stored.doc, name) if seen is None or name in seen else None for name in known
    }
