"""Private files: ours alone from creation, replaced whole or not at all, and read only if nobody else could write."""

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
    """Make a directory for us alone, with its parents; one that exists must be ours alone.

    Raises:
        VaultError: It can't be made, is somebody else's, or others can read or write it.
    """
    missing, parent = [], os.path.abspath(path)
    while not os.path.lexists(parent):
        missing.append(parent)
        parent = os.path.dirname(parent)
    try:
        # One by one, because os.makedirs gives the mode to the last one only.
        for directory in reversed(missing):
            with contextlib.suppress(FileExistsError):
                os.mkdir(directory, 0o700)
    except OSError as error:
        raise refused("make", path, error) from error
    check_directory(path)


def check_writable(path: str) -> None:
    """Raise VaultError for a directory in which nothing can be made, on a read-only disk for example."""
    if os.access(path, os.W_OK):
        return
    try:
        # Only an attempt says why.
        probe = _temporary(os.path.join(path, "probe"))
        _write_new(probe, b"")
        os.unlink(probe)
    except OSError as error:
        raise refused("write to", path, error) from error


def check_directory(path: str) -> None:
    """Raise VaultError for a directory that is not ours alone; one that does not exist is as good as one that is.

    Args:
        path: The directory; a link to one is refused as well.
    """
    try:
        info = os.lstat(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise refused("read", path, error) from error
    _check_ours(path, info, directory=True)


def read_file(path: str) -> bytes | None:
    """Return the content of a private file; None if there is none.

    Raises:
        VaultError: It can't be read, is a link or no file, is somebody else's, others can read or write it, or it is
            larger than anything that we write.
    """
    try:
        handle = os.open(path, READ)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _unsafe(path, "is a symbolic link", "Remove it") from error
        raise refused("read", path, error) from error
    try:
        info = os.fstat(handle)
        _check_ours(path, info, directory=False)
        if info.st_size > MAX_FILE:
            raise _unsafe(path, "is larger than anything that entrakit writes", "Remove it")
        # Read without a file object: it would refuse a directory in words of its own, and costs a little.
        data = b""
        while part := os.read(handle, info.st_size - len(data)):
            data += part
        return data
    except OSError as error:
        raise refused("read", path, error) from error
    finally:
        os.close(handle)


def write_file(path: str, data: bytes) -> None:
    """Write a private file: the new content is on the disk whole before it takes the place of the old.

    Raises:
        VaultError: It can't be written, or is too large to be read again; the old content is still there.
    """
    if len(data) > MAX_FILE:
        raise VaultError(f"Can't write {path}: {len(data)} bytes are more than one connection may have.")
    temporary = _temporary(path)
    try:
        _write_new(temporary, data)
        os.replace(temporary, path)
        sync_directory(os.path.dirname(path))
    except OSError as error:
        raise refused("write", path, error) from error
    finally:
        _forget(temporary)


def create_file(path: str, data: bytes) -> bool:
    """Write a private file if there is none, and return whether it was ours to write.

    Of several processes that race, one wins with its whole content, and the others see that. On a disk without hard
    links, such as a USB stick, they may see the beginning of it.

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
        raise refused("write", path, error) from error
    finally:
        _forget(temporary)
    return True


def set_aside(path: str, aside: str, seen: bytes) -> bool:
    """Move a file that can't be used out of the way, and return whether it was still the one that was read.

    If another process has replaced it meanwhile, its new content stays.

    Args:
        path: The file.
        aside: Its new name, in the same directory.
        seen: What was read of it.

    Raises:
        VaultError: It can't be moved.
    """
    # Looked at before it is moved as well: whoever is killed between the two moves would leave a good file aside.
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
        raise refused("move", path, error) from error
    return False


def remove_seen(path: str, seen: bytes) -> bool:
    """Remove a file if it is still what was read, and return whether it was.

    Raises:
        VaultError: It can't be removed.
    """
    aside = _temporary(path)
    return set_aside(path, aside, seen) and remove_file(aside)


def intended_name(file: str) -> str:
    """Return the name that a file would have got if its writer had not been killed; empty if it is no such file."""
    return file[1:].rsplit(".", 2)[0] if file.startswith(".") and file.endswith(".new") else ""


def remove_rests(directory: str, before: float) -> None:
    """Remove what killed writers left in a directory, as far as it can be removed.

    Args:
        directory: The directory.
        before: Seconds since 1970; what was written later may belong to a writer that is at work.
    """
    with contextlib.suppress(OSError), os.scandir(directory) as files:
        for file in files:
            if intended_name(file.name) and file.stat(follow_symlinks=False).st_mtime < before:
                _forget(file.path)


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
        raise refused("remove", path, error) from error
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


def _temporary(path: str) -> str:
    # It begins with a dot, as no connection's name does, so that it can't be taken for an entry.
    directory, name = os.path.split(path)
    return os.path.join(directory, f".{name}.{os.urandom(8).hex()}.new")


def _forget(temporary: str) -> None:
    # What went wrong is told by then; on a read-only disk even this says so.
    with contextlib.suppress(OSError):
        os.unlink(temporary)


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
        link = stat.S_ISLNK(info.st_mode)
        problem = "is a symbolic link" if link else "is not a directory" if directory else "is not a file"
        raise _unsafe(path, problem, "Remove it, or set ENTRAKIT_HOME to another directory")
    if not POSIX:
        return
    if info.st_uid != os.geteuid():
        raise _unsafe(path, f"belongs to another user (id {info.st_uid})", "Set ENTRAKIT_HOME to a directory of yours")
    if info.st_mode & 0o077:
        mode = "700" if directory else "600"
        raise _unsafe(path, f"can be used by others (mode {info.st_mode & 0o777:o})", f"Type `chmod {mode} {path}`")


def _unsafe(path: str, problem: str, remedy: str) -> VaultError:
    return VaultError(f"{path} {problem}, so it is not used.", remedy=f"{remedy}, then try again.")


def refused(what: str, path: str, error: OSError) -> VaultError:
    """Return the error for what the system refused, with what can be done about that."""
    remedies = {
        errno.ENOSPC: "Make room on the disk",
        errno.EDQUOT: "Make room in your quota",
        errno.EROFS: "The disk is read-only: set ENTRAKIT_HOME to a directory that can be written",
        errno.EACCES: "Check who owns it, or set ENTRAKIT_HOME to a directory of yours",
    }
    remedy = remedies.get(error.errno or 0, "Check the disk, or set ENTRAKIT_HOME to another directory")
    return VaultError(f"Can't {what} {path}: {error.strerror}.", remedy=f"{remedy}, then try again.")
