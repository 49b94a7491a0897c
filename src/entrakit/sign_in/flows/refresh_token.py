"""A refresh token that exists already: another sign-in of the same app got it.

It is redeemed once (`refresh`), and the connection then renews itself like that of any user, with the refresh token
that replaces it. The given one stays valid, so one sign-in serves further connections and services.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from entrakit.errors import InteractionRequiredError, ParameterError
from entrakit.secret import Secret, refuse_impossible_characters
from entrakit.sign_in.flow import Flow
from entrakit.sources import File, Once, secret_source

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from entrakit.http.transport import Transport
    from entrakit.sign_in.discovery import Authority
    from entrakit.sign_in.flow import SavedSettings
    from entrakit.sign_in.grant import Grant


class RefreshToken(Flow):
    """A refresh token of a user, which the same app got.

    Args:
        token: The token; a `Secret` records where it came from.

    Raises:
        ParameterError: It is empty, or has a character that no refresh token can have.
    """

    __slots__ = ("identity", "origin", "token")

    name = "refresh_token"
    is_silent = False
    not_renewed = "The token service gave no refresh token."
    token: Secret
    identity: Secret
    origin: tuple[tuple[str, str], ...]

    def __init__(self, token: str | Secret) -> None:
        token = Secret(token) if isinstance(token, str) else token
        if not isinstance(token, Secret):
            raise ParameterError("`refresh_token` must be a string or a Secret.")
        refuse_impossible_characters(token, "refresh token")
        put = object.__setattr__
        put(self, "token", token)
        put(self, "identity", Secret(f"refresh token\0{token.reveal()}"))
        put(self, "origin", (("secret", token.origin),))

    def __repr__(self) -> str:
        return f"RefreshToken({self.token!r})"

    @classmethod
    def from_parameters(cls, given: Mapping[str, Any]) -> Self:
        """Return the value of the parameter `refresh_token`."""
        return cls(given["refresh_token"])

    def sign_in(
        self,
        authority: Authority,
        client_id: str,
        transport: Transport,
        scopes: Sequence[str],
        *,
        claims: str = "",
        timeout_s: float | None = None,
    ) -> Grant:
        """Redeem the token."""
        from entrakit.sign_in.flows import refresh

        del timeout_s
        token = self.token.reveal()
        try:
            grant = refresh.renew(authority, client_id, transport, scopes, refresh_token=token, claims=claims)
        except InteractionRequiredError as error:
            _require_new_token(error, self.token.origin)
            raise
        # A service may leave it out if it stays the same (RFC 6749, 6).
        return grant._replace(refresh_token=grant.refresh_token or token)

    @classmethod
    def parameters_of(cls, settings: SavedSettings) -> dict[str, object]:
        """Return the source of the token: a file, else standard input."""
        source = secret_source(dict(settings.origin).get("secret", ""))
        return {"refresh_token": source if isinstance(source, File) else Once.STANDARD_INPUT}

    @classmethod
    def advise(cls, error: InteractionRequiredError, settings: SavedSettings) -> None:
        """Explain that a new refresh token is necessary, and where to put it."""
        _require_new_token(error, dict(settings.origin).get("secret", ""))


FLOW = RefreshToken


def _require_new_token(error: InteractionRequiredError, origin: str) -> None:
    """Require a new token before the call that connects again: the one in its source was refused, or replaced."""
    if "`connect()`" in error.remedy:
        source = secret_source(origin)
        place = f" and write it to {source.path}" if isinstance(source, File) else ""
        error.remedy = f"Get a new refresh token{place}. {error.remedy}"
