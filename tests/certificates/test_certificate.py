"""Certificates: what is checked before anything is sent, and what is never shown."""

from __future__ import annotations

import pickle
import time
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from entrakit import Certificate
from entrakit.certificates import Signer
from entrakit.certificates.signers.software import SoftwareKey
from entrakit.errors import CertificateError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.certificates.conftest import Maker


class Device:
    """A signer whose key can't leave it."""

    def __init__(self, key: SoftwareKey) -> None:
        self._key = key

    def sign(self, message: bytes) -> bytes:
        """Return a signature, made in the device."""
        return self._key.sign(message)


def test_a_valid_certificate_passes_without_a_word(maker: Maker) -> None:
    """
    With more than 30 days left there is nothing to say.
    """
    assert "" == Certificate.from_pair(maker.key, maker.certificate()).check(time.time())


@pytest.mark.parametrize(
    ("ends", "words"), [(29.9, "in 29 days"), (12.01, "in 12 days"), (1.52, "in 36 hours"), (0.01, "in 0 hours")]
)
def test_one_that_ends_soon_is_warned_of(maker: Maker, ends: float, words: str) -> None:
    """
    Within 30 days of its end a certificate warns (checklist 27).
    """
    warning = Certificate.from_pair(maker.key, maker.certificate(ends=ends)).check(time.time())

    assert words in warning


@pytest.mark.parametrize(("begins", "ends", "words"), [(-10, -1, "expired on"), (5, 10, "not valid before")])
def test_one_that_is_not_valid_is_refused(maker: Maker, begins: float, ends: float, words: str) -> None:
    """
    Expired, and not yet valid, with the day and what to do (checklist 27).
    """
    one = Certificate.from_pair(maker.key, maker.certificate(begins=begins, ends=ends))
    day = one.not_after if ends < 0 else one.not_before

    with pytest.raises(CertificateError, match=f"{words} {day:%Y-%m-%d %H:%M} UTC") as caught:
        one.check(time.time())

    assert caught.value.remedy
    assert not one.is_valid(time.time())


def test_both_ends_are_valid(maker: Maker) -> None:
    """
    The first and the last second belong to the time of validity (RFC 5280, 4.1.2.5).
    """
    one = Certificate.from_pair(maker.key, maker.certificate())

    for moment in (one.not_before.timestamp(), one.not_after.timestamp()):
        one.check(moment)
        assert one.is_valid(moment)


def test_a_short_key_is_refused(maker: Maker) -> None:
    """
    RSA keys have 2048 bits at the least (checklist 27).
    """
    one = Certificate.from_pair(maker.small_key, maker.certificate(key=maker.small_key))

    with pytest.raises(CertificateError, match="1024 bits"):
        one.check(time.time())


def test_a_key_of_another_kind_is_refused(maker: Maker) -> None:
    """
    Entra takes RSA only; an EC key is refused with that reason, wherever it lives.
    """
    with pytest.raises(CertificateError, match="RSA keys only"):
        Certificate.from_pair(maker.ec_key, maker.certificate(key=maker.ec_key))  # type: ignore[arg-type] # what a program may do
    with pytest.raises(CertificateError, match="RSA keys only"):
        Certificate(maker.certificate(key=maker.ec_key), Device(SoftwareKey(maker.key))).check(time.time())


def test_another_key_is_refused(maker: Maker) -> None:
    """
    The key must be the certificate's (checklist 27).
    """
    with pytest.raises(CertificateError, match="not that of the certificate"):
        Certificate.from_pair(maker.other_key, maker.certificate())


def test_a_key_that_stays_in_its_device_is_a_signer(maker: Maker) -> None:
    """
    Whatever signs will do; what can't leave its device is not kept.
    """
    one = Certificate(maker.certificate(), Device(SoftwareKey(maker.key)))

    assert isinstance(one.signer, Signer)
    assert 256 == len(one.sign(b"message"))
    with pytest.raises(CertificateError, match="can't leave"):
        one.export_pem()


def test_a_device_with_another_key_is_found_out(maker: Maker) -> None:
    """
    A signature that the certificate does not verify is refused before it is sent (checklist 27).
    """
    one = Certificate(maker.certificate(), Device(SoftwareKey(maker.other_key)))

    with pytest.raises(CertificateError, match="not signed with its key"):
        one.sign(b"message")


def test_nothing_secret_is_shown(maker: Maker) -> None:
    """
    Repr shows subject, thumbprint and end; a pickle is refused (checklist 28, 49).
    """
    one = Certificate.from_pair(maker.key, maker.certificate())

    assert (
        f"Certificate(subject='CN=app,O=Contoso', thumbprint_sha256='{one.thumbprint_sha256}', "
        f"not_after='{one.not_after.isoformat()}')"
    ) == repr(one)
    assert (40, 64) == (len(one.thumbprint), len(one.thumbprint_sha256))
    with pytest.raises(TypeError):
        pickle.dumps(one)


def test_it_cannot_be_changed(maker: Maker) -> None:
    """
    A certificate is a value: nothing of it can be set.
    """
    one = Certificate.from_pair(maker.key, maker.certificate())

    for name in ("subject", "signer", "anything"):
        with pytest.raises(AttributeError):
            setattr(one, name, "other")


def test_a_damaged_name_or_date_is_told_at_once(maker: Maker, as_der: Callable[[x509.Certificate], bytes]) -> None:
    """
    What the parser reads late is read when the certificate is made, so that no search crashes over it.
    """
    data = as_der(maker.certificate())
    damaged = x509.load_der_x509_certificate(data.replace(b"Contoso", b"Conto\xff\xff"))

    with pytest.raises(CertificateError, match="is damaged"):
        Certificate(damaged, SoftwareKey(maker.key))


def test_a_saved_certificate_opens_again(maker: Maker) -> None:
    """
    What is kept of a certificate makes the same certificate again, chain included.
    """
    middle = maker.certificate("middle", key=maker.other_key)
    one = Certificate.from_pair(maker.key, maker.certificate("app", issuer="middle"), [middle])

    again = Certificate.from_bytes(one.export_pem())

    assert (one.der, one.chain) == (again.der, again.chain)


def test_a_signer_that_fails_is_told(maker: Maker) -> None:
    """
    Whatever a program's own signer raises is told as the signer's, and not as the service's.
    """

    class Failing:
        def sign(self, message: bytes) -> bytes:
            raise ValueError("canary")

    with pytest.raises(CertificateError, match="CN=app,O=Contoso failed: ValueError") as caught:
        Certificate(maker.certificate(), Failing()).sign(b"message")
    assert "canary" not in str(caught.value)
