"""Signing out: nothing of a connection is left in files, keyring, kernel or Redis (checklist 43)."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.vault.servers import RedisServer

from entrakit import UsernamePassword, connect, disconnect
from entrakit.authority.clouds import find_cloud
from entrakit.vault import Vault
from entrakit.vault.keys import kernel

if TYPE_CHECKING:
    from entrakit.connection import Connection
    from entrakit_emulator import Tenant

KEY = base64.b64encode(bytes(range(32))).decode()


def signed_in(tenant: Tenant, vault: Vault, name: str = "work") -> Connection:
    """Sign in and save everything that can be saved: tokens, refresh token and password."""
    return connect(
        client_id=tenant.public_client, tenant_id=tenant.tenant_id, cloud=find_cloud(tenant.url), vault=vault,
        credential=UsernamePassword(tenant.users.normal.upn, tenant.users.normal.password), ca_bundle=tenant.ca_path,
        name=name, save_secret=True,
    )  # fmt: skip


def secrets_of(connection: Connection, vault: Vault, tenant: Tenant) -> list[str]:
    """Return all secret strings of a connection."""
    kept = vault.read("work").secrets
    texts = [connection.token().access_token, str(kept["refresh_token"]), tenant.users.normal.password]
    assert all(len(text) > 8 for text in texts)
    return texts


def files_with(home: Path, texts: list[str]) -> list[str]:
    """Return the files below a directory that contain any of the secrets, as they are or in base64."""
    forms = [text.encode() for text in texts]
    forms += [base64.b64encode(form)[:-4] for form in forms]
    return [
        str(path)
        for path in home.rglob("*")
        if path.is_file() and any(form in path.read_bytes() for form in forms)
    ]  # fmt: skip


def kernel_listing() -> str:
    """Return the kernel's listing of the keys that it holds for entrakit."""
    path = Path("/proc/keys")
    return path.read_text(encoding="ascii") if path.exists() else ""


def test_nothing_is_left_in_files(entra_tenant: Tenant, private_home: Path) -> None:
    """
    A saved connection has no secret in the clear, and a disconnected one leaves no entry, copy or key.
    """
    vault = Vault()
    connection = signed_in(entra_tenant, vault)
    texts = secrets_of(connection, vault, entra_tenant)
    connection.close()
    assert [] == files_with(private_home, texts)

    assert disconnect("work")

    left = {path.relative_to(private_home).parts[0] for path in private_home.rglob("*") if path.is_file()}
    assert left <= {"metadata"}
    assert [] == files_with(private_home, texts)


def test_nothing_is_left_of_one_while_another_stays(entra_tenant: Tenant, private_home: Path) -> None:
    """
    Signing out of one connection does not change another one.
    """
    vault = Vault()
    for name in ("work", "other"):
        signed_in(entra_tenant, vault, name).close()
    before = (private_home / "connections" / "other.json").read_bytes()

    assert disconnect("work")

    assert before == (private_home / "connections" / "other.json").read_bytes()
    assert ["other.json"] == [path.name for path in (private_home / "connections").glob("*.json")]
    assert vault.read("other").secrets


def test_nothing_is_left_in_the_kernel(
    entra_tenant: Tenant, private_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The stretched passphrase is removed with the last connection, too.
    """
    monkeypatch.setenv("ENTRAKIT_VAULT_KEY", "correct horse")
    vault = Vault()
    signed_in(entra_tenant, vault).close()
    ref = vault.key_ref()
    assert ref is not None
    Vault().read("work")
    if kernel.find(ref.id) is None:
        pytest.skip("this kernel or container has no user keyring")
    with signed_in(entra_tenant, vault) as connection:
        texts = secrets_of(connection, vault, entra_tenant)
    held = kernel.find(ref.id) or b""
    assert not any(text.encode() in held for text in texts)

    assert disconnect("work")

    assert kernel.find(ref.id) is None
    assert not [line for line in kernel_listing().splitlines() if ref.id in line and "i" not in line.split()[1]]


def test_nothing_is_left_on_the_server(entra_tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    After signing out, neither the keys nor the memory of the Redis server contain anything of the connection.
    """
    (tmp_path / "redis").mkdir()
    with RedisServer(tmp_path / "redis") as server:
        monkeypatch.setenv("ENTRAKIT_VAULT", server.url)
        monkeypatch.setenv("ENTRAKIT_VAULT_KEY", KEY)
        vault = Vault()
        connection = signed_in(entra_tenant, vault)
        texts = secrets_of(connection, vault, entra_tenant)
        connection.close()
        # The server's file contains the sealed entry, and no secret in the clear.
        assert not any(text in server.everything() for text in texts)
        assert [] == files_with(tmp_path / "redis", texts)

        assert disconnect("work")

        assert "0" == server.command("DBSIZE")
        assert [] == files_with(tmp_path / "redis", [*texts, KEY])
