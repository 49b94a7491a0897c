"""Export and import of connections: one file, sealed with a passphrase.

    {"entrakit": "connections", "schema": 1, "kdf": {…}, "nonce": base64, "sealed": base64}

The passphrase is stretched by scrypt (RFC 7914), four times harder than for a vault, since the file can be attacked
offline. Names, metadata and secrets are sealed (AES-256-GCM); everything else in the file is associated data.
"""

from __future__ import annotations

import json
import os
from binascii import a2b_base64, b2a_base64
from typing import TYPE_CHECKING

from entrakit.errors import ParameterError, VaultError
from entrakit.frames import clears_locals
from entrakit.vault import Entry, checked_name, is_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from entrakit.secret import Secret
    from entrakit.tokens.jwt import JSON
    from entrakit.vault import Vault

SCHEMA = 1
MIN_PASSPHRASE = 8
# 128 MiB. A file with larger parameters could use up the memory of this machine, so no others are accepted.
SCRYPT: dict[str, JSON] = {"name": "scrypt", "n": 2**17, "r": 8, "p": 1}


@clears_locals
def export(vault: Vault, names: Sequence[str], passphrase: Secret) -> bytes:
    """Return the bytes of a file that holds connections.

    Args:
        vault: The vault.
        names: Their names; empty for all.
        passphrase: Passphrase that seals the file; at least 8 characters.

    Raises:
        ParameterError: The passphrase is too short, or a name is invalid.
        NotConnectedError: A connection does not exist.
        VaultError: A connection can't be read.
    """
    if len(passphrase.reveal()) < MIN_PASSPHRASE:
        raise ParameterError(
            f"The passphrase has fewer than {MIN_PASSPHRASE} characters.",
            remedy="Use a longer one: the file can be attacked offline.",
        )
    entries = {checked_name(name): vault.read(name) for name in names or filter(is_name, vault.names())}
    return pack(entries, passphrase)


@clears_locals
def restore(vault: Vault, data: bytes, passphrase: Secret, *, replace: bool = False) -> list[str]:
    """Save the connections that a file holds, and return their names.

    Args:
        vault: The vault to save them in.
        data: The file's bytes.
        passphrase: Passphrase that sealed the file.
        replace: Replace connections of the same names.

    Raises:
        ParameterError: The file does not open, or has another version.
        VaultError: A connection of one of the names exists. Nothing was changed.
    """
    entries = unpack(data, passphrase)
    present = sorted(set(vault.names()) & set(entries))
    if present and not replace:
        raise VaultError(
            f"The connection {present[0]!r} already exists; nothing was imported.",
            remedy="Add `replace=True` to replace the saved connections with the imported ones.",
        )
    for name in entries:
        vault.check(name)
    for name, entry in entries.items():
        with vault.lock(name):
            vault.write(name, entry.metadata, entry.secrets)
    return sorted(entries)


def pack(entries: Mapping[str, Entry], passphrase: Secret) -> bytes:
    """Return the bytes of a file that holds entries."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    kdf: dict[str, JSON] = {**SCRYPT, "salt": os.urandom(16).hex()}
    header: dict[str, JSON] = {"entrakit": "connections", "schema": SCHEMA, "kdf": kdf}
    nonce = os.urandom(12)
    content = {name: {"metadata": entry.metadata, "secrets": entry.secrets} for name, entry in entries.items()}
    sealed = AESGCM(_stretched(passphrase, header)).encrypt(nonce, _dump(content), _dump(header))
    return _dump({**header, "nonce": _to_base64(nonce), "sealed": _to_base64(sealed)})


def unpack(data: bytes, passphrase: Secret) -> dict[str, Entry]:
    """Return the entries that a file holds, by name.

    Raises:
        ParameterError: Not a file of exported connections, an unsupported version, a modified file, or a wrong
            passphrase.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    header, nonce, sealed = _parse(data)
    try:
        content = json.loads(AESGCM(_stretched(passphrase, header)).decrypt(nonce, sealed, _dump(header)))
        entries = {checked_name(name): Entry(one["metadata"], one["secrets"]) for name, one in content.items()}
        if not all(isinstance(part, dict) for entry in entries.values() for part in entry):
            raise _not_an_export()
        return entries
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise _not_an_export() from error
    except InvalidTag as error:
        raise ParameterError(
            "The file does not open: the passphrase is wrong, or the file was changed.",
            remedy="Use the passphrase of the export.",
        ) from error


def _parse(data: bytes) -> tuple[dict[str, JSON], bytes, bytes]:
    """Return header, nonce and sealed part."""
    try:
        document = json.loads(data)
        nonce, sealed = _from_base64(document.pop("nonce")), _from_base64(document.pop("sealed"))
        kind, schema, kdf = document["entrakit"], document["schema"], {**document["kdf"]}
        salt = bytes.fromhex(kdf.pop("salt"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _not_an_export() from error
    if kind != "connections" or len(nonce) != 12 or len(salt) != 16:
        raise _not_an_export()
    if schema != SCHEMA or kdf != SCRYPT:
        raise ParameterError(
            f"The file has version {schema!a}; this entrakit supports version {SCHEMA}.",
            remedy="Import it with the version of entrakit that exported it, or a later one.",
        )
    return document, nonce, sealed


def _not_an_export() -> ParameterError:
    return ParameterError("Not a file of exported connections.", remedy="Such a file is made by `export()`.")


def _stretched(passphrase: Secret, header: dict[str, JSON]) -> bytes:
    from hashlib import scrypt

    kdf = header["kdf"]
    assert isinstance(kdf, dict)  # noqa: S101 - for the type checker; both callers made sure
    salt = bytes.fromhex(str(kdf["salt"]))
    return scrypt(passphrase.reveal().encode("utf-8"), salt=salt, n=2**17, r=8, p=1, maxmem=2**28, dklen=32)


def _dump(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")


def _to_base64(data: bytes) -> str:
    return b2a_base64(data, newline=False).decode("ascii")


def _from_base64(text: str) -> bytes:
    return a2b_base64(text.encode("ascii"), strict_mode=True)
