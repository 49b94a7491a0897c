"""Result files of a user: private, written by one process at a time, and put in place complete.

    FILE             the result; replaced in one step by the new one
    .FILE.new        the new one while it is written
    .FILE.new.lock   held while it is written

Unlike the files of a vault, they may be in a directory that others can read.
"""

from __future__ import annotations

import io
import os
import stat
from contextlib import ExitStack, contextmanager, suppress
from errno import EACCES, ENOENT, ENOTDIR, EPERM
from typing import TYPE_CHECKING

from entrakit.errors import ExportError, VaultBusyError
from entrakit.files.links import follow
from entrakit.files.lock import LockFile
from entrakit.paths import absolute

if TYPE_CHECKING:
    from collections.abc import Iterator

_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


class NewFile:
    """A private file that replaces another in one step once it is complete.

    Args:
        path: The file.

    Raises:
        ExportError: The file can't be written there, or another process is writing it.
    """

    def __init__(self, path: str) -> None:
        self.path = target_of(path)
        self._unfinished = self._name_while_written()
        with ExitStack() as undo:
            self._lock = hold(self._unfinished, self.path)
            undo.callback(self._lock.release)
            raw = undo.enter_context(open_private(self._unfinished, self.path))
            with self._reported():
                self._begin(raw)
            undo.pop_all()
        self._file = io.BufferedWriter(raw)
        self._is_over = False

    def write(self, data: bytes) -> None:
        """Write bytes. Raises ExportError."""
        with self._reported():
            self._file.write(data)

    def flush(self) -> None:
        """Do nothing: the file is read only after it is complete."""

    def sync(self) -> None:
        """Do the same as `flush`."""
        self.flush()

    def start_over(self) -> None:
        """Discard what was written. Raises ExportError."""
        with self._reported():
            self._file.seek(0)
            self._file.truncate()

    def finish(self) -> None:
        """Put the file in its place, complete and on the disk. Raises ExportError."""
        with self._reported():
            self._file.flush()
            os.fsync(self._file.fileno())
            # Before the move: Windows can't move an open file.
            self._file.close()
            os.replace(self._unfinished, self.path)
        self._is_over = True
        self._lock.release()

    def close(self) -> None:
        """Discard what was not finished."""
        if self._is_over:
            return
        self._is_over = True
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):
            self._discard()
        self._lock.release()

    @contextmanager
    def _reported(self) -> Iterator[None]:
        """Raise an OSError of the block as an ExportError that names the file."""
        try:
            yield
        except OSError as error:
            raise _not_writable(self.path, error) from error

    def _name_while_written(self) -> str:
        directory, name = os.path.split(self.path)
        return os.path.join(directory, f".{name}.new")

    def _begin(self, raw: io.FileIO) -> None:
        """Make the open file ready; a killed run may have left content in it."""
        raw.truncate(0)

    def _discard(self) -> None:
        os.unlink(self._unfinished)


def target_of(path: str | os.PathLike[str]) -> str:
    """Return the file that a path means: absolute, and with symbolic links followed that no other user can have made.

    Raises:
        ParameterError: The path is relative, and the working directory does not exist any more.
        ExportError: The path is not valid; a link or the file may be another user's; or the path exists and is not a
            regular file, so a file must not replace it.
    """
    full = absolute(path)
    try:
        target = follow(full)
    except ValueError as error:
        raise ExportError(f"{os.fspath(path)!r} can't be written: it is not a valid path.") from error
    except OSError as error:
        if error.errno != EPERM:
            raise _not_writable(str(error.filename or path), error) from error
        is_link = os.path.islink(error.filename)
        raise ExportError(
            f"{error.filename} can't be written: {error.strerror}.",
            remedy="Name the file itself, without the link." if is_link else "Name a file in your home directory.",
        ) from error
    if os.path.exists(target) and not os.path.isfile(target):
        what = "a directory" if os.path.isdir(target) else "not a regular file"
        raise ExportError(f"{target} can't be written: it is {what}.", remedy="Name a file that may be replaced.")
    return target


def check_target(path: str | os.PathLike[str]) -> str:
    """Return the file that a path means, before there is anything to write to it.

    Raises:
        ExportError: No file can be put there: its directory does not exist, or can't be written.
    """
    target = target_of(path)
    directory = os.path.dirname(target)
    if not os.path.isdir(directory) or not os.access(directory, os.W_OK):
        exists = os.path.exists(directory)
        number = ENOENT if not exists else EACCES if os.path.isdir(directory) else ENOTDIR
        raise _not_writable(target, OSError(number, os.strerror(number)))
    try:
        # Not every directory that root may write to takes a file: /proc, for example.
        probe = os.path.join(directory, f".{os.urandom(8).hex()}.entra")
        os.close(os.open(probe, _FLAGS | os.O_EXCL, 0o600))
        os.unlink(probe)
    except OSError as error:
        raise _not_writable(target, error) from error
    return target


def hold(path: str, target: str) -> LockFile:
    """Return the lock of a file that is being written; the caller releases it.

    Args:
        path: The file. The lock file is next to it.
        target: The result file, which error messages name.

    Raises:
        ExportError: Another process is writing the file, or the lock file can't be created.
    """
    lock = LockFile(f"{path}.lock", is_removed=True)
    try:
        lock.acquire(0.0)
    except VaultBusyError as error:
        if not os.path.lexists(f"{path}.lock"):
            # A file system that can't contain it, such as /proc.
            raise _not_writable(target, OSError(ENOENT, os.strerror(ENOENT))) from error
        raise ExportError(
            f"Another process is writing {path}.", remedy="Wait until that process ends, or name another file."
        ) from error
    except OSError as error:
        raise _not_writable(target, error) from error
    return lock


def open_private(path: str, target: str) -> io.FileIO:
    """Open a private file for reading and writing, unbuffered; create it if it is missing.

    Args:
        path: The file.
        target: The result file, which error messages name.

    Raises:
        ExportError: The file can't be opened, belongs to another user, is writable for others, or is not a regular
            file.
    """
    try:
        file = os.fdopen(os.open(path, _FLAGS, 0o600), "r+b", buffering=0)
    except OSError as error:
        raise _not_writable(target, error) from error
    info = os.fstat(file.fileno())
    is_ours = not hasattr(os, "geteuid") or (info.st_uid == os.geteuid() and not info.st_mode & 0o022)
    if not is_ours or not stat.S_ISREG(info.st_mode):
        # Its content would become part of the result.
        file.close()
        raise ExportError(
            f"{path} belongs to another user, others can write it, or it is not a regular file.",
            remedy="Look at it: remove it only if nobody needs it, or name another file.",
        )
    return file


def _not_writable(path: str, error: OSError) -> ExportError:
    return ExportError(
        f"{path} can't be written: {error.strerror or type(error).__name__}.",
        remedy="Name a file in a directory that can be written.",
    )
