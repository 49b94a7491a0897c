"""A key in the operating system's keyring: Secret Service, Keychain or Credential Locker. Only the key is stored there.

The keyring is read when a key is first unlocked; after that the kernel holds the key for a while (`kernel`).
"""

from __future__ import annotations

import os
import sys
from binascii import b2a_base64
from typing import TYPE_CHECKING, Protocol

from entrakit.errors import VaultError
from entrakit.vault.envelope import KeyRef, id_of
from entrakit.vault.keys import kernel
from entrakit.vault.keys.environment import as_key
from entrakit.vault.keys.source import KEY_SIZE, KeyMissingError, NoKeyringError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    Answer = TypeVar("Answer")

SERVICE = "entrakit"
# The user may have to type the keyring's password; a bus without an answer must not block forever.
ANSWER_S = 60.0
# Backends that the system itself protects. Others, such as the files of third-party packages, may be unencrypted.
SYSTEMS = (
    *("keyring.backends.SecretService", "keyring.backends.libsecret", "keyring.backends.kwallet"),
    *("keyring.backends.macOS", "keyring.backends.Windows"),
)


class Backend(Protocol):
    """The methods used of a backend of the `keyring` package."""

    def get_password(self, service: str, username: str) -> str | None:
        """Return a password."""
        ...

    def set_password(self, service: str, username: str, password: str) -> None:
        """Save a password."""
        ...

    def delete_password(self, service: str, username: str) -> None:
        """Remove a password."""
        ...


class KeyringKey:
    """Keys in the system's keyring.

    Args:
        environ: The environment, which names the session bus.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._bus = environ.get("DBUS_SESSION_BUS_ADDRESS")

    def ready(self) -> None:
        """Raise NoKeyringError if no keyring is available."""
        self._backend()

    def open(self, ref: KeyRef) -> bytes:
        """Return a key, from the kernel if the kernel still holds it.

        Raises:
            KeyMissingError: The keyring does not have it.
            VaultError: The keyring is locked, or does not answer.
        """
        held = kernel.find(ref.id)
        if held is not None and id_of(held) == ref.id:
            return held
        try:
            text = self._ask(lambda backend: backend.get_password(SERVICE, ref.id))
        except NoKeyringError as error:
            raise KeyMissingError(
                f"The key is in the system's keyring, but this session has no keyring: {error.problem}",
                remedy="Run the program in the session of the keyring (over SSH: after the keyring was unlocked), or "
                "move the key to a file with `key_from='file'` and `rekey()`.",
            ) from error
        key = as_key(text or "")
        if key is None or id_of(key) != ref.id:
            raise KeyMissingError(
                f"The key {ref.id} is gone from the system's keyring.",
                remedy="Restore the keyring from a backup; or remove the connections with "
                "`disconnect_all()`, and connect again.",
            )
        kernel.hold(ref.id, key)
        return key

    def make(self) -> tuple[KeyRef, bytes]:
        """Put a new key into the keyring.

        Raises:
            NoKeyringError: No keyring is available, or it does not store the key.
        """
        key = os.urandom(KEY_SIZE)
        ref = KeyRef("keyring", id_of(key))
        text = b2a_base64(key, newline=False).decode("ascii")

        def keep(backend: Backend) -> str | None:
            backend.set_password(SERVICE, ref.id, text)
            return backend.get_password(SERVICE, ref.id)

        try:
            kept = self._ask(keep)
        except NoKeyringError:
            raise
        except VaultError as error:
            raise NoKeyringError(error.problem, remedy=error.remedy) from error
        if kept != text:
            raise NoKeyringError("The system's keyring did not save the key.")
        kernel.hold(ref.id, key)
        return ref, key

    def forget(self, ref: KeyRef) -> None:
        """Remove a key from the kernel and the keyring. Raises VaultError."""
        kernel.forget(ref.id)

        def remove(backend: Backend) -> None:
            if backend.get_password(SERVICE, ref.id) is not None:
                backend.delete_password(SERVICE, ref.id)

        self._ask(remove)

    def describe(self, ref: KeyRef) -> str:
        """Return the name of the keyring, for display."""
        del ref
        names = {"darwin": "Keychain", "win32": "Credential Locker"}
        return f"the system's keyring ({names.get(sys.platform, 'Secret Service')})"

    def _ask(self, question: Callable[[Backend], Answer]) -> Answer:
        """Return a backend's answer. Raises VaultError after `ANSWER_S` seconds without one."""
        from queue import Empty, SimpleQueue
        from threading import Thread

        backend = self._backend()
        answers: SimpleQueue[tuple[Answer | None, BaseException | None]] = SimpleQueue()

        def wait() -> None:
            try:
                answers.put((question(backend), None))
            except BaseException as error:  # noqa: BLE001 - raised again in the calling thread
                answers.put((None, error))

        Thread(target=wait, daemon=True).start()
        try:
            answer, error = answers.get(timeout=ANSWER_S)
        except Empty:
            raise VaultError(
                f"The system's keyring has not answered for {ANSWER_S:g} seconds.", remedy="Unlock it, then try again."
            ) from None
        if error is not None:
            raise VaultError(
                f"The system's keyring refused: {type(error).__name__}.",
                remedy="Unlock it, then try again; or take the key from elsewhere with `key_from`.",
            ) from error
        return answer  # type: ignore[return-value] # without an error, this is the answer

    def _backend(self) -> Backend:
        """Return the backend of the operating system's own keyring."""
        # Secret Service requires a session bus; this check avoids importing the package.
        if sys.platform not in ("darwin", "win32") and not self._bus:
            raise NoKeyringError("There is no session bus (DBUS_SESSION_BUS_ADDRESS is not set).")
        try:
            from keyring import get_keyring

            found = get_keyring()
        except Exception as error:
            raise NoKeyringError(f"The keyring package does not load: {type(error).__name__}.") from error
        for backend in getattr(found, "backends", (found,)):
            if type(backend).__module__ in SYSTEMS:
                return backend
        if type(found).__module__ == "keyring.backends.fail" and (late := self._late()) is not None:
            return late
        raise NoKeyringError("This session has no keyring of the operating system.")

    def _late(self) -> Backend | None:
        """Return a keyring that became available after the package searched; it searches only once in a process."""
        from keyring.backend import KeyringBackend
        from keyring.core import load_config, load_env

        if load_env() or load_config():
            return None  # the user has disabled the keyring
        for kind in KeyringBackend.get_viable_backends():
            if kind.__module__ in SYSTEMS:
                return kind()
        return None
