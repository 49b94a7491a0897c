"""The vault: kept connections, metadata in the clear and secrets sealed.

`names` says what they may be called, `envelope` seals, `keys` finds the key, and a storage (`files`, `redis`) is where
they are.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import NamedTuple, TypeVar

from entrakit.errors import NotConnectedError, ParameterError, VaultError
from entrakit.files.paths import state_dir
from entrakit.vault import envelope
from entrakit.vault.keys import KeyMissingError, KeyRef, Keys, ref_from
from entrakit.vault.names import checked_name, is_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from entrakit.tokens.jwt import JSON
    from entrakit.vault.storage import Storage

DEFAULT_NAME = "default"
VARIABLE = "ENTRAKIT_VAULT"
LOCK_TIMEOUT_S = 60.0
_ATTEMPTS = 5
Result = TypeVar("Result")


class Entry(NamedTuple):
    """One kept connection.

    Args:
        metadata: What stands in the clear.
        secrets: What was sealed.
    """

    metadata: dict[str, JSON]
    secrets: dict[str, JSON]

    def __repr__(self) -> str:
        return f"Entry(metadata={self.metadata!r}, secrets=…)"


class Listed(NamedTuple):
    """One kept connection, as a listing sees it.

    Args:
        name: Its name.
        values: Its metadata; empty if it can't be read.
        problem: Why it can't be read; empty if it can.
    """

    name: str
    values: dict[str, JSON]
    problem: str = ""


class Vault:
    """Kept connections in one place.

    Args:
        place: A directory, or the `redis://` or `rediss://` address of a server that hosts share; empty for
            `ENTRAKIT_VAULT`, else the usual directory (`paths.state_dir`).
        key_from: Where the key shall come from: `environment`, `keyring` or `file`; empty for
            `ENTRAKIT_VAULT_KEY_FROM`, else the first that works.
        environ: The environment to look variables up in.

    Raises:
        VaultError: There is no usual place.
        ParameterError: The place or the source of the key can't be one.
    """

    def __init__(self, place: str = "", *, key_from: str = "", environ: Mapping[str, str] = os.environ) -> None:
        place = place or environ.get(VARIABLE, "")
        self.storage: Storage
        if "://" in place:
            from entrakit.vault.redis import open_storage

            self.storage = open_storage(place)
            self.keys = Keys(environ, lambda: state_dir(environ), key_from)
        else:
            from entrakit.vault.files import Files

            path = os.path.abspath(os.path.expanduser(place) if place else state_dir(environ))
            self.storage = Files(path)
            self.keys = Keys(environ, lambda: path, key_from)

    def __repr__(self) -> str:
        return f"Vault({self.place!r})"

    @property
    def place(self) -> str:
        """Where it is, for people and without secrets: a directory, or a server."""
        return self.storage.place

    def check(self, name: str) -> None:
        """Make sure, before anything is done, that a connection could be kept under a name.

        A name has 1 to 64 letters, digits, dots, hyphens and underscores; case does not distinguish names, since it
        does not on every disk.

        Raises:
            ParameterError: No connection can have this name.
            VaultError: The place is not safe or can't be reached, or the key is not there.
        """
        name = checked_name(name)
        self.storage.prepare()
        ref = self.key_ref()
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
        """Return a kept connection.

        Raises:
            NotConnectedError: There is none of this name.
            VaultError: It can't be read; one that is damaged was moved aside.
            ParameterError: The name can't be one.
        """
        return self._understood(
            name, lambda sealed: Entry(sealed.metadata, envelope.unseal(sealed, self.keys.open(sealed.key)))
        )

    def read_metadata(self, name: str) -> dict[str, JSON]:
        """Return what stands in the clear of a kept connection, without the key: nothing vouches for it yet.

        Raises:
            NotConnectedError: There is none of this name.
            VaultError: It can't be read; one that is damaged was moved aside.
            ParameterError: The name can't be one.
        """
        return self._understood(name, lambda sealed: sealed.metadata)

    def entries(self) -> list[Listed]:
        """Return all kept connections by name, without the key; one that can't be read says why.

        On the way it removes what writers left that were killed at least an hour ago.

        Raises:
            VaultError: The place can't be read.
        """
        self.storage.sweep()
        return [self._listed(name) for name in self.names()]

    def names(self) -> list[str]:
        """Return the names of all kept connections, sorted.

        Raises:
            VaultError: The place can't be read.
        """
        return self.storage.names()

    def traces(self) -> list[str]:
        """Return the names of which anything is left, a damaged copy perhaps, sorted.

        Raises:
            VaultError: The place can't be read.
        """
        return self.storage.traces()

    def write(self, name: str, metadata: dict[str, JSON], secrets: dict[str, JSON]) -> None:
        """Keep a connection in place of the one of this name.

        Raises:
            VaultError: It can't be written; the earlier one is still there.
            ParameterError: The name can't be one.
        """
        name = checked_name(name)
        self.storage.prepare()
        before = None
        with self.key_lock():
            before = self.key_ref()
            ref, key = self._key_to_write(name)
            self.storage.write(name, envelope.seal(name, metadata, secrets, ref, key))
        if before is not None and before != ref:
            # Nothing that it has sealed is left.
            with contextlib.suppress(VaultError):
                self.keys.forget(before)

    def delete(self, name: str) -> bool:
        """Remove all that is kept of a connection, and return whether there was anything.

        If it was the current one, none is chosen any more. If it was the last one, the key is removed too.

        Args:
            name: Its name.

        Raises:
            VaultError: It can't be removed, or another process holds it.
            ParameterError: The name can't be one.
        """
        name = checked_name(name)
        if not self.storage.has_traces(name):
            return False
        with self.lock(name):
            self.storage.delete(name)
        if self.current() == name:
            self.storage.write_current("")
        self._forget_unused_key()
        return True

    def lock(self, name: str, timeout_s: float = LOCK_TIMEOUT_S) -> AbstractContextManager[None]:
        """Hold a connection against other processes for a block.

        Args:
            name: Its name.
            timeout_s: Seconds to wait for another process.

        Raises:
            VaultBusyError: Another process held it for all that time.
            VaultError: It can't be locked.
        """
        return self.storage.lock(checked_name(name), timeout_s)

    def key_lock(self) -> AbstractContextManager[None]:
        """Hold the vault's key against other processes, for a moment: while something is sealed with it, or removed.

        Who holds an entry may ask for it; who holds it asks for no entry.

        Raises:
            VaultError: It can't be locked.
        """
        return self.storage.lock(".key", LOCK_TIMEOUT_S)

    def current(self) -> str:
        """Return the name that is meant when none is given."""
        name = self.storage.read_current().decode("ascii", "replace").strip()
        return name if is_name(name) else DEFAULT_NAME

    def set_current(self, name: str) -> None:
        """Choose the name that is meant when none is given.

        Raises:
            NotConnectedError: There is no connection of this name.
            VaultError: The connection can't be read, or the choice not written.
            ParameterError: The name can't be one.
        """
        self.read_metadata(name)
        self.storage.write_current(name.lower())

    def key_ref(self) -> KeyRef | None:
        """Return which key seals what is written; None before the first.

        Raises:
            VaultError: The note about it can't be read, or is damaged.
        """
        data = self.storage.read_key_note()
        if data is None:
            return None
        try:
            return ref_from(json.loads(data))
        except (ValueError, TypeError, RecursionError) as error:
            raise VaultError(
                f"The note of the vault's key in {self.place} is damaged.",
                remedy="Restore it from a backup (vault.json, or {entrakit}:key on the server); or remove it, and "
                "connect again.",
            ) from error

    def key_source(self) -> str:
        """Return where the key is: `environment`, `keyring` or `file`; empty if there is none yet."""
        ref = self.key_ref()
        return ref.source if ref else self.keys.wanted

    def describe_key(self) -> str:
        """Return in words where the key is, and what that protects against. Raises VaultError."""
        return self.keys.describe(self.key_ref())

    def note_key(self, seen: KeyRef | None, ref: KeyRef | None) -> bool:
        """Note that another key seals from now on (None: no key), unless somebody else did so first.

        Raises:
            VaultError: It can't be written.
        """
        return self.storage.swap_key_note(_note(seen), _note(ref))

    def _key_to_write(self, name: str) -> tuple[KeyRef, bytes]:
        """Return the vault's key; a new one only where nothing else is kept that the one before has sealed."""
        for _ in range(_ATTEMPTS):
            ref = self.key_ref()
            if ref is not None:
                try:
                    return ref, self.keys.open(ref)
                except KeyMissingError:
                    if not self._is_replaceable(name):
                        raise
            elif not self._is_replaceable(name):
                raise KeyMissingError(
                    f"Connections are kept in {self.place}, and the note of their key is gone.",
                    remedy="Restore vault.json from a backup; or type `entra vault rekey`.",
                )
            new, key = self.keys.make()
            if self.note_key(ref, new):
                return new, key
            # Of several that race one wins; what the others made is of no use.
            self.keys.forget(new)
        raise VaultError("The vault's key is being changed.", remedy="Try again in a moment.")

    def _is_replaceable(self, name: str) -> bool:
        """Return whether nothing is kept but what goes by this name."""
        return set(self.names()) <= {name}

    def _forget_unused_key(self) -> None:
        """Remove the key if nothing is kept any more."""
        with self.key_lock():
            ref = self.key_ref()
            if ref is None or self.traces() or not self.note_key(ref, None):
                return
            try:
                self.keys.forget(ref)
            except VaultError as error:
                import logging

                logging.getLogger("entrakit").warning("The vault's key, which seals nothing now, stays: %s", error)

    def _listed(self, name: str) -> Listed:
        try:
            return Listed(name, self.read_metadata(name))
        except (VaultError, NotConnectedError, ParameterError) as error:
            return Listed(name, {}, error.problem)

    def _understood(self, name: str, use: Callable[[envelope.Sealed], Result]) -> Result:
        """Return what `use` makes of an entry; one that it finds damaged is moved aside."""
        kept = checked_name(name)
        for _ in range(_ATTEMPTS):
            data = self.storage.read(kept)
            if data is None:
                raise self._not_connected(name)
            try:
                return use(envelope.parse(kept, data))
            except envelope.DamagedEntryError as error:
                try:
                    aside = self.storage.set_aside(kept, data)
                except VaultError:
                    raise error from None
                if aside:
                    raise VaultError(
                        f"The kept connection {name!r} is damaged; it was moved to {aside}.", remedy="Connect again."
                    ) from error
                # Another process has replaced or removed it meanwhile.
        raise VaultError(f"The kept connection {name!r} changes too fast to be read.", remedy="Try again.")

    def _not_connected(self, name: str) -> NotConnectedError:
        from difflib import get_close_matches

        names = self.names()
        near = get_close_matches(name, names, 1)
        known = f"Kept: {', '.join(names[:20])}." if names else "Nothing is connected yet."
        choose = "Name one with --name, or choose it with `entra use`." if names else "Connect with `entra connect`."
        remedy = f"Did you mean {near[0]!r}? {known}" if near else f"{known} {choose}"
        return NotConnectedError(f"There is no connection {name!r}.", remedy=remedy)


def _note(ref: KeyRef | None) -> bytes | None:
    return None if ref is None else json.dumps({"schema": 1, **ref.to_json()}).encode("ascii")
