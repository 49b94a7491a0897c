"""The vault: saved connections, with metadata in the clear and secrets sealed.

`envelope` seals the entries, `keys` finds the key, and a storage (`files`, `redis`) holds them.
"""

from __future__ import annotations

import contextlib
import os
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, TypeVar

from entrakit.errors import NotConnectedError, ParameterError, VaultError
from entrakit.vault import envelope
from entrakit.vault.envelope import Entry as Entry
from entrakit.vault.envelope import EntrySummary as EntrySummary
from entrakit.vault.keys import Keys
from entrakit.vault.keys.source import KeyMissingError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from entrakit.tokens.jwt import JSON
    from entrakit.vault.conflicts import Follows
    from entrakit.vault.envelope import KeyRef, SealedEntry
    from entrakit.vault.storage import Storage

DEFAULT_NAME = "default"
VARIABLE = "ENTRAKIT_VAULT"
PLAIN_VARIABLE = "ENTRAKIT_VAULT_ALLOW_PLAIN"
LOCK_TIMEOUT_S = 60.0
_ATTEMPTS = 5
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")
_DEVICES = frozenset({"con", "prn", "aux", "nul"} | {f"{kind}{n}" for kind in ("com", "lpt") for n in range(10)})
Result = TypeVar("Result")


class Vault:
    """Saved connections in one place.

    Args:
        place: A directory, or the address of Redis servers that hosts share (`redis_address`); empty for
            `ENTRAKIT_VAULT`, else the usual directory (`files.state_dir`).
        key_from: Source of the key: `environment`, `keyring` or `file`; empty for `ENTRAKIT_VAULT_KEY_FROM`, else the
            first that works.
        environ: The environment to look variables up in.
        allow_plain: Whether a `redis://` server, which is reached without encryption, may be on another host; so does
            the variable `ENTRAKIT_VAULT_ALLOW_PLAIN` with the value 1.

    Raises:
        VaultError: The default directory is unknown.
        ParameterError: The place or the source of the key is invalid, or the server may not be reached unencrypted.
    """

    def __init__(
        self,
        place: str = "",
        *,
        key_from: str = "",
        environ: Mapping[str, str] = os.environ,
        allow_plain: bool = False,
    ) -> None:
        place, path = place or environ.get(VARIABLE, ""), ""
        self.storage: Storage
        scheme, colon, _ = place.partition(":")
        # A folder never begins with a scheme, so that a mistyped address makes none. One letter is a drive of Windows.
        if "://" in place or (colon and len(scheme) > 1 and not {"/", os.sep} & set(scheme)):
            from entrakit.vault.redis import open_storage

            server = self.storage = open_storage(place)
            if server.address.is_plain and not (allow_plain or environ.get(PLAIN_VARIABLE) == "1"):
                from entrakit.vault.redis_address import unencrypted

                raise unencrypted(server.place, PLAIN_VARIABLE)
        else:
            from entrakit.vault.files import FileStorage, state_dir

            path = os.path.normpath(place or state_dir(environ))
            if not os.path.isabs(path):
                from entrakit.paths import absolute

                path = absolute(path)
            self.storage = FileStorage(path)
        self.keys = Keys(environ, path, key_from)

    def __repr__(self) -> str:
        return f"Vault({self.place!r})"

    @property
    def place(self) -> str:
        """The directory or server, for display, without secrets."""
        return self.storage.place

    def check(self, name: str) -> None:
        """Check, before anything is done, that a connection can be saved under a name.

        A name has 1 to 64 letters, digits, dots, hyphens and underscores; case does not distinguish names, since it
        does not on every disk.

        Raises:
            ParameterError: The name is invalid.
            VaultError: The place is not private or can't be reached, or the key is missing.
        """
        name = checked_name(name)
        ref = envelope.parse_key_note(self.storage.prepare(), self.storage.place)
        if ref is None:
            self.keys.ready()
            return
        try:
            self.keys.open(ref)
        except KeyMissingError:
            if not self._is_replaceable(name):
                raise
            self.keys.ready()

    def read(self, name: str) -> Entry:
        """Return a saved connection.

        Raises:
            NotConnectedError: The connection does not exist.
            VaultError: It can't be read; a damaged one was moved aside.
            ParameterError: The name is invalid.
        """
        return self._read(
            name, lambda sealed: Entry(sealed.metadata, envelope.unseal(sealed, self.keys.open(sealed.key)))
        )

    def read_metadata(self, name: str) -> dict[str, JSON]:
        """Return the metadata of a saved connection. The key is not needed, so the metadata is not verified.

        Raises:
            NotConnectedError: The connection does not exist.
            VaultError: It can't be read; a damaged one was moved aside.
            ParameterError: The name is invalid.
        """
        return self._read(name, attrgetter("metadata"))

    def entries(self) -> list[EntrySummary]:
        """Return all saved connections by name; the key is not needed. An unreadable or foreign one has an `error`.

        This also removes the leftovers of writers that were killed at least an hour ago.

        Raises:
            VaultError: The place can't be read.
        """
        from entrakit.vault.conflicts import metadata_of_own

        self.storage.sweep()
        found = (
            self.summary(name, partial(metadata_of_own, keys=self.keys, key_ref=self.key_ref)) for name in self.names()
        )
        return [one for one in found if one is not None]

    def summary(
        self, name: str, use: Callable[[SealedEntry], dict[str, JSON]] = attrgetter("metadata")
    ) -> EntrySummary | None:
        """Return a saved connection as in a listing; the key is not needed. None if it does not exist."""
        try:
            return EntrySummary(name, self._read(name, use))
        except NotConnectedError:
            return None
        except (VaultError, ParameterError) as error:
            return EntrySummary(name, {}, error)

    def names(self) -> list[str]:
        """Return the names of all saved connections, sorted.

        Raises:
            VaultError: The place can't be read.
        """
        return self.storage.names()

    def traces(self) -> list[str]:
        """Return the names with an entry or a damaged copy, sorted.

        Raises:
            VaultError: The place can't be read.
        """
        return self.storage.traces()

    def write(
        self, name: str, metadata: dict[str, JSON], secrets: dict[str, JSON], *, follows: Follows | None = None
    ) -> None:
        """Save a connection in place of the one of this name.

        Args:
            name: Its name.
            metadata: The part in the clear.
            secrets: The part to seal.
            follows: Test of metadata and secrets of the saved one, whether it may be replaced; None to replace any.

        Raises:
            VaultError: It can't be written, or does not follow the saved one, which is unchanged.
            ParameterError: The name is invalid.
        """
        name = checked_name(name)
        with self.key_lock():
            before, ref, key, vault = self._key_to_write(name)
            data = envelope.seal(name, metadata, secrets, ref, key, vault=vault)
            if follows is None:
                self.storage.write(name, data)
            else:
                from entrakit.vault.conflicts import succeed

                succeed(self.storage, self.keys, name, data, follows)
        if before is not None and before != ref:
            # The earlier key seals no entry any more.
            with contextlib.suppress(VaultError):
                self.keys.forget(before)

    def delete(self, name: str) -> bool:
        """Remove everything of a connection, and return whether there was anything.

        If it was the current one, no connection is current afterwards. With the last one, the key is removed too.

        Args:
            name: Its name.

        Raises:
            VaultError: It can't be removed, or another process holds its lock.
            ParameterError: The name is invalid.
        """
        name = checked_name(name)
        if not self.storage.has_traces(name):
            return False
        with self.lock(name):
            self.storage.delete(name)
        if self.storage.read_current().data == name.encode("ascii"):
            self.storage.write_current("", "")
        from entrakit.vault.leaving import forget_unused_key

        with self.key_lock():
            forget_unused_key(self.storage, self.keys)
        return True

    def lock(self, name: str, timeout_s: float = LOCK_TIMEOUT_S) -> AbstractContextManager[None]:
        """Hold the lock of a connection for a block.

        Args:
            name: Its name.
            timeout_s: Seconds to wait for another process.

        Raises:
            VaultBusyError: Another process held the lock until the timeout.
            VaultError: It can't be locked.
        """
        return self.storage.lock(checked_name(name), timeout_s)

    def key_lock(self) -> AbstractContextManager[None]:
        """Hold the lock of the vault's key for a block, briefly: while it seals an entry, or is changed or removed.

        Lock order: entry first, then key; never the reverse.

        Raises:
            VaultError: It can't be locked.
        """
        return self.storage.lock(".key", LOCK_TIMEOUT_S)

    def current(self) -> str:
        """Return the name of the current connection, which is used if no name is given.

        If none was chosen, the only one is current; of several, the one named `default`.

        Raises:
            VaultError: The place can't be read, or the choice was made in another vault.
        """
        chosen = self.storage.read_current()
        name = chosen.data.decode("ascii", "replace").strip()
        if is_name(name):
            from entrakit.vault.conflicts import check_choice

            check_choice(self.storage, chosen, name)
            return name
        try:
            # Another connection is current only if this one does not exist. A vault of thousands takes long to list.
            if self.storage.read(DEFAULT_NAME) is not None:
                return DEFAULT_NAME
        except VaultError:
            return DEFAULT_NAME
        names = self.names()
        return names[0] if len(names) == 1 and is_name(names[0]) else DEFAULT_NAME

    def set_current(self, name: str) -> None:
        """Choose the current connection, which is used if no name is given.

        Raises:
            NotConnectedError: The connection does not exist.
            VaultError: The connection can't be read, or the choice can't be written.
            ParameterError: The name is invalid.
        """
        self.read_metadata(name)
        self.storage.write_current(name.lower(), self.storage.read_notes().vault)

    def key_ref(self) -> KeyRef | None:
        """Return the name of the key that seals new entries; None before the first.

        Raises VaultError if the note of the key can't be read, or is damaged.
        """
        return envelope.parse_key_note(self.storage.read_notes().key, self.storage.place)

    def key_source(self) -> str:
        """Return the source of the key: `environment`, `keyring` or `file`; empty if there is none yet."""
        ref = self.key_ref()
        return ref.source if ref else self.keys.pinned

    def describe_key(self) -> str:
        """Describe the place of the key and the protection that it gives, for display. Raises VaultError."""
        return self.keys.describe(self.key_ref())

    def note_key(self, seen: KeyRef | None, ref: KeyRef | None, vault: str = "") -> bool:
        """Name the key that seals from now on (None: no key), unless another process has done so since `seen` was read.

        The vault gets the id `vault` with it. Raises VaultError.
        """
        return self.storage.swap_key_note(envelope.key_note(seen), envelope.key_note(ref), vault)

    def _key_to_write(self, name: str) -> tuple[KeyRef | None, KeyRef, bytes, str]:
        """Return the noted key, the name and bytes of the key to seal with, and the id of the vault.

        A new key is made only if the vault has no entry of another name. The vault gets its id with it.
        """
        notes = self.storage.read_notes()
        before = ref = envelope.parse_key_note(notes.key, self.storage.place)
        for _ in range(_ATTEMPTS):
            if ref is not None:
                try:
                    return before, ref, self.keys.open(ref), notes.vault
                except KeyMissingError:
                    if not self._is_replaceable(name):
                        raise
            elif not self._is_replaceable(name):
                raise KeyMissingError(
                    f"Connections are saved in {self.place}, but the note of their key is gone.",
                    remedy="Restore vault.json from a backup, or make a new key with `rekey()`.",
                )
            new, key = self.keys.make()
            vault = notes.vault or os.urandom(16).hex()
            if self.note_key(ref, new, vault):
                return before, new, key, vault
            # If several processes race, one wins; the keys of the others are useless.
            self.keys.forget(new)
            notes = self.storage.read_notes()
            ref = envelope.parse_key_note(notes.key, self.storage.place)
        raise VaultError("The vault's key is being changed.", remedy="Try again in a moment.")

    def _is_replaceable(self, name: str) -> bool:
        """Return whether there is no entry of another name."""
        return set(self.names()) <= {name}

    def _read(self, name: str, use: Callable[[SealedEntry], Result]) -> Result:
        """Return the result of `use` on an entry; a damaged entry is moved aside."""
        entry = checked_name(name)
        for _ in range(_ATTEMPTS):
            found = self.storage.read(entry)
            if found is None:
                from entrakit.vault.conflicts import not_connected

                raise not_connected(name, self.names())
            try:
                return use(envelope.parse(entry, *found))
            except envelope.DamagedEntryError as error:
                try:
                    aside = self.storage.set_aside(entry, found.data)
                except VaultError:
                    raise error from None
                if aside:
                    raise envelope.DamagedEntryError(
                        f"The saved connection {name!r} is damaged; it was moved to {aside}.", remedy="Connect again."
                    ) from error
                # Another process has replaced or removed it since it was read.
        raise VaultError(f"The saved connection {name!r} changes too fast to be read.", remedy="Try again.")


def checked_name(name: str) -> str:
    """Return a connection's name as it is saved, in lower case.

    Raises:
        ParameterError: The name is invalid.
    """
    if not is_name(name):
        raise ParameterError(
            f"{name!r} can't be the name of a connection.",
            remedy="Use up to 64 letters, digits, dots, hyphens and underscores, beginning with a letter or digit.",
        )
    return name.lower()


def is_name(name: str) -> bool:
    """Return whether a connection can have a name: one that is the same on every disk, and never a path."""
    small = name.lower()
    return (
        0 < len(name) <= 64
        and name.isascii()
        and small[0] not in "._-"
        and _LETTERS.issuperset(small)
        and small.partition(".")[0] not in _DEVICES
        and not small.endswith((".", ".lock", ".json"))
    )
