"""The last entry of a vault: what is removed together with it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from entrakit.vault import Vault
from entrakit.vault.leaving import forget_unused_key

if TYPE_CHECKING:
    from pathlib import Path


def test_the_notes_stay_while_an_entry_is_left(private_home: Path) -> None:
    """
    Key, notes and current name are needed as long as there is an entry; then all of them are removed.
    """
    vault = Vault(str(private_home / "vault"), key_from="file")
    vault.write("work", {}, {})
    vault.set_current("work")
    forget_unused_key(vault.storage, vault.keys)
    assert {"current", "current.vault", "key", "vault.id", "vault.json"} == {
        name.partition("-")[0] for name in os.listdir(vault.place) if name != "connections"
    }

    vault.storage.delete("work")
    forget_unused_key(vault.storage, vault.keys)

    assert ["connections"] == os.listdir(vault.place)


def test_a_new_vault_in_the_same_place_is_another_one(private_home: Path) -> None:
    """
    The id of a vault is removed with its last entry. Entries that are put back later belong to another vault.
    """
    vault = Vault(str(private_home / "vault"), key_from="file")
    ids = []
    for _ in range(2):
        vault.write("work", {}, {})
        ids.append(vault.storage.read_notes().vault)
        vault.delete("work")

    assert 2 == len(set(ids) - {""})
