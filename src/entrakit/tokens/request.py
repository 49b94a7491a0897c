"""What a token has to be: for which scopes, for how long, issued since when, and whether it answers a challenge."""

from __future__ import annotations

from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from entrakit.tokens.token import Token


class Wanted(NamedTuple):
    """A token that is asked of a connection.

    Args:
        scopes: Full scopes of one resource.
        claims: A claims challenge, as JSON text; empty for none.
        min_validity_s: Seconds that it must live at the least.
        cae: Whether the service is told that claims challenges are handled.
        issued_after: Time of issue that it must exceed, in seconds since 1970; 0 for any.
    """

    scopes: tuple[str, ...]
    claims: str = ""
    min_validity_s: float = 0.0
    cae: bool = False
    issued_after: float = 0.0

    @property
    def key(self) -> str:
        """What it is kept under: a token with CAE is another than the one without."""
        return " ".join((*self.scopes, "cae")) if self.cae else " ".join(self.scopes)

    def is_met(self, token: Token | None, now: float) -> bool:
        """Return whether a token is fresh and lives long enough; a challenge is not looked at."""
        return token is not None and token.is_fresh(now) and self._lasts(token, now)

    def can_do(self, token: Token | None, now: float) -> bool:
        """Return whether a token can be used for want of a better one."""
        return token is not None and not self.claims and not token.is_expired(now) and self._lasts(token, now)

    def _lasts(self, token: Token, now: float) -> bool:
        return now + self.min_validity_s <= token.expires_at and token.issued_at > self.issued_after
