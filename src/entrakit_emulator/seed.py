"""Seeds: changes of the tenant until the next reset."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence  # noqa: TC003 read by get_type_hints
from dataclasses import fields

from entrakit_emulator.contoso import TENANT_ID
from entrakit_emulator.identity.seeds import IDENTITY_STEPS, IdentitySeeds
from entrakit_emulator.json_values import call, fits
from entrakit_emulator.key_vault.seeds import KEY_VAULT_STEPS, KeyVaultSeeds
from entrakit_emulator.state.identities import (
    TOKEN_EXCHANGE_URIS,
    App,
    Directory,
    FederatedCredential,
    Permission,
    Redirect,
    Secret,
    User,
    read_certificate,
)
from entrakit_emulator.state.keys import make_signing_key
from entrakit_emulator.sts.discovery import CLOUDS
from entrakit_emulator.world import Settings

PLATFORMS = ("public", "web", "spa")


class Seed(KeyVaultSeeds, IdentitySeeds):
    """Steps that change the tenant until the next reset; the base classes have those of key vaults and identities.

    Args:
        world: State of the tenant.
    """

    def add_tenant(
        self,
        domain: str,
        *,
        name: str = "",
        tenant_id: str = "",
        cloud: str = "global",
        federated: Sequence[str] = (),
    ) -> Directory:
        """Add a tenant.

        Args:
            domain: Domain of the new tenant.
            name: Display name; the domain if empty.
            tenant_id: Tenant id; a new one if empty.
            cloud: `global`, or the national cloud of the tenant (`usgov`, `china`).
            federated: Domains whose users sign in elsewhere.
        """
        if cloud != "global" and cloud not in CLOUDS:
            raise ValueError(f"Unknown cloud {cloud!r}; known clouds: global, {', '.join(CLOUDS)}.")
        with self._world.lock:
            one = Directory(
                _guid(tenant_id), name or domain, (domain.lower(),), cloud=cloud, federated=tuple(federated)
            )
            self._world.tenants[one.tenant_id] = one
            return one

    def add_user(
        self,
        upn: str,
        password: str,
        *,
        object_id: str = "",
        display_name: str = "",
        tenant_id: str = TENANT_ID,
        mfa_code: str = "",
        is_enabled: bool = True,
        mail: str = "",
    ) -> User:
        """Add a user; `change_user` sets further fields.

        Args:
            upn: Sign-in name.
            password: Password; empty for none.
            object_id: Object id; a new one if empty.
            display_name: Display name; the sign-in name if empty.
            tenant_id: Id of the user's tenant.
            mfa_code: Code of the second factor; empty for no second factor.
            is_enabled: False for a disabled account.
            mail: Mail address.
        """
        with self._world.lock:
            if self._world.find_user(upn) is not None:
                raise ValueError(f"The user {upn!r} exists already.")
            user = User(
                upn, password, _guid(object_id), display_name or upn, self._tenant(tenant_id),
                mfa_code=mfa_code, is_enabled=is_enabled, mail=mail,
            )  # fmt: skip
            self._world.users[user.object_id] = user
            return user

    def change_user(self, upn: str, changes: Mapping[str, object]) -> User:
        """Change a user.

        Args:
            upn: Sign-in name.
            changes: Fields of `User` and their new values.
        """
        with self._world.lock:
            user = self._user(upn)
            _check_fields(User, changes)
            return self._world.change_user(user.object_id, **changes)

    def add_app(
        self,
        name: str,
        *,
        client_id: str = "",
        tenant_id: str = TENANT_ID,
        redirect_uris: Sequence[str] = (),
        platform: str = "public",
        is_public: bool = False,
        is_multi_tenant: bool = False,
        identifier_uris: Sequence[str] = (),
        permissions: Sequence[str] = (),
        roles: Sequence[str] = (),
    ) -> App:
        """Add an app registration.

        Args:
            name: Display name.
            client_id: Client id; a new one if empty.
            tenant_id: Id of the tenant with the registration.
            redirect_uris: Redirect URIs, all of one platform.
            platform: `public`, `web` or `spa`.
            is_public: Whether public client flows are allowed.
            is_multi_tenant: Whether users of other tenants are allowed to sign in.
            identifier_uris: Identifier URIs of the app as a resource.
            permissions: Delegated permissions of the app as a resource.
            roles: App roles of the app as a resource.
        """
        with self._world.lock:
            app = App(
                _guid(client_id), name, self._tenant(tenant_id),
                redirects=tuple(_redirect(uri, platform) for uri in redirect_uris),
                is_public=is_public, is_multi_tenant=is_multi_tenant, identifier_uris=tuple(identifier_uris),
                permissions=tuple(Permission(one, one, f"It has the permission {one}.") for one in permissions),
                roles=tuple(roles),
            )  # fmt: skip
            self._world.apps[app.client_id] = app
            return app

    def change_app(self, client_id: str, changes: Mapping[str, object]) -> App:
        """Change fields of an app registration.

        Args:
            client_id: Client id of the app.
            changes: Fields of `App` and their new values; only booleans and strings can be changed.
        """
        with self._world.lock:
            app = self._app(client_id)
            _check_fields(App, changes)
            return self._world.change_app(app.client_id, **changes)

    def add_secret(self, client_id: str, value: str, *, expires_at: float | None = None) -> Secret:
        """Add a client secret.

        Args:
            client_id: Client id of the app.
            value: The secret.
            expires_at: Seconds since 1970; None for never.
        """
        with self._world.lock:
            app = self._app(client_id)
            secret = Secret(value, str(uuid.uuid4()), expires_at)
            self._world.change_app(app.client_id, secrets=(*app.secrets, secret))
            return secret

    def add_certificate(self, client_id: str, certificate: str) -> None:
        """Register a certificate.

        Args:
            client_id: Client id of the app.
            certificate: The certificate, PEM.
        """
        with self._world.lock:
            app = self._app(client_id)
            one = read_certificate(certificate.encode())
            self._world.change_app(app.client_id, certificates=(*app.certificates, one))

    def add_federated_credential(
        self,
        client_id: str,
        issuer: str,
        subject: str,
        *,
        name: str = "",
        audience: str = TOKEN_EXCHANGE_URIS[0],
        description: str = "",
    ) -> FederatedCredential:
        """Let an app, or a managed identity, authenticate with tokens of an outside issuer.

        Args:
            client_id: Client id of the app or the managed identity.
            issuer: Issuer of the tokens, such as `tenant.add_issuer().issuer`.
            subject: Subject of the tokens.
            name: Name of the credential; its id if empty.
            audience: Audience of the tokens.
            description: Description.
        """
        with self._world.lock:
            app = self._app(client_id)
            key = str(uuid.uuid4())
            made = FederatedCredential(key, name or key, issuer, subject, audience, description or None)
            self._world.change_app(app.client_id, federated=(*app.federated, made))
            return made

    def add_redirect(self, client_id: str, uri: str, *, platform: str = "public") -> None:
        """Register a redirect URI.

        Args:
            client_id: Client id of the app.
            uri: The URI.
            platform: `public`, `web` or `spa`.
        """
        with self._world.lock:
            app = self._app(client_id)
            self._world.change_app(app.client_id, redirects=(*app.redirects, _redirect(uri, platform)))

    def grant(self, upn: str, client_id: str, resource: str, permissions: Sequence[str]) -> None:
        """Grant an app delegated permissions, as if a user or an administrator had consented.

        Args:
            upn: Sign-in name; `*` for all users.
            client_id: App that gets the permissions.
            resource: Identifier of the API, such as `https://graph.microsoft.com`.
            permissions: Names, such as `User.Read`, in any case. Scopes of OpenID Connect (`openid`, `profile`,
                `email`, `offline_access`) need no grant and have no effect.
        """
        with self._world.lock:
            who = "*" if upn == "*" else self._user(upn).object_id
            api = self._resource(resource)
            key = (who, self._app(client_id).client_id, api.client_id)
            names = frozenset(_spelled(api, name) for name in permissions)
            self._world.consents[key] = self._world.consents.get(key, frozenset()) | names

    def withdraw(self, upn: str, client_id: str) -> None:
        """Remove everything that a user consented to for an app."""
        with self._world.lock:
            who = self._user(upn).object_id
            for key in [key for key in self._world.consents if key[:2] == (who, client_id.lower())]:
                del self._world.consents[key]

    def grant_roles(self, client_id: str, resource: str, roles: Sequence[str]) -> None:
        """Replace the app roles of an API that are granted to an app.

        Args:
            client_id: App that gets the roles.
            resource: Identifier of the API.
            roles: Names of the roles; an empty list removes all.
        """
        with self._world.lock:
            app, api = self._app(client_id), self._resource(resource)
            self._world.change_app(app.client_id, granted_roles={**app.granted_roles, api.client_id: tuple(roles)})

    def require_permissions(
        self, client_id: str, resource: str, permissions: Sequence[str] = (), *, roles: Sequence[str] = ()
    ) -> None:
        """Replace the permissions of an API that an app's registration requires; `.default` and admin consent use them.

        Args:
            client_id: The app.
            resource: Identifier of the API.
            permissions: Names of delegated permissions, in any case.
            roles: Names of app roles, which only admin consent grants.
        """
        with self._world.lock:
            app, api = self._app(client_id), self._resource(resource)
            names = tuple(_spelled(api, name) for name in permissions)
            self._world.change_app(
                app.client_id,
                required={**app.required, api.client_id: names},
                required_roles={**app.required_roles, api.client_id: tuple(roles)},
            )

    def revoke_sessions(self, upn: str) -> None:
        """Revoke a user's refresh tokens and sessions, as an administrator does."""
        with self._world.lock:
            self._world.valid_from[self._user(upn).object_id] = self._world.clock.now()

    def change_settings(self, changes: Mapping[str, object]) -> None:
        """Change settings of the service.

        Args:
            changes: Fields of `Settings` and their new values.
        """
        with self._world.lock:
            _check_fields(Settings, changes)
            for name, value in changes.items():
                setattr(self._world.settings, name, value)

    def rotate_keys(self) -> None:
        """Sign with a new key from now on, and keep publishing the old one."""
        new = make_signing_key()
        with self._world.lock:
            self._world.keys.rotate(new)

    def apply(self, steps: object) -> None:
        """Apply steps of the control plane: objects, each with `do` (a method of this class) and its arguments.

        Raises:
            ValueError: A step is unknown, or an argument does not fit.
        """
        if not isinstance(steps, list):
            raise ValueError("Seeds must be a list of steps.")  # noqa: TRY004 input of a caller
        for step in steps:
            if not isinstance(step, dict):
                raise ValueError("A step must be an object with `do` and arguments.")  # noqa: TRY004 input of a caller
            arguments = dict(step)
            name = str(arguments.pop("do", ""))
            method = getattr(self, name, None) if name in STEPS else None
            if method is None:
                raise ValueError(f"Unknown step {name!r}; known steps: {', '.join(STEPS)}.")
            call(method, arguments, f"Step {name!r}")

    def _tenant(self, tenant_id: str) -> str:
        if tenant_id not in self._world.tenants:
            raise ValueError(f"Unknown tenant {tenant_id!r}.")
        return tenant_id

    def _user(self, upn: str) -> User:
        user = self._world.find_user(upn)
        if user is None:
            raise ValueError(f"Unknown user {upn!r}.")
        return user

    def _app(self, client_id: str) -> App:
        app = self._world.apps.get(client_id.lower())
        if app is None:
            raise ValueError(f"Unknown app {client_id!r}.")
        return app

    def _resource(self, name: str) -> App:
        app = self._world.find_resource(name)
        if app is None:
            raise ValueError(f"Unknown API {name!r}.")
        return app


STEPS = (
    "add_tenant", "add_user", "change_user", "add_app", "change_app", "add_secret", "add_certificate",
    "add_federated_credential", "add_redirect",
    "grant", "withdraw", "grant_roles", "require_permissions", "revoke_sessions", "change_settings", "rotate_keys",
    *KEY_VAULT_STEPS, *IDENTITY_STEPS,
)  # fmt: skip


def _spelled(api: App, name: str) -> str:
    """Return the name of a permission as its API spells it; a name that the API does not have is not changed."""
    known = api.permission(name)
    return name if known is None else known.value


def _guid(text: str) -> str:
    return str(uuid.UUID(text)) if text else str(uuid.uuid4())


def _redirect(uri: str, platform: str) -> Redirect:
    if platform not in PLATFORMS:
        raise ValueError(f"Unknown platform {platform!r}; known platforms: {', '.join(PLATFORMS)}.")
    return Redirect(uri, platform)


def _check_fields(kind: type[User | App | Settings], changes: Mapping[str, object]) -> None:
    """Check names and types of changed fields.

    Raises:
        ValueError: A field does not exist or can't be changed, or a value has the wrong type.
    """
    hints = {one.name: one.type for one in fields(kind)}
    simple = {"str": str, "bool": bool, "int": int, "int | None": int | None, "float": float}
    for name, value in changes.items():
        hint = simple.get(str(hints.get(name)))
        if hint is None:
            raise ValueError(f"{kind.__name__} has no field {name!r} that can be changed.")
        if not fits(value, hint):
            raise ValueError(f"{name!r} of {kind.__name__} does not accept {value!r}.")
