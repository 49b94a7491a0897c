"""Where the key that seals entries comes from: the environment, or a file beside the vault.

`choose` takes the first that there is. A source makes its key when it is first asked.
"""

from __future__ import annotations

import os
from binascii import a2b_base64
from typing import Protocol

from entrakit.errors import VaultError
from entrakit.vault.private_files import create_file, make_directory, read_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "ENTRAKIT_VAULT_KEY"
KEY_SIZE = 32
# RFC 7914; 32 MiB and some 80 ms, which a guess costs as well.
SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**15, 8, 1


class KeySource(Protocol):
    """What a vault asks for its key."""

    @property
    def name(self) -> str:
        """The source in one word, for programs."""
        ...

    @property
    def description(self) -> str:
        """The source in words, for people: where the key is, and what that costs or protects."""
        ...

    def key(self, *, create: bool = True) -> bytes:
        """Return the 32 bytes of the key.

        Args:
            create: Make it if there is none yet; False where entries are kept that it has sealed.

        Raises:
            KeyMissingError: There is none, and none shall be made.
            VaultError: There is none, and none can be made.
        """
        ...


class KeyMissingError(VaultError):
    """The key that sealed the entries is gone."""


class FileKey:
    """A key in a private file beside the vault.

    It protects as file permissions do: who can read the files of this user can read the key. It keeps backups and
    copies of single entries unreadable, no more.

    Args:
        directory: The vault's directory.
    """

    name = "file"

    def __init__(self, directory: str) -> None:
        self.path = os.path.join(directory, "key")
        self.description = f"key file {self.path} (protects as file permissions do)"

    def key(self, *, create: bool = True) -> bytes:
        """Return the key; of several processes that make it at once, one wins."""
        found = read_file(self.path)
        if found is None and not create:
            raise KeyMissingError(
                f"The key file {self.path} is gone, and connections are kept that it has sealed.",
                remedy=f"Restore it from a backup, or set {VARIABLE} if that was set when they were made; "
                "or remove them with `entra disconnect --all`, and connect again.",
            )
        if found is None:
            make_directory(os.path.dirname(self.path))
            create_file(self.path, os.urandom(KEY_SIZE))
            found = read_file(self.path) or b""
        if len(found) != KEY_SIZE:
            raise VaultError(
                f"The key file {self.path} is damaged: it has {len(found)} bytes, not {KEY_SIZE}.",
                remedy="Restore it from a backup; without it kept connections can't be opened, so connect again.",
            )
        return found


class EnvironmentKey:
    """A key from the environment variable `ENTRAKIT_VAULT_KEY`.

    Its value is 32 bytes in base64 or base64url, used as they are; or a passphrase, stretched by scrypt with a salt
    that stands in a file beside the vault. Stretching costs every process that opens an entry some 80 ms, so that
    programs that start often are better off with 32 bytes.

    Args:
        value: The variable's value.
        directory: The vault's directory.
    """

    name = "environment"

    def __init__(self, value: str, directory: str) -> None:
        self._value = value
        self._salt_path = os.path.join(directory, "salt")
        self._key = _as_key(value)
        kind = "32 bytes" if self._key else "passphrase, stretched at each start"
        self.description = f"environment variable {VARIABLE} ({kind})"

    def __repr__(self) -> str:
        return "EnvironmentKey(…)"

    def key(self, *, create: bool = True) -> bytes:
        """Return the key, stretched from the passphrase if it is one."""
        del create
        self._key = self._key or self._stretched()
        return self._key

    def _stretched(self) -> bytes:
        from hashlib import scrypt

        salt = read_file(self._salt_path)
        if salt is None:
            make_directory(os.path.dirname(self._salt_path))
            create_file(self._salt_path, os.urandom(16))
            salt = read_file(self._salt_path) or b""
        if len(salt) != 16:
            raise VaultError(
                f"The salt file {self._salt_path} is damaged.",
                remedy="Restore it from a backup; without it kept connections can't be opened, so connect again.",
            )
        # As the environment had it, in whatever encoding that was.
        passphrase = os.fsencode(self._value)
        return scrypt(passphrase, salt=salt, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P, maxmem=2**26, dklen=KEY_SIZE)


def choose(environ: Mapping[str, str], directory: str) -> KeySource:
    """Return the first source of a key that there is.

    Args:
        environ: Where `ENTRAKIT_VAULT_KEY` is looked up.
        directory: The vault's directory.
    """
    value = environ.get(VARIABLE)
    return EnvironmentKey(value, directory) if value else FileKey(directory)


def _as_key(value: str) -> bytes | None:
    """Return the 32 bytes that a text encodes, or None if it is a passphrase."""
    text = value.strip().rstrip("=").replace("-", "+").replace("_", "/")
    try:
        key = a2b_base64(text + "=" * (-len(text) % 4), strict_mode=True)
    except ValueError:
        return None
    return key if len(key) == KEY_SIZE else None
