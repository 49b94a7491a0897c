"""Storage of connections: a vault, or a place in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager

    from entrakit.tokens.jwt import JSON
    from entrakit.vault import Entry, EntrySummary
    from entrakit.vault.conflicts import Follows


class Saver(Protocol):
    """Storage of connections: a vault, or a place in memory. `Vault` describes the methods."""

    def lock(self, name: str, timeout_s: float = ...) -> AbstractContextManager[None]: ...  # noqa: D102 - see Vault
    def read(self, name: str) -> Entry: ...  # noqa: D102
    def summary(self, name: str) -> EntrySummary | None: ...  # noqa: D102
    def delete(self, name: str) -> bool: ...  # noqa: D102
    def entries(self) -> Iterable[EntrySummary]: ...  # noqa: D102
    def write(  # noqa: D102
        self, name: str, metadata: dict[str, JSON], secrets: dict[str, JSON], *, follows: Follows | None = None
    ) -> None: ...


def hide_all_variables(vault: Saver) -> None:
    """Hide the variables of the secrets of all saved connections from the programs that this process starts.

    Raises:
        VaultError: The place can't be read.
    """
    from entrakit.secret import hide_variables
    from entrakit.sign_in.federated_providers import assertion_from

    # An earlier process may have read a secret from a variable that this one has inherited and never reads.
    for one in vault.entries():
        origin = one.values.get("origin")
        hide_variables((*map(str, origin.values()), assertion_from(origin)) if isinstance(origin, dict) else ())
