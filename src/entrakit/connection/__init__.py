"""A connection: a token that renews itself.

    token()   fresh   → returned at once, without a lock
              stale   → one thread renews, the others get the stale one; if renewing fails, so does the one
              expired → one thread renews, the others wait for it
              claims  → renewed once for the challenge

A kept connection is renewed by one process at a time: under the lock of its entry, after looking whether another
process has done it meanwhile. The next refresh token is on disk before the new access token is handed out.
"""

from __future__ import annotations

import time
from threading import Lock

from entrakit.connection import record as records
from entrakit.connection.token_cache import Holder
from entrakit.tokens.request import Wanted
from entrakit.tokens.scopes import app_scopes, delegated_scopes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions

    from entrakit.connection.awaited import AsyncConnection
    from entrakit.connection.credentials import Proof
    from entrakit.connection.record import Record
    from entrakit.connection.settings import Settings
    from entrakit.graph.client import Client
    from entrakit.http.transport import Clock, Transport
    from entrakit.services.runner import Runner
    from entrakit.services.service import Service
    from entrakit.tokens.token import Account, Token
    from entrakit.vault import Vault


class Connection:
    """The result of `connect()`: who is connected, and a token that renews itself. Safe to share between threads.

    It is a credential for every Azure SDK client and for msgraph-sdk (azure-core's `TokenCredential`). As a context
    manager it forgets its secrets at the end; what is kept in the vault stays there.

    Args:
        record: What is known of it.
        transport: What sends; None makes the usual one when it is first needed.
        proof: What the app or person proves itself with; None to find it when it is needed.
        vault: Where it is kept; None if it is not.
        clock: What tells the time.
        owns_transport: Close the transport with the connection; one that it makes itself is always its own.
    """

    def __init__(
        self, record: Record, *, transport: Transport | None = None, proof: Proof | None = None,
        vault: Vault | None = None, clock: Clock = time, owns_transport: bool = False,
    ) -> None:  # fmt: skip
        self._holder = Holder(
            record, transport=transport, proof=proof, vault=vault, clock=clock, owns_transport=owns_transport,
            reach=reaching(vault, clock),
        )  # fmt: skip
        self._vault = vault
        self._clock = clock
        self._services_lock = Lock()
        self._runners: dict[Service, Runner] = {}
        self._time: Callable[[], float] = clock.time

    def __repr__(self) -> str:
        settings = self._holder.record.settings
        who = settings.account.username or settings.client_id
        return f"Connection({settings.name!r}, flow={settings.flow!r}, tenant_id={self.tenant_id!r}, account={who!r})"

    def __reduce__(self) -> str:
        raise TypeError("a Connection can't be pickled: keep it with a name, and open it by that name")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def settings(self) -> Settings:
        """How it was made: flow, client, tenant, cloud, scopes, where its proof comes from."""
        return self._holder.record.settings

    @property
    def info(self) -> Settings:
        """Settings of the connection."""
        return self._holder.record.settings

    @property
    def name(self) -> str:
        """Its name in the vault; empty if it lives in memory only."""
        return self._holder.record.settings.name

    @property
    def account(self) -> Account:
        """Who it stands for; for an app its client id."""
        return self._holder.record.settings.account

    @property
    def tenant_id(self) -> str:
        """The tenant's id where it is known, else the tenant as it was asked for."""
        settings = self._holder.record.settings
        return settings.directory_id or settings.account.tenant_id or settings.tenant_id

    @property
    def is_fresh(self) -> bool:
        """Whether `token()` has a token that need not be renewed yet."""
        return self._holder.default is not None and self._holder.default.is_fresh(self._time())

    def token(self, *scopes: str, claims: str = "", min_validity_s: float = 0.0) -> Token:
        """Return a token that can be used, renewed in silence if that is due. Never opens a browser or a prompt.

        Args:
            scopes: What the token is for, of one resource; nothing means what the connection was made for.
            claims: A claims challenge, as JSON text or as base64 from a `WWW-Authenticate` header; gets one new token.
            min_validity_s: Seconds that it must live at the least, where the service grants so long.

        Raises:
            InteractionRequiredError: Only a person can renew it; `remedy` has the command.
            SignInError: The service said no otherwise.
            NetworkError: No usable answer, and no token that is still valid.
            NotConnectedError: It was disconnected or closed.
            CertificateError: The certificate is gone, or can't be used any more.
            VaultError: The kept entry can't be read or locked, and no token that is still valid.
            ParameterError: The scopes or claims can't be right.
        """
        if not scopes and not claims:
            token = self._holder.default
            if token is not None and not self._holder.is_closed:
                now = self._time()
                if token.usable_from <= now < token.stale_at and now + min_validity_s <= token.expires_at:
                    return token
        return self._holder.token(Wanted(self._asked(scopes), _parsed(claims), min_validity_s, cae=bool(claims)))

    def headers(self, *scopes: str) -> dict[str, str]:
        """Return the `Authorization` header for a request; arguments and errors as for `token()`."""
        token = self.token(*scopes)
        return {"Authorization": f"{token.token_type} {token.access_token}"}

    @property
    def graph(self) -> Client:
        """Microsoft Graph v1.0, asked on this connection."""
        return self.service("graph")

    @property
    def aio(self) -> AsyncConnection:
        """This connection for programs that await: `connection.aio.graph`; and a credential for Azure's clients."""
        from entrakit.connection.awaited import AsyncConnection

        return AsyncConnection(self)

    def service(self, service: str | Service = "graph", *, key_vault: str = "", vault: str = "") -> Client:
        """Return a service, asked on this connection; tokens for it come from the same sign-in.

        Args:
            service: Its name (`graph`, `graph-beta`, `azure`, `key-vault`, `defender-endpoint`, `defender-xdr`), or a
                `Service` of your own.
            key_vault: Name of the key vault, or its https address, for `key-vault`.
            vault: The older name of `key_vault`.

        Raises:
            ParameterError: There is no such service in the cloud of the connection.
        """
        from entrakit.graph.client import Client
        from entrakit.services.runner import Runner

        found = self.find_service(service, key_vault=key_vault or vault)
        with self._services_lock:
            if found not in self._runners:
                self._runners[found] = Runner(self, found, self.service_transport(), clock=self._clock)
            return Client(self._runners[found])

    def find_service(self, service: str | Service, *, key_vault: str = "") -> Service:
        """Return what a service's name means in this connection's cloud; arguments and errors as for `service()`."""
        from entrakit.services import service as services

        if isinstance(service, services.Service):
            return services.checked(service, self.settings.cloud)
        return services.find_service(service, self.settings.cloud, key_vault=key_vault)

    def close(self) -> None:
        """Forget tokens and proof. What is kept in the vault stays there; `token()` raises from now on."""
        self._holder.close()

    def disconnect(self) -> None:
        """Remove the connection from the vault, if it is kept, and forget its secrets.

        The service is not told; `entrakit.disconnect(name, revoke=True)` does that.

        Raises:
            VaultError: The entry can't be removed.
        """
        if self._vault is not None:
            self._vault.delete(self.name)
        self.close()

    def get_token(
        self, *scopes: str, claims: str | None = None, tenant_id: str | None = None, enable_cae: bool = False,
        **kwargs: object,
    ) -> AccessToken:  # fmt: skip
        """Return a token as azure-core's `TokenCredential` does.

        Args:
            scopes: What the token is for.
            claims: JSON text of a claims challenge.
            tenant_id: Must be this connection's tenant, if given.
            enable_cae: Announce that claims challenges are handled.
            kwargs: What later versions of azure-core may add; not used.

        Raises:
            EntraError: As for `token()`.
        """
        from entrakit.connection.azure_credential import access_token, check_asked

        del kwargs
        check_asked(self, scopes, tenant_id)
        wanted = Wanted(self._asked(scopes), _parsed(claims), cae=enable_cae or bool(claims))
        return access_token(self._holder.token(wanted))

    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """Return a token as azure-core's `SupportsTokenInfo` does.

        Args:
            scopes: What the token is for.
            options: `claims`, `tenant_id` and `enable_cae`, as for `get_token()`.

        Raises:
            EntraError: As for `token()`.
        """
        from entrakit.connection.azure_credential import access_token_info, check_asked

        asked = options or {}
        check_asked(self, scopes, asked.get("tenant_id"))
        claims = asked.get("claims")
        wanted = Wanted(self._asked(scopes), _parsed(claims), cae=bool(asked.get("enable_cae") or claims))
        return access_token_info(self._holder.token(wanted))

    def service_token(self, scope: str, *, claims: str = "", issued_after: float = 0.0) -> Token:
        """Return a token for a client that handles claims challenges: the service is told so (CAE), for longer tokens.

        Args:
            scope: What it is for.
            claims: A claims challenge, as JSON text.
            issued_after: Time of issue that it must exceed, in seconds since 1970: the one before was refused.

        Raises:
            EntraError: As for `token()`.
        """
        token = None if claims else self.fresh_service_token(scope, issued_after=issued_after)
        return token or self._holder.token(Wanted(self._asked((scope,)), claims, cae=True, issued_after=issued_after))

    def fresh_service_token(self, scope: str, *, issued_after: float = 0.0) -> Token | None:
        """Return what `service_token()` would return at once; None where it would have to renew or to wait."""
        return self._holder.fresh(Wanted(self._asked((scope,)), cae=True, issued_after=issued_after))

    def _asked(self, scopes: tuple[str, ...]) -> tuple[str, ...]:
        settings = self._holder.record.settings
        if not scopes:
            return settings.scopes
        resolve = app_scopes if settings.is_app else delegated_scopes
        return resolve(scopes, resource=settings.resource)

    def has_fresh(self, scopes: tuple[str, ...], claims: str | None, *, cae: bool) -> bool:
        """Return whether `get_token()` would answer without renewing or waiting."""
        return not claims and bool(scopes) and self._holder.fresh(Wanted(self._asked(scopes), cae=cae)) is not None

    def service_transport(self) -> Transport:
        """Return what sends to services: as `open_transport()`, and with HTTP/2."""
        return self._holder.service_transport()

    def open_transport(self) -> Transport:
        """Return what sends for this connection, with the trust and proxy that it was connected with."""
        return self._holder.open_transport()


def reaching(vault: Vault | None, clock: Clock) -> Callable[[str], Connection]:
    """Return what opens a kept connection by its name, in the same vault or in the usual one."""

    def reach(name: str) -> Connection:
        from entrakit.vault import Vault

        place = vault or Vault()
        return Connection(records.read(place, name), vault=place, clock=clock)

    return reach


def _parsed(claims: str | None) -> str:
    if not claims:
        return ""
    from entrakit.tokens.claims_challenge import parse_claims

    return parse_claims(claims)
