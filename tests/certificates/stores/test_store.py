"""The search for a certificate: stores of the user first, then the valid certificate that expires last."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from entrakit.certificates.stores.available import DOTNET, usual_stores
from entrakit.certificates.stores.store import find_by_name, find_by_thumbprint, find_first
from entrakit.errors import CertificateError, ParameterError

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.x509 import Certificate as X509Certificate
    from tests.certificates.conftest import Maker

    from entrakit.certificates.stores.store import CertificateStore


class Machine:
    """A machine with stores of the user and of the computer."""

    def __init__(self, root: Path, maker: Maker) -> None:
        self.user, self.own, self.computer = root / "home" / DOTNET, root / "own" / "certificates", root / "etc"
        for directory in (self.user, self.own, self.computer):
            directory.mkdir(parents=True)
        self.maker = maker
        self.environ = {
            "HOME": str(root / "home"),
            "ENTRAKIT_HOME": str(root / "own"),
            "ENTRAKIT_MACHINE_CERTIFICATES": str(self.computer),
        }
        self.stores: list[CertificateStore] = usual_stores(self.environ, "linux")

    def put(self, directory: Path, name: str, certificate: X509Certificate, *, mode: int = 0o600) -> X509Certificate:
        """Write a certificate with its key to a store."""
        (directory / f"{name}.pfx").write_bytes(self.maker.pfx(certificate))
        (directory / f"{name}.pfx").chmod(mode)
        return certificate


@pytest.fixture
def machine(tmp_path: Path, maker: Maker) -> Machine:
    """Return a machine with empty stores."""
    return Machine(tmp_path, maker)


def test_a_thumbprint_finds_either_hash(machine: Machine, maker: Maker) -> None:
    """
    SHA-1 and SHA-256 both find the certificate.
    """
    machine.put(machine.user, "a", maker.certificate("one"))
    machine.put(machine.user, "b", maker.certificate("two"))
    two = find_by_name("two", machine.stores)

    assert two.der == find_by_thumbprint(two.thumbprint.lower(), machine.stores).der
    assert two.der == find_by_thumbprint(two.thumbprint_sha256, machine.stores).der


def test_stores_of_the_user_come_first(machine: Machine, maker: Maker) -> None:
    """
    A certificate of the user is returned, even if one of the computer expires later.
    """
    own = machine.put(machine.user, "a", maker.certificate(ends=40))
    machine.put(machine.computer, "b", maker.certificate(ends=400))

    assert own.not_valid_after_utc == find_by_name("app", machine.stores).not_after


def test_stores_of_the_computer_come_second(machine: Machine, maker: Maker) -> None:
    """
    A certificate of the computer is returned if the user has none, or only expired ones.
    """
    machine.put(machine.user, "a", maker.certificate(begins=-9, ends=-1))
    other = machine.put(machine.computer, "b", maker.certificate(ends=400))

    assert other.not_valid_after_utc == find_by_name("CN=app, O=Contoso", machine.stores).not_after


@pytest.mark.parametrize("swapped", [True, False])
def test_the_valid_certificate_that_expires_last_is_returned(machine: Machine, maker: Maker, swapped: bool) -> None:
    """
    Of several certificates with a name in all stores of the user, the valid one that expires last is returned. One that
    is not valid yet, is expired or has a short key is not.
    """
    first, second = (machine.own, machine.user) if swapped else (machine.user, machine.own)
    machine.put(first, "a", maker.certificate(ends=40))
    best = machine.put(second, "b", maker.certificate(ends=80))
    machine.put(first, "c", maker.certificate(begins=5, ends=900))
    machine.put(first, "d", maker.certificate(begins=-9, ends=-1))
    short = maker.certificate(key=maker.small_key, ends=900).public_bytes
    from cryptography.hazmat.primitives.serialization import Encoding

    (first / "e.pem").write_bytes(short(Encoding.PEM) + maker.key_pem(maker.small_key))

    assert best.not_valid_after_utc == find_by_name("app", machine.stores, now=time.time()).not_after


def test_a_warning_is_only_about_the_key_that_is_used(
    machine: Machine, maker: Maker, caplog: pytest.LogCaptureFixture
) -> None:
    """
    If other users can read several keys, the warning is only about the one that is returned (checklist 29).
    """
    machine.put(machine.user, "app", maker.certificate(), mode=0o644)
    machine.put(machine.user, "another", maker.certificate("another"), mode=0o644)

    find_by_name("app", machine.stores)

    assert [True] == ["app.pfx" in record.getMessage() for record in caplog.records]


def test_the_error_lists_certificates_with_reasons(machine: Machine, maker: Maker) -> None:
    """
    The error lists subject, thumbprint, expiry and reason of each certificate, the most similar first. Unreadable files
    and the searched stores follow.
    """
    machine.put(machine.user, "a", maker.certificate("payroll"))
    machine.put(machine.user, "b", maker.certificate("mailing"))
    old = machine.put(machine.computer, "c", maker.certificate("mailer", begins=-9, ends=-1))
    (machine.computer / "broken.pfx").write_bytes(b"broken")

    with pytest.raises(CertificateError) as caught:
        find_by_name("mailer", machine.stores)

    lines = caught.value.problem.splitlines()
    places = [
        next(i for i, line in enumerate(lines) if f"CN={name}," in line) for name in ("mailer", "mailing", "payroll")
    ]
    assert sorted(places) == places
    assert "expired on" in lines[places[0]]
    assert f"until {old.not_valid_after_utc:%Y-%m-%d}" in lines[places[0]]
    assert lines[places[1]].endswith(": another certificate")
    assert any("broken.pfx: it is neither" in line for line in lines)
    assert any(str(machine.own) in line for line in lines)
    assert caught.value.remedy


@pytest.mark.parametrize("size", [40, 64])
def test_a_thumbprint_with_a_typing_error_is_listed_first(machine: Machine, maker: Maker, size: int) -> None:
    """
    The certificate with a thumbprint that differs in one digit is listed first.
    """
    for name in "abc":
        machine.put(machine.user, name, maker.certificate(name))
    intended = find_by_name("b", machine.stores)
    thumbprint = intended.thumbprint if size == 40 else intended.thumbprint_sha256
    mistyped = ("0" if thumbprint[0] != "0" else "1") + thumbprint[1:]

    with pytest.raises(CertificateError) as caught:
        find_by_thumbprint(mistyped, machine.stores)

    assert "CN=b,O=Contoso" in caught.value.problem.splitlines()[2]


def test_a_long_list_is_shortened(machine: Machine, maker: Maker) -> None:
    """
    An error lists ten items of each section, and the number of the others.
    """
    for number in range(12):
        (machine.user / f"{number}.pfx").write_bytes(b"broken")

    with pytest.raises(CertificateError, match="and 2 more"):
        find_by_name("app", machine.stores)


def test_an_invalid_name_reads_no_store() -> None:
    """
    A malformed thumbprint or name is reported before any store is read.
    """
    with pytest.raises(ParameterError):
        find_by_thumbprint("xyz", [])
    with pytest.raises(ParameterError):
        find_by_name("", [])


def test_a_search_without_criteria_returns_the_last_to_expire(machine: Machine, maker: Maker) -> None:
    """
    In stores that contain only suitable certificates, the one that expires last is returned. Without one, the error has
    the description of the search.
    """
    machine.put(machine.user, "a", maker.certificate("one", ends=40))
    machine.put(machine.user, "b", maker.certificate("two", ends=80))

    assert "CN=two,O=Contoso" == find_first("on the token", machine.stores, now=time.time()).subject
    with pytest.raises(CertificateError, match="Found no certificate on the token"):
        find_first("on the token", [], now=time.time())
