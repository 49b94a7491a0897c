"""Where a delta query goes on from: a private file, replaced whole or not at all.

    {"entrakit_delta": 1, "queries": {"KEY": "https://graph.microsoft.com/v1.0/users/delta?$deltatoken=…"}}

One file holds the places of any number of queries. Each is known by the whole query and the tenant, so that a link is
never used for another. A link holds no secret; it says what was asked, and so the file is private all the same.
"""

from __future__ import annotations

import json
import os
from threading import Lock

from entrakit.errors import VaultError
from entrakit.vault.private_files import read_file, write_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import PathLike

VERSION = 1
_REMEDY = "Name another file, or remove this one and read everything again."


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
        with self._lock:
            queries = self._queries() | {key: link}
            text = json.dumps({"entrakit_delta": VERSION, "queries": queries}, indent=1)
            try:
                write_file(self.path, text.encode())
            except VaultError as error:
                raise VaultError(error.problem, remedy="Name a file that can be written.") from error

    def forget(self, key: str) -> None:
        """Let a query begin anew. Raises VaultError."""
        with self._lock:
            queries = self._queries()
            if queries.pop(key, None) is not None:
                text = json.dumps({"entrakit_delta": VERSION, "queries": queries}, indent=1)
                write_file(self.path, text.encode())

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
            raise VaultError(f"{self.path} was written by a newer entrakit.", remedy="Update entrakit.")
        is_ours = isinstance(queries, dict) and all(isinstance(one, str) for one in queries.values())
        if version != VERSION or not is_ours:
            raise VaultError(f"{self.path} is not a file of delta sessions, or is damaged.", remedy=_REMEDY)
        return dict(queries)
