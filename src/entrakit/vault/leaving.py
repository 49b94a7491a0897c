"""Removal of everything that a vault has besides entries, together with the last one: key, notes, current name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.errors import VaultError
from entrakit.vault import envelope

if TYPE_CHECKING:
    from entrakit.vault.keys import Keys
    from entrakit.vault.storage import Storage


def forget_unused_key(storage: Storage, keys: Keys) -> None:
    """Remove the key and the notes if no entry is left. The caller holds the lock of the key."""
    note = storage.read_notes().key
    ref = envelope.parse_key_note(note, storage.place)
    if ref is None or storage.traces() or not storage.swap_key_note(note, None, ""):
        return
    storage.write_current("", "")
    try:
        keys.forget(ref)
    except VaultError as error:
        import logging

        logging.getLogger("entrakit").warning(
            "The vault's key, which is not used any more, could not be removed: %s", error
        )
