"""The vault: kept connections, one file each, metadata in the clear and secrets sealed.

    <state>/connections/NAME.json     an entry
    <state>/connections/NAME.lock     held while it is renewed
    <state>/key                       the key, unless the environment has it
    <state>/current                   the name that commands use when none is given

Reading one entry opens one file, however many there are.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from entrakit.errors import NotConnectedError, ParameterError, VaultError
from entrakit.paths import state_dir
from entrakit.vault import envelope, store
from entrakit.vault.key import choose

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from entrakit.claims import JSON
    from entrakit.vault.key import KeySource

DEFAULT_NAME = "default"
ENDING = ".json"
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
        self.path = path or state_dir(environ)
        self.key_source = key or choose(environ, self.path)
        self._directory = os.path.join(self.path, "connections")

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
        return Entry(sealed.metadata, envelope.unseal(sealed, self.key_source.key()))

    def entries(self) -> list[Listed]:
        """Return all kept connections by name, without the key; one that can't be read says why.

        Raises:
            VaultError: The directory can't be read.
        """
        return [self._listed(name) for name in self.names()]

    def names(self) -> list[str]:
        """Return the names of all kept connections, sorted."""
        return sorted(file.removesuffix(ENDING) for file in self._files() if file.endswith(ENDING))

    def write(self, name: str, metadata: dict[str, JSON], secrets: dict[str, JSON]) -> None:
        """Keep a connection in place of the one of this name.

        Raises:
            VaultError: It can't be written; the earlier one is still there.
            ParameterError: The name can't be one.
        """
        self.check(name)
        file = self._file(name)
        store.write_file(file, envelope.seal(name.lower(), metadata, secrets, self.key_source.key()))

    def delete(self, name: str) -> bool:
        """Remove all that is kept of a connection, and return whether there was anything.

        Args:
            name: Its name.

        Raises:
            VaultError: It can't be removed, or another process holds it.
            ParameterError: The name can't be one.
        """
        stem = os.path.basename(self._file(name)).removesuffix(ENDING)
        mine = [file for file in self._files() if file == stem + ENDING or file.startswith(f"{stem}.damaged-")]
        if not mine:
            return False
        with self.lock(name):
            for file in (*mine, f"{stem}.lock"):
                store.remove_file(os.path.join(self._directory, file))
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
        data = store.read_file(os.path.join(self.path, "current")) or b""
        name = data.decode("ascii", "replace").strip()
        return name if _is_name(name) else DEFAULT_NAME

    def set_current(self, name: str) -> None:
        """Choose the name that is meant when none is given.

        Raises:
            NotConnectedError: There is no connection of this name.
            VaultError: It can't be written.
        """
        self._sealed(name)
        store.write_file(os.path.join(self.path, "current"), name.lower().encode("ascii"))

    def _files(self) -> list[str]:
        try:
            return os.listdir(self._directory)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise VaultError(f"Can't read {self._directory}: {error.strerror}.") from error

    def _listed(self, name: str) -> Listed:
        try:
            return Listed(name, self._sealed(name).metadata)
        except (VaultError, NotConnectedError, ParameterError) as error:
            return Listed(name, {}, error.problem)

    def _sealed(self, name: str) -> envelope.Sealed:
        file = self._file(name)
        data = store.read_file(file)
        if data is None:
            raise self._not_connected(name)
        try:
            return envelope.parse(name.lower(), data)
        except envelope.DamagedEntryError as error:
            aside = f"{file.removesuffix(ENDING)}.damaged-{os.urandom(4).hex()}"
            try:
                os.replace(file, aside)
            except OSError:
                raise error from None
            raise VaultError(
                f"The kept connection {name!r} is damaged; it was moved to {aside}.", remedy="Connect again."
            ) from error

    def _not_connected(self, name: str) -> NotConnectedError:
        from difflib import get_close_matches

        names = self.names()
        near = get_close_matches(name, names, 1)
        known = f"There are {', '.join(names[:20])}." if names else "Nothing is connected yet."
        remedy = f"Did you mean {near[0]!r}? {known}" if near else f"{known} Connect with `entra connect`."
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
