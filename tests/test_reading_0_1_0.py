"""Files of entrakit 0.1.0: the current code reads and continues each of them, and writes files that 0.1.0 can read.

A change of a schema must keep both directions. The reader accepts the old and the new form. The writer writes the new
form only if no older version can run on the same files. `fixtures/0.1.0/README.md` describes each file.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import sqlite3
import zlib
from base64 import b64decode
from contextlib import closing
from hashlib import scrypt
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from filelock import FileLock
from tests.conftest import FakeClock
from tests.vault.servers import RedisServer

from entrakit import Secret, Transport, UsernamePassword, connect, get_connection, list_connections
from entrakit.authority.clouds import find_cloud
from entrakit.cli import main
from entrakit.cli.context import Streams
from entrakit.connection import record as records
from entrakit.connection.record import settings_from_json
from entrakit.errors import ExportError, InteractionRequiredError, VaultBusyError, VaultError
from entrakit.files.resumable import RecordFile
from entrakit.graph.delta_session import DeltaSession
from entrakit.sign_in.discovery import discover
from entrakit.vault import Entry, Vault, bundle, upkeep
from entrakit_emulator import start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from entrakit import Connection
    from entrakit_emulator import Tenant

FIXTURES = Path(__file__).parent / "fixtures" / "0.1.0"
MADE: dict[str, Any] = json.loads((FIXTURES / "made.json").read_text())
CONNECTIONS: dict[str, dict[str, Any]] = json.loads((FIXTURES / "connections.json").read_text())
PASSPHRASE = Secret(MADE["passphrase"])
PLACE = MADE["url"].removeprefix("https://")
DAY_S = 24 * 3600.0
FLOWS = {
    "browser": "browser", "device-code": "devicecode", "password": "password", "password-saved": "password",
    "secret": "secret", "secret-environment": "secret", "secret-file": "secret", "secret-saved": "secret",
    "certificate-path": "certificate", "certificate-password": "certificate", "certificate-saved": "certificate",
    "certificate-command": "certificate", "certificate-thumbprint": "certificate", "certificate-name": "certificate",
    "certificate-uri": "certificate", "keeper": "secret", "key-vault-certificate": "certificate",
    "key-vault-key": "certificate", "key-vault-secret": "secret",
}  # fmt: skip
# Their certificate stores and tokens do not exist here, and the secret was not saved.
NOT_RENEWED = ("certificate-thumbprint", "certificate-name", "certificate-uri", "secret")
EXPORTS = [("users.ndjson", 1), ("users-parallel.ndjson", 4)]


def private(source: Path, copy: Path) -> Path:
    """Copy a directory with private permissions, which a checkout of a repository does not keep."""
    shutil.copytree(source, copy)
    for path in (copy, *copy.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
    return copy


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """Return a copy of the fixtures."""
    return private(FIXTURES, tmp_path / "0.1.0")


@pytest.fixture
def then() -> FakeClock:
    """Return a clock that starts a minute after the files were made."""
    return FakeClock(MADE["at"] + 60)


@pytest.fixture
def vault(made: Path) -> Vault:
    """Return the file vault of the fixtures."""
    return Vault(str(made / "vault"), key_from="file", environ={})


@pytest.fixture(scope="module")
def restored_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    """Return a tenant that was restored from the snapshot."""
    copy = private(FIXTURES, tmp_path_factory.mktemp("tenant") / "0.1.0")
    with start(restore=str(copy / "tenant.json")) as tenant:
        yield tenant


@pytest.fixture
def restored(restored_server: Tenant, then: FakeClock) -> Iterator[Tenant]:
    """Return that tenant, with its clock at the time of the files."""
    restored_server.clock.follow(then)
    yield restored_server
    restored_server.clock.reset()


def placed(text: str, made: Path, tenant: Tenant) -> str:
    """Replace the tenant's address and the paths of the fixtures in a string by those of this test."""
    place = tenant.url.removeprefix("https://")
    ours = text.replace(f"{MADE['home']}/files/ca.pem", tenant.ca_path)
    return ours.replace(MADE["home"], str(made)).replace(PLACE, place)


def moved(vault: Vault, made: Path, tenant: Tenant) -> Vault:
    """Return a vault with all connections, with this tenant and this copy of the files in their metadata."""
    here = Vault(str(made / "moved"), key_from="file", environ={})
    for name in vault.names():
        entry = vault.read(name)
        here.write(name, json.loads(placed(json.dumps(entry.metadata), made, tenant)), entry.secrets)
    return here


def shape(value: object) -> object:
    """Return the shape of a JSON value: names of fields and types of values."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def opened(data: bytes | str, key: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Decrypt an entry as 0.1.0 does, without the current code; return its header and its secrets."""
    header = json.loads(data)
    nonce, sealed = b64decode(header.pop("nonce")), b64decode(header.pop("sealed"))
    bound = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    return header, json.loads(AESGCM(key).decrypt(nonce, sealed, bound))


def opened_bundle(data: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Decrypt a bundle as 0.1.0 does, without the current code; return its header and its content."""
    header = json.loads(data)
    nonce, sealed = b64decode(header.pop("nonce")), b64decode(header.pop("sealed"))
    bound = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    salt = bytes.fromhex(header["kdf"]["salt"])
    key = scrypt(MADE["passphrase"].encode(), salt=salt, n=2**17, r=8, p=1, maxmem=2**28, dklen=32)
    return header, json.loads(AESGCM(key).decrypt(nonce, sealed, bound))


def key_of(directory: Path) -> bytes:
    """Return the key in the only key file of a directory."""
    (file,) = directory.glob("key-*")
    return file.read_bytes()


# Saved connections


def test_every_flow_is_among_the_files() -> None:
    """
    The fixtures contain every kind of connection that 0.1.0 can save.
    """
    assert set(FLOWS) == set(CONNECTIONS)
    assert {"browser", "devicecode", "certificate", "secret", "password"} == set(FLOWS.values())


@pytest.mark.parametrize("name", FLOWS)
def test_a_kept_connection_is_read(vault: Vault, then: FakeClock, name: str) -> None:
    """
    Metadata, tokens, refresh token and credential of a connection are read as 0.1.0 saved them, and its token is used.
    """
    kept = CONNECTIONS[name]

    assert Entry(**kept) == vault.read(name)
    with get_connection(name, vault=vault, clock=then) as connection:
        settings = connection.info
        token = kept["secrets"]["tokens"][" ".join(settings.scopes)]
        assert token["access_token"] == connection.token().access_token
        assert connection.is_fresh
    metadata = kept["metadata"]
    assert (FLOWS[name], metadata["flow"]) == (settings.flow, settings.flow)
    assert metadata["cloud"] == [*settings.cloud[:3], list(settings.cloud.aliases), settings.cloud.graph_url]
    assert metadata["account"] == list(settings.account)
    assert metadata["origin"] == dict(settings.origin)
    for field in ("client_id", "tenant_id", "directory_id", "resource", "save_secret", "send_chain", "ca_bundle",
                  "proxy", "connected_at", "expires_at"):  # fmt: skip
        assert metadata[field] == getattr(settings, field)
    assert "ada@contoso.example" == settings.account.username or settings.is_app


def test_the_vault_is_listed(vault: Vault, then: FakeClock) -> None:
    """
    Listing a vault of 0.1.0 needs no key. It returns the current connection and the copy of a damaged entry.
    """
    found = list_connections(vault=vault)

    assert sorted(FLOWS) == [one.name for one in found]
    assert {"fresh"} == {one.state(then.time()) for one in found}
    assert ["secret"] == [one.name for one in found if one.is_current]
    assert {"lost"} == set(vault.traces()) - set(FLOWS)
    assert "file" == vault.key_source()


@pytest.mark.parametrize("name", [name for name in FLOWS if name not in NOT_RENEWED])
def test_a_kept_connection_is_renewed(
    vault: Vault, made: Path, restored: Tenant, then: FakeClock, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """
    A connection of 0.1.0 is renewed with its refresh token, or with a credential from its recorded source: entry,
    environment, file, program, or key vault. The result of the renewal is saved.
    """
    monkeypatch.setenv("AZURE_CLIENT_SECRET", restored.client_secret)
    monkeypatch.setenv("AZURE_CLIENT_CERTIFICATE_PASSWORD", MADE["pfx_password"])
    (made / "files" / "nightly.pem").write_text(restored.certificate_pem)
    here = moved(vault, made, restored)
    # After 90 days the refresh token has expired, and the password is used. The tenant's certificates start today.
    clock = then if FLOWS[name] in ("browser", "devicecode", "password") else FakeClock()
    clock.advance(200 * DAY_S if name == "password-saved" else DAY_S)
    restored.clock.follow(clock)

    with get_connection(name, vault=here, clock=clock) as connection:
        token = connection.token(min_validity_s=1e6)

    before, after = CONNECTIONS[name]["secrets"], here.read(name).secrets
    assert token.access_token not in json.dumps(before)
    assert token.access_token in json.dumps(after)
    assert before["serial"] + 1 == after["serial"]
    assert before["proof"] == after["proof"]


def test_what_was_not_kept_is_asked_for(vault: Vault, made: Path, restored: Tenant) -> None:
    """
    A secret that was passed as an argument is not saved, and the error says how to connect again.
    """
    connection = get_connection("secret", vault=moved(vault, made, restored), clock=FakeClock())

    with connection, pytest.raises(InteractionRequiredError) as caught:
        connection.token(min_validity_s=1e6)

    assert "`connect()`" in caught.value.remedy
    assert connection.info == caught.value.settings


def test_a_process_of_0_1_0_that_holds_an_entry_is_waited_for(vault: Vault, made: Path) -> None:
    """
    The lock of an entry is the same file in both versions, so they never renew at the same time.
    """
    held = FileLock(made / "vault" / "connections" / "browser.lock")

    with held, pytest.raises(VaultBusyError), vault.lock("browser", 0.0):
        pass


def test_the_tenant_s_document_is_used_for_a_day(made: Path, then: FakeClock) -> None:
    """
    A discovery document of the last day is read from the disk, and no request is sent.
    """
    settings = settings_from_json("secret", CONNECTIONS["secret"]["metadata"])
    transport = Transport(ca_bundle=str(made / "files" / "ca.pem"), clock=then)

    found = discover(settings.cloud, settings.tenant_id, transport, directory=str(made / "vault" / "metadata"))

    assert f"{MADE['url']}/{settings.tenant_id}/v2.0" == found.issuer


# Writing a vault


@pytest.mark.parametrize("name", FLOWS)
def test_0_1_0_reads_what_is_kept(vault: Vault, made: Path, then: FakeClock, name: str) -> None:
    """
    A connection that is saved again has the header, the metadata and the secrets of 0.1.0, and its entry opens with the
    key in the vault's note. A change of the schema must keep the files readable for both versions.
    """
    file, note = made / "vault" / "connections" / f"{name}.json", made / "vault" / "vault.json"
    before, noted = opened(file.read_bytes(), key_of(made / "vault")), note.read_bytes()

    records.keep(vault, records.read(vault, name), now=then.time())

    assert before == opened(file.read_bytes(), key_of(made / "vault"))
    assert {"schema": 1, "name": name} == {field: before[0][field] for field in ("schema", "name")}
    assert tuple(CONNECTIONS[name].values()) == (before[0]["metadata"], before[1])
    assert noted == note.read_bytes()


@pytest.mark.parametrize("name", [name for name in FLOWS if name not in NOT_RENEWED[:3]])
def test_0_1_0_reads_what_connect_keeps(
    made: Path, entra_tenant: Tenant, emulator: Callable[..., Connection], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """
    A new connection is saved with the fields of 0.1.0 and the same form of the source of its credential. The only
    additional ones are the digest of a credential and the id of the vault, in the encrypted part, whose members 0.1.0
    reads by their names. A change of the schema must keep the files readable for both versions.
    """
    place = made / "new"
    vault = Vault(str(place), key_from="file", environ={})
    secret = {"client_id": entra_tenant.vault_client, "client_secret": entra_tenant.vault_client_secret}
    emulator(name="keeper", vault=vault, save_secret=True, **secret).token("https://vault.azure.net/.default")
    entra_tenant.seed.add_certificate(entra_tenant.confidential_client, (made / "files/certificate.pem").read_text())
    (made / "files" / "nightly.pem").write_text(entra_tenant.certificate_pem)
    monkeypatch.setenv("AZURE_CLIENT_SECRET", entra_tenant.client_secret)
    monkeypatch.setenv("AZURE_CLIENT_CERTIFICATE_PASSWORD", MADE["pfx_password"])

    if name != "keeper":
        connection = emulator(name=name, vault=vault, **parameters_of(name, made, entra_tenant))
        if name == "browser":
            connection.token("https://management.azure.com/user_impersonation")
            connection._tokens.service_token("https://graph.microsoft.com/User.Read.All")

    header, secrets = opened((place / "connections" / f"{name}.json").read_bytes(), key_of(place))
    old = CONNECTIONS[name]
    ours = json.dumps(header["metadata"]["origin"]).replace(str(made), MADE["home"])
    origin = json.loads(ours.replace(entra_tenant.url.removeprefix("https://"), PLACE))
    assert {"schema", "name", "key", "metadata"} == set(header)
    assert (1, {"from", "id", "salt"}) == (header["schema"], set(header["key"]))
    assert shape(old["metadata"]) == shape(header["metadata"])
    assert old["metadata"]["origin"] == origin
    assert old["metadata"]["scopes"] == header["metadata"]["scopes"]
    digest = secrets.pop("digest", None)
    assert (digest is None) == (FLOWS[name] in ("browser", "devicecode"))
    assert secrets.pop("vault") == (place / "vault.id").read_text()
    assert shape(old["secrets"]) == shape(secrets)
    note, noted = ((at / "vault.json").read_bytes() for at in (place, FIXTURES / "vault"))
    assert json.loads(note) == {"schema": 1, **header["key"]}
    assert shape(json.loads(noted)) == shape(json.loads(note))


def parameters_of(name: str, made: Path, tenant: Tenant) -> dict[str, object]:
    """Return the parameters of `connect()` for a connection like the one with this name."""
    files, person = made / "files", tenant.person()
    credential = UsernamePassword(tenant.users.normal.upn, tenant.users.normal.password)
    tenant.seed.change_settings({"device_interval_s": 1})
    sign = ["openssl", "dgst", "-sha256", "-sign", str(files / "key.pem"), "-sigopt", "rsa_padding_mode:pss"]
    password = "AZURE_CLIENT_CERTIFICATE_PASSWORD"
    people: dict[str, dict[str, object]] = {
        "browser": {"open_browser": person.open_browser, "scopes": ["User.Read.All", "Group.Read.All"]},
        "device-code": {"device_code": True, "on_device_code": lambda it: person.approve_device(it.user_code)},
        "password": {"credential": credential},
        "password-saved": {"credential": credential, "save_secret": True},
    }
    apps: dict[str, Callable[[], dict[str, object]]] = {
        "secret": lambda: {"client_secret": tenant.client_secret},
        "secret-environment": lambda: {"client_secret": Secret.from_env("AZURE_CLIENT_SECRET")},
        "secret-file": lambda: {"client_secret": Secret.from_file(files / "secret.txt")},
        "secret-saved": lambda: {"client_secret": tenant.client_secret, "save_secret": True},
        "certificate-path": lambda: {"certificate_path": files / "both.pem", "send_certificate_chain": True},
        "certificate-password": lambda: {
            "certificate_path": files / "both.pfx", "certificate_password": Secret.from_env(password)
        },
        "certificate-saved": lambda: {"certificate_path": files / "both.pem", "save_secret": True},
        "certificate-command": lambda: {
            "certificate_path": files / "certificate.pem",
            "certificate_command": [*sign, "-sigopt", "rsa_pss_saltlen:32"],
        },
        "key-vault-certificate": lambda: {"key_vault_certificate": tenant.vault_hsm_certificate},
        "key-vault-secret": lambda: {"key_vault_secret": tenant.vault_secret},
        "key-vault-key": lambda: {
            "key_vault_key": tenant.vault_certificate, "certificate_path": files / "nightly.pem"
        },
    }  # fmt: skip
    if name in people:
        return people[name]
    through = {"key_vault": tenant.vault_url, "key_vault_connection": "keeper"} if "vault" in name else {}
    return {"client_id": tenant.confidential_client, **through, **apps[name]()}


# Connections on Redis


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """Return a server with the keys that 0.1.0 wrote."""
    (tmp_path / "server").mkdir()
    with RedisServer(tmp_path / "server") as one:
        for entry in json.loads((FIXTURES / "redis" / "keys.json").read_text()):
            key, value, ttl_s = entry["key"], entry["value"], entry["ttl_s"]
            words = [value] if entry["type"] == "string" else value
            one.command({"string": "SET", "set": "SADD", "list": "RPUSH"}[entry["type"]], key, *words)
            if ttl_s is not None:
                one.command("EXPIRE", key, str(ttl_s))
        yield one


def test_connections_on_redis_are_read(made: Path, server: RedisServer) -> None:
    """
    All connections are read, with the current one and the copy of a damaged one. An entry whose last lock was held by
    0.1.0 can be written.
    """
    vault = Vault(server.url, key_from="file", environ={"ENTRAKIT_HOME": str(made / "redis" / "home")})

    assert CONNECTIONS == {name: vault.read(name)._asdict() for name in vault.names()}
    assert ("secret", {"lost"}) == (vault.current(), set(vault.traces()) - set(FLOWS))
    with vault.lock("browser", 0.0):
        vault.write("browser", *CONNECTIONS["browser"].values())
        server.command("SET", "{entrakit}:lock:secret", "00 1 contoso-desk", "PX", "15000")
        with pytest.raises(VaultBusyError), vault.lock("secret", 0.0):
            pass


def test_a_rekey_gives_a_vault_of_0_1_0_an_id(vault: Vault, made: Path) -> None:
    """
    A vault of 0.1.0 has no id, and nothing in it names one, until its key is changed: then all entries and the current
    name belong to that vault, and 0.1.0 can still read them.
    """
    records.keep(vault, records.read(vault, "secret"), now=0)
    vault.set_current("secret")
    assert "" == vault.storage.read_notes().vault

    upkeep.rekey(vault)

    own = vault.storage.read_notes().vault
    assert re.fullmatch("[0-9a-f]{32}", own)
    assert ("secret", own) == (vault.current(), vault.storage.read_current().vault)
    for name in FLOWS:
        header, secrets = opened((made / "vault" / "connections" / f"{name}.json").read_bytes(), key_of(made / "vault"))
        assert {**CONNECTIONS[name]["secrets"], "vault": own} == secrets
        assert CONNECTIONS[name]["metadata"] == header["metadata"]


def test_0_1_0_reads_what_is_kept_on_redis(made: Path, server: RedisServer) -> None:
    """
    The keys have the names, the types and the expiry of 0.1.0, and the entries its header and secrets. Only the id of
    the vault is added: in a key, in the encrypted part of the entries, and with the current name. A change of the
    schema must keep the keys readable for both versions.
    """
    before = json.loads((FIXTURES / "redis" / "keys.json").read_text())
    server.command("FLUSHALL")
    home = made / "home"
    vault = Vault(server.url, key_from="file", environ={"ENTRAKIT_HOME": str(home)})

    bundle.restore(vault, (FIXTURES / "bundle" / "connections.json").read_bytes(), PASSPHRASE)
    vault.set_current("secret")
    vault.storage.write("lost", b"{")
    with pytest.raises(VaultError, match="damaged"):
        vault.read("lost")

    for entry in before:
        ttl = int(server.command("TTL", entry["key"]))
        assert entry["type"] == server.command("TYPE", entry["key"]), entry["key"]
        assert entry["ttl_s"] == (None if ttl < 0 else round(ttl, -2)), entry["key"]
    added = {"{entrakit}:id", "{entrakit}:current-vault"}
    assert {entry["key"] for entry in before} | added == set(server.command("--scan").split("\n"))
    assert "secret" == server.command("GET", "{entrakit}:current")
    for name, kept in CONNECTIONS.items():
        header, secrets = opened(server.command("GET", f"{{entrakit}}:entry:{name}"), key_of(home))
        assert (1, name, kept["metadata"]) == (header["schema"], header["name"], header["metadata"])
        assert {**kept["secrets"], "vault": server.command("GET", "{entrakit}:id")} == secrets


# Connections in a bundle


def test_exported_connections_are_imported(made: Path) -> None:
    """
    All connections of a bundle are imported with their metadata and secrets.
    """
    vault = Vault(str(made / "imported"), key_from="file", environ={})

    assert sorted(FLOWS) == bundle.restore(vault, (made / "bundle" / "connections.json").read_bytes(), PASSPHRASE)
    assert CONNECTIONS == {name: vault.read(name)._asdict() for name in vault.names()}


def test_0_1_0_imports_what_is_exported(vault: Vault) -> None:
    """
    A bundle has the header of 0.1.0 and opens with the algorithm of 0.1.0. A change of the schema must keep it readable
    for both versions.
    """
    header, content = opened_bundle(bundle.export(vault, [], PASSPHRASE))
    old, _ = opened_bundle((FIXTURES / "bundle" / "connections.json").read_bytes())

    old["kdf"]["salt"] = header["kdf"]["salt"]
    assert old == header
    assert CONNECTIONS == content


# Exports


@pytest.fixture
def asked(vault: Vault, made: Path, restored: Tenant, then: FakeClock) -> Iterator[Connection]:
    """Return a saved connection to the tenant of the snapshot."""
    with get_connection("secret-saved", vault=moved(vault, made, restored), clock=then) as connection:
        yield connection


@pytest.mark.parametrize(("name", "parallel"), EXPORTS)
def test_an_interrupted_export_goes_on(
    asked: Connection, made: Path, restored: Tenant, name: str, parallel: int
) -> None:
    """
    The lines that 0.1.0 wrote stay, the missing ones follow, and each object occurs once.
    """
    file = made / "export" / name
    notes = file.with_name(f"{name}.part.notes")
    notes.write_text(placed(notes.read_text(), made, restored))
    written = file.with_name(f"{name}.part").read_bytes()

    done = asked.graph.export("/users", file, parallel=parallel, top=20, select="id,displayName")

    lines = file.read_bytes().splitlines()
    assert (len(lines), len(written.splitlines())) == done
    assert written == file.read_bytes()[: len(written)]
    users = sorted(str(one["id"]) for one in asked.graph.items("/users"))
    assert users == sorted(json.loads(one)["id"] for one in lines)
    assert [] == list(file.parent.glob(f"{name}.part*"))


def bare(link: str) -> str:
    """Return the address of a range without its filter: each version divides a collection in its own way."""
    path, _, query = link.partition("?")
    return f"{path}?{'&'.join(one for one in query.split('&') if not one.startswith('$filter='))}"


@pytest.mark.parametrize(("name", "parallel"), EXPORTS)
def test_0_1_0_goes_on_with_an_interrupted_export(
    asked: Connection, made: Path, restored: Tenant, name: str, parallel: int
) -> None:
    """
    The notes have the same query and the same fields, and count the bytes of the lines. A change of the schema must
    keep them readable for both versions.
    """
    file = made / f"new-{name}"
    pages: list[int] = []

    def stop(count: int, total: int | None) -> None:
        pages.append(count)
        if len(pages) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        asked.graph.export("/users", file, parallel=parallel, on_page=stop, top=20, select="id,displayName")

    new = file.with_name(f"{file.name}.part.notes").read_text().splitlines()
    old = placed((FIXTURES / "export" / f"{name}.part.notes").read_text(), made, restored).splitlines()
    last, before = json.loads(new[-1]), json.loads(old[-1])
    assert old[0] == new[0]
    assert shape(before) == shape(last)
    assert {bare(first) for first, _ in before["links"]} == {bare(first) for first, _ in last["links"]}
    part = file.with_name(f"{file.name}.part").read_bytes()
    assert last["size"] == len(part)
    # 0.1.0 reads each listing to its end from its second address.
    written = {str(json.loads(line)["id"]) for line in part.splitlines()}
    rest = {str(one["id"]) for _, following in last["links"] for one in asked.graph.items(following)}
    assert {str(one["id"]) for one in asked.graph.items("/users")} == written | rest


# Sessions of delta queries


@pytest.fixture
def session(made: Path, restored: Tenant) -> DeltaSession:
    """Return the session with the delta links, changed to this tenant's address."""
    file = made / "delta" / "users.session"
    file.write_text(placed(file.read_text(), made, restored))
    return DeltaSession(file)


def places(path: str) -> dict[str, str]:
    """Return the delta links of a session file by query."""
    document = json.loads(Path(path).read_text())
    assert {"entrakit_delta": 1} == {name: value for name, value in document.items() if name != "queries"}
    return cast("dict[str, str]", document["queries"])


def test_a_delta_query_goes_on(asked: Connection, restored: Tenant, session: DeltaSession) -> None:
    """
    A finished delta query returns only the later changes. An interrupted one returns the rest. An interrupted resync
    returns the rest and is still reported as a resync.
    """
    graph, ada = asked.graph, restored.users.normal.object_id
    count = len(list(graph.items("/users")))
    graph.patch(f"/users/{ada}", {"displayName": "Ada Since"})

    since = list(graph.delta("/users/delta", session=session, select="displayName"))
    rest = list(graph.delta("/users/delta", session=session, select="id", headers={"Prefer": "odata.maxpagesize=50"}))
    anew = graph.delta("/users/delta", session=session, select="mail")

    assert [(ada, "Ada Since")] == [(one["id"], one["displayName"]) for one in since]
    assert count - 200 == len({one["id"] for one in rest})
    assert anew.is_resync
    assert count - 200 == len({one["id"] for one in anew})
    assert [] == list(graph.delta("/users/delta", session=session, select="displayName"))


def test_0_1_0_goes_on_with_a_delta_query(asked: Connection, made: Path, session: DeltaSession) -> None:
    """
    In a new session the same queries have the same names, and the links have the same form. A change of the schema must
    keep the session readable for both versions.
    """
    graph, new = asked.graph, DeltaSession(made / "new.session")
    old = places(session.path)

    list(graph.delta("/users/delta", session=new, select="displayName"))
    list(graph.delta("/users/delta", session=new, select="mail"))
    changes = graph.delta("/users/delta", session=new, select="id", headers={"Prefer": "odata.maxpagesize=50"})
    for number, _ in enumerate(changes, 1):
        if number == 201:
            break

    ours = places(new.path)
    assert set(old) == set(ours)
    alike = [name for name in old if not old[name].startswith("resync https://")]
    assert [old[name].partition("token=")[0] for name in alike] == [ours[name].partition("token=")[0] for name in alike]


def test_0_1_0_knows_that_a_delta_query_began_anew(
    asked: Connection, made: Path, restored: Tenant, then: FakeClock, session: DeltaSession
) -> None:
    """
    The link of an interrupted resync is marked with the word that 0.1.0 expects.
    """
    graph, new = asked.graph, DeltaSession(made / "new.session")
    list(graph.delta("/users/delta", session=new, select="mail"))
    then.advance(8 * DAY_S)

    for number, _ in enumerate(graph.delta("/users/delta", session=new, select="mail"), 1):
        if number == 201:
            break

    (name, link), old = next(iter(places(new.path).items())), places(session.path)
    assert old[name].partition("token=")[0] == link.partition("token=")[0]


# Results of an interrupted batch


def entra(home: Path, *words: str) -> tuple[int, str]:
    """Run the command on a vault; return its exit code and its standard error."""
    streams = Streams(io.StringIO(), io.StringIO(), io.StringIO())
    code = main(words, streams, {"ENTRAKIT_HOME": str(home), "ENTRAKIT_VAULT_KEY_FROM": "file"})
    return code, cast("io.StringIO", streams.error).getvalue()


def test_the_record_of_a_killed_batch_is_kept(made: Path, restored: Tenant) -> None:
    """
    The results of a killed batch are not overwritten, and the batch is not sent again.
    """
    requests, out = made / "batch" / "requests.ndjson", made / "batch" / "results.ndjson"
    record = out.with_name("results.ndjson.unfinished")
    before = record.read_bytes()
    restored.journal.clear()

    code, told = entra(made / "vault", "batch", str(requests), "--out", str(out), "--name", "secret", "--yes")

    assert (1, True) == (code, f"{record} exists" in told)
    assert (before, 20) == (record.read_bytes(), len(before.splitlines()))
    assert [] == restored.journal.of("graph")
    with pytest.raises(ExportError, match="contains the results of an interrupted run"):
        RecordFile(str(out))


def test_a_record_is_written_as_0_1_0_wrote_it(
    vault: Vault, made: Path, restored: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The same requests give lines of the same form, in a file of the same name until the batch is complete. A change of
    the schema must keep the file readable for both versions.
    """
    old = (made / "batch" / "results.ndjson.unfinished").read_text().splitlines()
    here = moved(vault, made, restored)
    restored.clock.reset()
    out = made / "new.ndjson"

    code, told = entra(
        Path(here.place), "batch", str(made / "batch" / "requests.ndjson"), "--out", str(out), "--name", "secret-saved",
        "--parallel", "1",
    )  # fmt: skip

    new = out.read_text().splitlines()
    assert (40, "38 done, 2 failed (2 with HTTP 404)" in told, code != 0) == (len(new), True, True)
    assert [shape(json.loads(line)) for line in old] == [shape(json.loads(line)) for line in new[:20]]
    file = RecordFile(str(made / "other.ndjson"))
    file.write(b"{}\n")
    file.close()
    assert b"{}\n" == (made / "other.ndjson.unfinished").read_bytes()


# The tenant


def test_a_snapshot_is_served(asked: Connection, restored: Tenant, made: Path) -> None:
    """
    A restored tenant contains the users, groups, apps and deleted objects, and its users can still sign in.
    """
    graph = asked.graph
    users = {str(one["id"]) for one in graph.items("/users")}
    read = {json.loads(line)["id"] for line in (FIXTURES / "export" / "users.ndjson.part").read_bytes().splitlines()}
    deleted = restored.users.disabled.object_id

    assert (230 + 8 - 1, 60) == (len(users), len(users & read))
    assert 2 == len(list(graph.items("/groups")))
    assert 100 <= max(len(list(graph.items(f"/groups/{one['id']}/members"))) for one in graph.items("/groups"))
    assert ["Contoso Made"] == [
        one["displayName"] for one in graph.items("/applications", filter="displayName eq 'Contoso Made'")
    ]
    assert [deleted] == [one["id"] for one in graph.items("/directory/deletedItems/microsoft.graph.user")]
    ada = UsernamePassword(restored.users.normal.upn, restored.users.normal.password)
    where = {"cloud": find_cloud(restored.url), "ca_bundle": restored.ca_path, "tenant_id": restored.tenant_id}
    with cast("Callable[..., Connection]", connect)(client_id=restored.public_client, credential=ada, **where) as one:
        assert restored.users.normal.object_id == one.account.object_id


def test_a_tenant_of_0_1_0_reads_a_snapshot(made: Path, tmp_path: Path) -> None:
    """
    A snapshot is written with the fields, the tables and the version of 0.1.0. A change of the schema must keep it
    readable for both versions.
    """
    old = json.loads((made / "tenant.json").read_text())
    with start(restore=str(made / "tenant.json"), clock=FakeClock(MADE["at"] + 60)) as tenant:
        tenant.snapshot(str(tmp_path / "new.json"))
    new = json.loads((tmp_path / "new.json").read_text())

    assert 1 == new["entrakit_emulator"]
    assert tables_of(old.pop("database")) == tables_of(new.pop("database"))
    assert shape(old) == shape(new)
    for name in ("tenants", "users", "departed", "registered", "consents", "valid_from", "refresh_tokens"):
        assert old[name] == new[name]
    # The tenant creates its certificates at each start.
    assert [one | {"certificates": []} for one in old["apps"]] == [one | {"certificates": []} for one in new["apps"]]


def test_a_tenant_of_0_1_0_ignores_what_is_newer_in_a_snapshot(made: Path, tmp_path: Path) -> None:
    """
    0.1.0 refuses users and apps with fields that it does not know, so a snapshot has newer fields elsewhere.
    """
    old = json.loads((made / "tenant.json").read_text())
    with start() as tenant:
        app, identity = tenant.confidential_client, tenant.system_identity
        tenant.seed.add_federated_credential(app, "https://token.contoso.com", "job")
        tenant.snapshot(str(tmp_path / "new.json"))
    new = json.loads((tmp_path / "new.json").read_text())

    for part in ("users", "apps"):
        assert {frozenset(old[part][0])} == {frozenset(one) for one in new[part]}
    assert (["federated"], ["resource_id"]) == (list(new["later"][app]), list(new["later"][identity]))
    with start(restore=str(tmp_path / "new.json")) as tenant:
        tenant.snapshot(str(tmp_path / "again.json"))
    assert new["later"] == json.loads((tmp_path / "again.json").read_text())["later"]


def tables_of(text: str) -> list[tuple[str, str]]:
    """Return the names and the SQL of the tables in a snapshot's database."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.deserialize(zlib.decompress(b64decode(text)))
        return database.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
