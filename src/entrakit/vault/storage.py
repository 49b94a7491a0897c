"""Contract of the places that hold the entries of a vault: directories (`files`) and Redis servers (`redis`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from entrakit.vault.envelope import Found, Notes


class Storage(Protocol):
    """Bytes by name. Every method raises VaultError if the place can't be used."""

    @property
    def place(self) -> str:
        """The place, for display, without secrets."""
        ...

    def prepare(self) -> bytes | None:
        """Make the place ready to be written to, and return the note of the vault's key; None if there is none."""
        ...

    def read(self, name: str) -> Found | None:
        """Return an entry; None if it does not exist."""
        ...

    def write(self, name: str, data: bytes, seen: bytes | None = None) -> bool:
        """Replace the entry of this name, in one step; with `seen`, only if its content is still that.

        Return whether it was replaced. Without a lock that excludes other processes, the comparison must be part of
        that step.
        """
        ...

    def delete(self, name: str) -> None:
        """Remove everything of a name, damaged copies too."""
        ...

    def has_traces(self, name: str) -> bool:
        """Return whether an entry or a damaged copy of this name exists."""
        ...

    def names(self) -> list[str]:
        """Return the names of all entries, sorted."""
        ...

    def traces(self) -> list[str]:
        """Return the names with an entry or a damaged copy, sorted."""
        ...

    def set_aside(self, name: str, seen: bytes) -> str:
        """Move an entry out of the way if its content is still `seen`; return its new place, else an empty string."""
        ...

    def lock(self, name: str, timeout_s: float) -> AbstractContextManager[None]:
        """Hold the lock of an entry for a block; raises VaultBusyError if another process holds it for too long."""
        ...

    def read_current(self) -> Found:
        """Return the current name, and the id of the vault in which it was chosen; empty if none was chosen."""
        ...

    def write_current(self, name: str, vault: str) -> None:
        """Choose the current name in the vault with this id, or none if the name is empty."""
        ...

    def read_notes(self) -> Notes:
        """Return the notes of the vault."""
        ...

    def swap_key_note(self, seen: bytes | None, data: bytes | None, vault: str) -> bool:
        """Replace the note of the key and the id of the vault, if the note is still `seen`.

        `data` of None removes both. Return whether the note is `data` and the id is `vault` now.
        """
        ...

    def inspect(self) -> list[tuple[str, str, str]]:
        """Return the problems of the place, without those of entries: affected part, problem and remedy."""
        ...

    def sweep(self) -> None:
        """Remove the leftovers of killed writers, if the place needs it."""
        ...
