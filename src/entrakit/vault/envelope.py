"""Sealing an entry: AES-256-GCM (NIST SP 800-38D), with all that is in the clear bound to it.

    {"schema": 1, "name": "default", "key": {"from": …, "id": …}, "metadata": {…}, "nonce": base64, "sealed": base64}

All but nonce and sealed part is associated data of the seal: an entry that was edited, or put under another name, does
not open. The nonce is 96 random bits, new for each seal. `key` says which key it was sealed with.
"""

from __future__ import annotations

import json
import os
from binascii import a2b_base64, b2a_base64
from typing import NamedTuple

from entrakit.errors import VaultError
from entrakit.vault.keys import KeyRef, ref_from

TYPE_CHECKING = False
if TYPE_CHECKING:
    from entrakit.tokens.jwt import JSON

SCHEMA = 1
NONCE_SIZE = 12


class Sealed(NamedTuple):
    """An entry whose secrets are not open.

    Args:
        name: The connection's name.
        key: Which key it was sealed with.
        metadata: What is in the clear.
        nonce: The seal's nonce.
        ciphertext: The sealed secrets.
    """

    name: str
    key: KeyRef
    metadata: dict[str, JSON]
    nonce: bytes
    ciphertext: bytes


class DamagedEntryError(VaultError):
    """The entry is not what was written."""


def seal(name: str, metadata: dict[str, JSON], secrets: dict[str, JSON], ref: KeyRef, key: bytes) -> bytes:
    """Return the bytes of an entry's file.

    Args:
        name: The connection's name.
        metadata: What stays in the clear.
        secrets: What is sealed.
        ref: Which key it is.
        key: Its 32 bytes.
    """
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


def parse(name: str, data: bytes) -> Sealed:
    """Return the entry that some bytes hold, its secrets still sealed.

    Args:
        name: The connection's name, which the entry must have.
        data: The bytes.

    Raises:
        DamagedEntryError: They are not an entry of this name.
        VaultError: The entry is of a later version of entrakit.
    """
    try:
        document = json.loads(data)
        schema = document["schema"]
        if type(schema) is int and schema != SCHEMA:
            raise VaultError(
                f"The kept connection {name!r} is of version {schema}, and this entrakit knows version {SCHEMA}.",
                remedy="Use the entrakit that made it, or disconnect and connect again.",
            )
        metadata, ref = document["metadata"], ref_from(document["key"])
        nonce, ciphertext = _from_base64(document["nonce"]), _from_base64(document["sealed"])
        if type(schema) is not int or document["name"] != name or not isinstance(metadata, dict):
            raise _damaged(name)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(name) from error
    if len(nonce) != NONCE_SIZE:
        raise _damaged(name)
    return Sealed(name, ref, metadata, nonce, ciphertext)


def unseal(entry: Sealed, key: bytes) -> dict[str, JSON]:
    """Return the secrets of an entry.

    Args:
        entry: The entry.
        key: The 32 bytes of the key that it names.

    Returns:
        What was sealed; its values are new, not shared with anything.

    Raises:
        DamagedEntryError: It was changed.
    """
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


def _bound(name: str, ref: KeyRef, metadata: dict[str, JSON]) -> bytes:
    return _dump({"schema": SCHEMA, "name": name, "key": ref.to_json(), "metadata": metadata})


def _dump(value: object) -> bytes:
    # The same value always has the same bytes, also after it went through a file.
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")


def _from_base64(text: str) -> bytes:
    return a2b_base64(text.encode("ascii"), strict_mode=True)


def _damaged(name: str) -> DamagedEntryError:
    return DamagedEntryError(f"The kept connection {name!r} does not open: it is damaged.", remedy="Connect again.")
