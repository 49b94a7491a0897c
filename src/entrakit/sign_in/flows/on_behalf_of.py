"""On behalf of: a web API that received a user's token calls another API for that user.

    user's app        web API                       token service
     │ token for it     │                                │
     ├─────────────────▶│ the token, its own credential  │
     │                  ├───────────────────────────────▶│  POST /token, grant jwt-bearer (RFC 7523)
     │                  │◀───────────────────────────────┤  access token of the other API, refresh token

Follows Microsoft's page "OAuth 2.0 On-Behalf-Of flow". The user's token is the assertion. Without a name, the
connection ends with it: no refresh token is kept, and a renewal sends it again. With a name, the refresh token is
saved, so that a job continues for the user. The user can only act in the calling app, so
the web API returns the claims of an InteractionRequiredError to it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from entrakit.errors import InteractionRequiredError, ParameterError
from entrakit.sign_in.remedy_table import FOR_WEB_APIS
from entrakit.sign_in.user_token import UserToken
from entrakit.tokens.jwt import decode_claims
from entrakit.tokens.scopes import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from entrakit.http.transport import Transport
    from entrakit.secret import Secret
    from entrakit.services.connected import OpenConnection
    from entrakit.sign_in._msal import TokenService
    from entrakit.sign_in.discovery import Authority
    from entrakit.sign_in.flow import Flow, SavedSettings
    from entrakit.sign_in.grant import Grant


class OnBehalfOf(UserToken):
    """A user whose token a web API received.

    Args:
        token: The access token that the caller of the web API sent, without the word `Bearer`.
        app: The web API's own way to sign in: a value such as ClientSecret.
        is_kept: Whether the connection keeps a refresh token, with which it outlives the user's token.

    Raises:
        ParameterError: The token has a character that no token can have, or the app has no credential.
    """

    __slots__ = ("ends_at", "is_kept")

    name = "on_behalf_of"
    what = "token of the user"
    parameter = "on_behalf_of"
    is_shared = True
    not_renewed = "The token service gave no refresh token."
    default_scopes = (DEFAULT,)
    app: Flow
    ends_at: float
    is_kept: bool

    def __init__(self, token: str | Secret, app: Flow | None = None, *, is_kept: bool = True) -> None:
        object.__setattr__(self, "is_kept", is_kept)
        super().__init__(token, app)
        if app is None:
            raise ParameterError(
                "A web API that acts on behalf of a user must authenticate itself.",
                remedy="Add `client_secret=…`, a certificate, `key_vault` or `federated`.",
            )
        expires_at = (decode_claims(self.token.reveal()) or {}).get("exp")
        is_readable = isinstance(expires_at, int | float) and not isinstance(expires_at, bool)
        object.__setattr__(self, "ends_at", float(str(expires_at)) if is_readable else 0.0)

    @classmethod
    def from_parameters(cls, given: Mapping[str, Any]) -> Self:
        """Return the value of the parameter `on_behalf_of`, with that of the app's credential."""
        return cls(given["on_behalf_of"], given.get("app"))

    def in_memory(self) -> Self:
        """Return this value without refresh tokens, so that the connection ends with the user's token."""
        return type(self)(self.token, self.app, is_kept=False)

    def with_app(self, app: Flow) -> Self:
        """Return this value with another credential of the app."""
        return type(self)(self.token, app, is_kept=self.is_kept)

    def check(self, now: float) -> None:
        """Raise InteractionRequiredError if the user's token has expired at `now` (seconds since 1970)."""
        if 0 < self.ends_at <= now:
            raise InteractionRequiredError("The user's token has expired.", remedy=FOR_WEB_APIS, error="invalid_grant")

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
        """Send the user's token with the app's credential."""
        del timeout_s
        self.check(transport.clock.time())

        def ask(service: TokenService) -> Grant:
            return service.grant_on_behalf_of(self.token.reveal(), scopes, claims=claims)

        grant = self.app.as_app(authority, client_id, transport, ask, flow=self.name)
        return grant if self.is_kept else grant._replace(refresh_token="")

    @classmethod
    def read_again(
        cls,
        settings: SavedSettings,
        now: float,
        environ: Mapping[str, str] = os.environ,
        open_connection: OpenConnection | None = None,
    ) -> Flow:
        """Raise InteractionRequiredError: the user's token is not saved."""
        del now, environ, open_connection
        which = f"The connection {settings.name!r}" if settings.name else "This connection"
        raise InteractionRequiredError(
            f"{which} acts on behalf of a user, and has no refresh token that can be used.",
            remedy="Get a new token of the user, and connect again: `connect()`.",
            error="interaction_required",
        )


FLOW = OnBehalfOf
