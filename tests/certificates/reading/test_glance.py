"""A quick look: the same certificate as a whole look gives, without opening a key, and never a crash."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrakit.certificates.reading.files import load_bytes
from entrakit.certificates.reading.glance import UnopenedKey, glance
from entrakit.certificates.stores.folder import DirectoryStore
from entrakit.certificates.stores.store import find_by_name, find_by_thumbprint
from entrakit.errors import CertificateError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography import x509
    from tests.certificates.conftest import Maker

WAYS = {
    "AES": (), "RC2": ("-legacy",), "3DES": ("-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES"),
    "plain": ("-keypbe", "NONE", "-certpbe", "NONE"), "no MAC": ("-nomac",), "named": ("-name", "Ein Name"),
    "plain key": ("-keypbe", "NONE"),
}  # fmt: skip


@pytest.mark.parametrize("way", sorted(WAYS))
@pytest.mark.parametrize("chain", [False, True])
def test_a_pfx_is_known_without_its_key(maker: Maker, tmp_path: Path, way: str, *, chain: bool) -> None:
    """
    Of OpenSSL's files in every form the certificate is read and the key is not opened, with a chain too.
    """
    root = maker.certificate("root", key=maker.other_key, signed_with=maker.other_key)
    leaf = maker.certificate("leaf", issuer="root", signed_with=maker.other_key)
    (tmp_path / "in.pem").write_bytes(
        maker.pem(leaf) + (maker.pem(root).split(b"-----BEGIN PRIV")[0] if chain else b"")
    )
    words = ["openssl", "pkcs12", "-export", "-in", "in.pem", "-out", "out.pfx", "-passout", "pass:", *WAYS[way]]
    subprocess.run(words, cwd=tmp_path, check=True, capture_output=True)
    data = (tmp_path / "out.pfx").read_bytes()

    seen = glance(data, "here")

    whole = load_bytes(data, None, source="here")
    assert (whole.thumbprint_sha256, "UnopenedKey") == (seen.thumbprint_sha256, type(seen.signer).__name__)


def test_what_is_not_clear_is_opened_whole(maker: Maker) -> None:
    """
    Where two certificates could be the one, the key decides, and is opened for that.
    """
    pfx = maker.pfx(maker.certificate("one"), chain=[maker.certificate("two")])

    seen = glance(pfx, "here")

    assert "CN=one,O=Contoso" == seen.subject
    assert not isinstance(seen.signer, UnopenedKey)


def test_an_unopened_key_signs_nothing() -> None:
    """
    The file that is chosen is opened whole; what was only looked at refuses.
    """
    with pytest.raises(CertificateError, match="was not opened"):
        UnopenedKey("here").sign(b"message")


@pytest.mark.parametrize("kind", ["pfx", "pem"])
def test_a_thousand_files_cost_one_key(maker: Maker, tmp_path: Path, kind: str) -> None:
    """
    However many certificates a store has, only the key of the one that was looked for is opened and tested.
    """
    wanted = maker.certificate("number 500", ends=400)
    for number in range(1000):
        one = wanted if number == 500 else maker.certificate(f"number {number}")
        path = tmp_path / f"{number}.{kind}"
        path.write_bytes(maker.pfx(one) if kind == "pfx" else maker.pem(one))
        path.chmod(0o600)
    store = DirectoryStore(str(tmp_path), "user", "dotnet")

    found = list(store.contents())

    assert 1000 == len([one for one in found if one.certificate is not None and one.open is not None])
    if kind == "pfx":
        assert {"UnopenedKey"} == {type(one.certificate.signer).__name__ for one in found if one.certificate}
    chosen = find_by_name("number 500", [store])
    assert chosen.sign(b"message")
    assert chosen.thumbprint == find_by_thumbprint(chosen.thumbprint, [store]).thumbprint


def test_one_whose_key_does_not_open_is_passed_over(
    maker: Maker, tmp_path: Path, as_pem: Callable[[x509.Certificate], bytes]
) -> None:
    """
    What turns out to be broken when it is opened is told, and the next best is taken.
    """
    broken = maker.pfx(maker.certificate(ends=900))
    (tmp_path / "a.pfx").write_bytes(broken[:-40] + bytes(40))
    (tmp_path / "b.pfx").write_bytes(maker.pfx(maker.certificate(ends=100)))
    (tmp_path / "c.pem").write_bytes(as_pem(maker.certificate(ends=800)) + maker.key_pem(maker.other_key))
    for path in tmp_path.glob("*.p*"):
        path.chmod(0o600)

    assert find_by_name("app", [DirectoryStore(str(tmp_path), "user")]).sign(b"message")
    (tmp_path / "b.pfx").unlink()
    with pytest.raises(CertificateError, match=r"What can't be read:[\s\S]*a\.pfx"):
        find_by_name("app", [DirectoryStore(str(tmp_path), "user")])


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10_000), new=st.binary(min_size=1, max_size=6), cut=st.booleans())
def test_a_damaged_pfx_is_an_error_or_a_certificate(maker: Maker, place: int, new: bytes, *, cut: bool) -> None:
    """
    Whatever is in a file: a CertificateError, or a certificate; never anything else.
    """
    data = maker.pfx()
    place %= len(data)
    damaged = data[:place] if cut else data[:place] + new + data[place + len(new) :]
    try:
        assert glance(damaged, "here").thumbprint
    except CertificateError as error:
        assert error.problem
