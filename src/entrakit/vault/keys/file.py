"""A key in a private file next to the entries.

File permissions protect it: a process that can read the files of this user can read the key. It only keeps backups and
copies of single entries unreadable.
"""

from __future__ import annotations

import os

from entrakit.errors import VaultError
from entrakit.files.private import create_file, make_directory, read_file, remove_file
from entrakit.vault.envelope import KeyRef, id_of
from entrakit.vault.keys.source import KEY_SIZE, KeyMissingError


class FileKey:
    """Keys in files of one directory.

    Args:
        directory: The directory.
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory

    def ready(self) -> None:
        """Do nothing: a key can be written wherever entries can."""

    def open(self, ref: KeyRef) -> bytes:
        """Return a key.

        Raises:
            KeyMissingError: The file does not exist.
            VaultError: The file can't be read, or is damaged.
        """
        path = self._path(ref)
        key = read_file(path)
        if key is None:
            raise KeyMissingError(
                f"The key file {path} is gone.",
                remedy="Restore it from a backup; or remove the connections with "
                "`disconnect_all()`, and connect again.",
            )
        if len(key) != KEY_SIZE or id_of(key) != ref.id:
            raise VaultError(
                f"The key file {path} is damaged.",
                remedy="Restore it from a backup; or remove the connections with "
                "`disconnect_all()`, and connect again.",
            )
        return key

    def make(self) -> tuple[KeyRef, bytes]:
        """Write a new key. Raises VaultError."""
        key = os.urandom(KEY_SIZE)
        ref = KeyRef("file", id_of(key))
        make_directory(self._directory)
        create_file(self._path(ref), key)
        return ref, key

    def forget(self, ref: KeyRef) -> None:
        """Remove a key's file. Raises VaultError."""
        remove_file(self._path(ref))

    def describe(self, ref: KeyRef) -> str:
        """Return the path of the file and the protection that it gives, for display."""
        return f"key file {self._path(ref)} (protects as file permissions do)"

    def _path(self, ref: KeyRef) -> str:
        return os.path.join(self._directory, f"key-{ref.id}")
