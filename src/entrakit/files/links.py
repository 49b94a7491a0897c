"""Symbolic links in the paths that a user names: followed only if no other user could have put them there.

Somebody else's link in a shared directory, such as `/tmp`, would have us write a file that we never named: as root, any
file of this machine. A link is followed if it and its directory are ours, or if only we and root can write in its
directory. This holds for each link on the way to a file.
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
        OSError: A link could be another user's, or links lead in a circle; `strerror` says so, and `filename` names it.
    """
    given = os.path.expanduser(os.fspath(path))
    if not hasattr(os, "geteuid"):
        # On Windows a user needs a privilege to make a link.
        return os.path.realpath(given)
    rest = os.path.join(os.getcwd(), given).split(os.sep)[::-1]
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
    return place


def _status(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except OSError:
        return None


def _is_trusted(link: os.stat_result, directory: os.stat_result) -> bool:
    """Return whether a link and its directory are ours, or only we and root can write in the directory."""
    us = os.geteuid()
    if link.st_uid == directory.st_uid == us:
        return True
    return directory.st_uid in (0, us) and not directory.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
