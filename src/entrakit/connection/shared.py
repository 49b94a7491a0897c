"""Connections in memory that later calls of `connect()` find again: those of a web API, one for each user's token.

An entry has the methods of a `Vault` that a `TokenCache` calls, so that the rules are the same: a later call uses the
same tokens, and one thread renews for all.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from contextlib import contextmanager
from hashlib import sha256
from threading import Lock, RLock
from typing import TYPE_CHECKING

from entrakit.connection.record import settings_to_json
from entrakit.errors import NotConnectedError, VaultBusyError
from entrakit.secret import Secret
from entrakit.vault.envelope import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entrakit.connection.settings import Settings
    from entrakit.sign_in.flow import Flow
    from entrakit.tokens.jwt import JSON
    from entrakit.vault.conflicts import Follows

LIMIT = 1000


class SharedEntry:
    """The entry of one connection, in memory; the names of the methods' arguments are those of `Vault`.

    Args:
        ends_at: Time at which it is forgotten, in seconds since 1970.
    """

    __slots__ = ("_entry", "_lock", "ends_at")

    def __init__(self, ends_at: float) -> None:
        self.ends_at = ends_at
        self._entry: Entry | None = None
        # The thread that signs in holds it, and looks for a connection meanwhile.
        self._lock = RLock()

    def __repr__(self) -> str:
        return f"SharedEntry(ends_at={self.ends_at})"

    @contextmanager
    def lock(self, name: str = "", timeout_s: float = 120.0) -> Iterator[None]:
        """Hold the lock of the connection for a block. Raises VaultBusyError if another thread holds it for so long."""
        del name
        if not self._lock.acquire(timeout=timeout_s):
            raise VaultBusyError("Another thread is renewing this connection.", remedy="Try again.")
        try:
            yield
        finally:
            self._lock.release()

    def read(self, name: str) -> Entry:
        """Return the entry. Raises NotConnectedError if none was written."""
        del name
        if self._entry is None:
            raise NotConnectedError("The connection was disconnected.", remedy="Connect again: `connect()`.")
        return self._entry

    def write(
        self,
        name: str,
        metadata: dict[str, JSON],
        secrets: dict[str, JSON],
        *,
        follows: Follows | None = None,
    ) -> None:
        """Replace the entry; a thread that renews holds the lock."""
        del name, follows
        self._entry = Entry(metadata, secrets)

    def summary(self, name: str) -> None:
        """Return None: an entry never replaces a connection of another account."""
        del name

    def entries(self) -> tuple[()]:
        """Return nothing: a web API reads its secrets itself."""
        return ()

    def delete(self, name: str) -> bool:
        """Forget the connection, and return whether there was one."""
        del name
        existed, self._entry = self._entry is not None, None
        return existed


class SharedConnections:
    """Entries by a hash of the user's token, the app's credential and the settings. Safe to share between threads.

    Args:
        limit: Maximum number of entries; the one that was not used for the longest time is forgotten.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._lock = Lock()
        self._entries: OrderedDict[bytes, SharedEntry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def entry(self, settings: Settings, how: Flow, now: float) -> SharedEntry:
        """Return the entry of a connection, which is empty if it is new; entries that have ended are forgotten.

        Args:
            settings: Settings with everything that the caller named.
            how: The way to sign in, with its credential. If it has no known end, the entry is not found again.
            now: Seconds since 1970.
        """
        if how.ends_at <= now:
            return SharedEntry(now)
        key = _key(settings, how.identity)
        with self._lock:
            found = self._entries.get(key)
            if found is None:
                for old in [one for one, entry in self._entries.items() if entry.ends_at <= now]:
                    del self._entries[old]
                found = self._entries[key] = SharedEntry(how.ends_at)
            self._entries.move_to_end(key)
            while len(self._entries) > self._limit:
                self._entries.popitem(last=False)
            return found


SHARED = SharedConnections()


def _key(settings: Settings, identity: Secret | bytes | None) -> bytes:
    data = identity.reveal().encode() if isinstance(identity, Secret) else identity or b""
    return sha256(json.dumps(settings_to_json(settings)).encode() + b"\0" + data).digest()
