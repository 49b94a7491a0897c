"""Signing in with what stores hold: each store of Linux, by thumbprint and by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest
from cryptography.hazmat.primitives import hashes

from entrakit import connect, get_connection
from entrakit.authority.clouds import find_cloud
from entrakit.certificates.sources import KINDS, stores_of
from entrakit.certificates.stores.folder import DOTNET
from entrakit.cli.reconnect import reconnect
from entrakit.errors import CertificateError, ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography import x509
    from tests.certificates.conftest import Maker

    from entrakit import Connection
    from entrakit_emulator import Tenant

connect_any = cast("Callable[..., Connection]", connect)


@pytest.fixture
def places(tmp_path: Path, private_home: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Return the directories of the stores by what `--certificate-store` calls them."""
    monkeypatch.setenv("HOME", str(tmp_path / "person"))
    monkeypatch.setenv("ENTRAKIT_MACHINE_CERTIFICATES", str(tmp_path / "computer"))
    found = {
        "dotnet": tmp_path / "person" / DOTNET, "directory": private_home / "certificates",
        "computer": tmp_path / "computer",
    }  # fmt: skip
    for path in found.values():
        path.mkdir(parents=True)
    return found


def put(directory: Path, name: str, content: bytes) -> None:
    """Put a file with a key into a store."""
    (directory / name).write_bytes(content)
    (directory / name).chmod(0o600)


@pytest.mark.parametrize("store", ["dotnet", "directory", "computer"])
@pytest.mark.parametrize("how", ["thumbprint", "name"])
def test_an_app_signs_in_from_each_store(
    places: dict[str, Path], maker: Maker, entra_tenant: Tenant, as_pem: Callable[[x509.Certificate], bytes],
    store: str, how: str,
) -> None:  # fmt: skip
    """
    The tenant verifies signature and thumbprint; a later process finds it again in the same store.
    """
    certificate = maker.certificate(f"app in {store}")
    put(places[store], "app.pfx", maker.pfx(certificate))
    put(places[store], "broken.pfx", b"broken")
    entra_tenant.seed.add_certificate(entra_tenant.confidential_client, as_pem(certificate).decode())
    parameters = {
        "thumbprint": {"certificate_thumbprint": certificate.fingerprint(hashes.SHA1()).hex(":")},  # noqa: S303 - as stores show it
        "name": {"certificate_name": f"app in {store}"},
    }[how]

    connect_any(
        client_id=entra_tenant.confidential_client, tenant_id=entra_tenant.tenant_id, name="app",
        cloud=find_cloud(entra_tenant.url), ca_bundle=entra_tenant.ca_path, certificate_store=store, **parameters,
    ).close()  # fmt: skip

    with get_connection("app") as connection:
        assert connection.token(min_validity_s=10**6).access_token
        assert f"--certificate-store {store}" in reconnect(connection.settings)


def test_a_store_that_was_chosen_is_the_only_one(places: dict[str, Path], maker: Maker) -> None:
    """
    What is in another store is not found, however well it fits.
    """
    from entrakit.certificates.stores.store import find_by_name

    put(places["computer"], "app.pfx", maker.pfx())

    assert "CN=app,O=Contoso" == find_by_name("app").subject
    assert "CN=app,O=Contoso" == find_by_name("app", stores_of("computer")).subject
    for store in ("user", "dotnet"):
        with pytest.raises(CertificateError, match="no certificate named"):
            find_by_name("app", stores_of(store))


@pytest.mark.parametrize("store", ["windows", "keychain"])
def test_a_store_that_is_not_here_is_told(places: dict[str, Path], store: str) -> None:
    """
    A store of another system is told as such, and one that nobody knows with those that there are.
    """
    with pytest.raises(ParameterError, match=f"This machine has no certificate store '{store}'"):
        stores_of(store, platform="linux")
    with pytest.raises(ParameterError, match="no certificate store 'moon'") as caught:
        stores_of("moon")
    assert all(kind in caught.value.remedy for kind in KINDS)
    with pytest.raises(ParameterError, match="goes with the store pkcs11"):
        stores_of("dotnet", "module.so")
