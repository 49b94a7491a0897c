"""A tenant in a file: the database of the directory, and the data for sign-in.

    {"entrakit_emulator": 1, "users": […], "apps": […], …, "database": "base64 of SQLite's own format, compressed"}

0.1.0 reads it, too: fields that are newer are in a separate part, `later`, by the id of the user or app.
The file is private from its creation and replaced in one step. Its passwords are those of the emulator only.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import os
import sqlite3
import tempfile
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from entrakit_emulator.graph import consistency, snapshot_json, synchronization
from entrakit_emulator.own_files import place_of

if TYPE_CHECKING:
    from entrakit_emulator.state.identities import App, Directory, User
    from entrakit_emulator.state.tickets import RefreshToken
    from entrakit_emulator.world import World

    JSON = dict[str, Any]

VERSION = 1
# Size of the database in bytes; 500,000 users take about as much.
MAX_DATABASE = 1024**3
# Columns that a database of this version has.
COLUMNS = (
    "SELECT key, id, tenant, kind, doc, face, name, upn, nickname, mail, born, deleted FROM objects LIMIT 1",
    "SELECT key, kind, source, target, at FROM links LIMIT 1",
    "SELECT sequence, tenant, at, id, kind, what, other, names FROM changes LIMIT 1",
)


class _RefusedError(ValueError):
    """A database is intact, but no emulator wrote it."""


class Snapshot(NamedTuple):
    """The checked content of a snapshot.

    Args:
        tenants: Tenants.
        users: Users who can sign in.
        departed: Deleted users who can be restored.
        apps: Apps that can sign in.
        registered: Apps that were created or changed through Graph.
        consents: Granted permissions.
        valid_from: Times of revocation by user.
        refresh_tokens: Refresh tokens.
        database: The directory in SQLite's format.
    """

    tenants: tuple[Directory, ...]
    users: tuple[User, ...]
    departed: tuple[User, ...]
    apps: tuple[App, ...]
    registered: tuple[App, ...]
    consents: dict[tuple[str, str, str], frozenset[str]]
    valid_from: dict[str, float]
    refresh_tokens: dict[str, RefreshToken]
    database: bytes

    def put_into(self, world: World) -> None:
        """Replace the state of a world, except its key vaults, keys and settings."""
        consistency.end(world)
        world.objects.load(self.database)
        # Each start creates new certificates for the seeded apps; those of the snapshot stay valid, too.
        made = {client_id: app.certificates for client_id, app in world.apps.items()}
        apps = {one.client_id: self._with(one, made) for one in self.apps}
        registered = {one.client_id: apps.get(one.client_id) or self._with(one, made) for one in self.registered}
        users = {one.object_id: one for one in self.users}
        world.tenants.clear()
        world.tenants.update({one.tenant_id: one for one in self.tenants})
        for store, values in (
            (world.users, users), (world.apps, apps), (world.registered, registered), (world.mirrored, users | apps),
            (world.departed, {one.object_id: one for one in self.departed}), (world.consents, self.consents),
            (world.valid_from, self.valid_from), (world.refresh_tokens, self.refresh_tokens),
        ):  # fmt: skip
            store.clear()
            store.update(values)  # type: ignore[arg-type] # each store gets its own type of values

    @staticmethod
    def _with(app: App, made: dict[str, Any]) -> App:
        return replace(app, certificates=(*app.certificates, *made.get(app.client_id, ())))


def write(world: World, path: str) -> None:
    """Write a snapshot.

    Raises:
        OSError: The file can't be written, or may be another user's; an older file at that path is unchanged.
    """
    # Seeds reach the directory with the next answer, so there may be some that have not yet.
    synchronization.synchronize(world)
    body = {
        "entrakit_emulator": VERSION,
        "tenants": [dataclasses.asdict(one) for one in world.tenants.values()],
        "users": [snapshot_json.user_json(one) for one in world.users.values()],
        "departed": [snapshot_json.user_json(one) for one in world.departed.values()],
        "apps": [snapshot_json.app_json(one) for one in world.apps.values()],
        "registered": [snapshot_json.app_json(one) for one in world.registered.values()],
        "consents": [[*key, sorted(names)] for key, names in world.consents.items()],
        "valid_from": world.valid_from,
        "refresh_tokens": {token: dataclasses.asdict(one) for token, one in world.refresh_tokens.items()},
        "database": base64.b64encode(zlib.compress(world.objects.dump(), 1)).decode(),
    }
    known: dict[str, User | App] = {**world.departed, **world.users, **world.registered, **world.apps}
    later = {which: given for which, one in known.items() if (given := snapshot_json.later_json(one))}
    body |= {"later": later} if later else {}
    path = place_of(path)
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".snapshot-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(body, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def read(path: str) -> Snapshot:
    """Read a snapshot.

    Raises:
        OSError: The file can't be read.
        ValueError: The file is not a snapshot, is damaged, was written by a newer version, or its database is too large
            or has triggers.
    """
    with open(path, encoding="utf-8") as file:
        try:
            body = json.load(file)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{path} is not a snapshot of an emulated tenant.") from error
    version = body.get("entrakit_emulator") if isinstance(body, dict) else None
    if version != VERSION:
        newer = isinstance(version, int) and version > VERSION
        kind = "was written by a newer version" if newer else "is not a snapshot of an emulated tenant"
        raise ValueError(f"{path} {kind}.")
    try:
        return _snapshot(body)
    except _RefusedError as error:
        raise ValueError(f"{path} can't be restored: {error}.") from error
    except (ValueError, KeyError, TypeError, AttributeError, zlib.error, sqlite3.Error) as error:
        raise ValueError(f"{path} is damaged: {type(error).__name__}.") from error


def _decompressed(data: bytes) -> bytes:
    """Return the database of a snapshot.

    Raises:
        ValueError: The data is incomplete, or the database is larger than `MAX_DATABASE`.
        zlib.error: The data is damaged.
    """
    decoder = zlib.decompressobj()
    database = decoder.decompress(data, MAX_DATABASE + 1)
    if len(database) > MAX_DATABASE:
        raise _RefusedError(f"its database has more than {MAX_DATABASE:,} bytes")
    if not decoder.eof:
        raise ValueError("The database is incomplete.")
    return database


def _snapshot(body: JSON) -> Snapshot:
    database = _decompressed(base64.b64decode(body["database"], validate=True))
    with contextlib.closing(sqlite3.connect(":memory:")) as trial:
        trial.deserialize(database)
        # Triggers and views would run statements of the author of the file.
        if trial.execute(
            "SELECT 1 FROM sqlite_master WHERE type NOT IN ('table', 'index') OR sql LIKE 'CREATE VIRTUAL%'"
        ).fetchone():
            raise _RefusedError("its database contains triggers or views")
        for query in COLUMNS:
            trial.execute(query).fetchone()
        trial.execute("SELECT value FROM meta WHERE name='secret'").fetchone()[0]
        ((health,),) = trial.execute("PRAGMA quick_check(1)")
    if health != "ok":
        raise ValueError("The database is damaged.")
    later = body.get("later", {})
    users, departed = (
        tuple(snapshot_json.user(one | later.get(one["object_id"], {})) for one in body[part])
        for part in ("users", "departed")
    )
    apps, registered = (
        tuple(snapshot_json.app(one | later.get(one["client_id"], {})) for one in body[part])
        for part in ("apps", "registered")
    )
    return Snapshot(
        tenants=tuple(snapshot_json.directory(one) for one in body["tenants"]),
        users=users,
        departed=departed,
        apps=apps,
        registered=registered,
        consents={(who, app, api): frozenset(names) for who, app, api, names in body["consents"]},
        valid_from={str(who): float(at) for who, at in body["valid_from"].items()},
        refresh_tokens={token: snapshot_json.refresh_token(one) for token, one in body["refresh_tokens"].items()},
        database=database,
    )
