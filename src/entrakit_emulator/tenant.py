"""A running tenant, and the handle on it."""

from __future__ import annotations

import random
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

from cryptography.hazmat.primitives import serialization

from entrakit_emulator import contoso, control
from entrakit_emulator.application import Application
from entrakit_emulator.clock import Clock, TimeSource
from entrakit_emulator.faults import Faults
from entrakit_emulator.graph import consistency, crowd
from entrakit_emulator.graph.snapshot import read, write
from entrakit_emulator.journal import Journal
from entrakit_emulator.keyvault.model import made
from entrakit_emulator.routes import ROUTES
from entrakit_emulator.seed import Seed
from entrakit_emulator.server import Server
from entrakit_emulator.sts.keys import KeyRing, make_signing_key
from entrakit_emulator.sts.world import World
from entrakit_emulator.trust import Trust
from entrakit_emulator.useragent import Person

if TYPE_CHECKING:
    from types import TracebackType

    from entrakit_emulator.sts.model import User
    from entrakit_emulator.sts.world import Settings


class Tenant:
    """A tenant on loopback; `entrakit_emulator.start` makes one.

    Args:
        port: Port; 0 for one that the system chooses.
        clock: What tells the time; None for the system's clock.
        users: How many further users the directory has, and for each hundred of them a group; always the same ones.
        restore: A snapshot to begin with.

    Raises:
        ValueError: The snapshot is none, or is damaged.

    Attributes:
        url: Origin of everything: `https://localhost:PORT`.
        tenant_id: Id of the tenant.
        domain: Its domain.
        public_client: Client id of an app without credentials.
        confidential_client: Client id of an app with a secret and a certificate.
        single_tenant_client: Client id of a public app for this tenant only.
        client_secret: Secret of the confidential app.
        vault: Name of the vault.
        vault_url: Its URL: `https://localhost:PORT/keyvault/contoso`.
        vault_certificate: Name of the confidential app's certificate in it, which can be exported.
        vault_hsm_certificate: Name of another certificate of that app, whose key never leaves the vault.
        vault_secret: Name of the confidential app's secret in it.
        vault_client: Client id of an app that may use the vault, as the person `users.normal` may.
        vault_client_secret: Its secret.
        users: The seeded people.
        certificate_pem: Certificate of the confidential app, PEM text.
        private_key_pem: Its private key, PKCS #8 PEM text without password.
        control_key: What the control plane asks for in `X-Emulator-Key`.
        clock: The tenant's time.
        faults: What shall go wrong.
        journal: What was asked.
        seed: Changes of what the tenant holds.
    """

    tenant_id = contoso.TENANT_ID
    domain = contoso.DOMAIN
    public_client = contoso.PUBLIC_CLIENT
    confidential_client = contoso.CONFIDENTIAL_CLIENT
    single_tenant_client = contoso.SINGLE_TENANT_CLIENT
    client_secret = contoso.CLIENT_SECRET
    vault = contoso.VAULT
    vault_certificate = contoso.VAULT_CERTIFICATE
    vault_hsm_certificate = contoso.VAULT_HSM_CERTIFICATE
    vault_secret = contoso.VAULT_SECRET
    vault_client = contoso.VAULT_CLIENT
    vault_client_secret = contoso.VAULT_CLIENT_SECRET
    users = contoso.USERS

    def __init__(
        self, *, port: int = 0, clock: TimeSource | None = None, users: int = 0, restore: str | None = None
    ) -> None:
        self._crowd = users
        snapshot = read(restore) if restore else None
        # Made side by side: RSA keys take most of the time of a start.
        with ThreadPoolExecutor(4) as pool:
            signing = [pool.submit(make_signing_key) for _ in range(2)]
            app = pool.submit(made, "Contoso Nightly")
            app_hsm = pool.submit(made, "Contoso Nightly HSM", is_exportable=False, is_hsm=True)
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
        self._world = World(self.url, Clock(clock), keys, Faults(), Journal())
        self.vault_url = f"{self.url}/keyvault/{self.vault}"
        self.clock, self.faults, self.journal = self._world.clock, self._world.faults, self._world.journal
        self.seed = Seed(self._world)
        self._server = server
        try:
            self._plant()
            if snapshot is not None:
                snapshot.put_into(self._world)
            server.start(Application(self._world, (*control.routes(self), *ROUTES)), self._trust.context)
        except BaseException:
            # Nobody has the tenant yet, so nobody else can close the sockets, the database and the CA certificate.
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
        """Numbers of the service; `seed.change_settings` checks what it is given."""
        return self._world.settings

    @property
    def ca_path(self) -> str:
        """File of the CA certificate, PEM, that clients have to trust."""
        return str(self._trust.ca_path)

    @property
    def answered_codes(self) -> set[int]:
        """The AADSTS numbers answered since the last reset."""
        return set(self._world.answered_codes)

    def person(self, user: User | None = None) -> Person:
        """Return somebody who signs in without a browser.

        Args:
            user: Who; None for the person about whom nothing is special.
        """
        who = user or self.users.normal
        return Person(self.url, self.ca_path, who.upn, who.password, mfa_code=who.mfa_code)

    def reset(self) -> None:
        """Go back to the seeds: forget everything that was added, issued, asked for or noted."""
        with self._world.lock:
            world = self._world
            consistency.end(world)
            for store in (
                world.tenants, world.apps, world.users, world.consents, world.vaults, world.valid_from, world.codes,
                world.refresh_tokens, world.devices, world.interactions, world.sessions, world.issued, world.asked,
                world.answered_codes, world.objects, world.mirrored, world.departed, world.registered, world.buckets,
            ):  # fmt: skip
                store.clear()
            world.settings = type(world.settings)()
            world.random = random.SystemRandom()
            self.clock.reset()
            self.faults.clear()
            self.journal.clear()
            self._plant()

    def snapshot(self, path: str) -> None:
        """Write the directory, and what sign-in needs to go on with it, to a private file.

        Raises:
            OSError: It can't be written; what was there before is still there.
        """
        with self._world.lock:
            write(self._world, path)

    def _plant(self) -> None:
        contoso.plant(self._world, *self._certificates)
        crowd.plant(self._world.objects, self.tenant_id, self.domain, self._crowd, self._world.clock.now())

    def stop(self) -> None:
        """Stop serving and remove the CA certificate's file. A second call does nothing."""
        self._server.stop()
        consistency.end(self._world)
        self._world.objects.close()
        self._trust.remove()
