"""Lock files: one process at a time, on every system.

The operating system holds the lock, so it is released when the process ends, for any reason. The lock file is never
the file that it protects, because Windows keeps other handles from a locked file. It names its owner, for the error
message of a process that can't get the lock; Windows does not let others read that.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from entrakit.errors import VaultBusyError
from entrakit.files.private import file_error

if TYPE_CHECKING:
    from collections.abc import Iterator

POLL_S = 0.05
# Seconds after which a wait is reported.
NOTICED_S = 2.0


class LockFile:
    """The lock of one process on a lock file. Another thread than the one that acquired it may release it.

    Args:
        path: The lock file. Its directory must exist.
        is_removed: Remove the lock file when it is released. A file left by a killed process is used again.
    """

    def __init__(self, path: str, *, is_removed: bool = False) -> None:
        from filelock import FileLock

        self.path = path
        self._is_removed = is_removed
        self._lock = FileLock(path, mode=0o600, thread_local=False)

    def acquire(self, timeout_s: float, poll_s: float = POLL_S) -> None:
        """Wait for the lock.

        Args:
            timeout_s: Seconds to wait for another process; 0 to try once.
            poll_s: Seconds between two attempts.

        Raises:
            VaultBusyError: Another process held the lock until the timeout.
            OSError: The lock file can't be created.
        """
        from filelock import Timeout

        # filelock would create a missing directory, with the default permissions.
        os.stat(os.path.dirname(self.path) or os.curdir)
        try:
            try:
                self._lock.acquire(timeout=min(timeout_s, NOTICED_S), poll_interval=poll_s)
            except Timeout:
                if timeout_s <= NOTICED_S:
                    raise
                report_wait(timeout_s, f"another process holds {self.path}{_read_owner(self.path)}")
                self._lock.acquire(timeout=timeout_s - NOTICED_S, poll_interval=poll_s)
        except Timeout as error:
            raise VaultBusyError(
                f"Another process has held {self.path} for {timeout_s:g} seconds{_read_owner(self.path)}.",
                remedy="Wait until that process ends, or stop it, then try again.",
            ) from error
        _write_owner(self.path)

    def release(self) -> None:
        """Release the lock."""
        if self._is_removed:
            # Removed while the lock is held: a process that has the file open notices this and creates a new one.
            # Windows can't remove an open file; there filelock removes it after the release.
            with suppress(OSError):
                os.unlink(self.path)
        self._lock.release()


@contextmanager
def locked(path: str, timeout_s: float, *, is_removed: bool = False) -> Iterator[None]:
    """Hold a lock file for a block.

    Args:
        path: The lock file. Its directory must exist.
        timeout_s: Seconds to wait for another process.
        is_removed: As for `LockFile`.

    Raises:
        VaultBusyError: Another process held the lock until the timeout.
        VaultError: The lock file can't be created.
    """
    lock = LockFile(path, is_removed=is_removed)
    try:
        lock.acquire(timeout_s)
    except OSError as error:
        raise file_error("lock", path, error) from error
    try:
        yield
    finally:
        lock.release()


def report_wait(timeout_s: float, reason: str) -> None:
    """Log that a wait for something outside of this process continues; the command shows it.

    Args:
        timeout_s: Seconds after which the wait ends.
        reason: Reason of the wait, as a clause.
    """
    # Loaded when it is needed: the fresh token of a connection is read without it.
    import logging

    logging.getLogger("entrakit.waits").info("waiting up to %.1f s: %s", timeout_s, reason)


def _write_owner(path: str) -> None:
    """Write this process's id and host into a lock file; failure only makes error messages less precise."""
    from platform import node

    try:
        with open(os.open(path, os.O_WRONLY | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)), "wb") as file:
            file.write(f"{os.getpid()} {node()}".encode("ascii", "replace"))
    except OSError:
        return


def _read_owner(path: str) -> str:
    """Return the owner that a lock file names, in brackets; empty if it names none. The file may have any content."""
    try:
        with open(path, "rb") as file:
            pid, _, host = file.read(100).decode("ascii", "replace").partition(" ")
    except OSError:
        return ""
    return f" (process {pid} on {host or 'this host'})" if pid.isdigit() and f"{host}x".isprintable() else ""
