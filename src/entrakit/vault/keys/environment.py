"""A key from the environment variable `ENTRAKIT_VAULT_KEY`.

Its value is 32 bytes in base64 or base64url, used as they are; or a passphrase, stretched by scrypt (RFC 7914). While
a key is changed, `ENTRAKIT_VAULT_OLD_KEY` can hold the previous one, which opens entries and never seals them.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from entrakit.vault.envelope import KeyRef, digest, id_of
from entrakit.vault.keys.source import KEY_SIZE, OLD_VARIABLE, VARIABLE, KeyMissingError

if TYPE_CHECKING:
    from collections.abc import Mapping

# 32 MiB and about 80 ms, here and for each guess of an attacker.
SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**15, 8, 1


class EnvironmentKey:
    """The key of the environment.

    Args:
        environ: The environment.
    """

    # Without `__dict__`, so that `vars()` does not show the key.
    __slots__ = ("_environ",)

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def __repr__(self) -> str:
        return "EnvironmentKey(…)"

    def ready(self) -> None:
        """Raise KeyMissingError if the variable is not set."""
        if not self._environ.get(VARIABLE):
            raise KeyMissingError(
                f"The key must come from the environment, but {VARIABLE} is not set.",
                remedy=f"Set {VARIABLE} to 32 bytes in base64, or to a passphrase.",
            )

    def open(self, ref: KeyRef) -> bytes:
        """Return the key, stretched if it is a passphrase.

        Raises:
            KeyMissingError: Neither variable holds this key.
        """
        values = [self._environ[name] for name in (VARIABLE, OLD_VARIABLE) if self._environ.get(name)]
        for value in values:
            key = _stretched_once(value, ref) if ref.salt else as_key(value)
            if key is not None and id_of(key) == ref.id:
                return key
        if not values:
            raise KeyMissingError(
                f"The key is in {VARIABLE}, which is not set.", remedy=f"Set {VARIABLE} to its previous value."
            )
        raise KeyMissingError(
            f"The entry was sealed with another key than the one in {VARIABLE}.",
            remedy=f"Restore its value. To change the key, set {OLD_VARIABLE} to the old one as well and call "
            "`rekey()`; or remove the connections with `disconnect_all()`, and connect again.",
        )

    def make(self) -> tuple[KeyRef, bytes]:
        """Return the key that the variable holds; a passphrase gets a new salt.

        Raises:
            KeyMissingError: The variable is not set.
        """
        self.ready()
        value = self._environ[VARIABLE]
        key, salt = as_key(value), ""
        if key is None:
            salt = os.urandom(16).hex()
            key = _stretched(value, salt)
        return KeyRef("environment", id_of(key), salt), key

    def forget(self, ref: KeyRef) -> None:
        """Remove the stretched key from the kernel; the variable stays as it is."""
        from entrakit.vault.keys import kernel

        kernel.forget(ref.id)

    def describe(self, ref: KeyRef) -> str:
        """Return the variable and the form of its value, for display."""
        kind = "a passphrase, stretched by scrypt" if ref.salt else "32 bytes"
        return f"environment variable {VARIABLE} ({kind})"


def _stretched_once(value: str, ref: KeyRef) -> bytes:
    """Return the stretched passphrase, from the kernel if it holds the key of exactly this passphrase."""
    from entrakit.vault.keys import kernel

    proof = os.fsencode(value)
    held = kernel.find(ref.id) or b""
    if len(held) == 2 * KEY_SIZE and held[KEY_SIZE:] == digest(held[:KEY_SIZE] + proof):
        return held[:KEY_SIZE]
    key = _stretched(value, ref.salt)
    if id_of(key) == ref.id:
        kernel.hold(ref.id, key + digest(key + proof))
    return key


def _stretched(value: str, salt: str) -> bytes:
    from hashlib import scrypt

    # The bytes of the environment; they may have any encoding.
    return scrypt(
        os.fsencode(value), salt=bytes.fromhex(salt), n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P, maxmem=2**26, dklen=KEY_SIZE
    )


def as_key(value: str) -> bytes | None:
    """Return the 32 bytes that a value encodes, or None if it is a passphrase."""
    from entrakit.tokens import base64url

    try:
        key = base64url.decode(value.strip())
    except ValueError:
        return None
    return key if len(key) == KEY_SIZE else None
