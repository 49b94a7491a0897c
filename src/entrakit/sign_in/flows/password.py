"""Resource owner password credentials (RFC 6749, 4.3), which RFC 9700 advises against.

    user ──▶ app                       token service
               │ whose password is it?      │  GET /common/userrealm/…
               │ client id, name, password  │
               ├───────────────────────────▶│  POST /token
               │◀───────────────────────────┤  access token, refresh token, ID token

It can't do multi-factor authentication, and it shows the password to the app. It is never a fallback: the caller must
name it. If the tenant is federated, MSAL sends the password to the federation service over WS-Trust, and the log says
to which host.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from entrakit.errors import ParameterError
from entrakit.secret import Secret, UsernamePassword, refuse_impossible_characters
from entrakit.sign_in.flow import Flow, next_credential, secret_again
from entrakit.sources import Once, secret_source

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from entrakit.http.transport import Transport
    from entrakit.services.connected import OpenConnection
    from entrakit.sign_in.discovery import Authority
    from entrakit.sign_in.flow import SavedSettings
    from entrakit.sign_in.grant import Grant
    from entrakit.tokens.jwt import JSON

log = logging.getLogger("entrakit")


class Password(Flow):
    """A user with a user name and a password.

    Args:
        credential: Both.

    Raises:
        ParameterError: The password has a character that no password can have.
    """

    __slots__ = ("credential", "identity", "origin", "username")

    name = "password"
    refused_tenants = ("common", "consumers")
    credential: UsernamePassword
    username: str
    identity: Secret
    origin: tuple[tuple[str, str], ...]

    def __init__(self, credential: UsernamePassword) -> None:
        if not isinstance(credential, UsernamePassword):
            raise ParameterError("`credential` must be a UsernamePassword(username, password).")
        username, password = credential.username, credential.password
        refuse_impossible_characters(password, "password")
        put = object.__setattr__
        put(self, "credential", credential)
        put(self, "username", username)
        put(self, "identity", Secret(f"password\0{username.casefold()}\0{password.reveal()}"))
        put(self, "origin", (("password", password.origin),))

    def __repr__(self) -> str:
        return f"Password({self.credential!r})"

    @classmethod
    def from_parameters(cls, given: Mapping[str, Any]) -> Self:
        """Return the value of the parameter `credential`. Log a warning."""
        found = cls(given["credential"])
        log.warning("A user name and password can't do multi-factor authentication; prefer another way to sign in.")
        return found

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
        """Send the user name and the password."""
        del timeout_s
        return sign_in(authority, client_id, transport, scopes, credential=self.credential, claims=claims)

    def to_json(self) -> dict[str, JSON]:
        """Return user name and password."""
        return {"username": self.username, "password": self.credential.password.reveal()}

    @classmethod
    def from_json(cls, saved: Mapping[str, JSON], settings: SavedSettings) -> Password:
        """Return the value with the saved user name and password."""
        del settings
        return cls(UsernamePassword(str(saved["username"]), str(saved["password"])))

    @classmethod
    def read_again(
        cls,
        settings: SavedSettings,
        now: float,
        environ: Mapping[str, str] = os.environ,
        open_connection: OpenConnection | None = None,
    ) -> Flow:
        """Return the value with the password of its variable or file."""
        del now, open_connection
        password = secret_again(settings, "password", "password", environ)
        return cls(UsernamePassword(settings.account.username, password))

    @classmethod
    def parameters_of(cls, settings: SavedSettings) -> dict[str, object]:
        """Return the user name, and the source of the password if it can be read again."""
        source = secret_source(dict(settings.origin).get("password", ""))
        found: dict[str, object] = {"credential": settings.account.username or "NAME"}
        return found if source in (Once.PROMPT, Once.ARGUMENT) else found | {"password": source}

    @classmethod
    def next_token_from(cls, settings: SavedSettings) -> str:
        """Return the refresh token, or the source of the password if there is none."""
        if settings.has_refresh_token:
            return super().next_token_from(settings)
        return next_credential(settings, "password", secret_source(dict(settings.origin).get("password", "")))


FLOW = Password


def sign_in(
    authority: Authority,
    client_id: str,
    transport: Transport,
    scopes: Sequence[str],
    *,
    credential: UsernamePassword,
    claims: str = "",
) -> Grant:
    """Return a token on behalf of the user.

    Args:
        authority: One tenant's authority, or `organizations`.
        client_id: An app that allows public client flows.
        transport: Transport that sends the requests.
        scopes: Delegated scopes of one resource.
        credential: User name and password.
        claims: Claims challenge, as JSON; empty for none.

    Raises:
        SignInError: The service refused: wrong password, locked, disabled, no consent.
        InteractionRequiredError: The user must sign in with a browser: MFA, new password, policy.
        NetworkError: No usable answer.
    """
    from entrakit.sign_in._msal import TokenService

    service = TokenService(authority, client_id, transport, flow="password")
    return service.grant_password(credential.username, credential.password.reveal(), scopes, claims=claims)
