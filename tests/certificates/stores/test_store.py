"""Finding a certificate: the user's stores before the computer's, the newest valid one with a key."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from entrakit.certificates.stores.folder import DOTNET
from entrakit.certificates.stores.store import find_by_name, find_by_thumbprint, usual_stores
from entrakit.errors import CertificateError, ParameterError

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.x509 import Certificate as X509Certificate
    from tests.certificates.conftest import Maker

    from entrakit.certificates.stores.store import CertificateStore


class Machine:
    """A home and a computer's directory, with stores in both."""

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
        """Put a certificate with its key into a store."""
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


def test_the_user_goes_before_the_computer(machine: Machine, maker: Maker) -> None:
    """
    A certificate of the user wins, though the computer's is newer.
    """
    mine = machine.put(machine.user, "a", maker.certificate(ends=40))
    machine.put(machine.computer, "b", maker.certificate(ends=400))

    assert mine.not_valid_after_utc == find_by_name("app", machine.stores).not_after


def test_the_computer_is_looked_at_second(machine: Machine, maker: Maker) -> None:
    """
    What the user does not have, or has expired, is taken from the computer.
    """
    machine.put(machine.user, "a", maker.certificate(begins=-9, ends=-1))
    theirs = machine.put(machine.computer, "b", maker.certificate(ends=400))

    assert theirs.not_valid_after_utc == find_by_name("CN=app, O=Contoso", machine.stores).not_after


@pytest.mark.parametrize("swapped", [True, False])
def test_the_newest_valid_one_wins(machine: Machine, maker: Maker, swapped: bool) -> None:
    """
    Of several with the name in all the user's stores, the valid one that ends last; what is not valid yet, has
    expired or has a short key does not count.
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


def test_only_the_one_that_is_taken_is_warned_of(
    machine: Machine, maker: Maker, caplog: pytest.LogCaptureFixture
) -> None:
    """
    Others may read what others may read; a warning is about the key that is used (checklist 29).
    """
    machine.put(machine.user, "app", maker.certificate(), mode=0o644)
    machine.put(machine.user, "another", maker.certificate("another"), mode=0o644)

    find_by_name("app", machine.stores)

    assert [True] == ["app.pfx" in record.getMessage() for record in caplog.records]


def test_what_is_not_taken_is_listed_with_its_reason(machine: Machine, maker: Maker) -> None:
    """
    Subject, thumbprint, end and reason of each, the nearest first; then what can't be read, and where was looked.
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
    assert "it is another one" in lines[places[1]]
    assert any("broken.pfx: it is neither" in line for line in lines)
    assert any(str(machine.own) in line for line in lines)
    assert caught.value.remedy


@pytest.mark.parametrize("size", [40, 64])
def test_a_thumbprint_with_a_slip_is_nearest(machine: Machine, maker: Maker, size: int) -> None:
    """
    The certificate whose thumbprint differs by one digit stands first.
    """
    for name in "abc":
        machine.put(machine.user, name, maker.certificate(name))
    meant = find_by_name("b", machine.stores)
    thumbprint = meant.thumbprint if size == 40 else meant.thumbprint_sha256
    slip = ("0" if thumbprint[0] != "0" else "1") + thumbprint[1:]

    with pytest.raises(CertificateError) as caught:
        find_by_thumbprint(slip, machine.stores)

    assert "CN=b,O=Contoso" in caught.value.problem.splitlines()[2]


def test_a_long_list_is_cut(machine: Machine, maker: Maker) -> None:
    """
    An error lists ten of each sort, and says how many more there are.
    """
    for number in range(12):
        (machine.user / f"{number}.pfx").write_bytes(b"broken")

    with pytest.raises(CertificateError, match="and 2 more"):
        find_by_name("app", machine.stores)


def test_what_cannot_be_a_name_reads_no_store() -> None:
    """
    A malformed thumbprint or name is told before any store is read.
    """
    with pytest.raises(ParameterError):
        find_by_thumbprint("xyz", [])
    with pytest.raises(ParameterError):
        find_by_name("", [])


def test_the_usual_stores_are_those_of_this_machine(
    machine: Machine, maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Without stores named, the environment of the process says where to look.
    """
    machine.put(machine.computer, "a", maker.certificate())
    for name, value in machine.environ.items():
        monkeypatch.setenv(name, value)

    assert "CN=app,O=Contoso" == find_by_name("app").subject
