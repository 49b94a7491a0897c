"""Decoding of JWTs (RFC 7519) for display: nothing is verified, and no decision depends on the content."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeAlias

from entrakit.tokens import base64url

if TYPE_CHECKING:
    from typing import NoReturn

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"

MAX_TOKEN = 64 * 1024


def decode_claims(token: str) -> dict[str, JSON] | None:
    """Return the claims of a JWT, or None if they can't be read: opaque, encrypted (JWE), damaged, too large.

    Args:
        token: The token, from any source.
    """
    parts = _parts(token)
    return _decoded(parts[1]) if len(parts) == 3 else None


def decode_header(token: str) -> dict[str, JSON] | None:
    """Return the header of a JWT (RFC 7515) or of an encrypted token (RFC 7516), or None if it can't be read.

    Args:
        token: The token, from any source.
    """
    parts = _parts(token)
    return _decoded(parts[0]) if len(parts) in (3, 5) else None


def _parts(token: str) -> list[str]:
    return token.split(".", 5) if len(token) <= MAX_TOKEN else []


def _decoded(part: str) -> dict[str, JSON] | None:
    try:
        data = base64url.decode(part)
        # Decoded here, because `json.loads` would also detect UTF-16 and UTF-32 in bytes.
        value = json.loads(data.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _refuse(name: str) -> NoReturn:
    """Refuse NaN and Infinity: RFC 8259 does not allow them, and they can't become a date."""
    raise ValueError(name)
