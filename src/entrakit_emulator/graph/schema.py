"""Types of properties, changes of documents, and values that Graph computes."""

from __future__ import annotations

import struct
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    JSON = dict[str, object]

STRING, BOOLEAN, DATE, LIST, OBJECT, NUMBER = "string", "boolean", "date", "list", "object", "number"


def names_in(text: str) -> tuple[str, ...]:
    """Return the names in a string."""
    return tuple(text.split())


def typed(
    strings: str, *, booleans: str = "", dates: str = "", lists: str = "", objects: str = "", numbers: str = ""
) -> dict[str, str]:
    """Return the types of properties by name, from the names of each type."""
    given = {STRING: strings, BOOLEAN: booleans, DATE: dates, LIST: lists, OBJECT: objects, NUMBER: numbers}
    return {name: type_ for type_, text in given.items() for name in names_in(text)}


def merged(doc: Mapping[str, object], values: Mapping[str, object]) -> JSON:
    """Return a document with changes; in a property that is an object, members that are not named are kept."""
    return {**doc} | {
        name: merged(old, value) if isinstance(value, dict) and isinstance(old := doc.get(name), dict) else value
        for name, value in values.items()
    }


def security_identifier(object_id: str) -> str:
    """Return the SID of an object: the bytes of its id as four little-endian numbers."""
    parts = struct.unpack("<4I", uuid.UUID(object_id).bytes_le)
    return "S-1-12-1-" + "-".join(str(part) for part in parts)
