"""`$expand`: one relation, at most 20 related objects, one level."""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from entrakit_emulator.exchange import NotImplementedHereError
from entrakit_emulator.graph.errors import GraphError
from entrakit_emulator.graph.kind import KINDS, property_of, stored_kinds, value_of
from entrakit_emulator.graph.permissions import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrakit_emulator.graph.call import Call
    from entrakit_emulator.graph.kind import Relation

MOST = 20
_FORM = re.compile(r"\s*([A-Za-z]+)\s*(?:\(\s*\$select=([\w,\s]+)\))?\s*")


class Expansion(NamedTuple):
    """A relation to include.

    Args:
        relation: The relation.
        names: Properties to show of the related objects; None for the default ones.
    """

    relation: Relation
    names: tuple[str, ...] | None


def expansion_of(call: Call, kinds: Sequence[str]) -> Expansion | None:
    """Return the relation to expand; None if `$expand` is not used.

    Raises:
        GraphError: The relation is unknown, or there are several.
    """
    text = call.options.get("$expand")
    if text is None:
        return None
    if "," in re.sub(r"\([^)]*\)", "", text):
        message = "Parsing OData Select and Expand failed: only one relation can be expanded in a request."
        raise GraphError(400, "BadRequest", message)
    if "$levels" in text.lower():
        raise NotImplementedHereError("Microsoft Graph's $levels")
    found = _FORM.fullmatch(text)
    wanted = found[1] if found else ""
    relations = [one for kind in kinds if (one := KINDS[kind].relation(wanted)) and not one.is_transitive]
    absent = next((one for kind in kinds for one in KINDS[kind].absent if one.lower() == wanted.lower()), None)
    if absent is not None:
        raise NotImplementedHereError(f"Microsoft Graph's $expand={absent}")
    if found is None or not relations:
        raise GraphError(
            400, "BadRequest", f"Parsing OData Select and Expand failed: Could not find a property named '{text}' on "
            f"type 'microsoft.graph.{kinds[0]}'.",
        )  # fmt: skip
    names = tuple(part.strip() for part in found[2].split(",")) if found[2] else None
    return Expansion(relations[0], names)


def expand(call: Call, expansion: Expansion, object_id: str, item: str) -> str:
    """Return the JSON text of an object with its related objects."""
    relation = expansion.relation
    ids = (call.listed.targets if relation.is_forward else call.listed.sources)(relation.link, object_id)
    related = (_shown(call, one, expansion) for one in ids)
    value: object = list(islice((one for one in related if one is not None), MOST))
    if relation.is_single:
        value = value[0] if isinstance(value, list) and value else None
        if value is None:
            return item
    separator = "" if item == "{}" else ","
    return f"{item[:-1]}{separator}{json.dumps(relation.name)}:{json.dumps(value, ensure_ascii=False)}}}"


def _shown(call: Call, object_id: str, expansion: Expansion) -> dict[str, object] | None:
    stored = call.listed.find(call.tenant, object_id, stored_kinds())
    if stored is None:
        return None
    names = expansion.names
    listed = [property_of(stored.kind, name) for name in names] if names else list(KINDS[stored.kind].default)
    known = [name for name in listed if name]
    seen = visible(call, stored.kind)
    return {"@odata.type": f"#microsoft.graph.{stored.kind}"} | {
        name: value_of(stored.kind, stored.doc, name) if seen is None or name in seen else None for name in known
    }
