"""The state of the tenant, which all its services share."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from entrakit_emulator.fifo_dict import FifoDict
from entrakit_emulator.state.outside_keys import OutsideKeys

if TYPE_CHECKING:
    from entrakit_emulator.clock import Clock
    from entrakit_emulator.faults import Faults
    from entrakit_emulator.journal import Journal
    from entrakit_emulator.state.bucket import Bucket
    from entrakit_emulator.state.identities import App, Directory, User
    from entrakit_emulator.state.key_vault import KeyVault
    from entrakit_emulator.state.keys import KeyRing
    from entrakit_emulator.state.replica import Replica
    from entrakit_emulator.state.store import Store
    from entrakit_emulator.state.tickets import (
        AuthorizationCode,
        DeviceSignIn,
        HostToken,
        Interaction,
        IssuedToken,
        RefreshToken,
        Session,
    )


@dataclass(slots=True)
class Settings:
    """Settings of the service that a test may change.

    Args:
        device_interval_s: Seconds between polls of a device.
        device_lifetime_s: Lifetime of a user code, in seconds.
        code_lifetime_s: Lifetime of an authorization code, in seconds.
        access_lifetime_s: Lifetime of an access token, in seconds; None for a random 60 to 90 minutes.
        refresh_lifetime_s: Seconds without use after which a refresh token expires.
        loop_limit: Equal token requests within five minutes before AADSTS50196 is sent; None for no limit.
        throttles: Whether Graph throttles.
        resource_units: Resource units of an app in ten seconds; None for the number for the tenant's size.
        writes: Writes of an app in 150 seconds; None for the real number.
        replication_lag_s: Seconds until a write is visible in lists, filters, memberships and references.
        graph_latency_s: Duration of each answer of Graph, in seconds of the real clock.
        etags: Whether directory objects have ETags; those of the real service have none.
    """

    device_interval_s: int = 5
    device_lifetime_s: int = 900
    code_lifetime_s: int = 600
    access_lifetime_s: int | None = None
    refresh_lifetime_s: int = 90 * 24 * 3600
    loop_limit: int | None = None
    throttles: bool = True
    resource_units: int | None = None
    writes: int | None = None
    replication_lag_s: float = 0.0
    graph_latency_s: float = 0.0
    etags: bool = False


@dataclass(slots=True)
class World:
    """The state of the tenant. Reading and writing it requires `lock`.

    Args:
        origin: `https://localhost:PORT`.
        clock: The tenant's time.
        keys: Keys that sign tokens.
        faults: The waiting faults.
        journal: The requests, and the breaches of the protocol.
        objects: The directory, as Graph shows it.
        tenants: Tenants by tenant id.
        apps: Apps by client id.
        users: Users by object id.
        consents: Granted delegated permissions, by (object id, client id, resource's client id).
        key_vaults: Key vaults, by name in lower case.
        valid_from: Time of the last revocation of a user's sessions, by object id, in the tenant's time.
        replica: Delayed copy of the directory for lists; None without a lag.
        mirrored: Users and apps as last written to the directory, by object id and client id.
        departed: Users deleted through Graph, by object id.
        registered: Apps changed through Graph, by client id.
        buckets: Token buckets of Graph's throttling.
        host_tokens: Tokens that hosts of managed identities keep, by client id and resource.
        outside_keys: Keys of outside issuers.
    """

    origin: str
    clock: Clock
    keys: KeyRing
    faults: Faults
    journal: Journal
    objects: Store
    settings: Settings = field(default_factory=Settings)
    tenants: dict[str, Directory] = field(default_factory=dict)
    apps: dict[str, App] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    consents: dict[tuple[str, str, str], frozenset[str]] = field(default_factory=dict)
    key_vaults: dict[str, KeyVault] = field(default_factory=dict)
    valid_from: dict[str, float] = field(default_factory=dict)
    codes: FifoDict[str, AuthorizationCode] = field(default_factory=lambda: FifoDict(1000))
    refresh_tokens: FifoDict[str, RefreshToken] = field(default_factory=lambda: FifoDict(5000))
    devices: FifoDict[str, DeviceSignIn] = field(default_factory=lambda: FifoDict(1000))
    interactions: FifoDict[str, Interaction] = field(default_factory=lambda: FifoDict(500))
    sessions: FifoDict[str, Session] = field(default_factory=lambda: FifoDict(500))
    issued: FifoDict[str, IssuedToken] = field(default_factory=lambda: FifoDict(5000))
    token_requests: FifoDict[str, list[float]] = field(default_factory=lambda: FifoDict(1000))
    replica: Replica | None = None
    mirrored: dict[str, User | App] = field(default_factory=dict)
    departed: dict[str, User] = field(default_factory=dict)
    registered: dict[str, App] = field(default_factory=dict)
    buckets: dict[tuple[str, str, str], Bucket] = field(default_factory=dict)
    host_tokens: FifoDict[tuple[str, str], HostToken] = field(default_factory=lambda: FifoDict(1000))
    outside_keys: OutsideKeys = field(default_factory=OutsideKeys)
    answered_codes: set[int] = field(default_factory=set)
    random: random.Random = field(default_factory=random.SystemRandom)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def issuer(self, tenant_id: str, version: int) -> str:
        """Return the issuer of tokens of a format version, as discovery names it."""
        return f"{self.origin}/{tenant_id}/v2.0" if version == 2 else f"https://sts.windows.net/{tenant_id}/"

    def find_directory(self, name: str) -> Directory | None:
        """Return the tenant with this id or domain."""
        lowered = name.lower()
        return self.tenants.get(lowered) or next(
            (one for one in self.tenants.values() if lowered in one.domains or lowered in one.federated), None
        )

    def find_user(self, name: str) -> User | None:
        """Return the user with this user principal name, in any case."""
        lowered = name.strip().lower()
        return next((user for user in self.users.values() if user.upn.lower() == lowered), None)

    def find_resource(self, name: str) -> App | None:
        """Return the app with a client id or identifier URI, with or without the final slash."""
        lowered = name.lower().rstrip("/")
        return self.apps.get(lowered) or next(
            (
                app
                for app in self.apps.values()
                if any(uri.lower().rstrip("/") == lowered for uri in app.identifier_uris)
            ),
            None,
        )

    def change_user(self, object_id: str, **changes: object) -> User:
        """Replace a user by a changed copy."""
        self.users[object_id] = replace(self.users[object_id], **changes)  # type: ignore[arg-type] # checked by seed
        return self.users[object_id]

    def change_app(self, client_id: str, **changes: object) -> App:
        """Replace an app by a changed copy."""
        self.apps[client_id] = replace(self.apps[client_id], **changes)  # type: ignore[arg-type] # checked by seed
        return self.apps[client_id]

    def clear(self) -> None:
        """Remove everything except the keys, and reset settings, clock, faults and journal."""
        for store in (
            self.tenants, self.apps, self.users, self.consents, self.key_vaults, self.valid_from, self.codes,
            self.refresh_tokens, self.devices, self.interactions, self.sessions, self.issued, self.token_requests,
            self.answered_codes, self.objects, self.mirrored, self.departed, self.registered, self.buckets,
            self.host_tokens, self.outside_keys, self.faults, self.journal,
        ):  # fmt: skip
            store.clear()
        self.clock.reset()
        self.settings = Settings()
        self.random = random.SystemRandom()
