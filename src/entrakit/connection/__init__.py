"""A connection: the result of `connect()`, whose token is renewed automatically."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions

    from entrakit.connection.awaited import AsyncConnection, AsyncConnections
    from entrakit.connection.like import Likeness
    from entrakit.connection.settings import Settings
    from entrakit.connection.token_cache import TokenCache
    from entrakit.graph.client import Client
    from entrakit.services.runner import Runner
    from entrakit.services.service import Service
    from entrakit.tokens.token import Account, Token


class Connection:
    """The result of `connect()`: an account, and tokens that are renewed automatically. Safe to share between threads.

    It is a credential for every Azure SDK client and for msgraph-sdk (azure-core's `TokenCredential`). Used with
    `with`, it forgets its secrets at the end; a saved connection stays in the vault.

    Args:
        tokens: The token cache.
    """

    def __init__(self, tokens: TokenCache) -> None:
        self._tokens = tokens
        self._lock = Lock()
        self._runners: dict[Service, Runner] = {}
        self._awaited: AsyncConnections | None = None

    def __repr__(self) -> str:
        return f"Connection({self._tokens.record.describe()})"

    def __reduce__(self) -> str:
        raise TypeError("a Connection can't be pickled: save it under a name, and open it by that name")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def info(self) -> Settings:
        """Settings of the connection: flow, client, tenant, cloud, scopes, and the source of the credential."""
        return self._tokens.record.settings

    @property
    def name(self) -> str:
        """Its name in the vault; empty if the connection exists in memory only."""
        return self._tokens.record.settings.name

    @property
    def account(self) -> Account:
        """The user who signed in; for an app its client id."""
        return self._tokens.record.settings.account

    @property
    def tenant_id(self) -> str:
        """The tenant's id if it is known, else the tenant as `connect()` was given it."""
        return self._tokens.tenant_id

    @property
    def is_fresh(self) -> bool:
        """Whether `token()` has a token that need not be renewed yet."""
        token = self._tokens.default
        return token is not None and token.is_fresh(self._tokens.time())

    def token(self, *scopes: str, claims: str = "", min_validity_s: float = 0.0) -> Token:
        """Return a token; it is renewed silently if necessary. Never opens a browser or a prompt.

        Args:
            scopes: Scopes of one resource; none for those that the connection was made with.
            claims: Claims challenge, as JSON, or in base64 as in a `WWW-Authenticate` header; it gets one new token.
            min_validity_s: Minimum lifetime in seconds, if the service grants that long.

        Raises:
            InteractionRequiredError: The user has to sign in again; `remedy` says how.
            SignInError: The service refused for another reason.
            NetworkError: No usable answer, and no token that is still valid.
            NotConnectedError: The connection was disconnected or closed.
            CertificateError: The certificate is missing, or can't be used any more.
            VaultError: The saved entry can't be read or locked, and no token is still valid.
            ParameterError: The scopes or the claims are invalid.
        """
        tokens = self._tokens
        if not scopes and not claims:
            token = tokens.default
            if token is not None and not tokens.is_closed:
                now = tokens.time()
                if token.usable_from <= now < token.stale_at and now + min_validity_s <= token.expires_at:
                    return token
        request = tokens.request(scopes, claims=claims, min_validity_s=min_validity_s, cae=bool(claims))
        return tokens.token(request)

    def headers(self, *scopes: str) -> dict[str, str]:
        """Return the `Authorization` header for a request; arguments and errors as for `token()`."""
        token = self.token(*scopes)
        return {"Authorization": f"{token.token_type} {token.access_token}"}

    @property
    def graph(self) -> Client:
        """Client of Microsoft Graph v1.0."""
        return self.service("graph")

    @property
    def aio(self) -> AsyncConnection:
        """This connection for programs that await: `connection.aio.graph`; and a credential for Azure's async clients.

        Each event loop has its own.
        """
        with self._lock:
            if self._awaited is None:
                from entrakit.connection.awaited import AsyncConnections

                self._awaited = AsyncConnections(self._tokens)
        return self._awaited.here()

    def service(self, service: str | Service = "graph", *, key_vault: str = "", vault: str = "") -> Client:
        """Return a client of a service; its tokens come from the same sign-in.

        Args:
            service: Its name (`graph`, `graph-beta`, `azure`, `key-vault`, `defender-endpoint`, `defender-xdr`), or a
                `Service` for any other API.
            key_vault: Name of the key vault, or its https address, for `key-vault`.
            vault: The older name of `key_vault`.

        Raises:
            ParameterError: The service does not exist in the connection's cloud, or its address is invalid.
        """
        from entrakit.graph.client import Client
        from entrakit.services.runner import Runner

        tokens = self._tokens
        found = self.info.find_service(service, key_vault=key_vault or vault)
        with self._lock:
            if found not in self._runners:
                self._runners[found] = Runner(tokens, found, tokens.transport(), clock=tokens.clock)
            return Client(self._runners[found])

    def _likeness(self) -> Likeness:
        """Return the parts that `connect(like=…)` takes over: app, account, cloud, how to sign in. They are secret.

        Raises:
            NotConnectedError: The connection was closed.
            InteractionRequiredError: It has neither a refresh token nor a credential.
            CertificateError: The certificate is missing, or can't be used any more.
        """
        return self._tokens.likeness()

    def close(self) -> None:
        """Forget the tokens and the credential. A saved connection stays in the vault; `token()` raises from now on."""
        self._tokens.close()

    def disconnect(self) -> None:
        """Remove the connection from the vault, if it is saved, and forget its secrets.

        The service is not informed; `entrakit.disconnect(name, revoke=True)` does that.

        Raises:
            VaultError: The entry can't be removed.
        """
        self._tokens.disconnect()

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: object,
    ) -> AccessToken:
        """Return a token as azure-core's `TokenCredential` does.

        Args:
            scopes: Scopes of the token.
            claims: Claims challenge, as JSON.
            tenant_id: The tenant, which must be that of the connection.
            enable_cae: Whether the client handles claims challenges.
            kwargs: Arguments of later versions of azure-core; not used.

        Raises:
            EntraError: As for `token()`.
        """
        from entrakit.connection.azure_credential import access_token, token_request

        del kwargs
        request = token_request(self._tokens, scopes, claims=claims, tenant_id=tenant_id, enable_cae=enable_cae)
        return access_token(self._tokens.token(request))

    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """Return a token as azure-core's `SupportsTokenInfo` does.

        Args:
            scopes: Scopes of the token.
            options: `claims`, `tenant_id` and `enable_cae`, as for `get_token()`.

        Raises:
            EntraError: As for `token()`.
        """
        from entrakit.connection.azure_credential import access_token_info, token_request

        given = options or {}
        request = token_request(
            self._tokens,
            scopes,
            claims=given.get("claims"),
            tenant_id=given.get("tenant_id"),
            enable_cae=bool(given.get("enable_cae")),
        )
        return access_token_info(self._tokens.token(request))
