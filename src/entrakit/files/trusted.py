"""Files that decide what this program does: read only if no other user can have written them.

A file can name programs, which run as this user. So nobody else must be able to write or replace it, or a directory
above it.
"""

from __future__ import annotations

import errno
import os
import stat

from entrakit.files.links import MOST_LINKS

MAX_SIZE = 1024 * 1024


def read_trusted(path: str) -> bytes | None:
    """Return the content of a file that only this user and root can write; None if it does not exist.

    Args:
        path: Absolute path; links are followed, and the directories of each are checked, too.

    Raises:
        OSError: Other users can write the file, a link or a directory above them, or the file can't be read;
            `strerror` gives the reason, and `filename` names what is wrong.
    """
    try:
        place = _checked(path)
        # Never waits for a writer, if it is a pipe.
        handle = os.open(place, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (FileNotFoundError, NotADirectoryError):
        return None
    info = os.fstat(handle)
    if not stat.S_ISREG(info.st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "it is not a file", place)
    with open(handle, "rb") as file:
        _refuse_others(place, info)
        data = file.read(MAX_SIZE + 1)
    if len(data) > MAX_SIZE:
        raise OSError(errno.EFBIG, "it is larger than 1 MiB", place)
    return data


def _checked(path: str) -> str:
    """Return the path without its links, after a check of every directory and link on the way."""
    if not hasattr(os, "geteuid"):
        # On Windows only the user's own programs and administrators write in the user's profile.
        return path
    for _ in range(MOST_LINKS):
        target = ""
        parts = path.split(os.sep)
        for end in range(1, len(parts) + 1):
            at = os.sep.join(parts[:end]) or os.sep
            info = os.lstat(at)
            if stat.S_ISLNK(info.st_mode):
                _refuse_others(at, info)
                target = os.path.join(os.path.dirname(at), os.readlink(at), *parts[end:])
                break
            if end < len(parts):
                _refuse_others(at, info)
        if not target:
            return path
        path = os.path.normpath(target)
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)


def _refuse_others(path: str, info: os.stat_result) -> None:
    """Raise OSError if another user than root owns a file, link or directory, or others can write it."""
    if not hasattr(os, "geteuid"):
        return
    if info.st_uid not in (0, os.geteuid()):
        raise OSError(errno.EPERM, f"it belongs to another user (id {info.st_uid})", path)
    # The mode of a link means nothing. In a sticky directory, others can't replace what is not theirs.
    is_shared = stat.S_ISDIR(info.st_mode) and info.st_mode & stat.S_ISVTX
    if not stat.S_ISLNK(info.st_mode) and not is_shared and info.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        mode = stat.S_IMODE(info.st_mode)
        raise OSError(errno.EPERM, f"other users can write to it (mode {mode:o})", path)
