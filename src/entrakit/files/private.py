"""Private files: readable by their owner only from creation, and replaced whole or not at all.

A file is read only if its owner alone could have written it. Directories follow the same rules.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat

from entrakit.errors import VaultError

MAX_FILE = 4 * 1024 * 1024
POSIX = hasattr(os, "geteuid")
_NO_HARD_LINKS = (errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP)
# Not blocking, because a pipe in place of a file would make us wait for its writer.
READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def make_directory(path: str) -> None:
    """Make a private directory and its missing parents; one that exists must be private already.

    Raises:
        VaultError: It can't be made, belongs to another user, or others can read or write it.
    """
    try:
        info = os.lstat(path)
    except OSError:
        info = _new_directory(path)
    _check_private(path, info, directory=True)


def check_writable(path: str) -> None:
    """Raise VaultError if no file can be created in a directory, for example on a read-only disk."""
    if os.access(path, os.W_OK):
        return
    try:
        # Only an attempt gives the reason.
        probe = _temporary(os.path.join(path, "probe"))
        _write_new(probe, b"")
        os.unlink(probe)
    except OSError as error:
        raise file_error("write to", path, error) from error


def check_directory(path: str) -> None:
    """Raise VaultError if a directory is not private; a missing one is fine.

    Args:
        path: The directory; a link to one is refused as well.
    """
    try:
        info = os.lstat(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise file_error("read", path, error) from error
    _check_private(path, info, directory=True)


def read_file(path: str) -> bytes | None:
    """Return the content of a private file; None if it does not exist.

    Raises:
        VaultError: It can't be read, is a link or not a file, belongs to another user, others can read or write it, or
            it is larger than anything that entrakit writes.
    """
    try:
        handle = os.open(path, READ)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _unsafe(path, "is a symbolic link", "Remove it") from error
        raise file_error("read", path, error) from error
    try:
        info = os.fstat(handle)
        _check_private(path, info, directory=False)
        if info.st_size > MAX_FILE:
            raise _unsafe(path, "is larger than anything that entrakit writes", "Remove it")
        # Read without a file object, which is slower and raises its own error for a directory.
        data = os.read(handle, info.st_size)
        while len(data) < info.st_size and (more := os.read(handle, info.st_size - len(data))):
            data += more
        return data
    except OSError as error:
        raise file_error("read", path, error) from error
    finally:
        os.close(handle)


def write_file(path: str, data: bytes, *, is_durable: bool = True) -> None:
    """Write a private file: the new content takes the place of the old in one step, once it is complete.

    Args:
        path: The file.
        data: Its new content.
        is_durable: Wait until the content is on the disk. Without it, a power cut may leave an empty file, which
            is acceptable for content that can be fetched again.

    Raises:
        VaultError: It can't be written, or is too large to be read again; the old content is unchanged.
    """
    if len(data) > MAX_FILE:
        raise VaultError(f"Can't write {path}: {len(data)} bytes are more than one connection may have.")
    temporary = _temporary(path)
    try:
        _write_new(temporary, data, is_durable=is_durable)
        os.replace(temporary, path)
        if is_durable:
            sync_directory(os.path.dirname(path))
    except BaseException as error:
        _remove_quietly(temporary)
        if isinstance(error, OSError):
            raise file_error("write", path, error) from error
        raise


def create_file(path: str, data: bytes) -> bool:
    """Write a private file if it does not exist, and return whether this call wrote it.

    If several processes race, one wins with its whole content, and the others see this content. On a disk without hard
    links, such as a USB stick, they may see only the beginning of it.

    Raises:
        VaultError: It can't be written.
    """
    temporary = _temporary(path)
    try:
        _write_new(temporary, data)
        try:
            os.link(temporary, path)
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
            _write_new(path, data)
        sync_directory(os.path.dirname(path))
    except FileExistsError:
        return False
    except OSError as error:
        raise file_error("write", path, error) from error
    finally:
        _remove_quietly(temporary)
    return True


def set_aside(path: str, aside: str, seen: bytes) -> bool:
    """Move an unusable file out of the way, and return whether it still had the content that was read.

    If another process has replaced it since, the new content stays.

    Args:
        path: The file.
        aside: Its new name, in the same directory.
        seen: Content that was read.

    Raises:
        VaultError: It can't be moved.
    """
    # Also checked before the move: a process that is killed between the two moves would leave a good file aside.
    if read_file(path) != seen:
        return False
    try:
        os.replace(path, aside)
        if read_file(aside) == seen:
            return True
        with contextlib.suppress(FileExistsError):
            os.link(aside, path)
        os.unlink(aside)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise file_error("move", path, error) from error
    return False


def remove_seen(path: str, seen: bytes) -> bool:
    """Remove a file if it still has the content that was read, and return whether it had.

    Raises:
        VaultError: It can't be removed.
    """
    aside = _temporary(path)
    return set_aside(path, aside, seen) and remove_file(aside)


def intended_name(file: str) -> str:
    """Return the name that a temporary file was to get before its writer was killed; empty if it is not temporary."""
    return file[1:].rsplit(".", 2)[0] if file.startswith(".") and file.endswith(".new") else ""


def remove_leftovers(directory: str, before: float) -> None:
    """Remove the temporary files of killed writers from a directory, as far as possible.

    Args:
        directory: The directory.
        before: Seconds since 1970; a later file may belong to a writer that is still running.
    """
    with contextlib.suppress(OSError), os.scandir(directory) as files:
        for file in files:
            if intended_name(file.name) and file.stat(follow_symlinks=False).st_mtime < before:
                _remove_quietly(file.path)


def remove_file(path: str) -> bool:
    """Remove a file and return whether it existed.

    Raises:
        VaultError: It can't be removed.
    """
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise file_error("remove", path, error) from error
    return True


def sync_directory(path: str) -> None:
    """Flush the names in a directory to the disk, if the system supports it."""
    if not POSIX:
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def file_error(action: str, path: str, error: OSError) -> VaultError:
    """Return the error for a system call that failed, with a remedy.

    Args:
        action: The operation that failed, such as `read`.
        path: The file or directory.
        error: The error of the system.
    """
    remedies = {
        errno.ENOSPC: "Make room on the disk",
        errno.EDQUOT: "Make room in your quota",
        errno.EROFS: "The disk is read-only: set ENTRAKIT_HOME to a directory that can be written",
        errno.EACCES: "Check its owner, or set ENTRAKIT_HOME to your own directory",
    }
    remedy = remedies.get(error.errno or 0, "Check the disk, or set ENTRAKIT_HOME to another directory")
    return VaultError(f"Can't {action} {path}: {error.strerror}.", remedy=f"{remedy}, then try again.")


def _new_directory(path: str) -> os.stat_result:
    """Make a directory and its missing parents, and return its status; another process may have made it first."""
    missing, parent = [], os.path.abspath(path)
    while not os.path.lexists(parent):
        missing.append(parent)
        parent = os.path.dirname(parent)
    try:
        # One by one, because os.makedirs applies the mode to the last directory only.
        for directory in reversed(missing):
            with contextlib.suppress(FileExistsError):
                os.mkdir(directory, 0o700)
        return os.lstat(path)
    except OSError as error:
        raise file_error("make", path, error) from error


def _temporary(path: str) -> str:
    # It begins with a dot, which no connection's name does, so it can't be taken for an entry.
    directory, name = os.path.split(path)
    return os.path.join(directory, f".{name}.{os.urandom(8).hex()}.new")


def _remove_quietly(temporary: str) -> None:
    # The error that matters was raised before; on a read-only disk this call would raise another one.
    with contextlib.suppress(OSError):
        os.unlink(temporary)


def _write_new(path: str, data: bytes, *, is_durable: bool = True) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with open(os.open(path, flags, 0o600), "wb") as file:
        file.write(data)
        if is_durable:
            file.flush()
            os.fsync(file.fileno())


def _check_private(path: str, info: os.stat_result, *, directory: bool) -> None:
    """Raise VaultError for a file or directory that others could read or have written."""
    right_kind = stat.S_ISDIR(info.st_mode) if directory else stat.S_ISREG(info.st_mode)
    if not right_kind:
        link = stat.S_ISLNK(info.st_mode)
        problem = "is a symbolic link" if link else "is not a directory" if directory else "is not a file"
        raise _unsafe(path, problem, "Remove it, or set ENTRAKIT_HOME to another directory")
    if not POSIX:
        return
    if info.st_uid != os.geteuid():
        raise _unsafe(path, f"belongs to another user (id {info.st_uid})", "Set ENTRAKIT_HOME to your own directory")
    if info.st_mode & 0o077:
        mode = "700" if directory else "600"
        raise _unsafe(path, f"can be used by others (mode {info.st_mode & 0o777:o})", f"Type `chmod {mode} {path}`")


def _unsafe(path: str, problem: str, remedy: str) -> VaultError:
    return VaultError(f"{path} {problem}, so it is not used.", remedy=f"{remedy}, then try again.")
