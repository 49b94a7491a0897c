"""The key that seals a vault's entries, and the places that it can come from, in the order in which they are tried.

    environment   `ENTRAKIT_VAULT_KEY`: 32 bytes, or a passphrase that is stretched
    keyring       the operating system's keyring
    file          a private file next to the entries

One vault has one key. Each entry names it by a `KeyRef`, which is not a secret, so reading needs nothing else, and an
interrupted change of the key leaves no entry that can't be opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from entrakit.errors import ParameterError
from entrakit.vault.keys.source import VARIABLE, KeyMissingError, NoKeyringError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NoReturn

    from entrakit.vault.envelope import KeyRef
    from entrakit.vault.keys.source import KeySource

FROM_VARIABLE = "ENTRAKIT_VAULT_KEY_FROM"
SOURCES = ("environment", "keyring", "file")
Value = TypeVar("Value")


class _Concealed(Generic[Value]):
    """A value that is not shown by a `repr` or the `vars()` of the object that has it.

    Args:
        value: The value.
    """

    __slots__ = ("_value",)

    def __init__(self, value: Value) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "…"

    def reveal(self) -> Value:
        """Return the value."""
        return self._value


class Keys:
    """The keys of one vault, from each of its sources.

    Args:
        environ: The environment.
        directory: Directory of key files; empty for the usual one.
        pinned: The only source to use; empty for `ENTRAKIT_VAULT_KEY_FROM`, else for the first that works.

    Raises:
        ParameterError: `pinned` is not a source.
    """

    def __init__(self, environ: Mapping[str, str], directory: str = "", pinned: str = "") -> None:
        self._environ = _Concealed(environ)
        self._directory = directory
        self._opened: _Concealed[dict[str, bytes]] = _Concealed({})
        self.pinned = pinned or environ.get(FROM_VARIABLE, "") or ("environment" if environ.get(VARIABLE) else "")
        if self.pinned and self.pinned not in SOURCES:
            raise ParameterError(
                f"The vault's key can't come from {self.pinned!r}.", remedy=f"Choose one of {', '.join(SOURCES)}."
            )

    def __repr__(self) -> str:
        return f"Keys({self.pinned or 'first that works'})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("the keys of a vault can't be pickled: they would leave memory unencrypted")

    def ready(self) -> None:
        """Check that the pinned source can make a key. Raises VaultError."""
        if self.pinned:
            self.source(self.pinned).ready()

    def open(self, ref: KeyRef) -> bytes:
        """Return a key.

        Raises:
            KeyMissingError: The key is missing, or it comes from another source than the pinned one.
            VaultError: It can't be read.
        """
        if self.pinned and self.pinned != ref.source:
            raise KeyMissingError(
                f"The entry was sealed with another key: {self.describe(ref)}, not {self._describe_pinned()}.",
                remedy=f"Select that key with `key_from={ref.source!r}`, or encrypt all entries again with "
                f"`key_from={self.pinned!r}` and `rekey()`.",
            )
        return self.open_any(ref)

    def open_any(self, ref: KeyRef) -> bytes:
        """Return a key from any source, to move from one to another. Errors as for `open`."""
        opened = self._opened.reveal()
        key = opened.get(ref.id)
        if key is None:
            key = opened[ref.id] = self.source(ref.source).open(ref)
        return key

    def make(self, source: str = "") -> tuple[KeyRef, bytes]:
        """Return a new key from the pinned source, else from `source`, else from the first that works.

        Raises:
            KeyMissingError: The source is the environment, and it holds no key.
            VaultError: The key can't be made or saved.
        """
        source = self.pinned or source
        for name in (source,) if source else ("keyring", "file"):
            try:
                ref, key = self.source(name).make()
            except NoKeyringError:
                if source:
                    raise
                continue
            self._opened.reveal()[ref.id] = key
            return ref, key
        raise AssertionError

    def forget(self, ref: KeyRef) -> None:
        """Remove a key from its source. Raises VaultError."""
        self._opened.reveal().pop(ref.id, None)
        self.source(ref.source).forget(ref)

    def describe(self, ref: KeyRef | None) -> str:
        """Describe the place of a key, for display; None for a key that does not exist yet."""
        if ref is not None:
            return self.source(ref.source).describe(ref)
        return self._describe_pinned() if self.pinned else "chosen when the first connection is saved"

    def source(self, name: str) -> KeySource:
        """Return a source; only that one is imported."""
        if name == "environment":
            from entrakit.vault.keys.environment import EnvironmentKey

            return EnvironmentKey(self._environ.reveal())
        if name == "keyring":
            from entrakit.vault.keys.keyring import KeyringKey

            return KeyringKey(self._environ.reveal())
        if name == "file":
            from entrakit.vault.keys.file import FileKey

            if self._directory:
                return FileKey(self._directory)
            from entrakit.vault.files import state_dir

            return FileKey(state_dir(self._environ.reveal()))
        raise KeyMissingError(
            f"The key comes from {name!r}, which this entrakit does not know.",
            remedy="Use the version of entrakit that saved it, or disconnect and connect again.",
        )

    def _describe_pinned(self) -> str:
        names = {"environment": VARIABLE, "keyring": "the system's keyring", "file": "a key file"}
        return names[self.pinned]
