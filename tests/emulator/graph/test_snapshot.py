"""Snapshots: the state of a restored tenant, and files that are refused."""

from __future__ import annotations

import base64
import errno
import json
import os
import sqlite3
import stat
import tracemalloc
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.emulator.conftest import Caller
from tests.emulator.graph.conftest import ALL, GRAPH, Graph

from entrakit_emulator import start
from entrakit_emulator.graph import snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def restored(path: Path) -> Iterator[Caller]:
    """Start another tenant from a snapshot."""
    with start(restore=str(path)) as tenant:
        caller = Caller(tenant)
        try:
            yield caller
        finally:
            caller.http.close()


def directory(caller: Caller) -> Graph:
    """Graph as an app sees it with the roles in the snapshot."""
    return Graph(caller, caller.app_token().json()["access_token"])


def test_the_directory_goes_on(graph: Graph, tmp_path: Path) -> None:
    """
    Objects, members and deleted objects are restored, and a delta link continues where it was.
    """
    user, gone, group = graph.make_user("Una")["id"], graph.make_user("Gone")["id"], graph.make_group("Desk")["id"]
    graph.add(group, user)
    graph.ask("DELETE", f"/users/{gone}")
    page = graph.get("/groups/delta")
    graph.ask("PATCH", f"/groups/{group}", {"description": "since"})
    graph.tenant.snapshot(str(tmp_path / "tenant"))

    with restored(tmp_path / "tenant") as caller:
        again = directory(caller)
        link = page["@odata.deltaLink"].replace(graph.root, again.root)

        assert graph.ids("/users?$top=999") == again.ids("/users?$top=999")
        assert [user] == again.ids(f"/groups/{group}/members")
        assert ["since"] == [one["description"] for one in again.get(link)["value"]]
        assert 200 == again.ask("POST", f"/directory/deletedItems/{gone}/restore").status_code


def test_who_could_sign_in_still_can(graph: Graph, caller: Caller, tmp_path: Path) -> None:
    """
    Users and apps of the seeds and of Graph sign in as before, with their secrets, consents and refresh tokens.
    """
    tenant = graph.tenant
    graph.make_user("Una")
    tenant.seed.grant("una@contoso.example", tenant.public_client, GRAPH, ["openid", "User.Read"])
    graph.ask("DELETE", f"/users/{tenant.users.mfa.object_id}")
    app = tenant.seed.add_app("Made", is_public=True, redirect_uris=["http://localhost"], roles=["Do.All"])
    tenant.seed.add_secret(tenant.confidential_client, "a-second-secret")
    refresh = caller.password().json()["refresh_token"]
    tenant.snapshot(str(tmp_path / "tenant"))

    with restored(tmp_path / "tenant") as other:
        una = {"username": "una@contoso.example", "password": "Fresh-Pass-1", "scope": "openid"}
        mia = {"username": tenant.users.mfa.upn, "password": tenant.users.mfa.password, "scope": "openid"}

        assert 200 == other.token("password", **una).status_code
        assert 400 == other.token("password", **mia).status_code
        assert 200 == other.password().status_code
        assert 200 == other.token("refresh_token", refresh_token=refresh, scope="User.Read").status_code
        assert 200 == other.app_token(client_secret="a-second-secret").status_code
        assert set(ALL) == set(other.claims(other.app_token().json()["access_token"])["roles"])
        # The app is known, but has no consent yet (AADSTS65001).
        assert [65001] == other.token("password", client_id=app.client_id, **una | {"scope": "User.Read"}).json()[
            "error_codes"
        ]


def test_what_graph_deleted_stays_deleted(graph: Graph, tmp_path: Path) -> None:
    """
    A seeded app that was deleted can't sign in to a restored tenant either.
    """
    (principal,) = graph.get(f"/servicePrincipals?$filter=appId eq '{graph.tenant.vault_client}'")["value"]
    assert 204 == graph.ask("DELETE", f"/servicePrincipals/{principal['id']}").status_code
    graph.tenant.snapshot(str(tmp_path / "tenant"))

    with restored(tmp_path / "tenant") as other:
        form = {"client_id": other.tenant.vault_client, "client_secret": other.tenant.vault_client_secret}

        assert 200 != other.app_token(**form).status_code


def test_a_reset_goes_back_to_the_seeds(graph: Graph, tmp_path: Path) -> None:
    """
    The reset of a restored tenant removes the snapshot's data.
    """
    graph.make_user("Una")
    graph.tenant.snapshot(str(tmp_path / "tenant"))

    with restored(tmp_path / "tenant") as other:
        other.tenant.reset()
        other.tenant.seed.grant_roles(other.tenant.confidential_client, GRAPH, ALL)

        assert 404 == directory(other).ask("GET", "/users/una@contoso.example").status_code


def test_the_file_is_private_and_replaced_in_one_step(graph: Graph, tmp_path: Path) -> None:
    """
    Other users can't read the file, no other file is left, and a failed write keeps the old file.
    """
    path = tmp_path / "kept" / "tenant"
    path.parent.mkdir()
    path.write_text("before")
    path.chmod(0o644)
    with pytest.raises(OSError, match=os.strerror(errno.ENOENT)):
        graph.tenant.snapshot(str(tmp_path / "nowhere" / "tenant"))
    with pytest.raises(IsADirectoryError):
        graph.tenant.snapshot(str(tmp_path / "home"))
    graph.tenant.snapshot(str(path))

    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert [path] == list(path.parent.iterdir())
    assert 1 == json.loads(path.read_text())["entrakit_emulator"]


def packed(database: bytes) -> str:
    """Return a database as a snapshot contains it."""
    return base64.b64encode(zlib.compress(database)).decode()


def spoilt(body: dict[str, Any]) -> dict[str, Any]:
    """Return a body whose database has a wrong number of free pages (SQLite's file format, 1.3)."""
    database = bytearray(zlib.decompress(base64.b64decode(body["database"])))
    database[36:40] = (999).to_bytes(4, "big")
    return body | {"database": packed(bytes(database))}


def with_another_key(body: dict[str, Any]) -> dict[str, Any]:
    """Return a body with an app whose certificate does not have an RSA key."""
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    certificate = {"x5t": "", "x5t_s256": "", "public_key": pem, "not_before": 0, "not_after": 0}
    return body | {"apps": [body["apps"][0] | {"certificates": [certificate]}]}


def without(body: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a body without one of its members."""
    return {one: value for one, value in body.items() if one != name}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda _: "no JSON", "is not a snapshot"),
        (lambda _: "[1]", "is not a snapshot"),
        (lambda _: '{"name": "another program"}', "is not a snapshot"),
        (lambda body: json.dumps(body | {"entrakit_emulator": 2}), "was written by a newer version"),
        (lambda body: json.dumps(body)[:-20], "is not a snapshot"),
        (lambda body: json.dumps(body | {"database": "eJw="}), "is damaged"),
        (lambda body: json.dumps(body | {"database": body["database"][:1000]}), "is damaged"),
        (lambda body: json.dumps(spoilt(body)), "is damaged"),
        (lambda body: json.dumps(with_another_key(body)), "is damaged"),
        (lambda body: json.dumps(body | {"users": [{"upn": "x"}]}), "is damaged"),
        (lambda body: json.dumps(body | {"apps": [7]}), "is damaged"),
        (lambda body: json.dumps(without(body, "consents")), "is damaged"),
        (lambda body: json.dumps(body | {"refresh_tokens": {"a": {}}}), "is damaged"),
    ],
)
def test_a_file_that_is_none_is_refused(graph: Graph, tmp_path: Path, spoil: Any, message: str) -> None:  # noqa: ANN401 - a lambda
    """
    The file is refused before a server starts, and the error names the file.
    """
    path = tmp_path / "tenant"
    graph.tenant.snapshot(str(path))
    path.write_text(spoil(json.loads(path.read_text())))

    with pytest.raises(ValueError, match=f"{path}.*{message}"):
        start(restore=str(path))


def test_a_database_of_something_else_is_refused(graph: Graph, tmp_path: Path) -> None:
    """
    A SQLite database without the directory's tables is refused.
    """
    path = tmp_path / "tenant"
    graph.tenant.snapshot(str(path))
    foreign = sqlite3.connect(":memory:")
    foreign.execute("CREATE TABLE objects (name TEXT)")
    database = packed(foreign.serialize())
    foreign.close()
    path.write_text(json.dumps(json.loads(path.read_text()) | {"database": database}))

    with pytest.raises(ValueError, match="is damaged"):
        start(restore=str(path))


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER later AFTER INSERT ON changes BEGIN DELETE FROM objects; END",
        "CREATE VIEW people AS SELECT * FROM objects",
        "CREATE VIRTUAL TABLE words USING fts5(word)",
    ],
)
def test_a_database_that_acts_is_refused(graph: Graph, tmp_path: Path, statement: str) -> None:
    """
    Triggers, views and virtual tables are not part of a directory: a snapshot with one is refused.
    """
    path = tmp_path / "tenant"
    graph.tenant.snapshot(str(path))
    body = json.loads(path.read_text())
    database = sqlite3.connect(":memory:")
    database.deserialize(zlib.decompress(base64.b64decode(body["database"])))
    database.execute(statement)
    path.write_text(json.dumps(body | {"database": packed(database.serialize())}))
    database.close()

    with pytest.raises(ValueError, match="its database contains triggers or views"):
        start(restore=str(path))


def test_a_database_is_unpacked_up_to_a_limit(graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A small file can unpack to any size. Only as much as the limit is unpacked.
    """
    path = tmp_path / "tenant"
    graph.tenant.snapshot(str(path))
    body = json.loads(path.read_text())
    bomb = packed(bytes(64 * 1024 * 1024))
    path.write_text(json.dumps(body | {"database": bomb}))
    monkeypatch.setattr(snapshot, "MAX_DATABASE", 1024 * 1024)

    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="its database has more than 1,048,576 bytes"):
            snapshot.read(str(path))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 8 * 1024 * 1024


def test_another_process_asks_for_one(graph: Graph, caller: Caller, tmp_path: Path) -> None:
    """
    The control plane writes a snapshot, and reports a file that can't be written.
    """
    done = caller.control("POST", "snapshot", {"path": str(tmp_path / "tenant")})
    failed = caller.control("POST", "snapshot", {"path": str(tmp_path / "nowhere" / "tenant")})
    wrong = caller.control("POST", "snapshot", ["tenant"])

    assert (200, True) == (done.status_code, (tmp_path / "tenant").exists())
    assert (400, True) == (
        failed.status_code,
        f"can't be written: {os.strerror(errno.ENOENT)}" in failed.json()["error"],
    )
    assert 400 == wrong.status_code
