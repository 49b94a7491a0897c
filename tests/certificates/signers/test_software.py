"""Keys: what Microsoft Entra accepts, and what is never shown of one."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from entrakit.certificates.signers.software import SoftwareKey, is_key_of, is_signed_by, refuse_weak
from entrakit.errors import CertificateError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.certificates.conftest import Maker


def test_a_key_is_never_shown_or_copied_out(maker: Maker) -> None:
    """
    Neither repr nor pickle nor copy gives a key away (checklist 28).
    """
    key = SoftwareKey(maker.key)

    assert "SoftwareKey(…)" == repr(key)
    for leak in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            leak(key)


def test_a_signature_is_of_one_key_and_one_message(maker: Maker) -> None:
    """
    A signature is accepted from the certificate's key over this message only (RFC 7518, 3.5).
    """
    certificate = maker.certificate()
    signature = SoftwareKey(maker.key).sign(b"message")

    assert is_signed_by(certificate, b"message", signature)
    assert not is_signed_by(certificate, b"another", signature)
    assert not is_signed_by(certificate, b"message", b"")
    assert not is_signed_by(maker.certificate(key=maker.other_key), b"message", signature)
    assert not is_signed_by(maker.certificate(key=maker.ec_key), b"message", signature)


def test_a_key_of_another_kind_is_named(maker: Maker) -> None:
    """
    Entra takes RSA only; the error says what was given instead (EC, Ed25519).
    """
    with pytest.raises(CertificateError, match="of the kind EC, and Microsoft Entra takes RSA keys only"):
        SoftwareKey.matching(maker.ec_key, maker.certificate())
    with pytest.raises(CertificateError, match="of the kind Ed25519"):
        SoftwareKey.matching(ed25519.Ed25519PrivateKey.generate(), maker.certificate())
    with pytest.raises(CertificateError, match="of the kind EC"):
        refuse_weak(maker.certificate(key=maker.ec_key), "CN=app")


def test_a_key_that_cannot_be_read_is_told(
    maker: Maker, damaged: Callable[[bytes, bytes], object], rsa_oid: bytes
) -> None:
    """
    A certificate with a key of a kind that nobody knows is refused, and belongs to no key.
    """
    strange = damaged(rsa_oid, rsa_oid[:-1] + b"\x7f")

    with pytest.raises(CertificateError, match="of the kind unknown"):
        refuse_weak(strange, "CN=app")  # type: ignore[arg-type] # a certificate, which the fixture need not know
    assert not is_key_of(maker.key, strange)  # type: ignore[arg-type] # as above


@pytest.fixture
def rsa_oid() -> bytes:
    """Return the identifier of RSA keys in DER (RFC 8017, A.1)."""
    return bytes.fromhex("06092a864886f70d010101")


@pytest.fixture
def damaged(maker: Maker, as_der: Callable[[object], bytes]) -> Callable[[bytes, bytes], object]:
    """Return what makes a certificate with some of its bytes replaced."""
    from cryptography import x509

    def damage(old: bytes, new: bytes) -> object:
        data = as_der(maker.certificate())
        assert 1 == data.count(old)
        return x509.load_der_x509_certificate(data.replace(old, new))

    return damage
