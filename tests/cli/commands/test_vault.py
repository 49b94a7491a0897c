"""`entra vault`, `entra disconnect --revoke` and `--vault-key-from`."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.cli.conftest import Command

from entrakit import UsernamePassword, connect
from entrakit.authority.clouds import find_cloud
from entrakit.connections import disconnect, get_connection
from entrakit.errors import InteractionRequiredError
from entrakit.vault import Vault
from entrakit_emulator.faults import Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrakit_emulator import Tenant

KEY = base64.b64encode(bytes(32)).decode()
GRAPH = "https://graph.microsoft.com"


def test_where_it_is(connected: Command, private_home: Path) -> None:
    """
    `path` is one line for a script; with `--json` it has the location of the key too.
    """
    assert f"{private_home}\n" == connected("vault", "path").output
    assert {"kept_in": str(private_home), "key_from": "file"} == json.loads(connected("vault", "path", "--json").output)


def test_a_check_that_finds_nothing(connected: Command) -> None:
    """
    A check without findings is a table with exit code 0.
    """
    result = connected("vault", "check")

    assert (0, "WHAT\tRESULT\nkey\tok\ndefault\tok\n") == (result.code, result.output)
    assert "protects as file permissions do" in result.error


def test_a_check_that_finds_something(connected: Command, private_home: Path) -> None:
    """
    A check with findings has their remedies and exit code 8, also as JSON.
    """
    (private_home / "connections" / "other.json").touch(mode=0o644)

    result = connected("vault", "check")

    assert 8 == result.code
    assert "other\tfailed:" in result.output
    assert "Next, for other: Type `chmod 600" in result.error
    found = json.loads(connected("vault", "check", "--json").output)
    assert ["key", "default", "other"] == [one["what"] for one in found]


def test_another_key(connected: Command) -> None:
    """
    `rekey` reports the number of connections and the location of the new key; the connection still works.
    """
    token = connected("token").output

    assert "Encrypted 1 connection with a new key: key file" in connected("vault", "rekey").error
    connected.environ["ENTRAKIT_VAULT_KEY"] = KEY
    result = connected("vault", "rekey", "--vault-key-from", "environment", "--json")
    assert {"sealed_again": 1, "key_from": "environment"} == json.loads(result.output)
    assert token == connected("token").output
    assert "environment" == json.loads(connected("status", "--json").output)[0]["key_from"]


def test_the_source_of_the_key_is_an_option(entra: Command) -> None:
    """
    `--vault-key-from` selects the key when the first connection is saved; a source that is not available is an error.
    """
    entra.environ["ENTRAKIT_VAULT_KEY"] = KEY
    assert 8 == entra.connect("--client-secret-stdin", "--vault-key-from", "keyring", app=True, given="x").code
    assert 0 == entra.connect(
        "--client-secret-stdin", "--vault-key-from", "file", app=True, given=entra.tenant.client_secret
    ).code  # fmt: skip

    assert "protects as file permissions do" in entra("status", "--vault-key-from", "file").error
    assert 8 == entra("token").code
    assert 0 == entra("token", "--vault-key-from", "file").code
    assert 2 == entra("token", "--vault-key-from", "moon").code


def test_a_refused_key_costs_no_sign_in(entra: Command) -> None:
    """
    An unavailable key is reported before the sign-in.
    """
    entra.tenant.journal.clear()

    result = entra.connect("--client-secret-stdin", "--vault-key-from", "environment", app=True, given="x")

    assert 8 == result.code
    assert "ENTRAKIT_VAULT_KEY is not set" in result.error
    assert 0 == entra.tenant.journal.counts.get("token", 0)


def test_connections_are_moved(connected: Command, tmp_path: Path) -> None:
    """
    An imported connection has the same token; the exported file is private and encrypted.
    """
    token = connected("token").output.strip()
    file = tmp_path / "moved"
    connected.environ["ENTRAKIT_EXPORT_PASSPHRASE"] = "correct horse"

    assert "Exported default." in connected("vault", "export", str(file)).error

    assert 0o600 == file.stat().st_mode & 0o777
    assert token not in file.read_text()
    there = Command(connected.tenant, tmp_path / "there")
    wrong = there("vault", "import", str(file), "--passphrase-stdin", given="wrong horse\n")
    assert (2, True) == (wrong.code, "passphrase is wrong" in wrong.error)
    (tmp_path / "passphrase").write_text("correct horse\n")
    moved = there("vault", "import", str(file), "--passphrase-file", str(tmp_path / "passphrase"), "--json")
    assert {"imported": ["default"]} == json.loads(moved.output)
    assert token == there("token").output.strip()
    again = there("vault", "import", str(file), "--passphrase-stdin", given="correct horse\n")
    assert (8, True) == (again.code, "nothing was imported" in again.error)


def test_a_person_is_asked_twice(connected: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A new passphrase is typed twice, without echo. If the two differ, nothing is written.
    """
    typed = ["correct horse", "correct house", "correct horse", "correct horse", "correct horse"]
    monkeypatch.setattr("getpass.getpass", lambda prompt, stream: typed.pop(0))
    file = str(tmp_path / "moved")

    assert "passphrases differ" in connected("vault", "export", file, terminal=True).error
    assert not Path(file).exists()
    assert 0 == connected("vault", "export", file, terminal=True).code
    assert 0 == connected("vault", "import", file, "--replace", terminal=True).code


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("export",), "required: FILE"),
        (("import",), "required: FILE"),
        (("path", "file"), "Too many arguments"),
        (("check", "--replace"), "Unknown option --replace"),
        (("rekey", "--name", "x"), "Unknown option --name"),
        (("export", "f", "--replace"), "Unknown option --replace"),
        (("import", "f", "--name", "x"), "Unknown option --name"),
        (("import", "-", "--passphrase-stdin"), "can't both come from standard input"),
        (("import", "/nowhere/at/all"), "can't be read: No such file or directory"),
        (("export", "/etc/passwd"), "The file '/etc/passwd' exists already"),
        (("export", "f", "--passphrase-stdin", "--passphrase-file", "g"), "not both"),
        (("export", "f", "--name", "nobody"), "no connection 'nobody'"),
        (("export", "f"), "there is no terminal to ask for it"),
        ((), "requires a command"),
        (("exprot", "f"), "Did you mean export?"),
    ],
)
def test_what_is_typed_wrong_is_told(connected: Command, words: tuple[str, ...], problem: str) -> None:
    """
    Each mistake has its own message, and nothing is written.
    """
    result = connected("vault", *words)

    assert result.code in {2, 3}
    assert problem in result.error


def test_nothing_to_export(entra: Command, tmp_path: Path) -> None:
    """
    Without connections to export there is no prompt for a passphrase.
    """
    assert "no saved connection to export" in entra("vault", "export", str(tmp_path / "f")).error


def person(tenant: Tenant, *permissions: str) -> None:
    """Sign Ada in with her password and save the connection, with consent to some permissions."""
    tenant.seed.grant(tenant.users.normal.upn, tenant.public_client, GRAPH, permissions)
    with connect(
        client_id=tenant.public_client, tenant_id=tenant.tenant_id, name="ada", graph_url=tenant.url,
        cloud=find_cloud(tenant.url), ca_bundle=tenant.ca_path,
        credential=UsernamePassword(tenant.users.normal.upn, tenant.users.normal.password),
    ):  # fmt: skip
        pass


def test_sessions_are_revoked(entra: Command) -> None:
    """
    `--revoke` revokes the refresh tokens of the user at the service, then removes the saved connection.
    """
    tenant = entra.tenant
    person(tenant, "User.RevokeSessions.All")
    Vault().write("copy", Vault().read("ada").metadata, Vault().read("ada").secrets)

    result = entra("disconnect", "ada", "--revoke")

    assert 0 == result.code, result.error
    assert "All sessions and refresh tokens of the user are revoked" in result.error
    assert ["copy"] == Vault().traces()
    with get_connection("copy") as copy, pytest.raises(InteractionRequiredError):
        copy.token("User.ReadBasic.All")
    last = tenant.journal.entries[-1]
    assert ("token", 50173) == (last.endpoint, last.code)


def test_a_missing_permission_is_told(entra: Command) -> None:
    """
    If the app has no permission to revoke sessions, nothing is removed, and the error names the permission.
    """
    person(entra.tenant)

    result = entra("disconnect", "ada", "--revoke")

    assert 9 == result.code
    assert "User.RevokeSessions.All" in result.error
    assert ["ada"] == Vault().names()
    with get_connection("ada") as ada:
        assert ada.token().access_token


def test_an_app_has_no_sessions(connected: Command) -> None:
    """
    `--revoke` is an error for an app that was named. With `--all`, apps are disconnected as usual and a user is
    revoked once.
    """
    person(connected.tenant, "User.RevokeSessions.All")
    result = connected("disconnect", "--revoke", "default")
    assert (2, True) == (result.code, "An app has no sign-in sessions" in result.error)
    Vault().write("again", Vault().read("ada").metadata, Vault().read("ada").secrets)
    connected.tenant.journal.clear()

    assert 0 == connected("disconnect", "--all", "--revoke").code

    assert 1 == len([one for one in connected.tenant.journal.entries if one.path.endswith("revokeSignInSessions")])
    assert [] == Vault().traces()
    assert not disconnect("ada", revoke=True)


def test_what_is_no_connection_stays(connected: Command, private_home: Path) -> None:
    """
    `disconnect --all` ignores and keeps foreign files in the directory of the vault.
    """
    stray = private_home / "connections" / "no name.json"
    stray.touch(mode=0o600)

    assert "Removed default" in connected("disconnect", "--all").error
    assert stray.exists()


def test_a_service_that_fails_is_told(entra: Command) -> None:
    """
    If Graph fails, nothing is removed, and the error has the request id.
    """
    person(entra.tenant, "User.RevokeSessions.All")
    entra.tenant.faults.add(Failure(status=500, endpoint="graph", times=100))

    result = entra("disconnect", "ada", "--revoke")

    assert 6 == result.code
    assert ["ada"] == Vault().names()


def test_a_link_of_another_user_is_not_written_through(
    connected: Command, planted: Callable[[Path], Path], tmp_path: Path
) -> None:
    """
    Neither an export nor `--out-file` writes where another user's link leads; nothing is sent before that is known.
    """
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "precious").write_text("precious")
    link = planted(mine)
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("correct horse battery staple")
    passphrase.chmod(0o600)
    asked = len(connected.tenant.journal.entries)

    for words in (
        ("vault", "export", str(link / "bundle"), "--passphrase-file", str(passphrase)),
        ("request", "GET", "/organization", "--out-file", str(link / "precious")),
        ("request", "GET", "/users", "--all", "--out-file", str(link / "precious")),
        ("status", "--output", "json", "--out-file", str(link / "precious")),
    ):
        result = connected(*words)

        assert (1, "") == (result.code, result.output), words
        assert f"{link} can't be written: it is a link that another user may have put there." in result.error
    assert ["precious"] == os.listdir(mine)
    assert "precious" == (mine / "precious").read_text()
    assert asked == len(connected.tenant.journal.entries)
