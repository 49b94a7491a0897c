"""Saved connections: open one by its name, list them all, remove one."""

from __future__ import annotations

import sys
import time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from entrakit.authority.tenants import parse_client_id
from entrakit.connection import Connection
from entrakit.connection import record as records
from entrakit.connection.record import settings_from_json
from entrakit.connection.token_cache import TokenCache
from entrakit.errors import EntraError, NotConnectedError, VaultError
from entrakit.vault import Vault, is_name
from entrakit.vault.envelope import DamagedEntryError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrakit.authority.clouds import Cloud
    from entrakit.connection.settings import Settings
    from entrakit.http.retry import Clock
    from entrakit.http.transport import Transport


class Status(NamedTuple):
    """State of a saved connection, as known without network and without the vault's key.

    Args:
        name: Its name.
        settings: Its settings; None if the entry can't be read.
        problem: The reason why the entry can't be read; empty if it can.
        is_current: Whether commands use it by default.
        remedy: The remedy for the problem; empty if there is none.
        is_damaged: Whether the content of the entry is the problem; else it may be readable again, for example after
            its mode is corrected.
    """

    name: str
    settings: Settings | None
    problem: str
    is_current: bool
    remedy: str = ""
    is_damaged: bool = False

    def state(self, now: float) -> str:
        """Return `fresh`, `stale` or `expired` for its default token at `now`; or `damaged` or `unreadable`."""
        if self.settings is None:
            return "damaged" if self.is_damaged else "unreadable"
        left = self.settings.expires_at - now
        return "fresh" if left > 300 else "stale" if left > 0 else "expired"


def get_connection(
    name: str | None = None, *, vault: Vault | None = None, transport: Transport | None = None, clock: Clock = time
) -> Connection:
    """Return a saved connection. Nothing is sent until a token is requested that must be renewed.

    Args:
        name: Its name; None for the current one. If none was chosen, that is the only one, or the one named `default`.
        vault: Vault that it is saved in; None for the usual one.
        transport: Transport that sends the requests; None for one with the trust and proxy that it was made with.
        clock: Clock to read the time from.

    Raises:
        NotConnectedError: The connection does not exist.
        VaultError: The entry can't be read.
        ParameterError: The name is invalid.
    """
    handled = sys.exception()
    try:
        vault = vault or Vault()
        record = records.read(vault, vault.current() if name is None else name)
    except BaseException as error:
        from entrakit.frames import clear_locals

        clear_locals(error, handled)
        raise
    open_connection = partial(get_connection, vault=vault, clock=clock)
    tokens = TokenCache(record, open_connection=open_connection, transport=transport, vault=vault, clock=clock)
    return Connection(tokens)


def get_current(
    client_id: str,
    tenant_id: str,
    cloud: Cloud,
    scopes: Sequence[str],
    *,
    resource: str,
    vault: Vault | None,
    clock: Clock,
) -> Connection:
    """Return the current connection, if it is the one that the caller names and gives a token without the user.

    Args:
        client_id: The app; empty for any.
        tenant_id: The tenant; empty for any.
        cloud: The cloud.
        scopes: Scopes of the token; none for those of the connection.
        resource: Resource of the token; empty for Microsoft Graph.
        vault: Vault that it is saved in; None for the usual one.
        clock: Clock to read the time from.

    Raises:
        NotConnectedError: There is no current connection, or it is another one.
        EntraError: It gives no token, as for `Connection.token()`.
    """
    connection = get_connection(vault=vault, clock=clock)
    has = connection.info
    tenants = {has.tenant_id, connection.tenant_id}
    if (tenant_id and tenant_id.lower() not in tenants) or parse_client_id(client_id or has.client_id) != has.client_id:
        raise NotConnectedError(f"The connection {has.name!r} has another app or tenant.")
    if has.cloud.authority != cloud.authority:
        raise NotConnectedError(f"The connection {has.name!r} belongs to another cloud.")
    if has.resource != (resource.rstrip("/") or cloud.graph):
        raise NotConnectedError(f"The connection {has.name!r} is for the resource {has.resource}.")
    connection.token(*scopes)
    return connection


def list_connections(*, vault: Vault | None = None) -> list[Status]:
    """Return the state of all saved connections, sorted by name, without network and without the vault's key.

    Args:
        vault: Vault that they are saved in; None for the usual one.

    Raises:
        VaultError: The vault can't be read. An entry that can't be read does not raise, but has a `problem`.
    """
    from entrakit.sign_in.flows import find

    vault = vault or Vault()
    try:
        current = vault.current()
    except VaultError as reason:
        import logging

        current = ""
        logging.getLogger("entrakit").warning("%s", reason)
    found = []
    for metadata in vault.entries():
        settings, error, is_damaged = None, metadata.error, isinstance(metadata.error, DamagedEntryError)
        if error is None:
            try:
                settings = settings_from_json(metadata.name, metadata.values)
                find(settings.flow)
            except EntraError as reason:
                settings, error, is_damaged = None, reason, True
        problem, remedy = (error.problem, error.remedy) if error else ("", "")
        found.append(Status(metadata.name, settings, problem, metadata.name == current, remedy, is_damaged))
    return found


def disconnect(
    name: str | None = None,
    *,
    revoke: bool = False,
    vault: Vault | None = None,
    transport: Transport | None = None,
    clock: Clock = time,
) -> bool:
    """Remove a saved connection, even one that can't be read any more, and return whether it existed.

    Args:
        name: Its name; None for the current one.
        revoke: First end all sessions and refresh tokens of the user, everywhere (`revocation`). If that fails,
            nothing is removed.
        vault: Vault that it is saved in; None for the usual one.
        transport: Transport that sends the requests; None for one with the trust and proxy that it was made with.
        clock: Clock to read the time from.

    Raises:
        VaultError: The entry can't be removed, or another process holds its lock; with `revoke`, it can't be read.
        ParameterError: The name is invalid; with `revoke`, the connection is an app's.
        EntraError: With `revoke`, any error of `revocation.revoke_sign_ins`.
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
    """Remove all saved connections and the remains of earlier ones; return their names.

    Args:
        revoke: First end the sessions of each user among them; apps have none.
        vault: Vault that they are saved in; None for the usual one.
        transport: Transport that sends the requests; None for each connection's own trust and proxy.
        clock: Clock to read the time from.

    Raises:
        EntraError: As for `disconnect`; connections removed before the error stay removed.
    """
    vault = vault or Vault()
    saved = {one.name: one.settings for one in list_connections(vault=vault) if one.settings}
    revoked: set[tuple[str, str]] = set()
    removed = []
    # The directory may hold other files.
    for name in filter(is_name, vault.traces()):
        settings = saved.get(name)
        user = ("", "") if settings is None or settings.is_app else settings.account[2:4]
        # Revoking the sessions for one connection of a user ends the user's other connections, too.
        first = any(user) and user not in revoked
        revoked.add(user)
        if disconnect(name, revoke=revoke and first, vault=vault, transport=transport, clock=clock):
            removed.append(name)
    return removed
