"""A parsed request to Graph, and its answer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from entrakit_emulator.graph import consistency
from entrakit_emulator.graph.errors import GraphError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit_emulator.exchange import Exchange
    from entrakit_emulator.state.store import Store

    JSON = dict[str, object]

METADATA = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
UNREADABLE = "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is"


class Reply(NamedTuple):
    """An answer.

    Args:
        status: HTTP status.
        body: JSON value, encoded JSON, or plain text; None for an empty body.
        headers: Additional headers.
    """

    status: int
    body: JSON | bytes | str | None = None
    headers: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Call:
    """A request.

    Args:
        exchange: The HTTP request; several calls of a batch share one.
        method: HTTP method.
        version: `v1.0` or `beta`.
        segments: Path below the version; key forms are split into segments.
        options: Query options by name, in lower case and with `$`.
        headers: Headers by name, in lower case.
        body: Body.
        claims: Claims of the access token.
    """

    exchange: Exchange
    method: str
    version: str
    segments: tuple[str, ...]
    options: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    claims: Mapping[str, object] = field(repr=False)

    @property
    def store(self) -> Store:
        """The directory."""
        return self.exchange.world.objects

    @property
    def listed(self) -> Store:
        """The directory as lists show it, delayed if a test sets a lag."""
        return consistency.listed(self.exchange.world, self.now)

    @property
    def tenant(self) -> str:
        """The caller's tenant."""
        return str(self.claims["tid"])

    @property
    def now(self) -> float:
        """The tenant's time."""
        return self.exchange.now

    @property
    def root(self) -> str:
        """Address of the version."""
        return f"{self.exchange.world.origin}/{self.version}"

    @property
    def is_eventual(self) -> bool:
        """Whether the header `ConsistencyLevel: eventual` is set."""
        return self.headers.get("consistencylevel", "").strip().lower() == "eventual"

    @property
    def wants_count(self) -> bool:
        """Whether the number of all results is requested."""
        return self.options.get("$count", "").lower() == "true"

    @property
    def is_advanced(self) -> bool:
        """Whether the request is an advanced query."""
        return self.is_eventual and (self.wants_count or "$search" in self.options)

    def prefers(self, preference: str) -> bool:
        """Return whether a `Prefer` header contains a preference (RFC 7240)."""
        return preference in {one.strip().lower() for one in self.headers.get("prefer", "").split(",")}

    def json(self) -> JSON:
        """Return the body as a JSON object.

        Raises:
            GraphError: The body is not a JSON object.
        """
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict) or "json" not in self.headers.get("content-type", "").lower():
            raise GraphError(400, "BadRequest", f"{UNREADABLE} of valid JSON format.")
        return value
