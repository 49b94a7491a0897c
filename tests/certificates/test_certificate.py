"""Certificates: what is checked before anything is sent, and what is never shown."""

from __future__ import annotations

import pickle
import time
from typing import TYPE_CHECKING

import pytest

from entrakit import Certificate
from entrakit.certificates import Signer
from entrakit.certificates.keys import SoftwareKey
from entrakit.errors import CertificateError

if TYPE_CHECKING:
    from tests.certificates.conftest import Maker


class Token:
    """A signer whose key can't leave it."""

    def sign(self, message: bytes) -> bytes:
        """Return no real signature."""
        return b"signed" + message[:1]


def test_a_valid_certificate_passes_without_a_word(maker: Maker) -> None:
    """
    With more than 30 days left there is nothing to say.
    """
    assert "" == Certificate.from_pair(maker.key, maker.certificate()).check(time.time())


def test_one_that_ends_soon_is_warned_of(maker: Maker) -> None:
    """
    Within 30 days of its end a certificate warns (checklist 27).
    """
    warning = Certificate.from_pair(maker.key, maker.certificate(ends=12.01)).check(time.time())

    assert "in 12 days" in warning


@pytest.mark.parametrize(("begins", "ends", "words"), [(-10, -1, "expired on"), (5, 10, "not valid before")])
def test_one_that_is_not_valid_is_refused(maker: Maker, begins: float, ends: float, words: str) -> None:
    """
    Expired, and not yet valid, with the day (checklist 27).
    """
    with pytest.raises(CertificateError, match=words):
        Certificate.from_pair(maker.key, maker.certificate(begins=begins, ends=ends)).check(time.time())


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
    with pytest.raises(CertificateError, match="RSA only"):
        Certificate.from_pair(maker.ec_key, maker.certificate(key=maker.ec_key))  # type: ignore[arg-type] # what a program may do
    with pytest.raises(CertificateError, match="RSA only"):
        Certificate(maker.certificate(key=maker.ec_key), Token()).check(time.time())


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
    one = Certificate(maker.certificate(), Token())

    assert isinstance(one.signer, Signer)
    with pytest.raises(CertificateError, match="can't leave"):
        one.export_pem()


def test_nothing_secret_is_shown(maker: Maker) -> None:
    """
    Repr shows subject, thumbprint and end; a pickle is refused (checklist 28, 49).
    """
    one = Certificate.from_pair(maker.key, maker.certificate())

    assert one.thumbprint_sha256 in repr(one)
    assert "SoftwareKey(…)" == repr(SoftwareKey(maker.key))
    assert (40, 64) == (len(one.thumbprint), len(one.thumbprint_sha256))
    with pytest.raises(TypeError):
        pickle.dumps(one)
