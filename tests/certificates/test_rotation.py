"""Rotated certificate files: the next renewal uses a new certificate, and ignores one that is not valid."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from entrakit import connect, get_connection
from entrakit.authority.clouds import find_cloud
from entrakit.errors import CertificateError
from entrakit.sign_in.flows.certificate import ClientCertificate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cryptography import x509
    from tests.certificates.conftest import Maker
    from tests.conftest import FakeClock

    from entrakit import Connection
    from entrakit_emulator import Tenant


class Rotating:
    """A directory with a certificate as Kubernetes mounts it: a link to a link to a file.

    Args:
        directory: The directory.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._count = 0
        self.path = directory / "tls.pem"
        self.path.symlink_to("..data/tls.pem")

    def put(self, content: bytes) -> None:
        """Replace the content of the directory in one step."""
        self._count += 1
        version = self._directory / f"..{self._count}"
        version.mkdir()
        (version / "tls.pem").write_bytes(content)
        (version / "tls.pem").chmod(0o600)
        link = self._directory / "..new"
        link.symlink_to(version.name)
        link.replace(self._directory / "..data")


@pytest.fixture
def rotating(tmp_path: Path) -> Rotating:
    """Return a directory with a rotated certificate file."""
    (tmp_path / "secret").mkdir()
    return Rotating(tmp_path / "secret")


@pytest.fixture
def certificates(
    maker: Maker, entra_tenant: Tenant, as_pem: Callable[[x509.Certificate], bytes]
) -> list[x509.Certificate]:
    """Return two certificates of the app."""
    made = [maker.certificate(f"number {n}") for n in range(2)]
    for one in made:
        entra_tenant.seed.add_certificate(entra_tenant.confidential_client, as_pem(one).decode())
    return made


@pytest.fixture
def connection(
    rotating: Rotating, certificates: list[x509.Certificate], maker: Maker, entra_tenant: Tenant, clock: FakeClock
) -> Iterator[Connection]:
    """Yield a connection that was made with the first certificate."""
    entra_tenant.clock.follow(clock)
    rotating.put(maker.pem(certificates[0]))
    any_set = cast("Callable[..., Connection]", connect)
    one = any_set(
        client_id=entra_tenant.confidential_client,
        tenant_id=entra_tenant.tenant_id,
        ca_bundle=entra_tenant.ca_path,
        cloud=find_cloud(entra_tenant.url),
        certificate_path=rotating.path,
        clock=clock,
    )
    yield one
    one.close()


def used(connection: Connection) -> str:
    """Return the subject of the certificate that the last renewal used."""
    how = connection._tokens._how
    return how.certificate.subject if isinstance(how, ClientCertificate) and how.certificate else ""


def renew(connection: Connection, clock: FakeClock) -> str:
    """Let the token expire, renew it, and return the subject of the certificate that the renewal used."""
    clock.advance(7200)
    assert connection.token().access_token
    return used(connection)


def test_the_next_renewal_uses_a_new_file(
    connection: Connection, rotating: Rotating, certificates: list[x509.Certificate], maker: Maker, clock: FakeClock
) -> None:
    """
    A file that Kubernetes or cert-manager replaces is used without a restart and without a call of the program.
    """
    assert "CN=number 0,O=Contoso" == renew(connection, clock)

    rotating.put(maker.pem(certificates[1]))

    assert "CN=number 1,O=Contoso" == renew(connection, clock)


@pytest.mark.parametrize("broken", ["empty", "half", "no key", "expired", "not yet", "ec", "gone", "another key"])
def test_an_invalid_file_is_ignored(
    connection: Connection,
    rotating: Rotating,
    certificates: list[x509.Certificate],
    maker: Maker,
    clock: FakeClock,
    as_pem: Callable[[x509.Certificate], bytes],
    caplog: pytest.LogCaptureFixture,
    broken: str,
) -> None:
    """
    A file that is incomplete, expired or without its key does not replace a valid certificate. It is reported and
    ignored until the file is valid.
    """
    whole = maker.pem(certificates[1])
    contents = {
        "empty": b"",
        "half": whole[: len(whole) // 2],
        "no key": as_pem(certificates[1]),
        "expired": maker.pem(maker.certificate(begins=-9, ends=-1)),
        "ec": maker.key_pem(maker.ec_key),
        "not yet": maker.pem(maker.certificate(begins=30)),
        "gone": whole,
        "another key": as_pem(certificates[1]) + maker.key_pem(maker.other_key),
    }
    rotating.put(contents[broken])
    if broken == "gone":
        rotating.path.unlink()

    assert "CN=number 0,O=Contoso" == renew(connection, clock)
    assert "the one before is used" in caplog.text

    rotating.path.unlink(missing_ok=True)
    rotating.path.write_bytes(whole)
    assert "CN=number 1,O=Contoso" == renew(connection, clock)


def test_a_renewal_needs_a_valid_certificate(connection: Connection, rotating: Rotating, clock: FakeClock) -> None:
    """
    If the previous certificate expired too, the error is about the certificate, and nothing is sent.
    """
    rotating.put(b"")
    clock.advance(400 * 86400)

    with pytest.raises(CertificateError, match="expired"):
        connection.token()


def test_an_unnecessary_password_is_not_required_later(
    rotating: Rotating, certificates: list[x509.Certificate], maker: Maker, entra_tenant: Tenant
) -> None:
    """
    A password for a file without one is ignored, and a later process does not require it.
    """
    rotating.put(maker.pem(certificates[0]))
    any_set = cast("Callable[..., Connection]", connect)
    any_set(
        client_id=entra_tenant.confidential_client,
        tenant_id=entra_tenant.tenant_id,
        ca_bundle=entra_tenant.ca_path,
        cloud=find_cloud(entra_tenant.url),
        certificate_path=rotating.path,
        certificate_password="canary",
        name="app",
    ).close()

    with get_connection("app") as later:
        assert later.token(min_validity_s=10**6).access_token


def test_a_file_with_a_password_of_the_program_is_not_read_again(
    rotating: Rotating,
    certificates: list[x509.Certificate],
    maker: Maker,
    entra_tenant: Tenant,
    clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """
    A password that the program passed is not stored, so a new file can't be opened. The previous certificate is used,
    and a warning says so.
    """
    entra_tenant.clock.follow(clock)
    rotating.put(maker.pfx(certificates[0], password=b"canary"))
    any_set = cast("Callable[..., Connection]", connect)
    with any_set(
        client_id=entra_tenant.confidential_client,
        tenant_id=entra_tenant.tenant_id,
        ca_bundle=entra_tenant.ca_path,
        cloud=find_cloud(entra_tenant.url),
        certificate_path=rotating.path,
        certificate_password="canary",
        clock=clock,
    ) as one:
        rotating.put(maker.pfx(certificates[1], password=b"canary"))
        assert "CN=number 0,O=Contoso" == renew(one, clock)
    assert "the one before is used" in caplog.text
