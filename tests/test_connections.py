"""Saved connections: listed without network and key, opened by name, removed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from entrakit import list_connections
from entrakit.authority.clouds import GLOBAL
from entrakit.connection import record
from entrakit.connection.settings import Settings
from entrakit.connections import Status, disconnect, disconnect_all
from entrakit.tokens.token import Token
from entrakit.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import FakeClock

    from entrakit import Connection
    from entrakit_emulator import Tenant

    Connect = Callable[..., Connection]

NOW = time.time()
TOKEN = Token("canary", issued_at=NOW, expires_at=NOW + 3600)
ONE = record.Record(Settings("job", "secret", "client", "contoso.com", GLOBAL, ("s",)), {"s": TOKEN})


def pem(tenant: Tenant) -> bytes:
    """Return the confidential app's certificate and key."""
    return (tenant.certificate_pem + tenant.private_key_pem).encode()


def test_what_is_kept_is_listed_without_network(app: Connect, entra_tenant: Tenant, clock: FakeClock) -> None:
    """
    A list of saved connections needs neither network nor key.
    """
    app(client_secret=entra_tenant.client_secret, name="Job")
    app(certificate=pem(entra_tenant), name="other")
    asked = len(entra_tenant.journal.entries)

    listed = list_connections()

    assert [("job", "secret"), ("other", "certificate")] == [
        (one.name, one.settings.flow) for one in listed if one.settings
    ]
    assert ["fresh", "fresh"] == [one.state(clock.time()) for one in listed]
    assert ["stale", "expired"] == [
        listed[0].state(clock.time() + left) for left in (listed_left(listed[0], clock), 9e6)
    ]
    assert asked == len(entra_tenant.journal.entries)


def test_an_entry_of_a_newer_version_is_listed_with_its_problem(
    private_home: Path, app: Connect, entra_tenant: Tenant
) -> None:
    """
    A way to sign in that this version does not have is a problem of one entry. The others are listed, and its name
    can be used for another connection.
    """
    vault = Vault()
    record.keep(vault, ONE, now=NOW)
    newer = ONE.settings._replace(name="newer", flow="telepathy")
    record.keep(vault, ONE._replace(settings=newer), now=NOW)

    problems = {one.name: one.problem for one in list_connections()}
    app(client_secret=entra_tenant.client_secret, name="newer").close()

    assert {"job": "", "newer": "This version has no way to sign in that is called 'telepathy'."} == problems
    assert {"job": "", "newer": ""} == {one.name: one.problem for one in list_connections()}


def listed_left(status: object, clock: FakeClock) -> float:
    """Return the seconds until a listed connection has a minute left."""
    assert isinstance(status, Status)
    assert status.settings is not None
    return status.settings.expires_at - clock.time() - 60


def test_settings_that_are_damaged_are_listed_as_such(private_home: Path) -> None:
    """
    A listing continues if the clear part of one entry is damaged.
    """
    vault = Vault(str(private_home))
    record.keep(vault, ONE, now=NOW)
    vault.write("bad", {"flow": "nonsense"}, {})

    bad, good = list_connections(vault=vault)

    assert ("damaged", "expired") == (bad.state(NOW), good.state(NOW))
    assert "does not say how it was made" in bad.problem


def test_a_connection_is_removed_once(private_home: Path) -> None:
    """
    Removing a connection says whether it existed, and removing all returns their names.
    """
    vault = Vault(str(private_home))
    for name in ("one", "two"):
        record.keep(vault, ONE._replace(settings=ONE.settings._replace(name=name)), now=NOW)

    assert disconnect("one")
    assert not disconnect("one")
    assert ["two"] == disconnect_all()
    assert [] == list_connections()
