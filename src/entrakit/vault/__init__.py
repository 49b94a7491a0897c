"""The vault: kept connections, metadata in the clear and secrets sealed.

`envelope` seals, `key` finds the key, `files` is where the entries are.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from entrakit.errors import NotConnectedError, ParameterError, VaultError
from entrakit.paths import state_dir
from entrakit.vault import envelope
from entrakit.vault.files import Files
from entrakit.vault.key import KeyMissingError, choose
from entrakit.vault.names import checked_name, is_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from entrakit.claims import JSON
    from entrakit.vault.key import KeySource

DEFAULT_NAME = "default"


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
    """Kept connections below one directory.

    Args:
        path: The directory; None for the usual place (`paths.state_dir`).
        key: What gives the key; None for the first of the usual sources (`vault.key.choose`).
        environ: The environment to look variables up in.

    Raises:
        VaultError: There is no usual place.
    """

    def __init__(
        self, path: str | None = None, key: KeySource | None = None, environ: Mapping[str, str] = os.environ
    ) -> None:
        self.path = os.path.abspath(path or state_dir(environ))
        self.key_source = key or choose(environ, self.path)
        self._storage = Files(self.path)

    def check(self, name: str) -> None:
        """Raise ParameterError for a name that no connection can have, VaultError for a place that is not safe.

        A name has 1 to 64 letters, digits, dots, hyphens and underscores; case does not distinguish names, since it
        does not on every disk.
        """
        checked_name(name)
        self._storage.prepare()

    def read(self, name: str) -> Entry:
        """Return a kept connection.

        Raises:
            NotConnectedError: There is none of this name.
            VaultError: It can't be read; one that is damaged was moved aside.
            ParameterError: The name can't be one.
        """
        sealed = self._sealed(name)
        return Entry(sealed.metadata, envelope.unseal(sealed, self.key_source.key(create=False)))

    def read_metadata(self, name: str) -> dict[str, JSON]:
        """Return what stands in the clear of a kept connection, without the key: nothing vouches for it yet.

        Raises:
            NotConnectedError: There is none of this name.
            VaultError: It can't be read; one that is damaged was moved aside.
            ParameterError: The name can't be one.
        """
        return self._sealed(name).metadata

    def entries(self) -> list[Listed]:
        """Return all kept connections by name, without the key; one that can't be read says why.

        On the way it removes what writers left that were killed at least an hour ago.

        Raises:
            VaultError: The directory can't be read.
        """
        self._storage.sweep()
        return [self._listed(name) for name in self.names()]

    def names(self) -> list[str]:
        """Return the names of all kept connections, sorted.

        Raises:
            VaultError: The directory can't be read.
        """
        return self._storage.names()

    def traces(self) -> list[str]:
        """Return the names of which anything is left, a damaged copy perhaps, sorted.

        Raises:
            VaultError: The directory can't be read.
        """
        return self._storage.traces()

    def write(self, name: str, metadata: dict[str, JSON], secrets: dict[str, JSON]) -> None:
        """Keep a connection in place of the one of this name.

        Raises:
            VaultError: It can't be written; the earlier one is still there.
            ParameterError: The name can't be one.
        """
        self.check(name)
        key = self._key_to_write()
        self._storage.write(name.lower(), envelope.seal(name.lower(), metadata, secrets, key))

    def delete(self, name: str) -> bool:
        """Remove all that is kept of a connection, and return whether there was anything.

        If it was the current one, none is chosen any more.

        Args:
            name: Its name.

        Raises:
            VaultError: It can't be removed, or another process holds it.
            ParameterError: The name can't be one.
        """
        name = checked_name(name)
        if not self._storage.has_traces(name):
            return False
        with self.lock(name):
            self._storage.delete(name)
        if self.current() == name:
            self._storage.write_current("")
        return True

    def lock(self, name: str, timeout_s: float = 60.0) -> AbstractContextManager[None]:
        """Hold a connection against other processes for a block.

        Args:
            name: Its name.
            timeout_s: Seconds to wait for another process.

        Raises:
            VaultError: Another process held it for all that time.
        """
        return self._storage.lock(checked_name(name), timeout_s)

    def current(self) -> str:
        """Return the name that is meant when none is given."""
        name = self._storage.read_current().decode("ascii", "replace").strip()
        return name if is_name(name) else DEFAULT_NAME

    def set_current(self, name: str) -> None:
        """Choose the name that is meant when none is given.

        Raises:
            NotConnectedError: There is no connection of this name.
            VaultError: The connection can't be read, or the choice not written.
            ParameterError: The name can't be one.
        """
        self._sealed(name)
        self._storage.write_current(name.lower())

    def _key_to_write(self) -> bytes:
        """Return the key; a new one only where nothing is kept that the one before has sealed."""
        try:
            return self.key_source.key(create=False)
        except KeyMissingError:
            if self.names():
                raise
        return self.key_source.key()

    def _listed(self, name: str) -> Listed:
        try:
            return Listed(name, self.read_metadata(name))
        except (VaultError, NotConnectedError, ParameterError) as error:
            return Listed(name, {}, error.problem)

    def _sealed(self, name: str) -> envelope.Sealed:
        data = self._storage.read(checked_name(name))
        if data is None:
            raise self._not_connected(name)
        try:
            return envelope.parse(name.lower(), data)
        except envelope.DamagedEntryError as error:
            try:
                aside = self._storage.set_aside(name.lower(), data)
            except VaultError:
                raise error from None
            if aside:
                raise VaultError(
                    f"The kept connection {name!r} is damaged; it was moved to {aside}.", remedy="Connect again."
                ) from error
        # Another process has replaced or removed it meanwhile.
        return self._sealed(name)

    def _not_connected(self, name: str) -> NotConnectedError:
        from difflib import get_close_matches

        names = self.names()
        near = get_close_matches(name, names, 1)
        known = f"There are {', '.join(names[:20])}." if names else "Nothing is connected yet."
        choose = "Name one with --name, or choose it with `entra use`." if names else "Connect with `entra connect`."
        remedy = f"Did you mean {near[0]!r}? {known}" if near else f"{known} {choose}"
        return NotConnectedError(f"There is no connection {name!r}.", remedy=remedy)
