"""Objects of a key vault."""

from __future__ import annotations

from cryptography.hazmat.primitives import serialization

from entrakit_emulator.state.key_vault import new_certificate


def test_a_new_certificate_belongs_to_its_key() -> None:
    """
    A new certificate belongs to its own key, and its PEM does not contain the key.
    """
    one = new_certificate("Nightly", is_exportable=False)
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)

    assert one.key.public_key().public_bytes(*form) == one.certificate.public_key().public_bytes(*form)
    assert one.not_before < one.not_after
    assert "PRIVATE" not in one.certificate_pem
    assert "RSAPrivateKey" not in repr(one)
