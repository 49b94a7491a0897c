"""Requirements for a token: its scopes, its minimum lifetime, its time of issue, and a claims challenge to answer."""

from __future__ import annotations

from typing import NamedTuple


class TokenRequest(NamedTuple):
    """A request for one token of a connection.

    Args:
        scopes: Full scopes of one resource.
        claims: Claims challenge, as JSON; empty for none.
        min_validity_s: Minimum lifetime in seconds.
        cae: Whether to tell the service that the client handles claims challenges (continuous access evaluation).
        issued_after: Time of issue that the token must exceed, in seconds since 1970; 0 for any.
        is_for_client: Whether it is for a client of the resource, which can use any token of it if no better one is
            granted.
    """

    scopes: tuple[str, ...]
    claims: str = ""
    min_validity_s: float = 0.0
    cae: bool = False
    issued_after: float = 0.0
    is_for_client: bool = False
