"""Public keys of certificates: type, size, and matching signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from entrakit.certificates.public_keys import describe_key, is_key_of, is_signed_by, require_strong_key
from entrakit.certificates.signers.software import SoftwareKey
from entrakit.errors import CertificateError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.certificates.conftest import Maker


def test_a_signature_matches_one_key_and_one_message(maker: Maker) -> None:
    """
    A signature is accepted only from the certificate's key and for this message (RFC 7518, 3.5).
    """
    certificate = maker.certificate()
    signature = SoftwareKey(maker.key).sign(b"message")

    assert is_signed_by(certificate, b"message", signature)
    assert not is_signed_by(certificate, b"another", signature)
    assert not is_signed_by(certificate, b"message", b"")
    assert not is_signed_by(maker.certificate(key=maker.other_key), b"message", signature)
    assert not is_signed_by(maker.certificate(key=maker.ec_key), b"message", signature)


def test_a_key_belongs_to_its_certificates(maker: Maker) -> None:
    """
    A private key belongs to every certificate with its public key, and to no other.
    """
    assert is_key_of(maker.key, maker.certificate("one"))
    assert is_key_of(maker.key, maker.certificate("two"))
    assert not is_key_of(maker.other_key, maker.certificate())


def test_a_key_is_described_by_type_and_size(maker: Maker) -> None:
    """
    The description of a key has its type, and its size in bits.
    """
    assert "RSA 2048" == describe_key(maker.certificate())
    assert "RSA 1024" == describe_key(maker.certificate(key=maker.small_key))
    assert "EC 256" == describe_key(maker.certificate(key=maker.ec_key))


def test_a_key_of_another_type_is_refused(maker: Maker) -> None:
    """
    The error for a key that is not an RSA key names its type.
    """
    with pytest.raises(CertificateError, match="has the type EC, but Microsoft Entra accepts RSA keys only"):
        require_strong_key(maker.certificate(key=maker.ec_key), "CN=app")


def test_an_unreadable_key_is_refused(maker: Maker, as_der: Callable[[x509.Certificate], bytes]) -> None:
    """
    A certificate with a key of an unknown type is refused, and no private key belongs to it.
    """
    # The identifier of RSA keys in DER (RFC 8017, A.1).
    rsa = bytes.fromhex("06092a864886f70d010101")
    data = as_der(maker.certificate())
    assert 1 == data.count(rsa)
    strange = x509.load_der_x509_certificate(data.replace(rsa, rsa[:-1] + b"\x7f"))

    with pytest.raises(CertificateError, match="has the type unknown"):
        require_strong_key(strange, "CN=app")
    assert not is_key_of(maker.key, strange)
    assert "unknown" == describe_key(strange)
