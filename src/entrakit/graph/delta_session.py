"""Delta sessions: the links that delta queries continue from, in a private file that is replaced in one step.

    {"entrakit_delta": 1, "queries": {"KEY": "https://graph.microsoft.com/v1.0/users/delta?$deltatoken=…"}}

One file holds the links of any number of queries. The key of a link is the tenant and the whole query, so a link is
never used for another query. A link holds no secret, but it tells what was asked; therefore the file is private.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from entrakit.errors import ExportError, ParameterError, VaultError
from entrakit.files.links import follow
from entrakit.files.lock import LockFile
from entrakit.files.private import MAX_FILE, read_file, write_file
from entrakit.paths import absolute

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike

    from entrakit.errors import EntraError

VERSION = 1
PATIENCE_S = 10.0
_BEGINNING = re.compile(rb'\s*\{\s*"entrakit_delta"\s*:')
_REMEDY = "Name another file; this one stays as it is."
_DAMAGED = "Name another file, or remove this one and read everything again."
_NEWER = "Update entrakit."
_OTHER = "Name a file that can be written."


class DeltaSession:
    """The links of delta queries in a file, which is made when the first link is saved.

    Args:
        path: The file. Its directory must exist. Links to the directory are followed if no other user can have made
            them; a link in place of the file is not.

    Raises:
        ParameterError: The file exists and can't be read, or is not a file of delta sessions; nothing was changed.
        ExportError: It must not be written: it is a directory, a link, or a file that other users can read or write; or
            a link to its directory may be another user's.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        directory, name = os.path.split(absolute(path))
        try:
            self.path = os.path.join(follow(directory), name)
            if not os.path.islink(self.path):
                follow(self.path)
        except OSError as error:
            raise ExportError(f"{error.filename} can't be used: {error.strerror}.", remedy=_OTHER) from error
        self._lock = Lock()
        self._queries()

    def __repr__(self) -> str:
        return f"DeltaSession({self.path!r})"

    def link(self, key: str) -> str:
        """Return the link that a query continues from; empty if it has none yet. Errors as for the constructor."""
        return self._queries().get(key, "")

    def keep(self, key: str, link: str) -> None:
        """Save the link that a query continues from; other queries in the file stay.

        Raises:
            ParameterError, ExportError: As for the constructor, or the file can't be written.
            VaultBusyError: Another process changes the file.
        """
        with self._exclusive():
            queries = self._queries() | {key: link}
            text = json.dumps({"entrakit_delta": VERSION, "queries": queries}, indent=1)
            write_file(self.path, text.encode())

    def forget(self, key: str) -> None:
        """Remove the link of a query, so that it starts from the beginning. Errors as for `keep`."""
        with self._exclusive():
            queries = self._queries()
            if queries.pop(key, None) is not None:
                text = json.dumps({"entrakit_delta": VERSION, "queries": queries}, indent=1)
                write_file(self.path, text.encode())

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Keep other threads and processes from changing the file during a block."""
        with self._lock:
            lock = LockFile(f"{self.path}.lock", is_removed=True)
            try:
                lock.acquire(PATIENCE_S, poll_s=0.01)
            except OSError as error:
                raise ExportError(f"{self.path} can't be written: {error.strerror}.", remedy=_OTHER) from error
            try:
                yield
            except VaultError as error:
                raise ExportError(error.problem, remedy=_OTHER) from error
            finally:
                lock.release()

    def _queries(self) -> dict[str, str]:
        try:
            data = read_file(self.path)
        except VaultError as error:
            raise _unusable(self.path, error) from error
        if data is None:
            return {}
        try:
            parsed = json.loads(data)
            version, queries = parsed["entrakit_delta"], parsed["queries"]
        except (ValueError, KeyError, TypeError, RecursionError):
            version, queries = 0, None
        if isinstance(version, int) and version > VERSION:
            raise ParameterError(f"{self.path} was written by a newer entrakit.", remedy=_NEWER)
        is_ours = isinstance(queries, dict) and all(isinstance(one, str) for one in queries.values())
        if version != VERSION or not is_ours:
            # Only a file that was a session may be removed: any other is needed for something else.
            if _BEGINNING.match(data):
                raise ParameterError(f"{self.path} is a damaged file of delta sessions.", remedy=_DAMAGED)
            raise ParameterError(f"{self.path} is not a file of delta sessions.", remedy=_REMEDY)
        return dict(queries)


def _unusable(path: str, error: VaultError) -> EntraError:
    """Return the error for a file that a user named, from that for a file of entrakit, whose remedy does not fit."""
    is_link, is_directory = os.path.islink(path), os.path.isdir(path)
    if is_link or is_directory:
        what = "a symbolic link" if is_link else "a directory"
        return ExportError(f"{path} can't be written: it is {what}.", remedy=_REMEDY)
    try:
        with open(path, "rb") as file:
            is_session = _BEGINNING.match(file.read(100)) and os.path.getsize(path) <= MAX_FILE
    except OSError:
        return ParameterError(error.problem, remedy=_REMEDY)
    if not is_session:
        return ParameterError(f"{path} is not a file of delta sessions.", remedy=_REMEDY)
    return ExportError(error.problem, remedy=_REMEDY)
