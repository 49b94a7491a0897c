"""What a vault asks of the place that its entries are in. `files` and `redis` are such places."""

from __future__ import annotations

from typing import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager


class Storage(Protocol):
    """Bytes by name. Every method raises VaultError where the place can't be used."""

    @property
    def place(self) -> str:
        """Where it is, for people and without secrets."""
        ...

    def prepare(self) -> None:
        """Make it ready to be written to, or say why it can't be."""
        ...

    def read(self, name: str) -> bytes | None:
        """Return an entry; None if there is none."""
        ...

    def write(self, name: str, data: bytes) -> None:
        """Put an entry in place of the one of this name, whole or not at all."""
        ...

    def delete(self, name: str) -> None:
        """Remove all that is kept under a name, damaged copies too."""
        ...

    def has_traces(self, name: str) -> bool:
        """Return whether anything is kept under a name, be it damaged."""
        ...

    def names(self) -> list[str]:
        """Return the names of all entries, sorted."""
        ...

    def traces(self) -> list[str]:
        """Return the names of which anything is left, a damaged copy perhaps, sorted."""
        ...

    def set_aside(self, name: str, seen: bytes) -> str:
        """Move an entry out of the way if it is still what was seen; return where to, empty if it is not."""
        ...

    def lock(self, name: str, timeout_s: float) -> AbstractContextManager[None]:
        """Hold an entry against other processes for a block; raises VaultBusyError after `timeout_s` seconds."""
        ...

    def read_current(self) -> bytes:
        """Return the name that was chosen; empty if none was."""
        ...

    def write_current(self, name: str) -> None:
        """Choose a name, or none if it is empty."""
        ...

    def read_key_note(self) -> bytes | None:
        """Return what was noted about the vault's key; None if nothing was."""
        ...

    def swap_key_note(self, seen: bytes | None, data: bytes | None) -> bool:
        """Note something else about the key (None: nothing) if `seen` still stands there; return whether it does."""
        ...

    def inspect(self) -> list[tuple[str, str, str]]:
        """Return what is wrong with the place, entries apart: what it is, the problem, and what to do."""
        ...

    def sweep(self) -> None:
        """Remove what killed writers left, where that can be."""
        ...
