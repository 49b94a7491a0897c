"""Contract of the sources of a vault's key, and their errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from entrakit.errors import VaultError

if TYPE_CHECKING:
    from entrakit.vault.envelope import KeyRef

VARIABLE = "ENTRAKIT_VAULT_KEY"
OLD_VARIABLE = "ENTRAKIT_VAULT_OLD_KEY"
KEY_SIZE = 32


class KeyMissingError(VaultError):
    """The key that sealed the entries is missing: removed, not set, or replaced by another one."""


class NoKeyringError(VaultError):
    """This machine, or this session, has no usable keyring."""


class KeySource(Protocol):
    """A source of keys."""

    def ready(self) -> None:
        """Check that a key can be made, without making one.

        Raises:
            VaultError: No key can be made.
        """
        ...

    def open(self, ref: KeyRef) -> bytes:
        """Return the 32 bytes of a key, after a check that they are that key.

        Raises:
            KeyMissingError: The key is missing.
            VaultError: It can't be read.
        """
        ...

    def make(self) -> tuple[KeyRef, bytes]:
        """Make a key, save it, and return it.

        Raises:
            NoKeyringError: This source does not exist here.
            VaultError: The key can't be saved.
        """
        ...

    def forget(self, ref: KeyRef) -> None:
        """Remove a key if it exists.

        Raises:
            VaultError: It can't be removed.
        """
        ...

    def describe(self, ref: KeyRef) -> str:
        """Describe the place of a key and the protection that it gives, for display."""
        ...
