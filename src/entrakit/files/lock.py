"""One process at a time: a lock file for each entry, beside it and never the entry itself.

The operating system holds the lock, so it is free when its process ends, however that ends. The file names the
owner, for the message of those who waited in vain.
"""

from __future__ import annotations

import os
from contextlib import contextmanager

from entrakit.errors import VaultBusyError
from entrakit.files.private import make_directory, refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def locked(path: str, timeout_s: float) -> Iterator[None]:
    """Hold the lock of a file for the block.

    Args:
        path: The lock file.
        timeout_s: Seconds to wait for it.

    Raises:
        VaultBusyError: Another process held it for all that time.
        VaultError: It can't be made.
    """
    from filelock import FileLock, Timeout

    make_directory(os.path.dirname(path))
    lock = FileLock(path, timeout=timeout_s, mode=0o600)
    try:
        lock.acquire()
    except Timeout as error:
        raise VaultBusyError(
            f"Another process has held {path} for {timeout_s:g} seconds{_owner(path)}.",
            remedy="Wait for it, or end it, then try again.",
        ) from error
    except OSError as error:
        raise refused("lock", path, error) from error
    try:
        _sign(path)
        yield
    finally:
        lock.release()


def _sign(path: str) -> None:
    """Write who holds the lock; a name that can't be written is missed in a message only."""
    from platform import node

    try:
        with open(os.open(path, os.O_WRONLY | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)), "wb") as file:
            file.write(f"{os.getpid()} {node()}".encode("ascii", "replace"))
    except OSError:
        return


def _owner(path: str) -> str:
    """Return who signed the lock, as far as it can be read: the file may be of another version, or anything."""
    try:
        with open(path, "rb") as file:
            pid, _, host = file.read(100).decode("ascii", "replace").partition(" ")
    except OSError:
        return ""
    return f" (process {pid} on {host or 'this host'})" if pid.isdigit() and f"{host}x".isprintable() else ""
