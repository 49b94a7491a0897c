"""Maintenance of a vault: checking it, and changing its key."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, NamedTuple

from entrakit.errors import EntraError, VaultError
from entrakit.vault import checked_name, envelope, is_name

if TYPE_CHECKING:
    from entrakit.vault import Vault
    from entrakit.vault.envelope import KeyRef

REKEY_WAIT_S = 10.0


class Finding(NamedTuple):
    """Result of a check for one part of a vault.

    Args:
        what: Name of the connection, a file, or another part of the vault.
        problem: The problem; empty if the part is in order.
        remedy: The remedy; empty if none is needed.
    """

    what: str
    problem: str = ""
    remedy: str = ""


def check(vault: Vault) -> list[Finding]:
    """Open every entry and check every permission, without changing or moving anything.

    Args:
        vault: The vault.

    Returns:
        One finding for the key, one for each entry, and one for each other problem.

    Raises:
        VaultError: The place can't be read at all.
    """
    findings = [_check_key(vault), *(_check_entry(vault, name) for name in vault.names())]
    return findings + [Finding(what, problem, remedy) for what, problem, remedy in vault.storage.inspect()]


def rekey(vault: Vault) -> int:
    """Seal every entry with a new key, and remove the old one.

    The new key comes from the pinned source of `vault`, else from the source of the old one. Entries name their key, so
    other processes can read them during the change, and the next call completes an interrupted change.

    Args:
        vault: The vault.

    Returns:
        Number of entries that were sealed again.

    Raises:
        VaultError: An entry does not open, and nothing was changed; or another process held a lock for too long.
    """
    if not vault.names():
        return 0
    with vault.storage.lock(".rekey", REKEY_WAIT_S):
        return _rekey(vault)


def _rekey(vault: Vault) -> int:
    names = [name for name in vault.names() if is_name(name)]
    if not names:
        return 0
    for name in names:
        found = vault.storage.read(name)
        if found is not None:
            sealed = envelope.parse(name, *found)
            envelope.unseal(sealed, vault.keys.open_any(sealed.key))
    with vault.key_lock():
        notes = vault.storage.read_notes()
        before = vault.key_ref()
        ref, key = vault.keys.make(before.source if before else "")
        # A vault of 0.1.0 gets an id.
        own = notes.vault or os.urandom(16).hex()
        chosen = vault.storage.read_current()
        if (ref != before or own != notes.vault) and not vault.note_key(before, ref, own):
            if ref != before:
                vault.keys.forget(ref)
            raise VaultError("The vault's key is being changed by another process.", remedy="Try again in a moment.")
        name = chosen.data.decode("ascii", "replace").strip()
        if is_name(name) and chosen.vault == notes.vault != own:
            vault.storage.write_current(name, own)
    old = {before} if before else set()
    count = 0
    for name in (name for name in vault.names() if is_name(name)):
        used = _seal_again(vault, name, ref, key)
        if used is not None:
            old.add(used)
            count += 1
    with vault.key_lock():
        for one in old - _keys_in_use(vault) - {ref, vault.key_ref()}:
            if one is not None:
                vault.keys.forget(one)
    return count


def _keys_in_use(vault: Vault) -> set[KeyRef | None]:
    """Return the keys that entries name now."""
    found: set[KeyRef | None] = set()
    for name in (name for name in vault.names() if is_name(name)):
        with contextlib.suppress(VaultError):
            sealed = _read_sealed(vault, name)
            found.add(sealed.key if sealed else None)
    return found


def _seal_again(vault: Vault, name: str, ref: KeyRef, key: bytes) -> KeyRef | None:
    """Seal an entry with a key and for its vault, and return the key that it had; None if that is not necessary."""
    with vault.lock(name):
        found = vault.storage.read(name)
        if found is None:
            return None
        sealed = envelope.parse(name, *found)
        if sealed.key == ref and envelope.vault_of(sealed, key) == found.vault:
            return None
        secrets = envelope.unseal(sealed, vault.keys.open_any(sealed.key))
        if vault.key_ref() != ref:
            raise VaultError("The vault's key was changed by another process.", remedy="Try again in a moment.")
        again = envelope.seal(name, sealed.metadata, secrets, ref, key, vault=found.vault)
        if not vault.storage.write(name, again, found.data):
            raise VaultError(f"The saved connection {name!r} was changed by another process.", remedy="Try again.")
        return sealed.key


def _read_sealed(vault: Vault, name: str) -> envelope.SealedEntry | None:
    found = vault.storage.read(name)
    return None if found is None else envelope.parse(name, *found)


def _check_key(vault: Vault) -> Finding:
    try:
        ref = vault.key_ref()
        if ref is not None:
            vault.keys.open(ref)
        elif vault.names():
            return Finding("key", "The note of the vault's key is gone.", "Encrypt all entries again with `rekey()`.")
    except EntraError as error:
        return Finding("key", error.problem, error.remedy)
    return Finding("key")


def _check_entry(vault: Vault, name: str) -> Finding:
    try:
        found = vault.storage.read(checked_name(name))
        if found is None:
            return Finding(name)
        sealed = envelope.parse(name, *found)
        envelope.unseal(sealed, vault.keys.open(sealed.key))
    except EntraError as error:
        return Finding(name, error.problem, error.remedy)
    if sealed.key != vault.key_ref():
        return Finding(name, "It is sealed with an earlier key.", "Encrypt all entries again with `rekey()`.")
    return Finding(name)
