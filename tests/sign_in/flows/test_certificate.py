"""Client credentials with a certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import load_pem_x509_certificate

from entrakit import Certificate
from entrakit.errors import SignInError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from entrakit import Connection
    from entrakit_emulator import Tenant

    Connect = Callable[..., Connection]


def pem(tenant: Tenant) -> bytes:
    """Return the confidential app's certificate and key."""
    return (tenant.certificate_pem + tenant.private_key_pem).encode()


@pytest.mark.parametrize("source", ["object", "bytes", "pair", "path", "thumbprint", "name"])
def test_app_certificate(
    app: Connect, entra_tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    """
    An app signs in with its certificate, from an object, bytes, a pair, a file, or a store by thumbprint or name.
    """
    store = tmp_path / "certificates"
    store.mkdir()
    file = store / "app.pem"
    file.write_bytes(pem(entra_tenant))
    file.chmod(0o600)
    monkeypatch.setenv("ENTRAKIT_MACHINE_CERTIFICATES", str(store))
    monkeypatch.setenv("HOME", str(tmp_path))
    one = Certificate.from_path(file)
    private_key = serialization.load_pem_private_key(entra_tenant.private_key_pem.encode(), None)
    given: dict[str, dict[str, object]] = {
        "object": {"certificate": one},
        "bytes": {"certificate": pem(entra_tenant)},
        "pair": {"certificate": (private_key, load_pem_x509_certificate(entra_tenant.certificate_pem.encode()))},
        "path": {"certificate_path": "~/certificates/app.pem"},
        "thumbprint": {"certificate_thumbprint": one.thumbprint.lower()},
        "name": {"certificate_name": one.subject},
    }

    token = app(**given[source]).token()

    assert "certificate" == token.flow
    assert "User.Read.All" in token.roles
    assert [] == entra_tenant.journal.violations


def test_app_certificate_with_password_and_chain(app: Connect, entra_tenant: Tenant, tmp_path: Path) -> None:
    """
    An encrypted file opens with its password, and the chain is sent if requested.
    """
    key = serialization.load_pem_private_key(entra_tenant.private_key_pem.encode(), None)
    file = tmp_path / "app.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"canary-password"),
        )
        + entra_tenant.certificate_pem.encode()
    )
    file.chmod(0o600)

    connection = app(certificate_path=file, certificate_password="canary-password", send_certificate_chain=True)

    assert "certificate" == connection.token().flow


def test_an_unknown_certificate_is_explained(app: Connect, entra_tenant: Tenant, emulator: Connect) -> None:
    """
    A certificate that is not registered for the app gives a clear error (AADSTS700027), with the thumbprint to compare.
    """
    from cryptography.hazmat.primitives.asymmetric import rsa
    from tests.certificates.conftest import Maker

    maker = Maker.__new__(Maker)
    maker.key = rsa.generate_private_key(65537, 2048)

    certificate = maker.certificate()

    with pytest.raises(SignInError) as caught:
        app(certificate=(maker.key, certificate))

    thumbprint = certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - as certificate stores show it
    assert 700027 == caught.value.code
    assert caught.value.problem.endswith(f", with the thumbprint {thumbprint}.")
    assert "Upload" in caught.value.remedy


def test_a_clock_that_is_off_is_told_and_tolerated(
    app: Connect, entra_tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    """
    With a clock an hour behind, a certificate still signs in: its assertion is built again with the service's time.
    """
    entra_tenant.clock.set_offset(3600)

    connection = app(certificate=pem(entra_tenant))

    assert "User.Read.All" in connection.token().roles
    assert "clock is 60 minutes behind" in caplog.text
