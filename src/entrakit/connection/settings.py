"""Settings of a connection: everything about it that is not secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from entrakit.tokens.token import Account

if TYPE_CHECKING:
    from entrakit.authority.clouds import Cloud
    from entrakit.services.service import Service

# Sources of a secret, a password or a certificate that can't be read a second time.
_GONE = frozenset({"argument", "prompt", "stdin"})


class Settings(NamedTuple):
    """Parameters and state of a connection that are saved in the clear.

    Args:
        name: Its name; empty for a connection that exists in memory only.
        flow: Name of the way to sign in: `browser`, `devicecode`, `certificate`, `secret`, `password`, …
        client_id: Client id of the app.
        tenant_id: The tenant, as `connect()` was given it.
        cloud: Cloud of the token service.
        scopes: Scopes of the default token, the one that `token()` returns.
        resource: Resource of permissions without one.
        directory_id: The tenant's id; empty if `tenant_id` stands for many tenants and no user has signed in.
        account: The user who signed in; for an app its client id.
        origin: Saved form of the source of the credential, by part: `(("secret", "env:AZURE_CLIENT_SECRET"),)`. The
            functions of `sources` make a type of it. For a browser it can have the `redirect_uri`.
        save_secret: Whether the credential is saved in the vault, encrypted.
        send_chain: Whether the certificate's chain is sent.
        ca_bundle: Path of the trusted CA certificates; empty for those of the system.
        proxy: Address of the proxy; empty for that of the environment.
        connected_at: Time of the last sign-in with a credential or a user, in seconds since 1970.
        expires_at: Time at which the default token expires, in seconds since 1970.
        renews_alone: Whether a later process can renew the connection, with a refresh token, or with a credential that
            is saved or can be read again; None if that is not known without the key of the vault. Not saved.
        has_refresh_token: False if a user's connection was saved without a refresh token.
        hints: Further parameters of the sign-in, with their values; empty for a switch: `(("port", "8400"),)`.
            They are saved encrypted, so a listing has none.
    """

    name: str
    flow: str
    client_id: str
    tenant_id: str
    cloud: Cloud
    scopes: tuple[str, ...]
    resource: str = "https://graph.microsoft.com"
    directory_id: str = ""
    account: Account = Account()
    origin: tuple[tuple[str, str], ...] = ()
    save_secret: bool = False
    send_chain: bool = False
    ca_bundle: str = ""
    proxy: str = ""
    connected_at: float = 0.0
    expires_at: float = 0.0
    renews_alone: bool | None = None
    has_refresh_token: bool = True
    hints: tuple[tuple[str, str], ...] = ()

    @property
    def is_app(self) -> bool:
        """Whether the app signs in as itself, without a user. Raises VaultError for an unknown way to sign in."""
        from entrakit.sign_in.flows import find

        return find(self.flow).is_app

    @property
    def who(self) -> str:
        """The account, for messages: `the app 11111111-…`, or the name of the user."""
        name = self.account.username
        # The managed identity of Cloud Shell is the user who opened it.
        is_itself = self.is_app and name.casefold() in ("", self.client_id)
        return f"the app {self.client_id}" if is_itself else name or "an unnamed user"

    @property
    def has_readable_credential(self) -> bool:
        """Whether a later process can read the credential again from its source."""
        origin = dict(self.origin)
        passed = {origin.get(part) for part in ("secret", "password", "certificate", "assertion")}
        return bool(origin) and passed.isdisjoint(_GONE)

    @property
    def of_app(self) -> Settings | None:
        """Settings of the app's credential, which is sent with a token of the user; None if none is sent."""
        origin = dict(self.origin)
        app = origin.pop("app", "")
        origin.pop("token", None)
        return self._replace(flow=app, origin=tuple(origin.items())) if app else None

    @property
    def next_token_from(self) -> str:
        """Source of the next token, as the end of a sentence. Raises VaultError for an unknown way to sign in."""
        from entrakit.sign_in.flows import way_of

        found, app = way_of(self).next_token_from(self), self.of_app
        return f"{found}, with {app.next_token_from}" if app else found

    def describe_account(self) -> str:
        """Return the account and its tenant, for messages: `the app 11111111-… in the tenant contoso.com`."""
        return f"{self.who} in the tenant {self.directory_id or self.account.tenant_id or self.tenant_id}"

    def is_like(self, other: Settings) -> bool:
        """Return whether both have the same app, tenant, cloud and flow, and not two different users.

        An app or a user that is not known yet is not different.
        """
        fields = ("flow", "tenant_id", "cloud")
        users, apps = ({self.account.object_id, other.account.object_id}, {self.client_id, other.client_id})
        is_same = all(getattr(self, name) == getattr(other, name) for name in fields)
        return is_same and len(users - {""}) < 2 and len(apps - {""}) < 2

    def find_service(self, service: str | Service, *, key_vault: str = "") -> Service:
        """Return a service of this connection's cloud.

        Args:
            service: Name of a known service, or a service, which is checked.
            key_vault: Name of the key vault, or its https address, for `key-vault`.

        Raises:
            ParameterError: The service does not exist in this cloud, or its address is invalid.
        """
        from entrakit.services import service as services

        if isinstance(service, services.Service):
            return services.checked(service, self.cloud)
        return services.find_service(service, self.cloud, key_vault=key_vault)
