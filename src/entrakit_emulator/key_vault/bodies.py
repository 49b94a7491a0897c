"""Objects of a key vault as the REST reference describes them: bundles and items, api-version 7.5.

KeyBundle, CertificateBundle, SecretBundle; KeyItem, CertificateItem, SecretItem.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from entrakit_emulator.jose import b64url, thumbprints
from entrakit_emulator.state.key_vault import PEM, KeyVaultCertificate

if TYPE_CHECKING:
    from entrakit_emulator.state.key_vault import KeyVaultSecret

KEY_OPERATIONS = ("encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey")
RECOVERABLE_DAYS = 90


class ObjectAddress:
    """Address of an object; its ids begin with it.

    Args:
        vault_url: URL of the key vault, as the request spells it.
        name: Name of the object.
    """

    def __init__(self, vault_url: str, name: str) -> None:
        self.vault_url = vault_url
        self.name = name

    def of(self, kind: str, version: str = "") -> str:
        """Return the id of a version, or of the object itself.

        Args:
            kind: `keys`, `certificates` or `secrets`.
            version: Version; empty for the object itself.
        """
        return "/".join(part for part in (self.vault_url, kind, self.name, version) if part)


def key(at: ObjectAddress, one: KeyVaultCertificate) -> dict[str, object]:
    """Return the public part of a key."""
    numbers = one.key.public_key().public_numbers()
    return {
        "key": {
            "kid": at.of("keys", one.version),
            "kty": _kind(one),
            "key_ops": list(KEY_OPERATIONS),
            "n": b64url(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")),
            "e": b64url(numbers.e.to_bytes((numbers.e.bit_length() + 7) // 8, "big")),
        },
        "attributes": attributes(one),
        "managed": True,
    }


def certificate(at: ObjectAddress, one: KeyVaultCertificate) -> dict[str, object]:
    """Return a certificate with its policy."""
    der = one.certificate.public_bytes(serialization.Encoding.DER)
    key_size = one.key.key_size
    return {
        "id": at.of("certificates", one.version),
        "kid": at.of("keys", one.version),
        "sid": at.of("secrets", one.version),
        "x5t": thumbprints(der)[0],
        "cer": base64.b64encode(der).decode(),
        "contentType": one.content_type,
        "attributes": attributes(one),
        "policy": {
            "id": f"{at.of('certificates')}/policy",
            "key_props": {
                "exportable": one.is_exportable, "kty": _kind(one), "key_size": key_size, "reuse_key": False,
            },
            "secret_props": {"contentType": one.content_type},
            "x509_props": {"subject": one.certificate.subject.rfc4514_string(), "validity_months": 12},
            "issuer": {"name": "Self"},
            "attributes": {"enabled": True, "created": one.created, "updated": one.created},
        },
    }  # fmt: skip


def secret(at: ObjectAddress, one: KeyVaultCertificate | KeyVaultSecret) -> dict[str, object]:
    """Return a secret with its value. The value of a certificate's secret is a PFX or PEM."""
    if isinstance(one, KeyVaultCertificate):
        return {"value": _exported(one), "kid": at.of("keys", one.version)} | item("secrets", at, one)
    return {"value": one.value} | item("secrets", at, one)


def item(kind: str, at: ObjectAddress, one: KeyVaultCertificate | KeyVaultSecret) -> dict[str, object]:
    """Return the item of a version in a list.

    Args:
        kind: `keys`, `certificates` or `secrets`.
        at: Address of the object.
        one: The version.
    """
    body: dict[str, object] = {"kid" if kind == "keys" else "id": at.of(kind, one.version)}
    if kind == "certificates" and isinstance(one, KeyVaultCertificate):
        body["x5t"] = thumbprints(one.certificate.public_bytes(serialization.Encoding.DER))[0]
    if kind == "secrets" and one.content_type:
        body["contentType"] = one.content_type
    if isinstance(one, KeyVaultCertificate) and kind != "certificates":
        body["managed"] = True
    return body | {"attributes": attributes(one)}


def attributes(one: KeyVaultCertificate | KeyVaultSecret) -> dict[str, object]:
    """Return the attributes of a version, with times in seconds since 1970."""
    body: dict[str, object] = {"enabled": one.is_enabled}
    if isinstance(one, KeyVaultCertificate):
        body |= {"nbf": one.not_before, "exp": one.not_after}
    elif one.expires_at is not None:
        body["exp"] = one.expires_at
    return body | {
        "created": one.created,
        "updated": one.created,
        "recoveryLevel": "Recoverable+Purgeable",
        "recoverableDays": RECOVERABLE_DAYS,
    }


def _kind(one: KeyVaultCertificate) -> str:
    return "RSA-HSM" if one.is_hsm else "RSA"


def _exported(one: KeyVaultCertificate) -> str:
    """Return the PFX (base64) or PEM of a certificate, with the private key only if it is exportable."""
    if one.content_type == PEM:
        private = one.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return (private.decode() if one.is_exportable else "") + one.certificate_pem
    private_key = one.key if one.is_exportable else None
    # The service protects the PFX with the empty password, which means no encryption.
    pfx = pkcs12.serialize_key_and_certificates(
        None, private_key, one.certificate, None, serialization.NoEncryption()
    )  # fmt: skip
    return base64.b64encode(pfx).decode()
