"""A ready token: an access token that the program or a pipeline already has.

Nothing is sent, and nothing is renewed: the connection ends with the token. The expiry comes from the claim `exp`. The
other claims are for display only.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from entrakit.errors import InteractionRequiredError, ParameterError
from entrakit.secret import Secret
from entrakit.shown_text import one_line
from entrakit.sign_in.flow import Flow
from entrakit.sign_in.grant import Grant
from entrakit.sources import Once
from entrakit.tokens.jwt import decode_claims
from entrakit.tokens.scopes import resource_of
from entrakit.tokens.token import Account

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from entrakit.http.transport import Transport
    from entrakit.services.connected import OpenConnection
    from entrakit.sign_in.discovery import Authority
    from entrakit.sign_in.flow import SavedSettings
    from entrakit.tokens.jwt import JSON

_NAMES = ("preferred_username", "upn", "unique_name", "email", "appid", "azp")

log = logging.getLogger("entrakit")


class AccessToken(Flow):
    """An access token that exists already.

    Args:
        token: The token, without the word `Bearer`.

    Raises:
        ParameterError: It is empty, has characters that no token has, or does not say when it expires.
    """

    __slots__ = ("expires_at", "identity", "token")

    name = "access_token"
    is_silent = False
    is_local = True
    not_renewed = "A ready token can't be renewed."
    default_scopes = (".default",)
    token: Secret
    identity: Secret
    expires_at: float

    def __init__(self, token: str | Secret) -> None:
        token = Secret(token) if isinstance(token, str) else token
        if not isinstance(token, Secret):
            raise ParameterError("`access_token` must be a string or a Secret.")
        text = token.reveal()
        if not text.isascii() or not text.isprintable() or " " in text:
            raise ParameterError(
                "The access token has a space or another character that no token has (RFC 6750, 2.1).",
                remedy="Pass the token alone, without `Bearer` and without quotation marks.",
            )
        expires_at = (decode_claims(text) or {}).get("exp")
        if isinstance(expires_at, bool) or not isinstance(expires_at, int | float):
            raise ParameterError(
                "The access token can't be read, so its expiry is unknown.",
                remedy="Pass an access token of Microsoft Entra ID, a JWT: three parts with dots between them.",
            )
        put = object.__setattr__
        put(self, "token", token)
        put(self, "identity", Secret(f"access token\0{text}"))
        put(self, "expires_at", float(expires_at))

    def __repr__(self) -> str:
        return f"AccessToken({self.token!r})"

    @classmethod
    def from_parameters(cls, given: Mapping[str, Any]) -> Self:
        """Return the value of the parameter `access_token`."""
        return cls(given["access_token"])

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
        """Return the token. Log a warning if it is for another resource. Raises ParameterError if it has expired."""
        del authority, client_id, claims, timeout_s
        text, now = self.token.reveal(), transport.clock.time()
        if now >= self.expires_at:
            raise ParameterError("The access token has expired.", remedy="Pass a new one.")
        shown = decode_claims(text) or {}
        audience, resource = _text(shown, "aud").rstrip("/"), resource_of(scopes[0])
        if "://" in audience and audience != resource.rstrip("/"):
            log.warning("The access token is for %s, not for %s.", audience, resource)
        return grant_of(text, now, self.expires_at)

    @classmethod
    def read_again(
        cls,
        settings: SavedSettings,
        now: float,
        environ: Mapping[str, str] = os.environ,
        open_connection: OpenConnection | None = None,
    ) -> Flow:
        """Raise InteractionRequiredError: there is no other token."""
        del now, environ, open_connection
        which = f"The connection {settings.name!r}" if settings.name else "This connection"
        raise InteractionRequiredError(
            f"{which} has only the access token that it was made with, and can't get another.",
            remedy="Get a new access token, and connect again: `connect()`.",
            error="interaction_required",
        )

    @classmethod
    def parameters_of(cls, settings: SavedSettings) -> dict[str, object]:
        """Return standard input as the source of the next token."""
        del settings
        return {"access_token": Once.STANDARD_INPUT}

    @classmethod
    def next_token_from(cls, settings: SavedSettings) -> str:
        """Return that somebody has to give a new token."""
        del settings
        return "a new access token, which has to be given again"


FLOW = AccessToken


def grant_of(token: str, now: float, expires_at: float) -> Grant:
    """Return the grant for an access token from another program. User and scopes come from its claims, for display.

    Args:
        token: The token.
        now: Seconds since 1970.
        expires_at: Time at which it expires, likewise.
    """
    shown = decode_claims(token) or {}
    return Grant(
        access_token=token,
        token_type="Bearer",
        asked_at=now,
        expires_in=expires_at - now,
        refresh_in=None,
        scopes=tuple(_text(shown, "scp").split()),
        refresh_token="",
        id_claims={},
        account=Account(
            next(filter(None, (_text(shown, name) for name in _NAMES)), ""),
            *(_text(shown, name) for name in ("name", "oid", "tid")),
        ),
    )


def _text(claims: Mapping[str, JSON], name: str) -> str:
    """Return a claim as a string that is safe to print."""
    value = claims.get(name)
    return one_line(value, 256) if isinstance(value, str) else ""
