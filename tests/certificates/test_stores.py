"""Finding a certificate: the user's store before the computer's, the newest valid one with a key."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from entrakit.certificates.directory import DOTNET, computer_store, user_store
from entrakit.certificates.stores import find_by_name, find_by_thumbprint, usual_stores
from entrakit.errors import CertificateError, ParameterError

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.x509 import Certificate as X509Certificate
    from tests.certificates.conftest import Maker

    from entrakit.certificates.stores import CertificateStore


class Machine:
    """A home and a computer's directory, with stores in both."""

    def __init__(self, root: Path, maker: Maker) -> None:
        self.user, self.computer = root / "home" / DOTNET, root / "etc"
        self.user.mkdir(parents=True)
        self.computer.mkdir()
        self.maker = maker
        environ = {"HOME": str(root / "home"), "ENTRAKIT_MACHINE_CERTIFICATES": str(self.computer)}
        self.stores: list[CertificateStore] = usual_stores(environ)

    def put(self, directory: Path, name: str, certificate: X509Certificate) -> X509Certificate:
        """Put a certificate with its key into a store."""
        data = pkcs12.serialize_key_and_certificates(
            None, self.maker.key, certificate, None, serialization.NoEncryption()
        )
        (directory / f"{name}.pfx").write_bytes(data)
        (directory / f"{name}.pfx").chmod(0o600)
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


def test_the_newest_valid_one_wins(machine: Machine, maker: Maker) -> None:
    """
    Of several with the name, the valid one that ends last; what is not valid yet does not count.
    """
    machine.put(machine.user, "a", maker.certificate(ends=40))
    best = machine.put(machine.user, "b", maker.certificate(ends=80))
    machine.put(machine.user, "c", maker.certificate(begins=5, ends=900))
    machine.put(machine.user, "d", maker.certificate(begins=-9, ends=-1))

    assert best.not_valid_after_utc == find_by_name("app", machine.stores, now=time.time()).not_after


def test_broken_files_do_not_hide_good_ones(machine: Machine, maker: Maker) -> None:
    """
    What can't be read is told where nothing matches, and never stops the search.
    """
    (machine.user / "aa.pfx").write_bytes(b"broken")
    (machine.user / "bb.pem").write_bytes(maker.certificate().public_bytes(serialization.Encoding.PEM))
    (machine.user / "readme.txt").write_text("not looked at")
    machine.put(machine.user, "z", maker.certificate())

    assert "CN=app,O=Contoso" == find_by_name("app", machine.stores).subject
    with pytest.raises(CertificateError) as caught:
        find_by_name("nobody", machine.stores)
    for words in ("aa.pfx", "bb.pem", "no private key", "CN=app,O=Contoso", "valid until"):
        assert words in str(caught.value)


def test_an_empty_machine_says_where_it_looked(machine: Machine) -> None:
    """
    Where there is nothing, the places are named.
    """
    with pytest.raises(CertificateError, match="Looked in") as caught:
        find_by_thumbprint("ab" * 20, machine.stores)

    assert str(machine.user) in str(caught.value)


def test_what_cannot_be_a_name_reads_no_store() -> None:
    """
    A malformed thumbprint or name is told before any store is read.
    """
    with pytest.raises(ParameterError):
        find_by_thumbprint("xyz", [])
    with pytest.raises(ParameterError):
        find_by_name("", [])


def test_the_usual_places() -> None:
    """
    The user's store is where .NET keeps CurrentUser/My, the computer's below /etc.
    """
    assert f"/home/ada/{DOTNET}" == user_store({"HOME": "/home/ada"}).path
    assert "/etc/entrakit/certificates" == computer_store({}).path
    assert ["user", "computer"] == [store.scope for store in usual_stores({"HOME": "/nowhere"})]
