"""The vault: kept connections, one file each, metadata in the clear and secrets sealed.

    <state>/connections/NAME.json     an entry
    <state>/connections/NAME.lock     held while it is renewed
    <state>/key                       the key, unless the environment has it
    <state>/salt                      what a passphrase of the environment is stretched with
    <state>/current                   the name that commands use when none is given

Reading one entry opens one file, however many there are.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import NamedTuple

from entrakit.errors import NotConnectedError, ParameterError, VaultError
from entrakit.paths import state_dir
from entrakit.vault import envelope, store
from entrakit.vault.key import KeyMissingError, choose

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from entrakit.claims import JSON
    from entrakit.vault.key import KeySource

DEFAULT_NAME = "default"
ENDING = ".json"
DAMAGED = ".damaged-"
REST_AGE_S = 3600.0
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")
_DEVICES = frozenset({"con", "prn", "aux", "nul"} | {f"{kind}{n}" for kind in ("com", "lpt") for n in range(10)})


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
        self._directory = os.path.join(self.path, "connections")
        self._chosen = os.path.join(self.path, "current")

    def check(self, name: str) -> None:
        """Raise ParameterError for a name that no connection can have, VaultError for a place that is not safe.

        A name has 1 to 64 letters, digits, dots, hyphens and underscores; case does not distinguish names, since it
        does not on every disk.
        """
        self._file(name)
        store.make_directory(self.path)
        store.make_directory(self._directory)

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
        for directory in (self.path, self._directory):
            store.remove_rests(directory, time.time() - REST_AGE_S)
        return [self._listed(name) for name in self.names()]

    def names(self) -> list[str]:
        """Return the names of all kept connections, sorted.

        Raises:
            VaultError: The directory can't be read.
        """
        return sorted(file.removesuffix(ENDING) for file in self._files() if file.endswith(ENDING))

    def traces(self) -> list[str]:
        """Return the names of which anything is left, a damaged copy perhaps, sorted.

        Raises:
            VaultError: The directory can't be read.
        """
        damaged = {file.partition(DAMAGED)[0] for file in self._files() if DAMAGED in file}
        return sorted({*self.names(), *damaged})

    def write(self, name: str, metadata: dict[str, JSON], secrets: dict[str, JSON]) -> None:
        """Keep a connection in place of the one of this name.

        Raises:
            VaultError: It can't be written; the earlier one is still there.
            ParameterError: The name can't be one.
        """
        self.check(name)
        key = self._key_to_write()
        store.write_file(self._file(name), envelope.seal(name.lower(), metadata, secrets, key))

    def delete(self, name: str) -> bool:
        """Remove all that is kept of a connection, and return whether there was anything.

        If it was the current one, none is chosen any more.

        Args:
            name: Its name.

        Raises:
            VaultError: It can't be removed, or another process holds it.
            ParameterError: The name can't be one.
        """
        file = self._file(name)
        if not self._files_of(file):
            return False
        with self.lock(name):
            for path in self._files_of(file):
                store.remove_file(path)
            # Windows keeps a file that is open; filelock removes it there.
            with contextlib.suppress(VaultError):
                store.remove_file(file.removesuffix(ENDING) + ".lock")
        if self.current() == name.lower():
            store.remove_file(self._chosen)
        return True

    def lock(self, name: str, timeout_s: float = 60.0) -> AbstractContextManager[None]:
        """Hold a connection against other processes for a block.

        Args:
            name: Its name.
            timeout_s: Seconds to wait for another process.

        Raises:
            VaultError: Another process held it for all that time.
        """
        from entrakit.vault.lock import locked

        path = self._file(name).removesuffix(ENDING) + ".lock"
        store.make_directory(self.path)
        return locked(path, timeout_s)

    def current(self) -> str:
        """Return the name that is meant when none is given."""
        data = store.read_file(self._chosen) or b""
        name = data.decode("ascii", "replace").strip()
        return name if _is_name(name) else DEFAULT_NAME

    def set_current(self, name: str) -> None:
        """Choose the name that is meant when none is given.

        Raises:
            NotConnectedError: There is no connection of this name.
            VaultError: The connection can't be read, or the choice not written.
            ParameterError: The name can't be one.
        """
        self._sealed(name)
        store.write_file(self._chosen, name.lower().encode("ascii"))

    def _key_to_write(self) -> bytes:
        """Return the key; a new one only where nothing is kept that the one before has sealed."""
        try:
            return self.key_source.key(create=False)
        except KeyMissingError:
            if self.names():
                raise
        return self.key_source.key()

    def _files(self) -> list[str]:
        try:
            return os.listdir(self._directory)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise VaultError(f"Can't read {self._directory}: {error.strerror}.") from error

    def _files_of(self, file: str) -> list[str]:
        """Return the files that hold something of an entry: itself, damaged ones, what killed writers left."""
        entry = os.path.basename(file)
        damaged = entry.removesuffix(ENDING) + DAMAGED
        return [
            os.path.join(self._directory, one)
            for one in self._files()
            if one == entry
            or store.intended_name(one) == entry
            # The time stamp has no dot, so this is not a file of a connection that is called `NAME.damaged-…`.
            or (one.startswith(damaged) and "." not in one[len(damaged) :])
        ]

    def _listed(self, name: str) -> Listed:
        try:
            return Listed(name, self.read_metadata(name))
        except (VaultError, NotConnectedError, ParameterError) as error:
            return Listed(name, {}, error.problem)

    def _sealed(self, name: str) -> envelope.Sealed:
        file = self._file(name)
        for directory in (self.path, self._directory):
            store.check_directory(directory)
        data = store.read_file(file)
        if data is None:
            raise self._not_connected(name)
        try:
            return envelope.parse(name.lower(), data)
        except envelope.DamagedEntryError as error:
            now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
            aside = f"{file.removesuffix(ENDING)}{DAMAGED}{now}-{os.urandom(2).hex()}"
            try:
                moved = store.set_aside(file, aside, data)
            except VaultError:
                raise error from None
            if moved:
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

    def _file(self, name: str) -> str:
        if not _is_name(name):
            raise ParameterError(
                f"{name!r} can't be the name of a connection.",
                remedy="Use up to 64 letters, digits, dots, hyphens and underscores, beginning with a letter or digit.",
            )
        return os.path.join(self._directory, name.lower() + ENDING)


def _is_name(name: str) -> bool:
    small = name.lower()
    return (
        0 < len(name) <= 64
        and name.isascii()
        and small[0] not in "._-"
        and _LETTERS.issuperset(small)
        and small.partition(".")[0] not in _DEVICES
        and not small.endswith((".", ".lock", ENDING))
    )
