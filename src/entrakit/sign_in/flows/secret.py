"""Client credentials with a client secret (RFC 6749, 4.4 and 2.3.1): the app signs in as itself.

app                         token service
 │ client id, secret, scope      │
 ├──────────────────────────────▶│  POST /token
 │◀──────────────────────────────┤  access token, no refresh token
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from entrakit.errors import ParameterError
from entrakit.secret import Secret, refuse_impossible_characters
from entrakit.sign_in.flow import Flow, next_credential, secret_again
from entrakit.sources import InKeyVault, Once, saved_form, secret_source

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Self

    from entrakit.http.transport import Transport
    from entrakit.services.connected import OpenConnection
    from entrakit.sign_in._msal import TokenService
    from entrakit.sign_in.discovery import Authority
    from entrakit.sign_in.flow import SavedSettings
    from entrakit.sign_in.grant import Grant
    from entrakit.tokens.jwt import JSON


class ClientSecret(Flow):
    """An app with its client secret.

    Args:
        secret: The secret; a `Secret` records where a later process can read it again.
        key_vault: The key vault that it was read from; None if it was not.

    Raises:
        ParameterError: It is empty, or has a character that no client secret can have.
    """

    __slots__ = ("identity", "origin", "secret")

    name = "secret"
    is_app = True
    refused_tenants = ("common", "consumers", "organizations")
    secret: Secret
    identity: Secret
    origin: tuple[tuple[str, str], ...]

    def __init__(self, secret: str | Secret, *, key_vault: InKeyVault | None = None) -> None:
        if isinstance(secret, str):
            secret = Secret(secret)
        if not isinstance(secret, Secret):
            raise ParameterError("`client_secret` must be a string or a Secret.")
        refuse_impossible_characters(secret, "client secret")
        put = object.__setattr__
        put(self, "secret", secret)
        put(self, "identity", Secret(f"secret\0{secret.reveal()}"))
        put(self, "origin", saved_form(key_vault) if key_vault else (("secret", secret.origin),))

    def __repr__(self) -> str:
        return f"ClientSecret({self.secret!r})"

    @classmethod
    def from_parameters(cls, given: Mapping[str, Any]) -> Self:
        """Return the value of the parameter `client_secret`."""
        return cls(given["client_secret"])

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
        """Send the secret."""
        del timeout_s
        return sign_in(authority, client_id, transport, scopes, secret=self.secret, claims=claims)

    def as_app(
        self,
        authority: Authority,
        client_id: str,
        transport: Transport,
        ask: Callable[[TokenService], Grant],
        *,
        flow: str,
    ) -> Grant:
        """Send the secret with a request for a user."""
        from entrakit.sign_in._msal import TokenService

        return ask(TokenService(authority, client_id, transport, flow=flow, secret=self.secret.reveal()))

    def to_json(self) -> dict[str, JSON]:
        """Return the secret."""
        return {"secret": self.secret.reveal()}

    @classmethod
    def from_json(cls, saved: Mapping[str, JSON], settings: SavedSettings) -> ClientSecret:
        """Return the value with the saved secret."""
        del settings
        return cls(Secret(str(saved["secret"])))

    @classmethod
    def read_again(
        cls,
        settings: SavedSettings,
        now: float,
        environ: Mapping[str, str] = os.environ,
        open_connection: OpenConnection | None = None,
    ) -> Flow:
        """Return the value with the secret of its variable or file."""
        del now, open_connection
        return cls(secret_again(settings, "client secret", "secret", environ))

    @classmethod
    def parameters_of(cls, settings: SavedSettings) -> dict[str, object]:
        """Return the source of the secret: standard input if it was passed by a program."""
        source = secret_source(dict(settings.origin).get("secret", ""))
        if source is Once.PROMPT:
            return {"client_secret": True}
        return {"client_secret": Once.STANDARD_INPUT if source is Once.ARGUMENT else source}

    @classmethod
    def next_token_from(cls, settings: SavedSettings) -> str:
        """Return the source of the secret."""
        return next_credential(settings, "client secret", secret_source(dict(settings.origin).get("secret", "")))


FLOW = ClientSecret


def sign_in(
    authority: Authority,
    client_id: str,
    transport: Transport,
    scopes: Sequence[str],
    *,
    secret: Secret,
    claims: str = "",
) -> Grant:
    """Return a token for the app itself.

    Args:
        authority: One tenant's authority.
        client_id: The app.
        transport: Transport that sends the requests.
        scopes: One `.default` scope.
        secret: The app's client secret.
        claims: Claims challenge, as JSON; empty for none.

    Raises:
        SignInError: The service refused: wrong or expired secret, unknown app, no consent.
        NetworkError: No usable answer.
    """
    from entrakit.sign_in._msal import TokenService

    service = TokenService(authority, client_id, transport, flow="secret", secret=secret.reveal())
    return service.grant_client(scopes, claims=claims)
