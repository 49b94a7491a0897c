"""Tokens of next links and delta links: opaque, signed, bound to their query, and valid for a limited time."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING

from entrakit_emulator.graph.errors import GraphError
from entrakit_emulator.jose import b64url, from_b64url

if TYPE_CHECKING:
    from entrakit_emulator.graph.call import Call

    JSON = dict[str, object]

LIFETIME_S = 24 * 3600.0


def digest(call: Call, *, without: tuple[str, ...]) -> str:
    """Return a digest of a query: its tenant, path and options, except those that change from page to page."""
    options = {name: value for name, value in sorted(call.options.items()) if name[:1] == "$" and name not in without}
    text = json.dumps([call.tenant, call.version, [one.lower() for one in call.segments], options])
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def make(call: Call, state: JSON) -> str:
    """Return a token with a state."""
    data = json.dumps({**state, "at": call.now}, separators=(",", ":")).encode()
    return b64url(_tag(call, data) + data)


def read(call: Call, token: str, query: str, *, lifetime_s: float = LIFETIME_S) -> JSON:
    """Return the state in a token.

    Raises:
        GraphError: The token is not valid, belongs to another query, or is too old.
    """
    try:
        raw = from_b64url(token)
        tag, data = raw[:16], raw[16:]
        state: JSON = json.loads(data) if hmac.compare_digest(tag, _tag(call, data)) else {}
    except ValueError:
        state = {}
    if not state or state.get("q") != query:
        raise GraphError(
            400, "Request_BadRequest", "Invalid value specified for property 'skipToken' of resource 'PagedCollection'."
        )
    if call.now - float(str(state["at"])) > lifetime_s:
        raise GraphError(
            400, "Directory_ExpiredPageToken",
            "The specified page token value has expired and can no longer be included in your request.",
        )  # fmt: skip
    return state


def _tag(call: Call, data: bytes) -> bytes:
    return hmac.digest(call.store.secret, data, "sha256")[:16]
