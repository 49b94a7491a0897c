"""A running tenant."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import TYPE_CHECKING, Self

from cryptography.hazmat.primitives import serialization

from entrakit_emulator import contoso
from entrakit_emulator.application import Application
from entrakit_emulator.clock import Clock, TimeSource
from entrakit_emulator.control import Control, routes
from entrakit_emulator.faults import Faults
from entrakit_emulator.graph import bulk_objects, consistency
from entrakit_emulator.graph.kinds import face
from entrakit_emulator.graph.snapshot import read, write
from entrakit_emulator.hosts import IdentityHosts
from entrakit_emulator.journal import Journal
from entrakit_emulator.outside_issuer import OutsideIssuer
from entrakit_emulator.routes import ROUTES
from entrakit_emulator.seed import Seed
from entrakit_emulator.server import Server
from entrakit_emulator.state.key_vault import new_certificate
from entrakit_emulator.state.keys import KeyRing, make_signing_key
from entrakit_emulator.state.outside_keys import OutsideKeys
from entrakit_emulator.state.store import Store
from entrakit_emulator.trust import Trust
from entrakit_emulator.useragent import Person
from entrakit_emulator.world import World

if TYPE_CHECKING:
    from types import TracebackType

    from entrakit_emulator.state.identities import User
    from entrakit_emulator.world import Settings


MAX_PORT = 65535
# Attributes of the key vault in the control plane, by their names in version 0.1.
VAULT_NAMES = (
    "vault_url", "vault_certificate", "vault_hsm_certificate", "vault_secret", "vault_client", "vault_client_secret",
)  # fmt: skip


class Tenant:
    """A tenant on loopback; `entrakit_emulator.start` creates one.

    Args:
        port: Port; 0 lets the system choose one.
        clock: Source of the time; None for the system's clock.
        users: Number of additional users. There is one group for each hundred of them, and they are the same in every
            run.
        restore: Path of a snapshot to start from.

    Raises:
        ValueError: The port or the number of users is out of range; or the file is not a snapshot, or is damaged.

    Attributes:
        url: Origin of all addresses: `https://localhost:PORT`.
        tenant_id: Id of the tenant.
        domain: Its domain.
        public_client: Client id of an app without credentials.
        confidential_client: Client id of an app with a secret and a certificate.
        single_tenant_client: Client id of a public app for this tenant only.
        client_secret: Secret of the confidential app.
        api_client: Client id of an API that is a confidential app itself: it exchanges the tokens of its callers.
        api_uri: Identifier URI of that API; its permissions are `Orders.Read` and `Orders.Write`.
        api_secret: Client secret of that API.
        key_vault: Name of the key vault; `vault` and all `vault_…` are old names of these attributes.
        key_vault_url: URL of the key vault: `https://localhost:PORT/keyvault/contoso`.
        key_vault_certificate: Name of the confidential app's certificate in the key vault; it is exportable.
        key_vault_hsm_certificate: Name of another certificate of that app, whose key is not exportable.
        key_vault_secret: Name of the confidential app's secret in the key vault.
        key_vault_client: Client id of an app with access to the key vault; the user `users.normal` has access, too.
        key_vault_client_secret: Client secret of that app.
        system_identity: Client id of the system-assigned managed identity.
        user_identity: Client id of the user-assigned managed identity.
        identity: Hosts of managed identities, such as `identity.imds()`; each gives the variables of its programs.
        users: The seeded users.
        certificate_pem: Certificate of the confidential app, PEM text.
        private_key_pem: Its private key, PKCS #8 PEM text without a password.
        control_key: Key that the control plane requires in `X-Emulator-Key`.
        clock: The tenant's time.
        faults: The waiting faults.
        journal: The requests, and the breaches of the protocol.
        seed: Steps that change the tenant.
    """

    tenant_id = contoso.TENANT_ID
    domain = contoso.DOMAIN
    public_client = contoso.PUBLIC_CLIENT
    confidential_client = contoso.CONFIDENTIAL_CLIENT
    single_tenant_client = contoso.SINGLE_TENANT_CLIENT
    client_secret = contoso.CLIENT_SECRET
    api_client = contoso.API_CLIENT
    api_uri = contoso.API_URI
    api_secret = contoso.API_SECRET
    key_vault = vault = contoso.KEY_VAULT
    key_vault_certificate = vault_certificate = contoso.KEY_VAULT_CERTIFICATE
    key_vault_hsm_certificate = vault_hsm_certificate = contoso.KEY_VAULT_HSM_CERTIFICATE
    key_vault_secret = vault_secret = contoso.KEY_VAULT_SECRET
    key_vault_client = vault_client = contoso.KEY_VAULT_CLIENT
    key_vault_client_secret = vault_client_secret = contoso.KEY_VAULT_CLIENT_SECRET
    system_identity = contoso.SYSTEM_IDENTITY
    user_identity = contoso.USER_IDENTITY
    users = contoso.USERS

    def __init__(
        self, *, port: int = 0, clock: TimeSource | None = None, users: int = 0, restore: str | None = None
    ) -> None:
        if not 0 <= port <= MAX_PORT:
            raise ValueError(f"{port} is not a port: use 0 to {MAX_PORT}.")
        if users < 0:
            raise ValueError(f"{users} is not a number of users: use 0 or more.")
        self._bulk_users = users
        snapshot = read(restore) if restore else None
        # In parallel, because RSA keys take most of the time of a start.
        with ThreadPoolExecutor(4) as pool:
            signing = [pool.submit(make_signing_key) for _ in range(2)]
            app = pool.submit(new_certificate, "Contoso Nightly")
            app_hsm = pool.submit(new_certificate, "Contoso Nightly HSM", is_exportable=False, is_hsm=True)
            server, self._trust = Server(port), Trust()
            keys = KeyRing([one.result() for one in signing])
            self._certificates = (app.result(), app_hsm.result())
        self.certificate_pem = self._certificates[0].certificate_pem
        self.private_key_pem = (
            self._certificates[0]
            .key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            .decode()
        )
        self.control_key = secrets.token_urlsafe(24)
        self.url = f"https://localhost:{server.port}"
        self._world = World(
            self.url, Clock(clock), keys, Faults(), Journal(), Store(face), outside_keys=OutsideKeys(self.ca_path)
        )
        self._issuers: list[OutsideIssuer] = []
        self.key_vault_url = self.vault_url = f"{self.url}/keyvault/{self.key_vault}"
        self.clock, self.faults, self.journal = self._world.clock, self._world.faults, self._world.journal
        self.seed = Seed(self._world)
        self.identity = IdentityHosts(self._world)
        self._server = server
        control = Control(
            self._world, self.seed, self.identity, description=self._description(), reset=self.reset,
            snapshot=self.snapshot, issuer=self._issuer,
        )  # fmt: skip
        try:
            self._plant()
            if snapshot is not None:
                snapshot.put_into(self._world)
            all_routes = (*routes(control, self.control_key), *ROUTES)
            server.start(Application(self._world, all_routes, server.port), self._trust.context)
        except BaseException:
            # The caller never gets the tenant, so sockets, database and CA certificate are closed here.
            self.stop()
            raise

    def __repr__(self) -> str:
        return f"Tenant(url={self.url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def settings(self) -> Settings:
        """Settings of the service; `seed.change_settings` checks the values."""
        return self._world.settings

    @property
    def ca_path(self) -> str:
        """Path of the CA certificate, PEM, that clients must trust."""
        return str(self._trust.ca_path)

    @property
    def answered_codes(self) -> set[int]:
        """The AADSTS numbers answered since the last reset."""
        return set(self._world.answered_codes)

    def _description(self) -> dict[str, object]:
        """Return the data that a client needs to sign in, as JSON values."""
        names = (
            "url", "ca_path", "tenant_id", "domain", "public_client", "confidential_client", "client_secret",
            "api_client", "api_uri", "api_secret",
            "certificate_pem", "private_key_pem", "system_identity", "user_identity",
            *(f"key_{name}" for name in VAULT_NAMES), *VAULT_NAMES,
        )  # fmt: skip
        values = {name: getattr(self, name) for name in names}
        return values | {"users": {name: asdict(user) for name, user in self.users._asdict().items()}}

    def person(self, user: User | None = None) -> Person:
        """Return a simulated user who signs in without a browser.

        Args:
            user: The user; None for `users.normal`.
        """
        who = user or self.users.normal
        return Person(self.url, self.ca_path, who.upn, who.password, mfa_code=who.mfa_code)

    def add_issuer(self, issuer: str = "") -> OutsideIssuer:
        """Start an outside issuer, whose tokens authenticate apps that trust it (`seed.add_federated_credential`).

        It runs until `stop` or `reset`.

        Args:
            issuer: Issuer that its tokens name, such as `https://token.actions.githubusercontent.com`. The tenant looks
                up its keys on loopback. Empty for its own address.
        """
        made = OutsideIssuer(
            issuer, now=self.clock.now, context=self._trust.context, login=self.url, tenant_id=self.tenant_id
        )
        with self._world.lock:
            self._issuers.append(made)
            self._world.outside_keys.locate(made.issuer, made.address)
        return made

    def _issuer(self, issuer: str) -> OutsideIssuer:
        """Return the running outside issuer with a name, or start one."""
        return next((one for one in self._issuers if one.issuer == issuer), None) or self.add_issuer(issuer)

    def reset(self) -> None:
        """Return to the seeds: remove everything that was added, issued or recorded, and stop outside issuers."""
        with self._world.lock:
            self._stop_issuers()
            consistency.end(self._world)
            self._world.clear()
            self._plant()

    def snapshot(self, path: str) -> None:
        """Write the directory, and everything that sign-in needs to continue with it, to a private file.

        Raises:
            OSError: The file can't be written, or may be another user's; an older file at that path is unchanged.
        """
        with self._world.lock:
            write(self._world, path)

    def _plant(self) -> None:
        contoso.plant(self._world, *self._certificates)
        bulk_objects.plant(self._world.objects, self.tenant_id, self.domain, self._bulk_users, self._world.clock.now())

    def _stop_issuers(self) -> None:
        while self._issuers:
            self._issuers.pop().stop()

    def stop(self) -> None:
        """Stop serving and remove the file of the CA certificate. A second call does nothing."""
        self._server.stop()
        self.identity.stop()
        self._stop_issuers()
        consistency.end(self._world)
        self._world.objects.close()
        self._trust.remove()
