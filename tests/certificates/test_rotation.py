"""Files that rotate: a new certificate is used from the next renewal on, and one that is not good changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from entrakit import connect, get_connection
from entrakit.authority.clouds import find_cloud
from entrakit.errors import CertificateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cryptography import x509
    from tests.certificates.conftest import Maker
    from tests.conftest import FakeClock

    from entrakit import Connection
    from entrakit_emulator import Tenant


class Rotating:
    """A connection whose certificate is in a directory as Kubernetes mounts it: a link to a link to a file.

    Args:
        directory: The directory.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._count = 0
        self.path = directory / "tls.pem"
        self.path.symlink_to("..data/tls.pem")

    def put(self, content: bytes) -> None:
        """Swap the whole directory of content at once."""
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
    """Return such a directory."""
    (tmp_path / "secret").mkdir()
    return Rotating(tmp_path / "secret")


@pytest.fixture
def certificates(
    maker: Maker, entra_tenant: Tenant, as_pem: Callable[[x509.Certificate], bytes]
) -> list[x509.Certificate]:
    """Return two certificates that the app may use."""
    made = [maker.certificate(f"number {n}") for n in range(2)]
    for one in made:
        entra_tenant.seed.add_certificate(entra_tenant.confidential_client, as_pem(one).decode())
    return made


@pytest.fixture
def connection(
    rotating: Rotating, certificates: list[x509.Certificate], maker: Maker, entra_tenant: Tenant, clock: FakeClock
) -> Iterator[Connection]:
    """Give a connection that was made with the first of them."""
    entra_tenant.clock.follow(clock)
    rotating.put(maker.pem(certificates[0]))
    any_set = cast("Callable[..., Connection]", connect)
    one = any_set(
        client_id=entra_tenant.confidential_client, tenant_id=entra_tenant.tenant_id, ca_bundle=entra_tenant.ca_path,
        cloud=find_cloud(entra_tenant.url), certificate_path=rotating.path, clock=clock,
    )  # fmt: skip
    yield one
    one.close()


def used(connection: Connection) -> str:
    """Return the subject of the certificate that the last renewal used."""
    return str(getattr(connection._holder._proof, "subject", ""))


def renew(connection: Connection, clock: FakeClock) -> str:
    """Let the token end, get another, and return the subject of the certificate that was used."""
    clock.advance(7200)
    assert connection.token().access_token
    return used(connection)


def test_a_new_file_is_used_from_the_next_renewal_on(
    connection: Connection, rotating: Rotating, certificates: list[x509.Certificate], maker: Maker, clock: FakeClock
) -> None:
    """
    Swapped as Kubernetes and cert-manager do: no restart, no call, and the old file may be gone.
    """
    assert "CN=number 0,O=Contoso" == renew(connection, clock)

    rotating.put(maker.pem(certificates[1]))

    assert "CN=number 1,O=Contoso" == renew(connection, clock)


@pytest.mark.parametrize("broken", ["empty", "half", "no key", "expired", "not yet", "ec", "gone", "another key"])
def test_what_is_not_good_changes_nothing(
    connection: Connection, rotating: Rotating, certificates: list[x509.Certificate], maker: Maker, clock: FakeClock,
    as_pem: Callable[[x509.Certificate], bytes], caplog: pytest.LogCaptureFixture, broken: str,
) -> None:  # fmt: skip
    """
    A file that is half written, expired or without its key does not displace the one that is still good: it is told,
    and passed over until a good one is there.
    """
    whole = maker.pem(certificates[1])
    rotating.put({
        "empty": b"", "half": whole[: len(whole) // 2], "no key": as_pem(certificates[1]),
        "expired": maker.pem(maker.certificate(begins=-9, ends=-1)), "ec": maker.key_pem(maker.ec_key),
        "not yet": maker.pem(maker.certificate(begins=30)), "gone": whole,
        "another key": as_pem(certificates[1]) + maker.key_pem(maker.other_key),
    }[broken])  # fmt: skip
    if broken == "gone":
        rotating.path.unlink()

    assert "CN=number 0,O=Contoso" == renew(connection, clock)
    assert "the one before is used" in caplog.text

    rotating.path.unlink(missing_ok=True)
    rotating.path.write_bytes(whole)
    assert "CN=number 1,O=Contoso" == renew(connection, clock)


def test_where_none_is_good_any_more_it_is_told(connection: Connection, rotating: Rotating, clock: FakeClock) -> None:
    """
    The old one ends as well: the error is about the certificate, and nothing is sent.
    """
    rotating.put(b"")
    clock.advance(400 * 86400)

    with pytest.raises(CertificateError, match="expired"):
        connection.token()


def test_a_password_that_was_not_needed_is_not_asked_for(
    rotating: Rotating, certificates: list[x509.Certificate], maker: Maker, entra_tenant: Tenant
) -> None:
    """
    A password for a file without one does no harm, in a later process neither.
    """
    rotating.put(maker.pem(certificates[0]))
    any_set = cast("Callable[..., Connection]", connect)
    any_set(
        client_id=entra_tenant.confidential_client, tenant_id=entra_tenant.tenant_id, ca_bundle=entra_tenant.ca_path,
        cloud=find_cloud(entra_tenant.url), certificate_path=rotating.path, certificate_password="canary", name="app",
    ).close()  # fmt: skip

    with get_connection("app") as later:
        assert later.token(min_validity_s=10**6).access_token


def test_a_file_whose_password_was_handed_in_is_not_read_again(
    rotating: Rotating, certificates: list[x509.Certificate], maker: Maker, entra_tenant: Tenant, clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """
    The password is gone, so a new file can't be opened: the one before is used, and that is told.
    """
    entra_tenant.clock.follow(clock)
    rotating.put(maker.pfx(certificates[0], password=b"canary"))
    any_set = cast("Callable[..., Connection]", connect)
    with any_set(
        client_id=entra_tenant.confidential_client, tenant_id=entra_tenant.tenant_id, ca_bundle=entra_tenant.ca_path,
        cloud=find_cloud(entra_tenant.url), certificate_path=rotating.path, certificate_password="canary", clock=clock,
    ) as one:  # fmt: skip
        rotating.put(maker.pfx(certificates[1], password=b"canary"))
        assert "CN=number 0,O=Contoso" == renew(one, clock)
    assert "the one before is used" in caplog.text
