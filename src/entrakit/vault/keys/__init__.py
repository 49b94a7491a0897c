"""The key that seals a vault's entries, and the ladder of places where it can be.

    environment   `ENTRAKIT_VAULT_KEY`: 32 bytes, or a passphrase that is stretched
    keyring       the operating system's keyring
    file          a private file beside the vault

One vault has one key. Each entry names it by a `KeyRef`, which is no secret, so that reading needs nothing else and
an interrupted change of the key leaves no entry behind that does not open.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from entrakit.errors import ParameterError, VaultError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from entrakit.tokens.jwt import JSON

VARIABLE = "ENTRAKIT_VAULT_KEY"
OLD_VARIABLE = "ENTRAKIT_VAULT_OLD_KEY"
FROM_VARIABLE = "ENTRAKIT_VAULT_KEY_FROM"
SOURCES = ("environment", "keyring", "file")
KEY_SIZE = 32


class KeyRef(NamedTuple):
    """Which key it is; no secret.

    Args:
        source: `environment`, `keyring` or `file`.
        id: The beginning of a hash of the key, in hex.
        salt: What a passphrase is stretched with, in hex; empty for keys that are not stretched.
    """

    source: str
    id: str
    salt: str = ""

    def to_json(self) -> dict[str, JSON]:
        """Return it as it stands in files."""
        return {"from": self.source, "id": self.id, "salt": self.salt}


class KeyMissingError(VaultError):
    """The key that sealed the entries is not there: gone, not set, or another one is."""


class NoKeyringError(VaultError):
    """This machine, or this session, has no keyring that can be used."""


class KeySource(Protocol):
    """One rung of the ladder."""

    def ready(self) -> None:
        """Make sure that a key can be made, without making one.

        Raises:
            VaultError: It can't.
        """
        ...

    def open(self, ref: KeyRef) -> bytes:
        """Return the 32 bytes of a key, which were made sure to be that key.

        Raises:
            KeyMissingError: It is not there.
            VaultError: It can't be read.
        """
        ...

    def make(self) -> tuple[KeyRef, bytes]:
        """Make a key, keep it, and return it.

        Raises:
            NoKeyringError: There is no such place here.
            VaultError: It can't be kept.
        """
        ...

    def forget(self, ref: KeyRef) -> None:
        """Remove a key, if it is there.

        Raises:
            VaultError: It can't be removed.
        """
        ...

    def describe(self, ref: KeyRef) -> str:
        """Return in words where a key is, and what that protects against."""
        ...


class Keys:
    """The ladder of one vault.

    Args:
        environ: The environment.
        directory: Gives the directory of key files when one is needed.
        pinned: The one source to use; empty for `ENTRAKIT_VAULT_KEY_FROM`, else for the first that works.

    Raises:
        ParameterError: There is no such source.
    """

    def __init__(self, environ: Mapping[str, str], directory: Callable[[], str], pinned: str = "") -> None:
        self._environ = environ
        self._directory = directory
        self._opened: dict[str, bytes] = {}
        self.wanted = pinned or environ.get(FROM_VARIABLE, "") or ("environment" if environ.get(VARIABLE) else "")
        if self.wanted and self.wanted not in SOURCES:
            raise ParameterError(
                f"The vault's key can't come from {self.wanted!r}.", remedy=f"Choose one of {', '.join(SOURCES)}."
            )

    def __repr__(self) -> str:
        return f"Keys({self.wanted or 'first that works'})"

    def ready(self) -> None:
        """Make sure that a key can be made where it was asked for. Raises VaultError."""
        if self.wanted:
            self.source(self.wanted).ready()

    def open(self, ref: KeyRef) -> bytes:
        """Return a key, if it comes from where it shall come from.

        Raises:
            KeyMissingError: It is not there, or comes from another source than the one that was asked for.
            VaultError: It can't be read.
        """
        if self.wanted and self.wanted != ref.source:
            raise KeyMissingError(
                f"This was sealed with another key: {self.describe(ref)}, not {self._described_wish()}.",
                remedy=f"Name that one with `--vault-key-from {ref.source}`, or move all connections to the other with "
                f"`entra vault rekey --vault-key-from {self.wanted}`.",
            )
        return self.open_any(ref)

    def open_any(self, ref: KeyRef) -> bytes:
        """Return a key wherever it is; for moving from one to another. Errors as for `open`."""
        key = self._opened.get(ref.id)
        if key is None:
            key = self._opened[ref.id] = self.source(ref.source).open(ref)
        return key

    def make(self, source: str = "") -> tuple[KeyRef, bytes]:
        """Return a new key from the source that was asked for, else from `source`, else from the first that works.

        Raises:
            KeyMissingError: The environment was asked for and has none.
            VaultError: It can't be made or kept.
        """
        source = self.wanted or source
        for name in (source,) if source else ("keyring", "file"):
            try:
                ref, key = self.source(name).make()
            except NoKeyringError:
                if source:
                    raise
                continue
            self._opened[ref.id] = key
            return ref, key
        raise AssertionError

    def forget(self, ref: KeyRef) -> None:
        """Remove a key from where it is. Raises VaultError."""
        self._opened.pop(ref.id, None)
        self.source(ref.source).forget(ref)

    def describe(self, ref: KeyRef | None) -> str:
        """Return in words where a key is; None for the one that has yet to be made."""
        if ref is not None:
            return self.source(ref.source).describe(ref)
        return self._described_wish() if self.wanted else "chosen when the first connection is kept"

    def source(self, name: str) -> KeySource:
        """Return a rung of the ladder; only that one is imported."""
        if name == "environment":
            from entrakit.vault.keys.environment import EnvironmentKey

            return EnvironmentKey(self._environ)
        if name == "keyring":
            from entrakit.vault.keys.keyring import KeyringKey

            return KeyringKey(self._environ)
        if name == "file":
            from entrakit.vault.keys.file import FileKey

            return FileKey(self._directory())
        raise KeyMissingError(
            f"The key comes from {name!r}, which this entrakit does not know.",
            remedy="Use the entrakit that made it, or disconnect and connect again.",
        )

    def _described_wish(self) -> str:
        names = {"environment": VARIABLE, "keyring": "the system's keyring", "file": "a key file"}
        return names[self.wanted]


def ref_from(value: JSON) -> KeyRef:
    """Return the reference that a file holds.

    Raises:
        TypeError, ValueError: It is none.
    """
    if not isinstance(value, dict):
        raise TypeError("not an object")
    source, name, salt = value.get("from"), value.get("id"), value.get("salt")
    if not (isinstance(source, str) and isinstance(name, str) and isinstance(salt, str)):
        raise TypeError("not texts")
    if len(name) != 16 or not _is_hex(name) or len(salt) > 64 or len(salt) % 2 or not _is_hex(salt):
        raise ValueError("not hex")
    return KeyRef(source, name, salt)


def id_of(key: bytes) -> str:
    """Return the id of a key: it tells keys apart and says nothing of them."""
    return digest(b"entrakit vault key" + key)[:8].hex()


def digest(data: bytes) -> bytes:
    """Return the SHA-256 digest (FIPS 180-4)."""
    # Not hashlib, which loads a second OpenSSL beside the one that AES-GCM has loaded.
    from cryptography.hazmat.primitives.hashes import SHA256, Hash

    hasher = Hash(SHA256())
    hasher.update(data)
    return hasher.finalize()


def _is_hex(text: str) -> bool:
    return all(letter in "0123456789abcdef" for letter in text)
