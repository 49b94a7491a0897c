"""Saved connections as files in one directory of this machine, and where that directory is.

    <state>/connections/NAME.json     an entry
    <state>/connections/NAME.lock     held while it is renewed
    <state>/current                   the name that commands use by default
    <state>/current.vault             the id of the vault in which it was chosen, and that name; 0.1.0 ignores it
    <state>/vault.json                the note that names the key of the entries
    <state>/vault.id                  the id of the vault; 0.1.0 ignores it

Reading one entry opens two files, regardless of the number of entries.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from typing import TYPE_CHECKING

from entrakit.errors import VaultError
from entrakit.files import private
from entrakit.vault.envelope import Found, Notes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

ENDING = ".json"
DAMAGED = ".damaged-"
LEFTOVER_AGE_S = 3600.0


def state_dir(environ: Mapping[str, str] = os.environ) -> str:
    """Return the usual directory of saved connections, which may not exist yet.

    `ENTRAKIT_HOME` if it is set; else `$XDG_STATE_HOME/entrakit` or `~/.local/state/entrakit` (XDG Base Directory).
    On Windows and macOS it is the system's directory for state, the local one that does not roam.

    Args:
        environ: The environment to look variables up in.

    Raises:
        VaultError: There is no home directory.
    """
    if environ.get("ENTRAKIT_HOME"):
        chosen = environ["ENTRAKIT_HOME"]
        if not os.path.isabs(chosen):
            from entrakit.paths import absolute

            chosen = absolute(chosen)
        return os.path.abspath(chosen)
    if sys.platform in ("win32", "darwin"):
        import platformdirs

        return platformdirs.user_state_dir("entrakit", appauthor=False, roaming=False)
    # The same as platformdirs, which takes 26 ms to import, twice as long as everything else that reads an entry.
    home = environ.get("HOME")
    base: str = environ.get("XDG_STATE_HOME") or (os.path.join(home, ".local", "state") if home else "")
    if not os.path.isabs(base):
        raise VaultError(
            "There is no home directory to save connections in.",
            remedy="Set ENTRAKIT_HOME to a private directory.",
        )
    return os.path.join(base, "entrakit")


def metadata_dir(environ: Mapping[str, str] = os.environ) -> str | None:
    """Return the directory of the token services' metadata; None if there is no home directory."""
    try:
        return os.path.join(state_dir(environ), "metadata")
    except VaultError:
        return None


class FileStorage:
    """Storage of entries in private files.

    Args:
        path: The directory; created by the first write.
    """

    def __init__(self, path: str) -> None:
        self.path = self.place = path
        self._directory = os.path.join(path, "connections")
        self._chosen = os.path.join(path, "current")
        self._chosen_in = os.path.join(path, "current.vault")
        self._key_note = os.path.join(path, "vault.json")
        self._id = os.path.join(path, "vault.id")

    def prepare(self) -> bytes | None:
        """Make the directories, and return the note of the vault's key; None if there is none.

        Raises:
            VaultError: The directories can't be made or written to, or are not private; or the note can't be read.
        """
        private.make_directory(self.path)
        private.make_directory(self._directory)
        private.check_writable(self._directory)
        return private.read_file(self._key_note)

    def read(self, name: str) -> Found | None:
        """Return an entry; None if it does not exist. Raises VaultError."""
        file = self._file(name)
        private.check_directory(self.path)
        private.check_directory(self._directory)
        data = private.read_file(file)
        # Afterwards, because a vault has its id before an entry names it.
        vault = private.read_file(self._id) or b""
        return None if data is None else Found(data, vault.decode("ascii", "replace"))

    def write(self, name: str, data: bytes, seen: bytes | None = None) -> bool:
        """Replace the entry of this name; with `seen`, only if its content is still that. Return whether it was.

        The caller holds the lock of the entry, so nobody comes between the comparison and the write.

        Raises:
            VaultError: It can't be written; the earlier entry is unchanged.
        """
        file = self._file(name)
        if seen is not None and private.read_file(file) != seen:
            return False
        private.write_file(file, data)
        return True

    def delete(self, name: str) -> None:
        """Remove everything of a name, with damaged copies and the lock. Raises VaultError."""
        file = self._file(name)
        for path in self._files_of(file):
            private.remove_file(path)
        # Windows keeps a file that is open; filelock removes it there.
        with contextlib.suppress(VaultError):
            private.remove_file(file.removesuffix(ENDING) + ".lock")

    def has_traces(self, name: str) -> bool:
        """Return whether an entry or a damaged copy of this name exists. Raises VaultError."""
        return bool(self._files_of(self._file(name)))

    def names(self) -> list[str]:
        """Return the names of all entries, sorted. Raises VaultError."""
        return sorted(file.removesuffix(ENDING) for file in self._files() if file.endswith(ENDING))

    def traces(self) -> list[str]:
        """Return the names with an entry or a damaged copy, sorted. Raises VaultError."""
        damaged = {file.partition(DAMAGED)[0] for file in self._files() if DAMAGED in file}
        return sorted({*self.names(), *damaged})

    def set_aside(self, name: str, seen: bytes) -> str:
        """Move a damaged entry out of the way and return its new path; empty if it was replaced since it was read.

        Args:
            name: Its name.
            seen: The content that was read.

        Raises:
            VaultError: It can't be moved.
        """
        now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        file = self._file(name)
        aside = f"{file.removesuffix(ENDING)}{DAMAGED}{now}-{os.urandom(2).hex()}"
        return aside if private.set_aside(file, aside, seen) else ""

    def lock(self, name: str, timeout_s: float) -> AbstractContextManager[None]:
        """Hold the lock of an entry for a block. Raises VaultError, VaultBusyError."""
        from entrakit.files.lock import locked

        private.make_directory(self.path)
        private.make_directory(self._directory)
        # A lock that does not belong to an entry leaves no file.
        return locked(os.path.join(self._directory, f"{name}.lock"), timeout_s, is_removed=name.startswith("."))

    def read_current(self) -> Found:
        """Return the current name, and the id of the vault in which it was chosen; empty if none was chosen.

        Raises:
            VaultError: It can't be read.
        """
        name = (private.read_file(self._chosen) or b"").strip()
        marks = (private.read_file(self._chosen_in) or b"").split(b"\n") if name else []
        vault = next((mark.split(b" ")[0] for mark in marks if mark.endswith(b" " + name)), b"")
        return Found(name, vault.decode("ascii", "replace"))

    def write_current(self, name: str, vault: str) -> None:
        """Choose the current name in the vault with this id, or none if the name is empty. Raises VaultError."""
        if not name:
            private.remove_file(self._chosen)
            private.remove_file(self._chosen_in)
            return
        if vault:
            # The earlier name stays valid until it is replaced: another process may read between the two writes.
            before = self.read_current()
            names = [name.encode("ascii"), *([before.data] if before.vault == vault else [])]
            private.write_file(self._chosen_in, b"\n".join(vault.encode("ascii") + b" " + one for one in names))
        private.write_file(self._chosen, name.encode("ascii"))

    def read_notes(self) -> Notes:
        """Return the notes of the vault. Raises VaultError."""
        key, vault = private.read_file(self._key_note), private.read_file(self._id) or b""
        return Notes(key, vault.decode("ascii", "replace"))

    def swap_key_note(self, seen: bytes | None, data: bytes | None, vault: str) -> bool:
        """Replace the note of the key and the id of the vault, if the note is still `seen`; return whether it was.

        The caller holds the lock of the key.

        Args:
            seen: The note that was read; None if there was none.
            data: The new note; None to remove note and id.
            vault: The id.

        Raises:
            VaultError: They can't be written.
        """
        if data is None:
            if seen is None or not private.remove_seen(self._key_note, seen):
                return False
            private.remove_file(self._id)
            return True
        if seen is None:
            if not private.create_file(self._key_note, data):
                return False
        elif private.read_file(self._key_note) != seen:
            return False
        elif data != seen:
            private.write_file(self._key_note, data)
        if private.read_file(self._id) != vault.encode("ascii"):
            private.write_file(self._id, vault.encode("ascii"))
        return True

    def inspect(self) -> list[tuple[str, str, str]]:
        """Return the problems of directories and files: permissions, owners, damaged copies, leftovers."""
        found = []
        for directory in (self.path, self._directory):
            try:
                private.check_directory(directory)
                names = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
            except (VaultError, OSError) as error:
                found.append(_problem(directory, error))
                continue
            for name in names:
                found += _file_problems(os.path.join(directory, name))
        return found

    def sweep(self) -> None:
        """Remove leftovers of writers that were killed at least an hour ago, as far as possible."""
        for directory in (self.path, self._directory):
            private.remove_leftovers(directory, time.time() - LEFTOVER_AGE_S)

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
        """Return the files of an entry: the entry, damaged copies, and leftovers of killed writers."""
        entry = os.path.basename(file)
        damaged = entry.removesuffix(ENDING) + DAMAGED
        return [
            os.path.join(self._directory, one)
            for one in self._files()
            if one == entry
            or private.intended_name(one) == entry
            # The time stamp has no dot, so this is not a file of a connection whose name is `NAME.damaged-…`.
            or (one.startswith(damaged) and "." not in one[len(damaged) :])
        ]


def _file_problems(path: str) -> list[tuple[str, str, str]]:
    """Return the problems of one file."""
    name = os.path.basename(path)
    if os.path.isdir(path) and not os.path.islink(path):
        return []
    try:
        private.read_file(path)
    except VaultError as error:
        # A problem of an entry itself is reported with its name.
        return [] if name.endswith(ENDING) else [_problem(path, error)]
    if DAMAGED in name and not name.endswith(ENDING):
        owner = name.partition(DAMAGED)[0]
        return [(path, "It is a damaged copy.", f"Remove it with `disconnect({owner!r})`, or look at it first.")]
    if private.intended_name(name):
        return [(path, "A writer that was killed left it.", "`list_connections()` removes it after an hour.")]
    return []


def _problem(path: str, error: VaultError | OSError) -> tuple[str, str, str]:
    if isinstance(error, VaultError):
        return (path, error.problem, error.remedy)
    return (path, f"It can't be read: {error.strerror}.", "")
