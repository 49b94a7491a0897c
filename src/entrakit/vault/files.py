"""Connections as files below one directory of this machine.

    <state>/connections/NAME.json     an entry
    <state>/connections/NAME.lock     held while it is renewed
    <state>/current                   the name that commands use when none is given
    <state>/vault.json                which key seals the entries

Reading one entry opens one file, however many there are.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING

from entrakit.errors import VaultError
from entrakit.files import private

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

ENDING = ".json"
DAMAGED = ".damaged-"
REST_AGE_S = 3600.0


class Files:
    """Storage of entries in private files.

    Args:
        path: The directory; it is made when something is first written.
    """

    def __init__(self, path: str) -> None:
        self.path = self.place = path
        self._directory = os.path.join(path, "connections")
        self._chosen = os.path.join(path, "current")
        self._key_note = os.path.join(path, "vault.json")

    def prepare(self) -> None:
        """Raise VaultError if the directories can't be made, or are not ours alone."""
        private.make_directory(self.path)
        private.make_directory(self._directory)
        private.check_writable(self._directory)

    def read(self, name: str) -> bytes | None:
        """Return an entry; None if there is none. Raises VaultError."""
        for directory in (self.path, self._directory):
            private.check_directory(directory)
        return private.read_file(self._file(name))

    def write(self, name: str, data: bytes) -> None:
        """Put an entry in place of the one of this name. Raises VaultError; then the earlier one is still there."""
        private.write_file(self._file(name), data)

    def delete(self, name: str) -> None:
        """Remove all that is kept under a name, damaged copies and the lock too. Raises VaultError."""
        file = self._file(name)
        for path in self._files_of(file):
            private.remove_file(path)
        # Windows keeps a file that is open; filelock removes it there.
        with contextlib.suppress(VaultError):
            private.remove_file(file.removesuffix(ENDING) + ".lock")

    def has_traces(self, name: str) -> bool:
        """Return whether anything is kept under a name, be it damaged. Raises VaultError."""
        return bool(self._files_of(self._file(name)))

    def names(self) -> list[str]:
        """Return the names of all entries, sorted. Raises VaultError."""
        return sorted(file.removesuffix(ENDING) for file in self._files() if file.endswith(ENDING))

    def traces(self) -> list[str]:
        """Return the names of which anything is left, a damaged copy perhaps, sorted. Raises VaultError."""
        damaged = {file.partition(DAMAGED)[0] for file in self._files() if DAMAGED in file}
        return sorted({*self.names(), *damaged})

    def set_aside(self, name: str, seen: bytes) -> str:
        """Move a damaged entry out of the way and return where to; empty if it was replaced meanwhile.

        Args:
            name: Its name.
            seen: What was read of it.

        Raises:
            VaultError: It can't be moved.
        """
        now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        file = self._file(name)
        aside = f"{file.removesuffix(ENDING)}{DAMAGED}{now}-{os.urandom(2).hex()}"
        return aside if private.set_aside(file, aside, seen) else ""

    def lock(self, name: str, timeout_s: float) -> AbstractContextManager[None]:
        """Hold an entry against other processes for a block; raises VaultError after `timeout_s` seconds of waiting."""
        from entrakit.files.lock import locked

        private.make_directory(self.path)
        private.make_directory(self._directory)
        # Nothing is left of a lock that does not belong to an entry.
        return locked(os.path.join(self._directory, f"{name}.lock"), timeout_s, is_removed=name.startswith("."))

    def read_current(self) -> bytes:
        """Return the name that was chosen; empty if none was. Raises VaultError."""
        return private.read_file(self._chosen) or b""

    def write_current(self, name: str) -> None:
        """Choose a name, or none if it is empty. Raises VaultError."""
        if name:
            private.write_file(self._chosen, name.encode("ascii"))
        else:
            private.remove_file(self._chosen)

    def read_key_note(self) -> bytes | None:
        """Return what was noted about the vault's key; None if nothing was. Raises VaultError."""
        return private.read_file(self._key_note)

    def swap_key_note(self, seen: bytes | None, data: bytes | None) -> bool:
        """Note something else about the vault's key, if nobody else has done so, and return whether it was done.

        Whoever calls it holds the lock of the key.

        Args:
            seen: What was noted before; None if nothing was.
            data: What to note; None to remove the note.

        Raises:
            VaultError: It can't be written.
        """
        self.prepare()
        if data is None:
            return seen is not None and private.remove_seen(self._key_note, seen)
        if seen is None:
            return private.create_file(self._key_note, data)
        if self.read_key_note() != seen:
            return False
        private.write_file(self._key_note, data)
        return True

    def inspect(self) -> list[tuple[str, str, str]]:
        """Return what is wrong with the directories and files: permissions, owners, damaged copies, rests."""
        found = []
        for directory in (self.path, self._directory):
            try:
                private.check_directory(directory)
                names = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
            except (VaultError, OSError) as error:
                found.append(_problem(directory, error))
                continue
            for name in names:
                found += _look_at(os.path.join(directory, name))
        return found

    def sweep(self) -> None:
        """Remove what writers left that were killed at least an hour ago, as far as it can be removed."""
        for directory in (self.path, self._directory):
            private.remove_leftovers(directory, time.time() - REST_AGE_S)

    def _file(self, name: str) -> str:
        return os.path.join(self._directory, name + ENDING)

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
            or private.intended_name(one) == entry
            # The time stamp has no dot, so this is not a file of a connection that is called `NAME.damaged-…`.
            or (one.startswith(damaged) and "." not in one[len(damaged) :])
        ]


def _look_at(path: str) -> list[tuple[str, str, str]]:
    """Return what is wrong with one file, if anything is."""
    name = os.path.basename(path)
    if os.path.isdir(path) and not os.path.islink(path):
        return []
    try:
        private.read_file(path)
    except VaultError as error:
        # What is wrong with an entry itself is told with its name.
        return [] if name.endswith(ENDING) else [_problem(path, error)]
    if DAMAGED in name and not name.endswith(ENDING):
        owner = name.partition(DAMAGED)[0]
        return [(path, "It is a damaged copy.", f"Remove it with `entra disconnect {owner}`, or look at it first.")]
    if private.intended_name(name):
        return [(path, "A writer that was killed left it.", "`entra status` removes it after an hour.")]
    return []


def _problem(path: str, error: VaultError | OSError) -> tuple[str, str, str]:
    if isinstance(error, VaultError):
        return (path, error.problem, error.remedy)
    return (path, f"It can't be read: {error.strerror}.", "")
