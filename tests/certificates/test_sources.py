"""Sources of certificates: an app signs in with a certificate from each store, by thumbprint and by name."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

import pytest
from cryptography.hazmat.primitives import hashes

from entrakit import Certificate, connect, get_connection
from entrakit.authority.clouds import find_cloud
from entrakit.certificates.sources import _pin_of, credential_from
from entrakit.certificates.stores.available import DOTNET
from entrakit.certificates.stores.pkcs11_uri import parse_uri
from entrakit.cli.reconnect import reconnect
from entrakit.errors import CertificateError, ParameterError
from entrakit.sources import InStore

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
    """Return the directories of the stores by their names for `--certificate-store`."""
    monkeypatch.setenv("HOME", str(tmp_path / "person"))
    monkeypatch.setenv("ENTRAKIT_MACHINE_CERTIFICATES", str(tmp_path / "computer"))
    directories = {
        "dotnet": tmp_path / "person" / DOTNET,
        "directory": private_home / "certificates",
        "computer": tmp_path / "computer",
    }
    for path in directories.values():
        path.mkdir(parents=True)
    return directories


def put(directory: Path, name: str, content: bytes) -> None:
    """Write a file with a key to a store."""
    (directory / name).write_bytes(content)
    (directory / name).chmod(0o600)


@pytest.mark.parametrize("store", ["dotnet", "directory", "computer"])
@pytest.mark.parametrize("how", ["thumbprint", "name"])
def test_an_app_signs_in_from_each_store(
    places: dict[str, Path],
    maker: Maker,
    entra_tenant: Tenant,
    as_pem: Callable[[x509.Certificate], bytes],
    store: str,
    how: str,
) -> None:
    """
    The tenant verifies signature and thumbprint. A later process finds the certificate again in the same store.
    """
    certificate = maker.certificate(f"app in {store}")
    put(places[store], "app.pfx", maker.pfx(certificate))
    put(places[store], "broken.pfx", b"broken")
    entra_tenant.seed.add_certificate(entra_tenant.confidential_client, as_pem(certificate).decode())
    parameters = {
        "thumbprint": {"certificate_thumbprint": certificate.fingerprint(hashes.SHA1()).hex(":")},  # noqa: S303 - stores show it
        "name": {"certificate_name": f"app in {store}"},
    }[how]

    connect_any(
        client_id=entra_tenant.confidential_client,
        tenant_id=entra_tenant.tenant_id,
        name="app",
        cloud=find_cloud(entra_tenant.url),
        ca_bundle=entra_tenant.ca_path,
        certificate_store=store,
        **parameters,
    ).close()

    with get_connection("app") as connection:
        assert connection.token(min_validity_s=10**6).access_token
        assert f"--certificate-store {store}" in reconnect(connection.info)


def test_only_the_named_store_is_searched(places: dict[str, Path], maker: Maker) -> None:
    """
    A certificate in another store than the named one is not found, even if it matches.
    """
    put(places["computer"], "app.pfx", maker.pfx())

    for source in (InStore(name="app"), InStore(name="app", store="computer")):
        found = credential_from(source, None, time.time())
        assert isinstance(found, Certificate)
        assert "CN=app,O=Contoso" == found.subject
    for store in ("user", "dotnet"):
        with pytest.raises(CertificateError, match="no certificate named"):
            credential_from(InStore(name="app", store=store), None, time.time())


def test_no_program_is_run_for_a_pin() -> None:
    """
    A URI with `pin-source=|program` is refused.
    """
    with pytest.raises(ParameterError, match="does not run programs"):
        _pin_of(parse_uri("pkcs11:?pin-source=%7C/usr/lib/pinomatic"), {})
