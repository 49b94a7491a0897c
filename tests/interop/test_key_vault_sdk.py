"""The official Key Vault libraries against the embedded tenant."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import ClientSecretCredential
from azure.keyvault.certificates import CertificateClient
from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.crypto import CryptographyClient, SignatureAlgorithm
from azure.keyvault.secrets import SecretClient
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, utils
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import pkcs12
from tests.interop.test_azure_identity import Transport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entrakit_emulator import Tenant

DIGEST = hashlib.sha256(b"what is signed").digest()


@pytest.fixture
def options(tenant: Tenant) -> Iterator[dict[str, Any]]:
    """Return the arguments of every client; its credential signs in where the key vault's challenge says."""
    with Transport(tenant) as sign_in:
        credential = ClientSecretCredential(
            tenant.tenant_id, tenant.vault_client, tenant.vault_client_secret,
            authority=tenant.url, disable_instance_discovery=True, transport=sign_in,
        )  # fmt: skip
        with RequestsTransport(connection_verify=tenant.ca_path, use_env_settings=False) as transport:
            yield {
                "credential": credential,
                "api_version": "7.5",
                "verify_challenge_resource": False,
                "transport": transport,
                "retry_total": 0,
            }


def test_a_key_is_found_and_signs(tenant: Tenant, options: dict[str, Any]) -> None:
    """
    The key of a certificate signs remotely, and the certificate verifies the signature.
    """
    key = KeyClient(tenant.url, **options).get_key(tenant.vault_certificate)

    result = CryptographyClient(key, **options).sign(SignatureAlgorithm.ps256, DIGEST)

    public_key = x509.load_pem_x509_certificate(tenant.certificate_pem.encode()).public_key()
    assert isinstance(public_key, RSAPublicKey)
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size)
    public_key.verify(result.signature, DIGEST, pss, utils.Prehashed(hashes.SHA256()))
    assert (key.id, "RSA") == (result.key_id, key.key_type)


def test_a_key_signs_by_its_id_only(tenant: Tenant, options: dict[str, Any]) -> None:
    """
    An id without a version means the newest one, which the client finds out.
    """
    key_id = f"{tenant.url}/keys/{tenant.vault_hsm_certificate}"

    result = CryptographyClient(key_id, **options).sign(SignatureAlgorithm.rs256, DIGEST)

    assert result.key_id is not None
    assert result.key_id.startswith(f"{key_id}/")
    assert 256 == len(result.signature)


def test_a_certificate_is_found_with_its_policy(tenant: Tenant, options: dict[str, Any]) -> None:
    """
    The client reads the DER, the thumbprint, and whether the key is exportable.
    """
    client = CertificateClient(tenant.url, **options)

    one = client.get_certificate(tenant.vault_certificate)
    hsm = client.get_certificate(tenant.vault_hsm_certificate)

    der = x509.load_pem_x509_certificate(tenant.certificate_pem.encode()).public_bytes(serialization.Encoding.DER)
    assert one.properties is not None
    assert one.policy is not None
    assert hsm.policy is not None
    assert (der, hashlib.sha1(der, usedforsecurity=False).digest()) == (
        bytes(one.cer or b""),
        one.properties.x509_thumbprint,
    )
    assert (True, False) == (one.policy.exportable, hsm.policy.exportable)
    assert ("RSA", "RSA-HSM") == (one.policy.key_type, hsm.policy.key_type)
    assert [one.properties.version] == [
        each.version for each in client.list_properties_of_certificate_versions(tenant.vault_certificate)
    ]


def test_secrets_are_found(tenant: Tenant, options: dict[str, Any]) -> None:
    """
    A plain secret has its value, the secret of a certificate is a PFX.
    """
    client = SecretClient(tenant.url, **options)

    plain = client.get_secret(tenant.vault_secret)
    pfx = client.get_secret(tenant.vault_certificate)

    private_key, certificate, _ = pkcs12.load_key_and_certificates(base64.b64decode(pfx.value or ""), None)
    assert tenant.client_secret == plain.value
    assert "application/x-pkcs12" == pfx.properties.content_type
    assert private_key is not None
    assert certificate is not None
    assert tenant.certificate_pem == certificate.public_bytes(serialization.Encoding.PEM).decode()
    assert [plain.properties.version] == [
        each.version for each in client.list_properties_of_secret_versions(tenant.vault_secret)
    ]


def test_refusals_are_understood(tenant: Tenant, options: dict[str, Any]) -> None:
    """
    Unknown objects and missing permissions raise the library's own errors.
    """
    client = SecretClient(tenant.url, **options)
    with pytest.raises(ResourceNotFoundError, match="SecretNotFound"):
        client.get_secret("nothing")
    tenant.seed.allow_on_vault(tenant.vault, tenant.vault_client, permissions=[])

    with pytest.raises(HttpResponseError, match="ForbiddenByPolicy") as caught:
        client.get_secret(tenant.vault_secret)

    assert 403 == caught.value.status_code
