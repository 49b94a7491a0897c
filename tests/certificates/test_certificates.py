"""Certificates: checks before anything is sent, and data that is never shown."""

from __future__ import annotations

import pickle
import time
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from tests.certificates.conftest import NOW

from entrakit import Certificate
from entrakit.certificates import Signer
from entrakit.certificates.signers.software import SoftwareKey
from entrakit.errors import CertificateError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.certificates.conftest import Maker


class Device:
    """A signer with a key that is not exportable."""

    def __init__(self, key: SoftwareKey) -> None:
        self._key = key

    def sign(self, message: bytes) -> bytes:
        """Return a signature, as a device does."""
        return self._key.sign(message)


def test_a_valid_certificate_has_no_warning(maker: Maker) -> None:
    """
    A certificate that is valid for more than 30 days passes the check without a warning.
    """
    assert "" == Certificate.from_pair(maker.key, maker.certificate()).check(time.time())


@pytest.mark.parametrize(
    ("ends", "words"), [(29.9, "in 29 days"), (12.01, "in 12 days"), (1.52, "in 36 hours"), (0.01, "in 0 hours")]
)
def test_a_certificate_that_expires_soon_has_a_warning(maker: Maker, ends: float, words: str) -> None:
    """
    A certificate that expires within 30 days passes with a warning (checklist 27).
    """
    warning = Certificate.from_pair(maker.key, maker.certificate(ends=ends)).check(NOW.timestamp())

    assert words in warning


@pytest.mark.parametrize(("begins", "ends", "words"), [(-10, -1, "expired on"), (5, 10, "not valid before")])
def test_an_invalid_certificate_is_refused(maker: Maker, begins: float, ends: float, words: str) -> None:
    """
    A certificate that expired or is not valid yet is refused, with the date and a remedy (checklist 27).
    """
    one = Certificate.from_pair(maker.key, maker.certificate(begins=begins, ends=ends))
    day = one.not_after if ends < 0 else one.not_before

    with pytest.raises(CertificateError, match=f"{words} {day:%Y-%m-%d %H:%M} UTC") as caught:
        one.check(time.time())

    assert caught.value.remedy
    assert not one.is_valid(time.time())


def test_both_ends_are_valid(maker: Maker) -> None:
    """
    A certificate is valid in the first and in the last second of its validity (RFC 5280, 4.1.2.5).
    """
    one = Certificate.from_pair(maker.key, maker.certificate())

    for moment in (one.not_before.timestamp(), one.not_after.timestamp()):
        one.check(moment)
        assert one.is_valid(moment)


def test_a_short_key_is_refused(maker: Maker) -> None:
    """
    An RSA key with fewer than 2048 bits is refused (checklist 27).
    """
    one = Certificate.from_pair(maker.small_key, maker.certificate(key=maker.small_key))

    with pytest.raises(CertificateError, match="1024 bits"):
        one.check(time.time())


def test_a_key_of_another_type_is_refused(maker: Maker) -> None:
    """
    Entra accepts RSA keys only. An EC key is refused with that reason, in memory and in a device.
    """
    with pytest.raises(CertificateError, match="RSA keys only"):
        Certificate.from_pair(maker.ec_key, maker.certificate(key=maker.ec_key))  # type: ignore[arg-type] # a program can do this
    with pytest.raises(CertificateError, match="RSA keys only"):
        Certificate(maker.certificate(key=maker.ec_key), Device(SoftwareKey(maker.key))).check(time.time())


def test_another_key_is_refused(maker: Maker) -> None:
    """
    A private key that does not belong to the certificate is refused (checklist 27).
    """
    with pytest.raises(CertificateError, match="does not belong to the certificate"):
        Certificate.from_pair(maker.other_key, maker.certificate())


def test_a_device_is_a_signer(maker: Maker) -> None:
    """
    Any signer is accepted. A key that is not exportable is not saved.
    """
    one = Certificate(maker.certificate(), Device(SoftwareKey(maker.key)))

    assert isinstance(one.signer, Signer)
    assert 256 == len(one.sign(b"message"))
    with pytest.raises(CertificateError, match="is not exportable"):
        one.export_pem()


def test_a_device_with_another_key_is_refused(maker: Maker) -> None:
    """
    A signature that the certificate does not verify is refused before it is sent (checklist 27).
    """
    one = Certificate(maker.certificate(), Device(SoftwareKey(maker.other_key)))

    with pytest.raises(CertificateError, match="not made with the key"):
        one.sign(b"message")


def test_no_secret_is_shown(maker: Maker) -> None:
    """
    The repr of a certificate has subject, thumbprint and expiry only. Pickling is refused (checklist 28, 49).
    """
    one = Certificate.from_pair(maker.key, maker.certificate())

    assert (
        f"Certificate(subject='CN=app,O=Contoso', thumbprint_sha256='{one.thumbprint_sha256}', "
        f"not_after='{one.not_after.isoformat()}')"
    ) == repr(one)
    assert (40, 64) == (len(one.thumbprint), len(one.thumbprint_sha256))
    with pytest.raises(TypeError):
        pickle.dumps(one)


def test_a_certificate_is_immutable(maker: Maker) -> None:
    """
    No attribute of a certificate can be set.
    """
    one = Certificate.from_pair(maker.key, maker.certificate())

    for name in ("subject", "signer", "anything"):
        with pytest.raises(AttributeError):
            setattr(one, name, "other")


def test_a_damaged_name_or_date_is_reported_at_once(maker: Maker, as_der: Callable[[x509.Certificate], bytes]) -> None:
    """
    Fields that the parser reads on access are read when the certificate is created, so that no search fails on them.
    """
    data = as_der(maker.certificate())
    damaged = x509.load_der_x509_certificate(data.replace(b"Contoso", b"Conto\xff\xff"))

    with pytest.raises(CertificateError, match="is damaged"):
        Certificate(damaged, SoftwareKey(maker.key))


def test_a_saved_certificate_opens_again(maker: Maker) -> None:
    """
    The PEM export of a certificate gives the same certificate again, including its chain.
    """
    middle = maker.certificate("middle", key=maker.other_key)
    one = Certificate.from_pair(maker.key, maker.certificate("app", issuer="middle"), [middle])

    again = Certificate.from_bytes(one.export_pem())

    assert (one.der, one.chain) == (again.der, again.chain)


def test_an_exception_of_a_signer_is_reported(maker: Maker) -> None:
    """
    An exception of a program's own signer is reported as a failure of the signer, without its text.
    """

    class Failing:
        def sign(self, message: bytes) -> bytes:
            raise ValueError("canary")

    with pytest.raises(CertificateError, match="CN=app,O=Contoso failed: ValueError") as caught:
        Certificate(maker.certificate(), Failing()).sign(b"message")
    assert "canary" not in str(caught.value)
