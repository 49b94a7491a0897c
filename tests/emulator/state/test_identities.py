"""Tenants, users and app registrations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from entrakit_emulator.state.identities import read_certificate

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller


def test_only_rsa_certificates_can_be_registered(caller: Caller) -> None:
    """
    A certificate with an elliptic curve key is refused; DER is accepted as well as PEM.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = x509.load_pem_x509_certificate(caller.tenant.certificate_pem.encode())
    other = (
        x509.CertificateBuilder()
        .subject_name(certificate.subject)
        .issuer_name(certificate.subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(certificate.not_valid_before_utc)
        .not_valid_after(certificate.not_valid_after_utc)
        .sign(key, hashes.SHA256())
    )

    with pytest.raises(ValueError, match="RSA"):
        read_certificate(other.public_bytes(serialization.Encoding.PEM))
    assert read_certificate(caller.tenant.certificate_pem.encode()) == read_certificate(
        certificate.public_bytes(serialization.Encoding.DER)
    )
