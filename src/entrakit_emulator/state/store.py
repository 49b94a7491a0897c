"""The directory in SQLite: documents, links between them, and a journal of changes for delta queries.

The database is in memory and has one connection, which is used under the world's lock.
"""

from __future__ import annotations

import json
import re
import secrets
import sqlite3
from typing import TYPE_CHECKING, NamedTuple

from entrakit_emulator.fifo_dict import FifoDict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    JSON = dict[str, object]

RECOUNT = 500
# Rendered pages: two listings of 100,000 objects with 999 on a page, such as the whole and its ranges.
KEPT = 256
# Counts: those that a parallel read sends, several times over.
KEPT_COUNTS = 1_000
SCHEMA = """
CREATE TABLE objects (
    key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, tenant TEXT NOT NULL, kind TEXT NOT NULL, doc TEXT NOT NULL,
    face TEXT NOT NULL, name TEXT COLLATE NOCASE, upn TEXT COLLATE NOCASE, nickname TEXT COLLATE NOCASE,
    mail TEXT COLLATE NOCASE, born REAL NOT NULL, deleted REAL
);
CREATE INDEX by_upn ON objects (tenant, kind, deleted, upn);
CREATE INDEX by_name ON objects (tenant, kind, name);
CREATE INDEX by_nickname ON objects (tenant, kind, deleted, nickname);
CREATE INDEX by_kind ON objects (tenant, kind, deleted, key, upn, nickname, name);
CREATE TABLE links (
    kind TEXT NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL, at REAL NOT NULL, key INTEGER PRIMARY KEY
);
CREATE UNIQUE INDEX by_source ON links (kind, source, target);
CREATE INDEX by_target ON links (kind, target);
CREATE TABLE changes (
    sequence INTEGER PRIMARY KEY, tenant TEXT NOT NULL, at REAL NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL,
    what TEXT NOT NULL, other TEXT NOT NULL DEFAULT '', names TEXT NOT NULL DEFAULT '[]'
);
CREATE INDEX by_tenant ON changes (tenant, kind, sequence);
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


class DirectoryObject(NamedTuple):
    """A stored object.

    Args:
        key: Position in listings.
        id: GUID.
        tenant: Id of the tenant.
        kind: `user`, `group`, `application`, `servicePrincipal`.
        doc: All properties.
        born: Time of creation, in the tenant's time.
        deleted: Time of deletion; None if the object is not deleted.
    """

    key: int
    id: str
    tenant: str
    kind: str
    doc: JSON
    born: float
    deleted: float | None


class Store:
    """The directory of all tenants.

    Args:
        render: Returns the JSON text of an object's default properties, from its kind and all its properties.

    Attributes:
        render: The same function.
        version: Number that grows with each write; rendered pages of an older version are out of date.
        rendered: Rendered pages, by query and version.
    """

    def __init__(self, render: Callable[[str, Mapping[str, object]], str]) -> None:
        self.render = render
        self.connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self.connection.executescript(f"PRAGMA synchronous=OFF; PRAGMA cache_size=-64000; {SCHEMA}")
        self.connection.create_function("searched", 2, searched, deterministic=True)
        self.connection.create_function("fold", 1, folded, deterministic=True)
        self.version = 0
        self.rendered: FifoDict[tuple[object, ...], bytes] = FifoDict(KEPT)
        self._counts: FifoDict[tuple[object, ...], int] = FifoDict(KEPT_COUNTS)
        self._people: dict[str, tuple[int, int]] = {}
        self._write_secret()

    @property
    def secret(self) -> bytes:
        """Key that signs page tokens."""
        ((text,),) = self.connection.execute("SELECT value FROM meta WHERE name='secret'")
        return bytes.fromhex(text)

    def _write_secret(self) -> None:
        self.connection.execute("INSERT INTO meta VALUES ('secret', ?)", (secrets.token_hex(16),))

    def clear(self) -> None:
        """Remove everything."""
        self.connection.executescript("DELETE FROM objects; DELETE FROM links; DELETE FROM changes;")
        self.version += 1
        self._people.clear()

    def dump(self) -> bytes:
        """Return the whole database in SQLite's format."""
        return self.connection.serialize()

    def load(self, database: bytes) -> None:
        """Replace everything by a database that `dump` returned."""
        self.connection.deserialize(database)
        self.version += 1
        self._people.clear()

    def close(self) -> None:
        """Close the database."""
        self.connection.close()

    def find(self, tenant: str, key: str, kinds: Iterable[str], *, is_deleted: bool = False) -> DirectoryObject | None:
        """Return an object by its id, or a user by its sign-in name.

        Args:
            tenant: The tenant.
            key: GUID or user principal name, in any case.
            kinds: Possible kinds of the object.
            is_deleted: Whether to search the deleted objects instead.
        """
        listed = list(kinds)
        marks = ",".join("?" * len(listed))
        state = "NOT NULL" if is_deleted else "NULL"
        query = f"SELECT key, id, tenant, kind, doc, born, deleted FROM objects WHERE tenant=? AND kind IN ({marks}) AND deleted IS {state} AND "  # noqa: E501, S608 - marks only
        row = self.connection.execute(query + "id=?", (tenant, *listed, key.lower())).fetchone()
        if row is None and "user" in listed and "@" in key and not is_deleted:
            row = self.connection.execute(query + "upn=?", (tenant, *listed, key)).fetchone()
        return _stored(row) if row else None

    def select(
        self, columns: str, where: str, values: Iterable[object], rest: str = ""
    ) -> Iterator[tuple[object, ...]]:
        """Return rows of `objects`.

        Args:
            columns: SQL, never text of a client.
            where: SQL with question marks, never text of a client.
            values: Values for the question marks.
            rest: SQL, never text of a client.
        """
        return self.connection.execute(f"SELECT {columns} FROM objects WHERE {where} {rest}", tuple(values))  # noqa: S608 - SQL of the callers

    def count(self, where: str, values: Iterable[object]) -> int:
        """Return the number of matching objects. It is kept until the next write, as pages are."""
        key = (self.version, where, *values)
        if key not in self._counts:
            ((number,),) = self.select("COUNT(*)", where, key[2:])
            self._counts[key] = int(str(number))
        return self._counts[key]

    def people(self, tenant: str) -> int:
        """Return the approximate number of users of a tenant; it is counted again after some hundred writes."""
        at, number = self._people.get(tenant, (-RECOUNT, 0))
        if self.version - at >= RECOUNT:
            number = self.count("tenant=? AND kind='user' AND deleted IS NULL", (tenant,))
            self._people[tenant] = (self.version, number)
        return number

    def put(self, tenant: str, kind: str, doc: JSON, now: float, names: Iterable[str] | None = None) -> None:
        """Write an object, and record the change.

        Args:
            tenant: The tenant.
            kind: Kind of the object.
            doc: All properties, including `id`.
            now: The tenant's time.
            names: Properties that changed; None for a new object.
        """
        row = (*self._row(tenant, kind, doc), now)
        with self.connection:
            self.connection.execute(
                "INSERT INTO objects (id, tenant, kind, doc, face, name, upn, nickname, mail, born) "
                "VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT (id) DO UPDATE SET doc=excluded.doc, face=excluded.face, "
                "name=excluded.name, upn=excluded.upn, nickname=excluded.nickname, mail=excluded.mail, "
                "deleted=NULL",
                row,
            )
            self.note(tenant, now, str(doc["id"]), kind, "created" if names is None else "updated", names=names or ())

    def put_many(self, tenant: str, kind: str, docs: Iterable[JSON], now: float) -> None:
        """Write many new objects."""
        with self.connection:
            self.connection.execute("BEGIN")
            self.connection.executemany(
                "INSERT INTO objects (id, tenant, kind, doc, face, name, upn, nickname, mail, born) "
                "VALUES (?,?,?,?,?,?,?,?,?,?)",
                ((*self._row(tenant, kind, doc), now) for doc in docs),
            )
        self.version += 1

    def link_many(self, kind: str, links: Iterable[tuple[str, str]], now: float) -> None:
        """Link many existing objects."""
        with self.connection:
            self.connection.execute("BEGIN")
            self.connection.executemany(
                "INSERT INTO links (kind, source, target, at) VALUES (?,?,?,?)",
                ((kind, source, target, now) for source, target in links),
            )
        self.version += 1

    def delete(self, stored: DirectoryObject, now: float, *, for_good: bool) -> None:
        """Delete an object, permanently or so that it can be restored."""
        with self.connection:
            if stored.deleted is None:
                self._note_links(stored, now, "removed")
            if for_good:
                self.connection.execute("DELETE FROM objects WHERE id=?", (stored.id,))
                self.connection.execute("DELETE FROM links WHERE source=? OR target=?", (stored.id, stored.id))
            else:
                self.connection.execute("UPDATE objects SET deleted=? WHERE id=?", (now, stored.id))
            self.note(stored.tenant, now, stored.id, stored.kind, "purged" if for_good else "deleted")

    def restore(self, stored: DirectoryObject, now: float) -> None:
        """Restore a deleted object."""
        with self.connection:
            self.connection.execute("UPDATE objects SET deleted=NULL WHERE id=?", (stored.id,))
            self.note(stored.tenant, now, stored.id, stored.kind, "restored")
            self._note_links(stored, now, "added")
            # A client of a delta query has dropped the relations of a deleted object, so they are reported again.
            rows = self.connection.execute(
                "SELECT links.kind, target FROM links JOIN objects ON target=id AND deleted IS NULL WHERE source=?",
                (stored.id,),
            ).fetchall()
            for kind, target in rows:
                self.note(stored.tenant, now, stored.id, stored.kind, f"{kind}_added", other=target)

    def _note_links(self, stored: DirectoryObject, now: float, what: str) -> None:
        """Record the change for all objects with a link to this one."""
        rows = self.connection.execute(
            "SELECT links.kind, id, tenant, objects.kind FROM links JOIN objects ON source=id WHERE target=?",
            (stored.id,),
        ).fetchall()
        for link, source, tenant, kind in rows:
            self.note(tenant, now, source, kind, f"{link}_{what}", other=stored.id)

    def link(self, kind: str, source: DirectoryObject, target: str, now: float) -> bool:
        """Link an object to another one, and return whether the link is new."""
        with self.connection:
            done = self.connection.execute(
                "INSERT OR IGNORE INTO links (kind, source, target, at) VALUES (?,?,?,?)",
                (kind, source.id, target, now),
            )
            if done.rowcount:
                self.note(source.tenant, now, source.id, source.kind, f"{kind}_added", other=target)
        return bool(done.rowcount)

    def unlink(self, kind: str, source: DirectoryObject, target: str, now: float) -> bool:
        """Remove a link, and return whether it existed."""
        with self.connection:
            done = self.connection.execute(
                "DELETE FROM links WHERE kind=? AND source=? AND target=?", (kind, source.id, target)
            )
            if done.rowcount:
                self.note(source.tenant, now, source.id, source.kind, f"{kind}_removed", other=target)
        return bool(done.rowcount)

    def targets(self, kind: str, source: str) -> list[str]:
        """Return the ids that an object links to."""
        rows = self.connection.execute(
            "SELECT target FROM links WHERE kind=? AND source=? ORDER BY key", (kind, source)
        )
        return [str(target) for (target,) in rows]

    def sources(self, kind: str, target: str) -> list[str]:
        """Return the ids that link to an object."""
        rows = self.connection.execute(
            "SELECT source FROM links WHERE kind=? AND target=? ORDER BY key", (kind, target)
        )
        return [str(source) for (source,) in rows]

    def note(
        self,
        tenant: str,
        now: float,
        object_id: str,
        kind: str,
        what: str,
        *,
        other: str = "",
        names: Iterable[str] = (),
    ) -> None:
        """Record a change."""
        self.version += 1
        self.connection.execute(
            "INSERT INTO changes (tenant, at, id, kind, what, other, names) VALUES (?,?,?,?,?,?,?)",
            (tenant, now, object_id, kind, what, other, json.dumps(list(names))),
        )

    @property
    def sequence(self) -> int:
        """Number of the last change."""
        ((number,),) = self.connection.execute("SELECT COALESCE(MAX(sequence), 0) FROM changes")
        return int(number)

    def _row(self, tenant: str, kind: str, doc: Mapping[str, object]) -> tuple[object, ...]:
        text = json.dumps(doc, separators=(",", ":"), ensure_ascii=False)
        shown = self.render(kind, doc)
        return (
            doc["id"], tenant, kind, text, shown, doc.get("displayName"), doc.get("userPrincipalName"),
            doc.get("mailNickname"), doc.get("mail"),
        )  # fmt: skip


def folded(text: str | float | None) -> str | float | None:
    """Return a string for comparison in any case; SQLite itself handles ASCII letters only."""
    return text.casefold() if isinstance(text, str) else text


def searched(text: str | None, words: str) -> bool:
    """Return whether each searched word is the beginning of a word of a string."""
    tokens = [token.lower() for token in re.findall(r"\w+", text or "")]
    return all(any(token.startswith(word.lower()) for token in tokens) for word in re.findall(r"\w+", words))


def _stored(row: tuple[int, str, str, str, str, float, float | None]) -> DirectoryObject:
    key, id_, tenant, kind, doc, born, deleted = row
    return DirectoryObject(key, id_, tenant, kind, json.loads(doc), born, deleted)
