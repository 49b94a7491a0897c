"""Sealed entries: AES-256-GCM (NIST SP 800-38D), which also protects what is in the clear, and the name of the key.

    {"schema": 1, "name": "default", "key": {"from": …, "id": …}, "metadata": {…}, "nonce": base64, "sealed": base64}

Everything except the nonce and the sealed part is associated data of the seal, so an entry that was edited or
renamed does not open. The nonce is 96 random bits, new for each seal. `key` names the key of the seal.

The sealed part names the vault, so an entry of another vault with the same key is refused. 0.1.0 ignores that member
and omits it from the entries that it writes, which are accepted.
"""

from __future__ import annotations

import json
import os
from binascii import a2b_base64, b2a_base64
from typing import TYPE_CHECKING, NamedTuple

from entrakit.errors import VaultError

if TYPE_CHECKING:
    from typing import NoReturn

    from entrakit.errors import EntraError
    from entrakit.tokens.jwt import JSON

SCHEMA = 1
NONCE_SIZE = 12
VAULT = "vault"


class KeyRef(NamedTuple):
    """Name of a key; not a secret.

    Args:
        source: `environment`, `keyring` or `file`.
        id: Beginning of a hash of the key, in hex.
        salt: Salt of a stretched passphrase, in hex; empty for a key that is not stretched.
    """

    source: str
    id: str
    salt: str = ""

    def to_json(self) -> dict[str, JSON]:
        """Return its form in files."""
        return {"from": self.source, "id": self.id, "salt": self.salt}


class Entry(NamedTuple):
    """A saved connection.

    Args:
        metadata: The part in the clear.
        secrets: The part that is sealed.
    """

    metadata: dict[str, JSON]
    secrets: dict[str, JSON]

    def __repr__(self) -> str:
        return f"Entry(metadata={self.metadata!r}, secrets=…)"

    def __copy__(self) -> Entry:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Entry:
        from copy import deepcopy

        return Entry(deepcopy(self.metadata, memo), deepcopy(self.secrets, memo))

    def __reduce__(self) -> NoReturn:
        raise TypeError("an Entry can't be pickled: it would leave memory unencrypted")


class EntrySummary(NamedTuple):
    """A saved connection in a listing.

    Args:
        name: Its name.
        values: Its metadata; empty if it can't be read.
        error: The error of an attempt to read it; None if it can be read.
    """

    name: str
    values: dict[str, JSON]
    error: EntraError | None = None


class SealedEntry(NamedTuple):
    """An entry with its secrets still sealed.

    Args:
        name: The connection's name.
        key: The key of the seal.
        metadata: The part in the clear.
        nonce: The seal's nonce.
        ciphertext: The sealed secrets.
        vault: Id of the vault that it was found in; empty if that has none.
    """

    name: str
    key: KeyRef
    metadata: dict[str, JSON]
    nonce: bytes
    ciphertext: bytes
    vault: str = ""


class Found(NamedTuple):
    """Bytes that were found in a vault, with the id of a vault.

    Args:
        data: The bytes.
        vault: For an entry, the id of the vault that it was found in; for the current name, the id of the vault that it
            was chosen in. Empty if there is none: 0.1.0 wrote none.
    """

    data: bytes
    vault: str


class Notes(NamedTuple):
    """The notes of a vault about itself.

    Args:
        key: The note of its key; None if there is none.
        vault: Its id; empty if 0.1.0 made it, or if it has no key yet.
    """

    key: bytes | None
    vault: str


class DamagedEntryError(VaultError):
    """The entry was changed after it was written."""


class ForeignEntryError(VaultError):
    """The entry belongs to another vault."""


def seal(
    name: str, metadata: dict[str, JSON], secrets: dict[str, JSON], ref: KeyRef, key: bytes, *, vault: str = ""
) -> bytes:
    """Return the bytes of an entry's file.

    Args:
        name: The connection's name.
        metadata: The part that stays in the clear.
        secrets: The part that is sealed.
        ref: Name of the key.
        key: Its 32 bytes.
        vault: Id of the vault; empty for the form of 0.1.0.
    """
    if vault:
        secrets = {**secrets, VAULT: vault}
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(NONCE_SIZE)
    ciphertext = AESGCM(key).encrypt(nonce, _dump(secrets), _bound(name, ref, metadata))
    document = {
        "schema": SCHEMA,
        "name": name,
        "key": ref.to_json(),
        "metadata": metadata,
        "nonce": b2a_base64(nonce, newline=False).decode("ascii"),
        "sealed": b2a_base64(ciphertext, newline=False).decode("ascii"),
    }
    return _dump(document)


def parse(name: str, data: bytes, vault: str = "") -> SealedEntry:
    """Parse the bytes of an entry, its secrets still sealed.

    Args:
        name: The connection's name, which the entry must have.
        data: The bytes.
        vault: Id of the vault that they were found in.

    Raises:
        DamagedEntryError: The bytes are not an entry of this name.
        VaultError: A later version of entrakit wrote the entry.
    """
    try:
        document = json.loads(data)
        schema = document["schema"]
        if type(schema) is int and schema != SCHEMA:
            raise VaultError(
                f"The saved connection {name!r} has version {schema}; this entrakit supports version {SCHEMA}.",
                remedy="Use the version of entrakit that saved it, or disconnect and connect again.",
            )
        metadata, ref = document["metadata"], ref_from(document["key"])
        nonce, ciphertext = _from_base64(document["nonce"]), _from_base64(document["sealed"])
        if type(schema) is not int or document["name"] != name or not isinstance(metadata, dict):
            raise _damaged(name)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(name) from error
    if len(nonce) != NONCE_SIZE:
        raise _damaged(name)
    return SealedEntry(name, ref, metadata, nonce, ciphertext, vault)


def unseal(entry: SealedEntry, key: bytes) -> dict[str, JSON]:
    """Return the secrets of an entry.

    Args:
        entry: The entry.
        key: The 32 bytes of the key that it names.

    Returns:
        The secrets, as new objects that are not shared.

    Raises:
        DamagedEntryError: The entry was changed.
        ForeignEntryError: The entry belongs to another vault.
    """
    secrets = _opened(entry, key)
    if secrets.pop(VAULT, entry.vault) != entry.vault:
        raise ForeignEntryError(
            f"The saved connection {entry.name!r} belongs to another vault with the same key.",
            remedy=f"Connect again, or remove it with `disconnect({entry.name!r})`. To move connections between "
            "vaults, export and import them.",
        )
    return secrets


def vault_of(entry: SealedEntry, key: bytes) -> str:
    """Return the id of the vault that an entry names; empty if it names none. Raises DamagedEntryError."""
    return str(_opened(entry, key).get(VAULT, ""))


def ref_from(value: JSON) -> KeyRef:
    """Return the name of a key from its form in files.

    Raises:
        TypeError, ValueError: The value is not the name of a key.
    """
    if not isinstance(value, dict):
        raise TypeError("not an object")
    source, name, salt = value.get("from"), value.get("id"), value.get("salt")
    if not (isinstance(source, str) and isinstance(name, str) and isinstance(salt, str)):
        raise TypeError("not strings")
    if len(name) != 16 or not _is_hex(name) or len(salt) > 64 or len(salt) % 2 or not _is_hex(salt):
        raise ValueError("not hex")
    return KeyRef(source, name, salt)


def key_note(ref: KeyRef | None) -> bytes | None:
    """Return the note that names the key of a vault; None if it has none."""
    return None if ref is None else json.dumps({"schema": 1, **ref.to_json()}).encode("ascii")


def parse_key_note(data: bytes | None, place: str) -> KeyRef | None:
    """Return the key that a note names; None if there is no note.

    Args:
        data: The note.
        place: The vault's place, for error messages.

    Raises:
        VaultError: The note is damaged.
    """
    if data is None:
        return None
    try:
        return ref_from(json.loads(data))
    except (ValueError, TypeError, RecursionError) as error:
        raise VaultError(
            f"The note of the vault's key in {place} is damaged.",
            remedy="Restore it from a backup (vault.json, or {entrakit}:key on the server); or remove it, and "
            "connect again.",
        ) from error


def id_of(key: bytes) -> str:
    """Return the id of a key, which distinguishes it from others and does not reveal it."""
    return digest(b"entrakit vault key" + key)[:8].hex()


def digest(data: bytes) -> bytes:
    """Return the SHA-256 digest (FIPS 180-4)."""
    # Not hashlib, which loads a second OpenSSL next to the one that AES-GCM has loaded.
    from cryptography.hazmat.primitives.hashes import SHA256, Hash

    hasher = Hash(SHA256())
    hasher.update(data)
    return hasher.finalize()


def _opened(entry: SealedEntry, key: bytes) -> dict[str, JSON]:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    opener = AESGCM(key)
    try:
        bound = _bound(entry.name, entry.key, entry.metadata)
        secrets = json.loads(opener.decrypt(entry.nonce, entry.ciphertext, bound))
    except (InvalidTag, ValueError, RecursionError) as error:
        raise _damaged(entry.name) from error
    if not isinstance(secrets, dict):
        raise _damaged(entry.name)
    return secrets


def _is_hex(text: str) -> bool:
    return all(letter in "0123456789abcdef" for letter in text)


def _bound(name: str, ref: KeyRef, metadata: dict[str, JSON]) -> bytes:
    return _dump({"schema": SCHEMA, "name": name, "key": ref.to_json(), "metadata": metadata})


def _dump(value: object) -> bytes:
    # The same value always has the same bytes, also after it was written to a file and read again.
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")


def _from_base64(text: str) -> bytes:
    return a2b_base64(text.encode("ascii"), strict_mode=True)


def _damaged(name: str) -> DamagedEntryError:
    return DamagedEntryError(f"The saved connection {name!r} does not open: it is damaged.", remedy="Connect again.")
