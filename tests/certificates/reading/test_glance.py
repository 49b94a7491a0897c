"""The certificate of a file without its key: the same as with the key, fast, and never an unexpected exception."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrakit.certificates import Certificate
from entrakit.certificates.reading.files import parse_certificate
from entrakit.certificates.reading.glance import glance, pfx_leaf
from entrakit.certificates.stores.folder import DirectoryStore, UnopenedKey
from entrakit.certificates.stores.store import find_by_name, find_by_thumbprint
from entrakit.errors import CertificateError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography import x509
    from tests.certificates.conftest import Maker

FORMS = {
    "AES": (),
    "RC2": ("-legacy",),
    "3DES": ("-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES"),
    "plain": ("-keypbe", "NONE", "-certpbe", "NONE"),
    "no MAC": ("-nomac",),
    "named": ("-name", "Ein Name"),
    "plain key": ("-keypbe", "NONE"),
}


@pytest.mark.parametrize("form", sorted(FORMS))
@pytest.mark.parametrize("chain", [False, True])
def test_the_certificate_of_a_pfx_file_is_read_without_its_key(
    maker: Maker, tmp_path: Path, form: str, *, chain: bool
) -> None:
    """
    From OpenSSL's PFX files in every form, the certificate is read without opening the key, also if there is a chain.
    """
    root = maker.certificate("root", key=maker.other_key, signed_with=maker.other_key)
    leaf = maker.certificate("leaf", issuer="root", signed_with=maker.other_key)
    (tmp_path / "in.pem").write_bytes(
        maker.pem(leaf) + (maker.pem(root).split(b"-----BEGIN PRIV")[0] if chain else b"")
    )
    words = ["openssl", "pkcs12", "-export", "-in", "in.pem", "-out", "out.pfx", "-passout", "pass:", *FORMS[form]]
    subprocess.run(words, cwd=tmp_path, check=True, capture_output=True)
    data = (tmp_path / "out.pfx").read_bytes()

    without_key = pfx_leaf(data)

    with_key = parse_certificate(data, None, source="the file").certificate
    assert [with_key] == [without_key] == glance(data, "the file")


def test_an_ambiguous_pfx_file_is_opened_with_its_key(maker: Maker) -> None:
    """
    If two certificates are possible, the key is opened and selects the right one.
    """
    certificate = maker.certificate("one")
    pfx = maker.pfx(certificate, chain=[maker.certificate("two")])

    assert pfx_leaf(pfx) is None
    assert [certificate] == glance(pfx, "the file")


def test_an_unopened_key_does_not_sign() -> None:
    """
    The key of a file that was not opened refuses to sign.
    """
    with pytest.raises(CertificateError, match="was not opened"):
        UnopenedKey("the file").sign(b"message")


@pytest.mark.parametrize("kind", ["pfx", "pem"])
def test_a_search_in_a_thousand_files_opens_one_key(maker: Maker, tmp_path: Path, kind: str) -> None:
    """
    A search in a directory of 1,000 files opens and validates only the key of the certificate that it returns.
    """
    wanted = maker.certificate("number 500", ends=400)
    for number in range(1000):
        one = wanted if number == 500 else maker.certificate(f"number {number}")
        path = tmp_path / f"{number}.{kind}"
        path.write_bytes(maker.pfx(one) if kind == "pfx" else maker.pem(one))
        path.chmod(0o600)
    store = DirectoryStore(str(tmp_path), "user", "dotnet")

    items = list(store.contents())

    assert 1000 == len([one for one in items if one.certificate is not None and one.open is not None])
    assert {"UnopenedKey"} == {type(one.certificate.signer).__name__ for one in items if one.certificate}
    found = find_by_name("number 500", [store])
    assert found.sign(b"message")
    assert found.thumbprint == find_by_thumbprint(found.thumbprint, [store]).thumbprint


def test_a_file_with_a_damaged_key_is_skipped(
    maker: Maker, tmp_path: Path, as_pem: Callable[[x509.Certificate], bytes]
) -> None:
    """
    A key that can't be opened is reported, and the search continues with the next certificate.
    """
    broken = maker.pfx(maker.certificate(ends=900))
    (tmp_path / "a.pfx").write_bytes(broken[:-40] + bytes(40))
    (tmp_path / "b.pfx").write_bytes(maker.pfx(maker.certificate(ends=100)))
    (tmp_path / "c.pem").write_bytes(as_pem(maker.certificate(ends=800)) + maker.key_pem(maker.other_key))
    for path in tmp_path.glob("*.p*"):
        path.chmod(0o600)

    assert find_by_name("app", [DirectoryStore(str(tmp_path), "user")]).sign(b"message")
    (tmp_path / "b.pfx").unlink()
    with pytest.raises(CertificateError, match=r"Can't be read:[\s\S]*a\.pfx"):
        find_by_name("app", [DirectoryStore(str(tmp_path), "user")])


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10_000), new=st.binary(min_size=1, max_size=6), cut=st.booleans())
def test_a_damaged_pfx_file_is_an_error_or_a_certificate(maker: Maker, place: int, new: bytes, *, cut: bool) -> None:
    """
    A damaged PFX file gives a CertificateError or a certificate, and no other exception.
    """
    data = maker.pfx()
    place %= len(data)
    damaged = data[:place] if cut else data[:place] + new + data[place + len(new) :]
    try:
        assert all(Certificate(one, UnopenedKey("the file")).thumbprint for one in glance(damaged, "the file"))
    except CertificateError as error:
        assert error.problem


def test_an_empty_bag_is_not_a_certificate(maker: Maker) -> None:
    """
    A PFX file with an empty bag is damaged, and not an unexpected exception.
    """
    from entrakit.certificates.reading.der import EXPLICIT, OCTETS, SEQUENCE, compose
    from entrakit.certificates.reading.glance import _pfx
    from entrakit.certificates.reading.pfx import DATA

    safe = compose(SEQUENCE, DATA, compose(EXPLICIT, compose(OCTETS, compose(SEQUENCE, compose(SEQUENCE)))))

    with pytest.raises(CertificateError):
        glance(_pfx(compose(SEQUENCE, safe), b""), "the file")
