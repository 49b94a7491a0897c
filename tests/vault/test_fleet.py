"""One connection and many processes, on one host and on many: one renewal, no error, and no refresh token lost."""

from __future__ import annotations

import base64
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.conftest import FakeClock
from tests.vault.fleet import WORKER, Fleet, set_clock
from tests.vault.servers import Cluster, RedisServer, Sentinels, wait_until

from entrakit import UsernamePassword, connect
from entrakit.authority.clouds import find_cloud
from entrakit.errors import VaultError
from entrakit.vault import Vault
from entrakit.vault import redis as redis_storage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from entrakit.connection import Connection
    from entrakit_emulator import Tenant

KEY = base64.b64encode(bytes(range(32))).decode()
HOURS = 3600.0


@pytest.fixture
def clock(entra_tenant: Tenant) -> FakeClock:
    """Return the clock that tenant, test and fleet share."""
    one = FakeClock()
    entra_tenant.clock.follow(one)
    return one


def signed_in(tenant: Tenant, vault: Vault, clock: FakeClock, *, app: bool = False) -> Connection:
    """Sign in and save the connection as `work`: a user, whose refresh token rotates, or an app."""
    where = {"tenant_id": tenant.tenant_id, "cloud": find_cloud(tenant.url), "ca_bundle": tenant.ca_path}
    kept = {"name": "work", "vault": vault, "clock": clock}
    if app:
        return connect(  # type: ignore[call-overload,no-any-return] # connect() determines the set
            client_id=tenant.confidential_client, client_secret=tenant.client_secret, save_secret=True, **where, **kept
        )
    credential = UsernamePassword(tenant.users.normal.upn, tenant.users.normal.password)
    return connect(client_id=tenant.public_client, credential=credential, **where, **kept)  # type: ignore[call-overload,no-any-return] # as above


def on_behalf_of_a_user(tenant: Tenant, vault: Vault, clock: FakeClock) -> Connection:
    """Save the connection of a web API that acts for a user as `work`."""
    where = {"tenant_id": tenant.tenant_id, "cloud": find_cloud(tenant.url), "ca_bundle": tenant.ca_path}
    credential = UsernamePassword(tenant.users.normal.upn, tenant.users.normal.password)
    user = connect(  # type: ignore[call-overload] # connect() determines the set
        client_id=tenant.public_client, credential=credential, scopes=[f"{tenant.api_uri}/Orders.Read"], clock=clock,
        **where,
    )  # fmt: skip
    return connect(  # type: ignore[call-overload,no-any-return] # as above
        client_id=tenant.api_client, on_behalf_of=user.token().access_token, client_secret=tenant.api_secret,
        save_secret=True, name="work", vault=vault, clock=clock, **where,
    )  # fmt: skip


@pytest.mark.timeout(240)
def test_64_processes_renew_once_with_the_credential_of_the_app(
    entra_tenant: Tenant, clock: FakeClock, tmp_path: Path
) -> None:
    """
    The refresh token of a confidential client is redeemed once per expiry, with its secret, and the last one is saved.
    """
    file = tmp_path / "clock"
    on_behalf_of_a_user(entra_tenant, Vault(), clock).close()
    set_clock(file, clock.time())
    with Fleet(64, file, {}) as fleet:
        for _ in range(3):
            clock.advance(2 * HOURS)
            set_clock(file, clock.time())
            entra_tenant.journal.clear()

            fleet.begin(10)
            answers = fleet.end()

            assert 1 == len(answers)
            assert answers.pop().startswith("1 ")
            assert 1 == entra_tenant.journal.counts["token"]
    assert newest_refresh_token(entra_tenant) == Vault().read("work").secrets["refresh_token"]
    assert [] == entra_tenant.journal.violations


def newest_refresh_token(tenant: Tenant) -> str:
    """Return the latest refresh token of the tenant."""
    return next(reversed(tenant._world.refresh_tokens))


@pytest.mark.timeout(240)
@pytest.mark.parametrize("app", [False, True], ids=["person", "app"])
def test_64_processes_renew_once(entra_tenant: Tenant, clock: FakeClock, tmp_path: Path, *, app: bool) -> None:
    """
    64 processes request the token 50 times each while it expires repeatedly: each expiry causes one token request,
    all get the same token without an error, and the last refresh token is saved.
    """
    file = tmp_path / "clock"
    signed_in(entra_tenant, Vault(), clock, app=app).close()
    set_clock(file, clock.time())
    with Fleet(64, file, {}) as fleet:
        for _ in range(5):
            clock.advance(2 * HOURS)
            set_clock(file, clock.time())
            entra_tenant.journal.clear()

            fleet.begin(10)
            answers = fleet.end()

            assert 1 == len(answers)
            assert answers.pop().startswith("1 ")
            assert 1 == entra_tenant.journal.counts["token"]
    assert app or newest_refresh_token(entra_tenant) == Vault().read("work").secrets["refresh_token"]


@pytest.mark.timeout(120)
def test_a_stale_token_is_renewed_by_one_while_others_use_it(
    entra_tenant: Tenant, clock: FakeClock, tmp_path: Path
) -> None:
    """
    For a stale token no process waits: one process renews, the others use the token that is still valid.
    """
    file = tmp_path / "clock"
    connection = signed_in(entra_tenant, Vault(), clock)
    clock.advance(connection.token().expires_at - clock.time() - 200)
    connection.close()
    set_clock(file, clock.time())
    entra_tenant.journal.clear()
    with Fleet(16, file, {}) as fleet:
        fleet.begin(10)
        answers = fleet.end()

    assert {"1", "2"} >= {answer.split()[0] for answer in answers}
    assert 1 == entra_tenant.journal.counts["token"]


@pytest.mark.timeout(120)
def test_a_renewal_that_dies_frees_the_next(entra_tenant: Tenant, clock: FakeClock, tmp_path: Path) -> None:
    """
    A process that is killed during a renewal blocks no other process and loses no refresh token.
    """
    from entrakit_emulator.faults import Slow

    file = tmp_path / "clock"
    signed_in(entra_tenant, Vault(), clock).close()
    clock.advance(2 * HOURS)
    set_clock(file, clock.time())
    entra_tenant.faults.add(Slow(endpoint="token", seconds=30.0))
    dying = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(file)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    assert dying.stdin is not None
    dying.stdin.write(b"1\n")
    dying.stdin.flush()
    while not entra_tenant.journal.of("token")[1:]:
        assert dying.poll() is None
    dying.kill()
    dying.communicate(timeout=20)

    with Fleet(4, file, {}) as fleet:
        fleet.begin(2)
        assert 1 == len(fleet.end())
    assert newest_refresh_token(entra_tenant) == Vault().read("work").secrets["refresh_token"]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """Run a Redis server."""
    (tmp_path / "redis").mkdir()
    with RedisServer(tmp_path / "redis") as one:
        yield one


@pytest.mark.timeout(240)
def test_8_workers_share_a_sign_in_while_redis_restarts(
    entra_tenant: Tenant, clock: FakeClock, server: RedisServer, tmp_path: Path
) -> None:
    """
    Eight workers have separate homes, as on eight hosts, and Redis restarts while they renew: each expiry causes one
    token request, and the last refresh token is saved.
    """
    file = tmp_path / "clock"
    environ = {"ENTRAKIT_VAULT": server.url, "ENTRAKIT_VAULT_KEY": KEY, "ENTRAKIT_HOME": str(tmp_path / "nowhere")}
    signed_in(entra_tenant, Vault(environ=environ), clock).close()
    set_clock(file, clock.time())
    with Fleet(8, file, environ, may_wait=True) as fleet:
        for turn in range(6):
            clock.advance(2 * HOURS)
            set_clock(file, clock.time())
            entra_tenant.journal.clear()
            fleet.begin(20)
            if turn % 2:
                (server.stop if turn % 4 == 1 else server.kill)()
                server.start()

            answers = fleet.end()

            assert 1 == len(answers)
            assert answers.pop().startswith("1 ")
            assert 1 == entra_tenant.journal.counts["token"]
    kept = Vault(environ=environ).read("work").secrets["refresh_token"]
    assert newest_refresh_token(entra_tenant) == kept


def kept_record(environ: dict[str, str]) -> tuple[int, str]:
    """Return the serial and the refresh token of the saved connection."""
    secrets = Vault(environ=environ).read("work").secrets
    return int(str(secrets["serial"])), str(secrets["refresh_token"])


@pytest.mark.timeout(240)
@pytest.mark.parametrize("kind", [Sentinels, Cluster])
def test_8_workers_renew_during_a_fail_over(
    entra_tenant: Tenant, clock: FakeClock, tmp_path: Path, kind: type[Sentinels | Cluster]
) -> None:
    """
    The master is killed while one of eight workers renews and holds the lock. A replica takes over: no worker fails,
    each expiry is one renewal of the saved connection, and the last refresh token is saved.
    """
    from entrakit_emulator.faults import Slow

    file = tmp_path / "clock"
    with kind(tmp_path) as servers:
        environ = {"ENTRAKIT_VAULT": servers.url, "ENTRAKIT_VAULT_KEY": KEY, "ENTRAKIT_HOME": str(tmp_path / "nowhere")}
        signed_in(entra_tenant, Vault(environ=environ), clock).close()
        set_clock(file, clock.time())
        before, _ = kept_record(environ)
        with Fleet(8, file, environ, may_wait=True) as fleet:
            for turn in range(3):
                clock.advance(2 * HOURS)
                set_clock(file, clock.time())
                entra_tenant.journal.clear()
                if turn == 1:
                    entra_tenant.faults.add(Slow(endpoint="token", seconds=0.5))
                fleet.begin(20)
                if turn == 1:
                    wait_until(lambda: bool(entra_tenant.journal.of("token")), "a renewal")
                    servers.owner().kill()

                answers = fleet.end()

                requests = entra_tenant.journal.counts["token"]
                # Replication is not synchronous: if the lock was lost with the master, another worker renews as well.
                assert requests == 1 or (turn == 1 and requests == 2)
                assert len(answers) <= requests
                assert (before + turn + 1, True) == (
                    kept_record(environ)[0],
                    kept_record(environ)[1] in list(entra_tenant._world.refresh_tokens)[-requests:],
                )


def test_a_token_in_memory_serves_while_redis_is_away(
    entra_tenant: Tenant, clock: FakeClock, server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Without Redis, a fresh or stale token is returned at once; an expired one gives an error that names the server.
    """
    monkeypatch.setattr(redis_storage, "PATIENCE_S", 0.2)
    vault = Vault(server.url, environ={"ENTRAKIT_VAULT_KEY": KEY})
    connection = signed_in(entra_tenant, vault, clock)
    first = connection.token()
    server.kill()

    assert first == connection.token()
    clock.advance(first.expires_at - clock.time() - 100)
    assert first == connection.token()
    clock.advance(200)
    with pytest.raises(VaultError, match=r"redis://.* can't be reached") as caught:
        connection.token()
    assert caught.value.retryable
    server.start()
    clock.advance(1)
    assert first != connection.token()
    connection.close()


def test_a_refresh_token_outlives_a_write_that_failed(
    entra_tenant: Tenant, clock: FakeClock, server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Redis dies between the renewal and its write: the token is returned, and the new refresh token is
    written later; the older one in the vault does not replace it.
    """
    monkeypatch.setattr(redis_storage, "PATIENCE_S", 0.2)
    monkeypatch.setattr(redis_storage, "LOCK_TTL_S", 0.6)
    vault = Vault(server.url, environ={"ENTRAKIT_VAULT_KEY": KEY})
    connection = signed_in(entra_tenant, vault, clock)
    clock.advance(2 * HOURS)
    write = type(vault.storage).write

    def dies(self: object, name: str, data: bytes, seen: bytes) -> None:
        server.kill()
        raise VaultError("The server is gone.")

    monkeypatch.setattr(type(vault.storage), "write", dies)
    token = connection.token()
    renewed = newest_refresh_token(entra_tenant)
    monkeypatch.setattr(type(vault.storage), "write", write)
    server.start()
    assert renewed != vault.read("work").secrets["refresh_token"]

    clock.advance(token.expires_at - clock.time() + 1)
    connection.token()

    assert newest_refresh_token(entra_tenant) == vault.read("work").secrets["refresh_token"]
    connection.close()
