"""Conflicts in a vault: an entry that is missing, newer, or another vault's; a current name chosen in another vault."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.errors import NotConnectedError, VaultError
from entrakit.vault import envelope

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrakit.tokens.jwt import JSON
    from entrakit.vault.envelope import Found, KeyRef, SealedEntry
    from entrakit.vault.keys import Keys
    from entrakit.vault.storage import Storage

    Follows = Callable[[dict[str, JSON], dict[str, JSON]], bool]


ATTEMPTS = 5


def succeed(storage: Storage, keys: Keys, name: str, data: bytes, follows: Follows) -> None:
    """Write an entry in place of one that it follows; that one is read before, and compared in the step that writes.

    Args:
        storage: The storage of the vault.
        keys: Its keys.
        name: The connection's name.
        data: The new entry.
        follows: Test of metadata and secrets of the saved connection, whether it may be replaced.

    Raises:
        VaultError: The saved entry was removed, belongs to another sign-in, is newer, or does not open.
    """
    for _ in range(ATTEMPTS):
        if storage.write(name, data, _checked_predecessor(storage, keys, name, follows)):
            return
    raise VaultError(f"The saved connection {name!r} changes too fast to be replaced.", remedy="Try again.")


def check_choice(storage: Storage, chosen: Found, name: str) -> None:
    """Raise VaultError if the current name was chosen in another vault."""
    if chosen.vault != storage.read_notes().vault:
        raise VaultError(
            f"The current connection {name!r} was chosen in another vault, or by entrakit 0.1.0.",
            remedy="See which connections are yours with `list_connections()`, and choose one of them: "
            "`set_current('NAME')`.",
        )


def metadata_of_own(sealed: SealedEntry, keys: Keys, key_ref: Callable[[], KeyRef | None]) -> dict[str, JSON]:
    """Return the metadata of an entry, for a listing, which needs no key.

    Args:
        sealed: The entry.
        keys: Keys of the vault.
        key_ref: Returns the key that seals new entries of the vault.

    Raises:
        ForeignEntryError: It belongs to another vault. This is known if the key is available without the user, who
            unlocks a keyring.
    """
    # Only a key in the environment can be that of several vaults: key files have ids, and passphrases their salts. To
    # open each entry would take a fifth of the time of a listing.
    is_shared = sealed.key.source == "environment" and not sealed.key.salt
    if sealed.key.source != "keyring" and (is_shared or sealed.key != key_ref()):
        try:
            envelope.unseal(sealed, keys.open_any(sealed.key))
        except envelope.ForeignEntryError:
            raise
        except VaultError:
            # Whether it opens is not the question here.
            return sealed.metadata
    return sealed.metadata


def not_connected(name: str, names: list[str]) -> NotConnectedError:
    """Return the error for a connection that does not exist, with the names that do."""
    from difflib import get_close_matches

    near = get_close_matches(name, names, 1)
    known = f"Saved: {', '.join(names[:20])}." if names else "Nothing is connected yet."
    choose = "Name one: `get_connection('NAME')`." if names else "Connect with `connect()`."
    remedy = f"Did you mean {near[0]!r}? {known}" if near else f"{known} {choose}"
    return NotConnectedError(f"There is no connection {name!r}.", remedy=remedy)


def _checked_predecessor(storage: Storage, keys: Keys, name: str, follows: Follows) -> bytes:
    found = storage.read(name)
    if found is None:
        raise VaultError(
            f"The connection {name!r} was removed from {storage.place} by another process.", remedy="Connect again."
        )
    try:
        sealed = envelope.parse(name, *found)
        secrets = envelope.unseal(sealed, keys.open_any(sealed.key))
    except envelope.DamagedEntryError:
        # Nothing is lost with it.
        return found.data
    if not follows(sealed.metadata, secrets):
        raise VaultError(
            f"The saved connection {name!r} in {storage.place} is newer than this one; it was not replaced.",
            remedy="Try again; the token that the other process saved is used.",
        )
    return found.data
