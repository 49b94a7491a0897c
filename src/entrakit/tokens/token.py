"""Access tokens and the account behind them.

An access token is opaque to the client (RFC 6749, 1.4): its claims are decoded for display, and nothing is decided from
them. Its lifetime is known from the answer that brought it, not from its content.

    fresh      usable
    stale      usable, but due for renewal: less than five minutes left, or past the time that the service named for an
               early renewal (`refresh_in`)
    expired    not usable
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from entrakit.tokens.jwt import JSON

STALE_BEFORE_S = 300.0
CLOCK_TOLERANCE_S = 300.0


class Account(NamedTuple):
    """The account of a connection, from the ID token of its sign-in.

    Args:
        username: Sign-in name, such as `ada@contoso.com`; for an app its client id.
        name: Display name; empty if unknown.
        object_id: Id of the user object in the tenant; empty if unknown.
        tenant_id: Tenant that signed the user in; empty if unknown.
    """

    username: str = ""
    name: str = ""
    object_id: str = ""
    tenant_id: str = ""


class Token:
    """An access token and its metadata. Immutable; its `repr` does not show the token.

    Args:
        access_token: The token itself.
        token_type: Its type, `Bearer`.
        issued_at: Time at which it was requested, in seconds since 1970 by this machine's clock.
        expires_at: Time at which it expires, on the same clock.
        refresh_at: Time for an early renewal; None if the service did not say.
        scopes: Granted scopes, as the service named them.
        client_id: The app that requested it.
        tenant_id: The tenant that granted it.
        account: The account that it was granted for.
        flow: The flow of its connection: `browser`, `devicecode`, `certificate`, `secret`, `password`, …
    """

    __slots__ = (
        "_claims",
        "access_token",
        "account",
        "client_id",
        "expires_at",
        "flow",
        "issued_at",
        "refresh_at",
        "scopes",
        "stale_at",
        "tenant_id",
        "token_type",
        "usable_from",
    )

    access_token: str
    token_type: str
    issued_at: float
    expires_at: float
    refresh_at: float | None
    scopes: tuple[str, ...]
    client_id: str
    tenant_id: str
    account: Account
    flow: str
    stale_at: float
    usable_from: float
    _claims: dict[str, JSON] | None

    def __init__(
        self,
        access_token: str,
        *,
        token_type: str = "Bearer",
        issued_at: float,
        expires_at: float,
        refresh_at: float | None = None,
        scopes: tuple[str, ...] = (),
        client_id: str = "",
        tenant_id: str = "",
        account: Account | None = None,
        flow: str = "",
    ) -> None:
        put = object.__setattr__
        put(self, "access_token", access_token)
        put(self, "token_type", token_type)
        put(self, "issued_at", issued_at)
        put(self, "expires_at", expires_at)
        put(self, "refresh_at", refresh_at)
        put(self, "scopes", scopes)
        put(self, "client_id", client_id)
        put(self, "tenant_id", tenant_id)
        put(self, "account", account or Account())
        put(self, "flow", flow)
        early = expires_at - STALE_BEFORE_S
        put(self, "stale_at", early if refresh_at is None else min(early, refresh_at))
        # A clock that was set back makes an old token look new, so a token from the future is not used.
        put(self, "usable_from", issued_at - CLOCK_TOLERANCE_S)
        put(self, "_claims", None)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Token is immutable: {name} can't be set")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a Token is immutable: {name} can't be deleted")

    def __repr__(self) -> str:
        return f"Token(access_token='…', flow={self.flow!r}, expires_on={self.expires_on.isoformat()!r})"

    def __reduce__(self) -> str:
        raise TypeError("a Token can't be pickled: it would leave memory unencrypted")

    def is_fresh(self, now: float) -> bool:
        """Return whether the token is usable and need not be renewed, at `now` (seconds since 1970)."""
        return self.usable_from <= now < self.stale_at

    def is_expired(self, now: float) -> bool:
        """Return whether the token is not usable any more, at `now` (seconds since 1970)."""
        return not self.usable_from <= now < self.expires_at

    @property
    def claims(self) -> Mapping[str, JSON]:
        """The claims of the token, for display only; empty if it can't be read (opaque, encrypted)."""
        if self._claims is None:
            from entrakit.tokens.jwt import decode_claims

            object.__setattr__(self, "_claims", decode_claims(self.access_token) or {})
        return dict(self._claims or {})

    @property
    def not_before(self) -> datetime:
        """Start of validity (aware, UTC): the `nbf` claim if it can be read, else the time of issue."""
        nbf = self.claims.get("nbf")
        return _utc(nbf if isinstance(nbf, int | float) else self.issued_at)

    @property
    def expires_on(self) -> datetime:
        """Time at which it expires (aware, UTC), from the answer that brought it."""
        return _utc(self.expires_at)

    @property
    def roles(self) -> tuple[str, ...]:
        """Application permissions, from the `roles` claim; empty if it can't be read."""
        roles = self.claims.get("roles")
        return tuple(str(role) for role in roles) if isinstance(roles, list) else ()

    @property
    def audience(self) -> str:
        """The resource, from the `aud` claim; empty if it can't be read."""
        return self._text("aud")

    @property
    def issuer(self) -> str:
        """The issuer, from the `iss` claim; empty if it can't be read."""
        return self._text("iss")

    def to_json(self) -> dict[str, JSON]:
        """Return all fields, the token included, as plain values for JSON.

        `expires_on` is in seconds since 1970 and `expires_on_utc` the same time in ISO 8601; likewise `not_before`.
        """
        return {
            "access_token": self.access_token,
            "token_type": self.token_type,
            "not_before": int(self.not_before.timestamp()),
            "not_before_utc": _iso(self.not_before),
            "expires_on": int(self.expires_at),
            "expires_on_utc": _iso(self.expires_on),
            "scopes": list(self.scopes),
            "roles": list(self.roles),
            "audience": self.audience,
            "issuer": self.issuer,
            "tenant_id": self.tenant_id,
            "client_id": self.client_id,
            "account": {
                "username": self.account.username,
                "name": self.account.name,
                "object_id": self.account.object_id,
                "tenant_id": self.account.tenant_id,
            },
            "flow": self.flow,
            "claims": dict(self.claims),
        }

    def _text(self, claim: str) -> str:
        value = self.claims.get(claim)
        return value if isinstance(value, str) else ""


def _utc(seconds: float) -> datetime:
    from datetime import UTC, datetime

    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return datetime.fromtimestamp(0, UTC)


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
