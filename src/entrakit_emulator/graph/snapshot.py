"""A tenant in a file: the directory's database, and the people and apps that can sign in.

    {"entrakit_emulator": 1, "users": […], "apps": […], "database": "base64 of SQLite's own format"}

Private from its creation and replaced in one step. The passwords in it are the emulator's own invented ones.
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
from typing import TYPE_CHECKING, NamedTuple

from entrakit_emulator.graph import registrations
from entrakit_emulator.sts.model import App, Secret, User

if TYPE_CHECKING:
    from entrakit_emulator.sts.world import World

    JSON = dict[str, object]

VERSION = 1
# What is kept of an app; certificates of seeded apps are planted anew, redirects are in its document.
APP = ("client_id", "name", "tenant_id", "is_public", "is_multi_tenant", "is_enabled")


class Snapshot(NamedTuple):
    """What was read from a file, checked.

    Args:
        users: People who can sign in.
        apps: Apps that were made through Graph, with their secrets.
        database: The directory, as SQLite writes it.
    """

    users: tuple[User, ...]
    apps: tuple[App, ...]
    database: bytes

    def put_into(self, world: World) -> None:
        """Replace what a world holds."""
        world.objects.load(self.database)
        world.users.clear()
        world.mirrored.clear()
        for user in self.users:
            world.users[user.object_id] = world.mirrored[user.object_id] = user
        for app in self.apps:
            seeded = world.apps.pop(app.client_id, app)
            self._put_app(world, replace(seeded, secrets=app.secrets, is_enabled=app.is_enabled, name=app.name))
        world.mirrored.update(world.apps)

    @staticmethod
    def _put_app(world: World, app: App) -> None:
        """Put an app that Graph made or changed; it can sign in where it has a service principal."""
        registration = world.objects.find(app.tenant_id, registrations.object_id(app), ("application",))
        known = app if registration is None else registrations.with_document(app, registration.doc)
        world.registered[app.client_id] = known
        if world.objects.find(app.tenant_id, app.principal_id(app.tenant_id), ("servicePrincipal",)) is not None:
            world.apps[app.client_id] = known


def write(world: World, path: str) -> None:
    """Write a snapshot.

    Raises:
        OSError: It can't be written.
    """
    body = {
        "entrakit_emulator": VERSION,
        "users": [dataclasses.asdict(user) for user in world.users.values()],
        "apps": [_app_json(app) for app in world.registered.values()],
        "database": base64.b64encode(zlib.compress(world.objects.dump(), 1)).decode(),
    }
    directory = os.path.dirname(os.path.abspath(path))
    handle, temporary = tempfile.mkstemp(dir=directory, prefix=".snapshot-")
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
    """Return what a snapshot holds.

    Raises:
        OSError: It can't be read.
        ValueError: It is no snapshot, or is damaged, or of a newer version.
    """
    with open(path, encoding="utf-8") as file:
        try:
            body = json.load(file)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{path} is no snapshot of an emulated tenant.") from error
    version = body.get("entrakit_emulator") if isinstance(body, dict) else None
    if version != VERSION:
        newer = isinstance(version, int) and version > VERSION
        kind = "was written by a newer version" if newer else "is no snapshot of an emulated tenant"
        raise ValueError(f"{path} {kind}.")
    try:
        users = tuple(User(**one) for one in body["users"])
        apps = tuple(_app(one) for one in body["apps"])
        database = zlib.decompress(base64.b64decode(body["database"], validate=True))
        with contextlib.closing(sqlite3.connect(":memory:")) as trial:
            trial.deserialize(database)
            trial.execute("SELECT COUNT(*), MAX(sequence) FROM objects, changes LIMIT 1").fetchone()
            ((health,),) = trial.execute("PRAGMA quick_check(1)")
    except (ValueError, KeyError, TypeError, zlib.error, sqlite3.Error) as error:
        raise ValueError(f"{path} is damaged: {type(error).__name__}.") from error
    if health != "ok":
        raise ValueError(f"{path} is damaged: its database is.")
    return Snapshot(users, apps, database)


def _app_json(app: App) -> JSON:
    kept: JSON = {name: getattr(app, name) for name in APP}
    kept["secrets"] = [dataclasses.asdict(one) for one in app.secrets]
    kept["granted_roles"] = {name: list(roles) for name, roles in app.granted_roles.items()}
    return kept


def _app(given: JSON) -> App:
    fields = {name: given[name] for name in APP}
    listed, roles = given["secrets"], given["granted_roles"]
    if not isinstance(listed, list) or not isinstance(roles, dict):
        raise ValueError("An app has a list of secrets and a mapping of roles.")  # noqa: TRY004 - text from outside
    secrets = tuple(Secret(**one) for one in listed)
    return App(**fields, secrets=secrets, granted_roles={name: tuple(one) for name, one in roles.items()})  # type: ignore[arg-type] # checked by use
