"""A refresh token that exists already: another sign-in of the same app got it.

It is redeemed once (`refresh`), and the connection then renews itself like that of any user, with the refresh token
that replaces it. The given one stays valid, so one sign-in serves further connections and services.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from entrakit.errors import InteractionRequiredError
from entrakit.sign_in.user_token import UserToken
from entrakit.sources import File, secret_source

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from entrakit.http.transport import Transport
    from entrakit.sign_in.discovery import Authority
    from entrakit.sign_in.flow import SavedSettings
    from entrakit.sign_in.grant import Grant


class RefreshToken(UserToken):
    """A refresh token of a user, which the same app got; arguments and errors as for `UserToken`."""

    __slots__ = ()

    name = "refresh_token"
    what = "refresh token"
    parameter = "refresh_token"
    is_silent = False
    not_renewed = "The token service gave no refresh token."

    @classmethod
    def from_parameters(cls, given: Mapping[str, Any]) -> Self:
        """Return the value of the parameter `refresh_token`."""
        return cls(given["refresh_token"], given.get("app"))

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
            grant = refresh.renew(
                authority, client_id, transport, scopes, refresh_token=token, claims=claims, app=self.app
            )  # fmt: skip
        except InteractionRequiredError as error:
            _require_new_token(error, self.token.origin)
            raise
        # A service may leave it out if it stays the same (RFC 6749, 6).
        return grant._replace(refresh_token=grant.refresh_token or token)

    @classmethod
    def advise(cls, error: InteractionRequiredError, settings: SavedSettings) -> None:
        """Explain that a new refresh token is necessary, and where to put it."""
        origin = dict(settings.origin)
        _require_new_token(error, origin.get("token", origin.get("secret", "")))


FLOW = RefreshToken


def _require_new_token(error: InteractionRequiredError, origin: str) -> None:
    """Require a new token before the call that connects again: the one in its source was refused, or replaced."""
    if "`connect()`" in error.remedy:
        source = secret_source(origin)
        place = f" and write it to {source.path}" if isinstance(source, File) else ""
        error.remedy = f"Get a new refresh token{place}. {error.remedy}"
