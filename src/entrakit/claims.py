"""What is written inside a JWT (RFC 7519), for display: nothing is verified here, and nothing is decided from it."""

from __future__ import annotations

import json
from typing import TypeAlias

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"

MAX_TOKEN = 64 * 1024


def decode_claims(token: str) -> dict[str, JSON] | None:
    """Return the claims of a JWT, or None where they can't be read: opaque, encrypted (JWE), damaged, too large.

    Args:
        token: The token's text, from anywhere.
    """
    return _decoded(token, 1)


def decode_header(token: str) -> dict[str, JSON] | None:
    """Return the header of a JWT or JWE, or None where it can't be read."""
    return _decoded(token, 0)


def _decoded(token: str, part: int) -> dict[str, JSON] | None:
    from base64 import urlsafe_b64decode

    parts = token.split(".", 5) if len(token) <= MAX_TOKEN else []
    if len(parts) != 3 and not (part == 0 and len(parts) == 5):
        return None
    text = parts[part].rstrip("=")
    try:
        value = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
