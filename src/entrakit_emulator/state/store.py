"""The directory's objects, in SQLite: documents, links between them, and a journal of changes that delta reads.

One connection, in memory unless it is restored from a snapshot; used under the world's lock.
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
KEPT = 128
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
    """An object as it is kept.

    Args:
        key: Place in the order of listings.
        id: GUID.
        tenant: Its tenant.
        kind: `user`, `group`, `application`, `servicePrincipal`.
        doc: All its properties.
        born: When it was made, in the tenant's time.
        deleted: When it was deleted; None if it is there.
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
        render: Returns the JSON text of an object's default properties, from its kind and its properties.

    Attributes:
        render: The same.
        version: Grows with each write; what was rendered before it is out of date.
        rendered: Pages as they were rendered, until something is written.
    """

    def __init__(self, render: Callable[[str, Mapping[str, object]], str]) -> None:
        self.render = render
        self.connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self.connection.executescript(f"PRAGMA synchronous=OFF; PRAGMA cache_size=-64000; {SCHEMA}")
        self.connection.create_function("searched", 2, searched, deterministic=True)
        self.connection.create_function("fold", 1, folded, deterministic=True)
        self.version = 0
        self.rendered: FifoDict[tuple[object, ...], bytes] = FifoDict(KEPT)
        self._people: dict[str, tuple[int, int]] = {}
        self._write_secret()

    @property
    def secret(self) -> bytes:
        """What page tokens are signed with."""
        ((text,),) = self.connection.execute("SELECT value FROM meta WHERE name='secret'")
        return bytes.fromhex(text)

    def _write_secret(self) -> None:
        self.connection.execute("INSERT INTO meta VALUES ('secret', ?)", (secrets.token_hex(16),))

    def clear(self) -> None:
        """Forget everything."""
        self.connection.executescript("DELETE FROM objects; DELETE FROM links; DELETE FROM changes;")
        self.version += 1
        self._people.clear()

    def dump(self) -> bytes:
        """Return the whole database, as SQLite writes it."""
        return self.connection.serialize()

    def load(self, database: bytes) -> None:
        """Replace everything by what `dump` gave."""
        self.connection.deserialize(database)
        self.version += 1
        self._people.clear()

    def close(self) -> None:
        """Close it."""
        self.connection.close()

    def find(self, tenant: str, key: str, kinds: Iterable[str], *, is_deleted: bool = False) -> DirectoryObject | None:
        """Return an object by its id, or a user by its sign-in name.

        Args:
            tenant: The tenant.
            key: GUID or user principal name, in any case.
            kinds: What it may be.
            is_deleted: Look among the deleted ones instead.
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
            columns: SQL of our own.
            where: SQL of our own, with marks.
            values: What the marks stand for.
            rest: SQL of our own.
        """
        return self.connection.execute(f"SELECT {columns} FROM objects WHERE {where} {rest}", tuple(values))  # noqa: S608 - ours

    def count(self, where: str, values: Iterable[object]) -> int:
        """Return how many objects there are."""
        ((number,),) = self.select("COUNT(*)", where, values)
        return int(str(number))

    def people(self, tenant: str) -> int:
        """Return about how many users a tenant has: counted anew after some hundred writes."""
        at, number = self._people.get(tenant, (-RECOUNT, 0))
        if self.version - at >= RECOUNT:
            number = self.count("tenant=? AND kind='user' AND deleted IS NULL", (tenant,))
            self._people[tenant] = (self.version, number)
        return number

    def put(self, tenant: str, kind: str, doc: JSON, now: float, names: Iterable[str] | None = None) -> None:
        """Write an object, and note the change.

        Args:
            tenant: The tenant.
            kind: What it is.
            doc: All its properties, `id` among them.
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
        """Link many objects that are there."""
        with self.connection:
            self.connection.execute("BEGIN")
            self.connection.executemany(
                "INSERT INTO links (kind, source, target, at) VALUES (?,?,?,?)",
                ((kind, source, target, now) for source, target in links),
            )
        self.version += 1

    def delete(self, stored: DirectoryObject, now: float, *, for_good: bool) -> None:
        """Delete an object; for good, or so that it can be restored."""
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
        """Bring a deleted object back."""
        with self.connection:
            self.connection.execute("UPDATE objects SET deleted=NULL WHERE id=?", (stored.id,))
            self.note(stored.tenant, now, stored.id, stored.kind, "restored")
            self._note_links(stored, now, "added")
            # Whoever was told that it is gone has forgotten what it was linked to.
            rows = self.connection.execute(
                "SELECT links.kind, target FROM links JOIN objects ON target=id AND deleted IS NULL WHERE source=?",
                (stored.id,),
            ).fetchall()
            for kind, target in rows:
                self.note(stored.tenant, now, stored.id, stored.kind, f"{kind}_added", other=target)

    def _note_links(self, stored: DirectoryObject, now: float, what: str) -> None:
        """Note for all that are linked to an object that it comes or goes."""
        rows = self.connection.execute(
            "SELECT links.kind, id, tenant, objects.kind FROM links JOIN objects ON source=id WHERE target=?",
            (stored.id,),
        ).fetchall()
        for link, source, tenant, kind in rows:
            self.note(tenant, now, source, kind, f"{link}_{what}", other=stored.id)

    def link(self, kind: str, source: DirectoryObject, target: str, now: float) -> bool:
        """Link an object to another, and return whether that was new."""
        with self.connection:
            done = self.connection.execute(
                "INSERT OR IGNORE INTO links (kind, source, target, at) VALUES (?,?,?,?)",
                (kind, source.id, target, now),
            )
            if done.rowcount:
                self.note(source.tenant, now, source.id, source.kind, f"{kind}_added", other=target)
        return bool(done.rowcount)

    def unlink(self, kind: str, source: DirectoryObject, target: str, now: float) -> bool:
        """Take a link away, and return whether it was there."""
        with self.connection:
            done = self.connection.execute(
                "DELETE FROM links WHERE kind=? AND source=? AND target=?", (kind, source.id, target)
            )
            if done.rowcount:
                self.note(source.tenant, now, source.id, source.kind, f"{kind}_removed", other=target)
        return bool(done.rowcount)

    def targets(self, kind: str, source: str) -> list[str]:
        """Return what an object is linked to."""
        rows = self.connection.execute(
            "SELECT target FROM links WHERE kind=? AND source=? ORDER BY key", (kind, source)
        )
        return [str(target) for (target,) in rows]

    def sources(self, kind: str, target: str) -> list[str]:
        """Return what is linked to an object."""
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
        """Note a change."""
        self.version += 1
        self.connection.execute(
            "INSERT INTO changes (tenant, at, id, kind, what, other, names) VALUES (?,?,?,?,?,?,?)",
            (tenant, now, object_id, kind, what, other, json.dumps(list(names))),
        )

    @property
    def sequence(self) -> int:
        """The number of the last change."""
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
    """Return a text as it is compared; SQLite itself disregards the case of ASCII letters only."""
    return text.casefold() if isinstance(text, str) else text


def searched(text: str | None, words: str) -> bool:
    """Return whether each word that is looked for begins a word of a text."""
    tokens = [token.lower() for token in re.findall(r"\w+", text or "")]
    return all(any(token.startswith(word.lower()) for token in tokens) for word in re.findall(r"\w+", words))


def _stored(row: tuple[int, str, str, str, str, float, float | None]) -> DirectoryObject:
    key, id_, tenant, kind, doc, born, deleted = row
    return DirectoryObject(key, id_, tenant, kind, json.loads(doc), born, deleted)
