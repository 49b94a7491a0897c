"""Seeds of key vaults."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.emulator.key_vault.conftest import pem_pair

from entrakit_emulator.state.keys import make_key

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller


def test_vaults_are_seeded_by_the_control_plane_and_reset(caller: Caller) -> None:
    """
    Steps of the control plane add objects; a reset removes them and keeps the seeded certificate and versions.
    """
    tenant = caller.tenant
    before = caller.vault("certificates/nightly").json()["id"]

    planted = caller.control(
        "POST",
        "seed",
        [
            {"do": "add_vault", "name": "Second"},
            {"do": "add_vault_secret", "vault": "second", "name": "one", "value": "1", "expires_at": 5.0},
            {"do": "add_vault_certificate", "vault": "second", "name": "two", **pem_pair()},
            {"do": "allow_on_vault", "vault": "second", "who": tenant.users.mfa.upn, "permissions": ["secrets/get"]},
            {"do": "allow_on_vault", "vault": "second", "who": tenant.vault_client},
        ],
    )
    found = caller.vault("/keyvault/second/secrets/one").json()["value"]
    caller.control("POST", "reset")

    assert (200, "1") == (planted.status_code, found)
    assert 404 == caller.vault("/keyvault/second/secrets/one").status_code
    assert before == caller.vault("certificates/nightly").json()["id"]
    assert tenant.vault_url == caller.control("GET", "tenant").json()["vault_url"]


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ({"do": "add_vault", "name": "no"}, "not a name of a key vault"),
        ({"do": "add_vault", "name": "CONTOSO"}, "already"),
        ({"do": "add_vault", "name": "third", "tenant_id": "x"}, "Unknown tenant"),
        ({"do": "add_vault_secret", "vault": "third", "name": "a", "value": ""}, "Unknown key vault 'third'"),
        ({"do": "add_vault_secret", "vault": "contoso", "name": "a b", "value": ""}, "not a name of a key"),
        ({"do": "add_vault_secret", "vault": "contoso", "name": "Nightly", "value": ""}, "a certificate 'Nightly'"),
        ({"do": "add_vault_certificate", "vault": "contoso", "name": "nightly-secret"}, "a secret 'nightly-secret'"),
        ({"do": "add_vault_certificate", "vault": "contoso", "name": "a/b"}, "not a name of a key"),
        ({"do": "add_vault_certificate", "vault": "contoso", "name": "a", "content_type": "text/plain"}, "x-pem-file"),
        ({"do": "add_vault_certificate", "vault": "contoso", "name": "a", "certificate": "a"}, ""),
        ({"do": "allow_on_vault", "vault": "contoso", "who": "nobody"}, "Unknown app or user"),
        ({"do": "allow_on_vault", "vault": "contoso", "who": "x", "permissions": ["keys/eat"]}, "keys/eat"),
    ],
)
def test_seeds_that_can_not_be_are_refused(caller: Caller, step: dict[str, object], words: str) -> None:
    """
    An invalid step gets 400 with the reason.
    """
    response = caller.control("POST", "seed", [step])

    assert 400 == response.status_code
    assert words in response.json()["error"]


@pytest.mark.parametrize("is_elliptic", [True, False])
def test_a_key_belongs_to_its_certificate(caller: Caller, *, is_elliptic: bool) -> None:
    """
    A private key that does not belong to the certificate, or has another type, is refused.
    """
    key = ec.generate_private_key(ec.SECP256R1()) if is_elliptic else make_key()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )

    with pytest.raises(ValueError, match="not the RSA key"):
        caller.tenant.seed.add_vault_certificate(
            "contoso", "a", certificate=pem_pair()["certificate"], private_key=private.decode()
        )
