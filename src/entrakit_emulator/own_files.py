"""The files that a caller names: written only where no other user could have chosen the place.

In a directory where others can write, such as `/tmp`, a link may lead to any file of this user, and a file may be
somebody else's. Such links are not followed, and such files are not replaced, even by root.
"""

from __future__ import annotations

import errno
import os
import stat

MOST_LINKS = 40


def place_of(path: str) -> str:
    """Return the absolute path of the file to write, with links followed that only we or root can have made.

    Raises:
        OSError: A link or the file may be another user's, or links lead in a circle.
    """
    if not hasattr(os, "getuid"):
        return os.path.realpath(path)
    # An absolute path needs no working directory, which may have been removed.
    names = (path if os.path.isabs(path) else os.path.join(os.getcwd(), path)).split("/")
    done = "/"
    links = 0
    while names:
        name = names.pop(0)
        here = os.path.dirname(done) if name == ".." else os.path.join(done, name) if name not in ("", ".") else done
        if os.path.islink(here):
            links += 1
            if links > MOST_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), here)
            if not _is_ours_alone(done) and not os.lstat(here).st_uid == os.stat(done).st_uid == os.getuid():
                raise PermissionError(errno.EPERM, "it is a link that another user may have put there", here)
            target = os.readlink(here)
            names = target.split("/") + names
            here = "/" if target.startswith("/") else done
        done = here
    if os.path.isfile(done) and os.stat(done).st_uid != os.getuid() and _is_sticky(os.path.dirname(done)):
        raise PermissionError(errno.EPERM, "it belongs to another user, in a directory where others can write", done)
    return done


def _is_ours_alone(directory: str) -> bool:
    """Return whether only we and root can write in a directory."""
    info = os.stat(directory)
    return info.st_uid in (0, os.getuid()) and not info.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _is_sticky(directory: str) -> bool:
    """Return whether others can write in a directory, and only owners may replace their files there."""
    mode = os.stat(directory).st_mode
    return bool(mode & stat.S_ISVTX and mode & (stat.S_IWGRP | stat.S_IWOTH))
