"""Kept connections: open one by its name, list them all, remove one."""

from __future__ import annotations

import time
from typing import NamedTuple

from entrakit.connection import Connection
from entrakit.connection import record as records
from entrakit.connection.settings import Settings, settings_from
from entrakit.errors import EntraError
from entrakit.vault import Vault, is_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from entrakit.http.transport import Clock, Transport


class Status(NamedTuple):
    """What is known of a kept connection without network and without the key.

    Args:
        name: Its name.
        settings: How it was made; None where the entry can't be read.
        problem: Why it can't be read; empty if it can.
        is_current: Whether commands use it when no name is given.
    """

    name: str
    settings: Settings | None
    problem: str
    is_current: bool

    def state(self, now: float) -> str:
        """Return `fresh`, `stale` or `expired` for its default token at `now`, or `damaged`."""
        if self.settings is None:
            return "damaged"
        left = self.settings.expires_at - now
        return "fresh" if left > 300 else "stale" if left > 0 else "expired"


def get_connection(
    name: str | None = None, *, vault: Vault | None = None, transport: Transport | None = None, clock: Clock = time
) -> Connection:
    """Return a kept connection. Nothing is sent before a token is asked for that has to be renewed.

    Args:
        name: Its name; None for the current one, which is `default` at first.
        vault: Where it is kept; None for the usual place.
        transport: What sends; None for one with the trust and proxy that it was connected with.
        clock: What tells the time.

    Raises:
        NotConnectedError: There is no connection of this name.
        VaultError: It can't be read.
        ParameterError: The name can't be one.
    """
    vault = vault or Vault()
    record = records.read(vault, vault.current() if name is None else name)
    return Connection(record, vault=vault, transport=transport, clock=clock)


def list_connections(*, vault: Vault | None = None) -> list[Status]:
    """Return what is known of all kept connections, sorted by name, without network and without the key.

    Args:
        vault: Where they are kept; None for the usual place.

    Raises:
        VaultError: The place can't be read; a single entry that can't be is told in its `problem`.
    """
    vault = vault or Vault()
    current = vault.current()
    found = []
    for metadata in vault.entries():
        settings, problem = None, metadata.problem
        if not problem:
            try:
                settings = settings_from(metadata.name, metadata.values)
            except EntraError as error:
                problem = error.problem
        found.append(Status(metadata.name, settings, problem, metadata.name == current))
    return found


def disconnect(
    name: str | None = None, *, revoke: bool = False, vault: Vault | None = None, transport: Transport | None = None,
    clock: Clock = time,
) -> bool:  # fmt: skip
    """Remove a kept connection, also one that can't be read any more, and return whether there was one.

    Args:
        name: Its name; None for the current one.
        revoke: First end all sessions and refresh tokens of the person, everywhere (`revocation`). If that fails,
            nothing is removed.
        vault: Where it is kept; None for the usual place.
        transport: What sends; None for one with the trust and proxy that it was connected with.
        clock: What tells the time.

    Raises:
        VaultError: The entry can't be removed, or another process holds it; with `revoke`, it can't be read.
        ParameterError: The name can't be one; with `revoke`, the connection is an app's.
        EntraError: With `revoke`, what `revocation.revoke_sign_ins` raises.
    """
    vault = vault or Vault()
    name = vault.current() if name is None else name
    if revoke and name.lower() in vault.names():
        from entrakit.connection.revocation import revoke_sign_ins

        with get_connection(name, vault=vault, transport=transport, clock=clock) as connection:
            revoke_sign_ins(connection)
    return vault.delete(name)


def disconnect_all(
    *, revoke: bool = False, vault: Vault | None = None, transport: Transport | None = None, clock: Clock = time
) -> list[str]:
    """Remove all kept connections, and what is left of earlier ones; return their names.

    Args:
        revoke: First end the sessions of each person among them; apps have none.
        vault: Where they are kept; None for the usual place.
        transport: What sends; None for each connection's own trust and proxy.
        clock: What tells the time.

    Raises:
        EntraError: As for `disconnect`; those that were removed before stay removed.
    """
    vault = vault or Vault()
    people = {one.name: one.settings for one in list_connections(vault=vault) if one.settings}
    told: set[tuple[str, str]] = set()
    removed = []
    # Other files in the directory are no connections.
    for name in filter(is_name, vault.traces()):
        settings = people.get(name)
        person = ("", "") if settings is None or settings.is_app else settings.account[2:4]
        # A person's second connection has nothing left to revoke with, and no need.
        first = any(person) and person not in told
        told.add(person)
        if disconnect(name, revoke=revoke and first, vault=vault, transport=transport, clock=clock):
            removed.append(name)
    return removed
