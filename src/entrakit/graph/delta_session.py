"""Where a delta query goes on from: a private file, replaced whole or not at all.

    {"entrakit_delta": 1, "queries": {"KEY": "https://graph.microsoft.com/v1.0/users/delta?$deltatoken=…"}}

One file holds the places of any number of queries. Each is known by the whole query and the tenant, so that a link is
never used for another. A link holds no secret; it says what was asked, and so the file is private all the same.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import contextmanager
from threading import Lock

from entrakit.errors import VaultBusyError, VaultError
from entrakit.files.private import read_file, write_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike

VERSION = 1
PATIENCE_S = 10.0
_REMEDY = "Name another file, or remove this one and read everything again."
_NEWER = "Update entrakit."
_OTHER = "Name a file that can be written."


class DeltaSession:
    """The places of delta queries in a file; made when something is first kept.

    Args:
        path: The file. Its directory must exist.

    Raises:
        VaultError: The file is there and can't be read, or is none of ours; nothing was changed.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = os.path.abspath(os.path.expanduser(path))
        self._lock = Lock()
        self._queries()

    def __repr__(self) -> str:
        return f"DeltaSession({self.path!r})"

    def link(self, key: str) -> str:
        """Return where a query goes on; empty where it begins. Raises VaultError."""
        return self._queries().get(key, "")

    def keep(self, key: str, link: str) -> None:
        """Keep where a query goes on; other queries in the file stay. Raises VaultError."""
        with self._exclusive():
            queries = self._queries() | {key: link}
            text = json.dumps({"entrakit_delta": VERSION, "queries": queries}, indent=1)
            write_file(self.path, text.encode())

    def forget(self, key: str) -> None:
        """Let a query begin anew. Raises VaultError."""
        with self._exclusive():
            queries = self._queries()
            if queries.pop(key, None) is not None:
                text = json.dumps({"entrakit_delta": VERSION, "queries": queries}, indent=1)
                write_file(self.path, text.encode())

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Keep other threads and processes from the file while it is changed."""
        with self._lock:
            try:
                with _alone_in(os.path.dirname(self.path)):
                    yield
            except OSError as error:
                raise VaultError(f"{self.path} can't be written: {error.strerror}.", remedy=_OTHER) from error
            except VaultError as error:
                # What is wrong with the content says what helps; what is wrong with the place does not.
                if error.remedy in (_REMEDY, _NEWER) or error.retryable:
                    raise
                raise VaultError(error.problem, remedy=_OTHER) from error

    def _queries(self) -> dict[str, str]:
        try:
            data = read_file(self.path)
        except VaultError as error:
            raise VaultError(error.problem, remedy=_REMEDY) from error
        if data is None:
            return {}
        try:
            parsed = json.loads(data)
            version, queries = parsed["entrakit_delta"], parsed["queries"]
        except (ValueError, KeyError, TypeError, RecursionError):
            version, queries = 0, None
        if isinstance(version, int) and version > VERSION:
            raise VaultError(f"{self.path} was written by a newer entrakit.", remedy=_NEWER)
        is_ours = isinstance(queries, dict) and all(isinstance(one, str) for one in queries.values())
        if version != VERSION or not is_ours:
            raise VaultError(f"{self.path} is not a file of delta sessions, or is damaged.", remedy=_REMEDY)
        return dict(queries)


@contextmanager
def _alone_in(directory: str) -> Iterator[None]:
    """Hold the lock of a directory, which leaves nothing behind; where the system has none, believe that we are alone.

    Raises:
        VaultBusyError: Another process held it for ten seconds.
        OSError: There is no such directory.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    handle = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > until:
                    raise VaultBusyError(
                        f"Another process has held {directory} for {PATIENCE_S:g} seconds.", remedy="Try again."
                    ) from error
                time.sleep(0.01)
        yield
    finally:
        os.close(handle)
