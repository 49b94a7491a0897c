"""Types of properties, and values that Graph computes."""

from __future__ import annotations

import struct
import uuid

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


def security_identifier(object_id: str) -> str:
    """Return the SID of an object: the bytes of its id as four little-endian numbers."""
    parts = struct.unpack("<4I", uuid.UUID(object_id).bytes_le)
    return "S-1-12-1-" + "-".join(str(part) for part in parts)
