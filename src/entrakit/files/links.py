"""Links and files at the paths that a user names: used only if no other user could have put them there.

Somebody else's link in a shared directory, such as `/tmp`, would have us write a file that we never named: as root, any
file of this machine. A link is followed if it and its directory are ours, or if only we and root can write in its
directory. This holds for each link on the way to a file.

A file of somebody else in such a directory is not replaced. The sticky bit has the system refuse this, but not to root.
"""

from __future__ import annotations

import errno
import os
import stat

MOST_LINKS = 40


def follow(path: str | os.PathLike[str]) -> str:
    """Return the absolute path that a path means, with its links followed. Missing parts stay as they are.

    Args:
        path: The path; `~` is the home directory.

    Raises:
        OSError: A link could be another user's, the file is another user's in a directory with the sticky bit, or links
            lead in a circle; `strerror` says so, and `filename` names it.
    """
    given = os.path.expanduser(os.fspath(path))
    if not hasattr(os, "geteuid"):
        # On Windows a user needs a privilege to make a link.
        return os.path.realpath(given)
    # An absolute path needs no working directory, which may have been removed.
    full = given if os.path.isabs(given) else os.path.join(os.getcwd(), given)
    rest = full.split(os.sep)[::-1]
    place, links = os.sep, 0
    while rest:
        name = rest.pop()
        if name in ("", os.curdir):
            continue
        if name == os.pardir:
            place = os.path.dirname(place)
            continue
        at = os.path.join(place, name)
        info = _status(at)
        if info is None or not stat.S_ISLNK(info.st_mode):
            place = at
            continue
        links += 1
        if links > MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), at)
        if not _is_trusted(info, os.stat(place)):
            raise OSError(errno.EPERM, "it is a link that another user may have put there", at)
        target = os.readlink(at)
        if os.path.isabs(target):
            place = os.sep
        rest += target.split(os.sep)[::-1]
    if _is_strangers(place):
        raise OSError(errno.EPERM, "it belongs to another user, in a directory where others can write", place)
    return place


def read_unlinked(path: str, limit: int) -> bytes:
    """Return the first bytes of a file that is not a link itself.

    Args:
        path: Its absolute path.
        limit: Maximum number of bytes.

    Raises:
        OSError: It is a link, or this user can't read it.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        return file.read(limit)


def _status(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except OSError:
        return None


def _is_strangers(path: str) -> bool:
    """Return whether a path is another user's file in a directory where only owners may replace their files."""
    info, directory = _status(path), _status(os.path.dirname(path))
    if info is None or directory is None or not stat.S_ISREG(info.st_mode):
        return False
    is_shared = directory.st_mode & stat.S_ISVTX and directory.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return bool(is_shared) and info.st_uid != os.geteuid()


def _is_trusted(link: os.stat_result, directory: os.stat_result) -> bool:
    """Return whether a link and its directory are ours, or only we and root can write in the directory."""
    us = os.geteuid()
    if link.st_uid == directory.st_uid == us:
        return True
    return directory.st_uid in (0, us) and not directory.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
