"""Private files: ours alone from creation, replaced whole or not at all, and read only if nobody else could write."""

from __future__ import annotations

import contextlib
import errno
import os
import stat

from entrakit.errors import VaultError

MAX_FILE = 4 * 1024 * 1024
POSIX = hasattr(os, "geteuid")


def make_directory(path: str) -> None:
    """Make a directory for us alone, with its parents; one that exists must be ours alone.

    Raises:
        VaultError: It can't be made, is somebody else's, or others can read or write it.
    """
    try:
        if not os.path.lexists(path):
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                os.mkdir(path, 0o700)
        info = os.lstat(path)
    except OSError as error:
        raise _refused("make", path, error) from error
    _check_ours(path, info, directory=True)


def read_file(path: str) -> bytes | None:
    """Return the content of a private file; None if there is none.

    Raises:
        VaultError: It can't be read, is a link or no file, is somebody else's, others can read or write it, or it is
            larger than anything that we write.
    """
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _unsafe(path, "is a symbolic link", "Remove it") from error
        raise _refused("read", path, error) from error
    try:
        _check_ours(path, os.fstat(handle), directory=False)
        # Read without a file object: it would refuse a directory in words of its own, and costs a little.
        data = b""
        while len(data) <= MAX_FILE and (part := os.read(handle, MAX_FILE + 1)):
            data += part
    except OSError as error:
        raise _refused("read", path, error) from error
    finally:
        os.close(handle)
    if len(data) > MAX_FILE:
        raise _unsafe(path, "is larger than anything that entrakit writes", "Remove it")
    return data


def write_file(path: str, data: bytes) -> None:
    """Write a private file: the new content is on the disk whole before it takes the place of the old.

    Raises:
        VaultError: It can't be written; the old content is still there.
    """
    temporary = f"{path}.{os.getpid()}.{os.urandom(4).hex()}.new"
    try:
        _write_new(temporary, data)
        os.replace(temporary, path)
        sync_directory(os.path.dirname(path))
    except OSError as error:
        remove_file(temporary)
        raise _refused("write", path, error) from error


def create_file(path: str, data: bytes) -> bool:
    """Write a private file if there is none, and return whether it was ours to write.

    Of several processes that race, one wins with its whole content, and the others see that.

    Raises:
        VaultError: It can't be written.
    """
    temporary = f"{path}.{os.getpid()}.{os.urandom(4).hex()}.new"
    try:
        _write_new(temporary, data)
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        finally:
            os.unlink(temporary)
        sync_directory(os.path.dirname(path))
    except OSError as error:
        remove_file(temporary)
        raise _refused("write", path, error) from error
    return True


def remove_file(path: str) -> bool:
    """Remove a file and return whether there was one.

    Raises:
        VaultError: It can't be removed.
    """
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _refused("remove", path, error) from error
    return True


def sync_directory(path: str) -> None:
    """Bring the names in a directory to the disk, where the system can do so."""
    if not POSIX:
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_new(path: str, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with open(os.open(path, flags, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _check_ours(path: str, info: os.stat_result, *, directory: bool) -> None:
    """Raise VaultError for what could be read, or have been written, by others."""
    right_kind = stat.S_ISDIR(info.st_mode) if directory else stat.S_ISREG(info.st_mode)
    if not right_kind:
        raise _unsafe(path, "is not a directory" if directory else "is not a file", "Remove it")
    if not POSIX:
        return
    if info.st_uid != os.geteuid():
        raise _unsafe(path, f"belongs to another user (id {info.st_uid})", "Set ENTRAKIT_HOME to a directory of yours")
    if info.st_mode & 0o077:
        mode = "700" if directory else "600"
        raise _unsafe(path, f"can be used by others (mode {info.st_mode & 0o777:o})", f"Type `chmod {mode} {path}`")


def _unsafe(path: str, problem: str, remedy: str) -> VaultError:
    return VaultError(f"{path} {problem}, so it is not used.", remedy=f"{remedy}, then try again.")


def _refused(what: str, path: str, error: OSError) -> VaultError:
    remedies = {
        errno.ENOSPC: "Make room on the disk",
        errno.EDQUOT: "Make room in your quota",
        errno.EROFS: "The disk is read-only: set ENTRAKIT_HOME to a directory that can be written",
        errno.EACCES: "Check who owns it, or set ENTRAKIT_HOME to a directory of yours",
    }
    remedy = remedies.get(error.errno or 0, "Check the disk, or set ENTRAKIT_HOME to another directory")
    return VaultError(f"Can't {what} {path}: {error.strerror}.", remedy=f"{remedy}, then try again.")
