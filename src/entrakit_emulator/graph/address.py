"""Parsing of addresses: segments of a path, and query options."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from entrakit_emulator.exchange import NotImplementedHereError
from entrakit_emulator.graph.errors import GraphError
from entrakit_emulator.graph.kind import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit_emulator.graph.call import Call

OPTIONS = frozenset(
    {"$select", "$filter", "$orderby", "$search", "$count", "$top", "$expand", "$skiptoken", "$deltatoken", "$skip",
     "$format", "$apply", "$compute"}
)  # fmt: skip
# Types that a cast may name although the emulator has no objects of them, and their collections.
OTHER_TYPES = {
    "administrativeunit": "administrativeUnits", "directoryrole": "directoryRoles", "orgcontact": "contacts",
    "approleassignment": "directoryObjects", "endpoint": "directoryObjects",
}  # fmt: skip
_NAMESPACE = re.compile(r"(?:microsoft\.)?graph\.(\w+(?:\(\))?)", re.IGNORECASE)
_FORM_OF_KEY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(_.*)?|.*[@=].*", re.IGNORECASE)
_KEY = re.compile(r"([A-Za-z]+)\((?:'((?:[^']|'')*)'|([A-Za-z]+)='((?:[^']|'')*)')\)")


def segments_of(path: str) -> tuple[str, ...]:
    """Return the unescaped segments of an escaped path: `users('a@b')` becomes `users`, `a@b`."""
    found: list[str] = []
    for raw in path.strip("/").split("/"):
        segment = _qualified(unquote(raw))
        key = _KEY.fullmatch(segment)
        if key is None:
            found.append(segment)
        elif key[3]:
            found += [key[1], f"{key[3]}={key[4].replace(chr(39) * 2, chr(39))}"]
        else:
            found += [key[1], key[2].replace("''", "'")]
    return tuple(found)


def _qualified(segment: str) -> str:
    """Return a segment in its normal form: types with their full names, functions and actions without namespace."""
    found = _NAMESPACE.fullmatch(segment)
    if found is None:
        return segment
    return f"microsoft.graph.{found[1]}" if is_type(found[1]) else found[1]


def is_key(segment: str) -> bool:
    """Return whether a segment is the key of an object: a GUID, a sign-in name, or an alternate key."""
    return _FORM_OF_KEY.fullmatch(segment) is not None


def absent(call: Call) -> NotImplementedHereError:
    """Return the error for an address that only the real service has. It names the address, with keys as `{id}`."""
    path = "/".join("{id}" if is_key(segment) else segment for segment in call.segments)
    return NotImplementedHereError(f"Microsoft Graph's {call.method} /{path}")


def is_type(name: str) -> bool:
    """Return whether a name without a namespace is a type of directory objects, in any case."""
    lowered = name.lower()
    return lowered in OTHER_TYPES or any(kind.lower() == lowered for kind in KINDS)


def options_of(parameters: Mapping[str, str], version: str) -> dict[str, str]:
    """Return the query options among parameters; on beta, the `$` is optional.

    Raises:
        GraphError: An option does not exist.
        NotImplementedHereError: `$format` names another format than JSON.
    """
    options: dict[str, str] = {}
    for name, value in parameters.items():
        lowered = name.lower()
        if version == "beta" and not lowered.startswith("$") and f"${lowered}" in OPTIONS:
            lowered = f"${lowered}"
        if lowered.startswith("$") and lowered not in OPTIONS:
            raise GraphError(400, "BadRequest", f"The query parameter '{name}' is not supported.")
        if lowered == "$format" and value.lower() not in ("json", "application/json"):
            raise NotImplementedHereError(f"Microsoft Graph's $format={value}")
        options[lowered] = value
    return options
