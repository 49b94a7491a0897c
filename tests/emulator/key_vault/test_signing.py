"""Signatures of keys in a key vault."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.emulator.key_vault.conftest import SCOPE, b64url, pem_pair, refused

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller

import base64
import hashlib
import json
import time
import uuid
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, utils
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller


DIGEST = hashlib.sha256(b"what is signed").digest()


ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def public_key(pem: str) -> RSAPublicKey:
    """Return the public key of a certificate."""
    key = x509.load_pem_x509_certificate(pem.encode()).public_key()
    assert isinstance(key, RSAPublicKey)
    return key


@pytest.mark.parametrize("scheme", ["RS256", "PS256"])
@pytest.mark.parametrize("name", ["nightly", "nightly-hsm"])
def test_a_key_signs_a_digest(caller: Caller, name: str, scheme: str) -> None:
    """
    The certificate verifies the signature of its key; the salt of PS256 is as long as the hash (RFC 7518, 3.5).
    """
    certificate = base64.b64decode(caller.vault(f"certificates/{name}").json()["cer"])
    key = x509.load_der_x509_certificate(certificate).public_key()
    assert isinstance(key, RSAPublicKey)

    answer = caller.vault_sign(name, scheme, DIGEST).json()

    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    signature = base64.urlsafe_b64decode(answer["value"] + "==")
    key.verify(
        signature, DIGEST, padding.PKCS1v15() if scheme == "RS256" else pss, utils.Prehashed(hashes.SHA256())
    )  # fmt: skip
    assert caller.vault(f"keys/{name}").json()["key"]["kid"] == answer["kid"]
    assert "=" not in answer["value"]


@pytest.mark.parametrize("name", ["nightly", "nightly-hsm"])
def test_what_a_key_signs_signs_the_app_in(caller: Caller, name: str) -> None:
    """
    A client assertion signed by the key vault is accepted (RFC 7523), since the app has both certificates.
    """
    tenant = caller.tenant
    der = base64.b64decode(caller.vault(f"certificates/{name}").json()["cer"])
    header = {"alg": "PS256", "typ": "JWT", "x5t#S256": b64url(hashlib.sha256(der).digest())}
    audience = f"{tenant.url}/{tenant.tenant_id}/oauth2/v2.0/token"
    who, now = tenant.confidential_client, int(time.time())
    claims = {"aud": audience, "iss": who, "sub": who, "jti": str(uuid.uuid4()), "nbf": now, "exp": now + 300}
    signed = ".".join(b64url(json.dumps(part).encode()) for part in (header, claims))
    signature = caller.vault_sign(name, "PS256", hashlib.sha256(signed.encode()).digest()).json()["value"]

    response = caller.token(
        "client_credentials", client_id=who, scope=SCOPE, client_assertion=f"{signed}.{signature}",
        client_assertion_type=ASSERTION_TYPE,
    )  # fmt: skip

    assert 200 == response.status_code


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"alg": "RS256", "value": b64url(b"short")}, "Invalid length of 'value': 5 bytes. RS256 requires 32 bytes"),
        ({"alg": "PS256", "value": "!"}, "base64url"),
        ({"alg": "PS256", "value": 1}, "value is required"),
        ({"alg": "PS256"}, "value is required"),
        ({"alg": "HS256", "value": b64url(DIGEST)}, "alg"),
        ({"alg": ["RS256"], "value": b64url(DIGEST)}, "alg"),
        ({"value": b64url(DIGEST)}, "alg"),
        ({"alg": "ES256", "value": b64url(DIGEST)}, "Key and signing algorithm are incompatible."),
        ([], "JSON object"),
        (b"{", "JSON"),
    ],
)
def test_what_can_not_be_signed_is_refused(caller: Caller, body: object, words: str) -> None:
    """
    An invalid request gets 400 BadParameter with the reason.
    """
    response = caller.vault("keys/nightly/sign", method="POST", body=body)

    assert (400, "BadParameter", "") == refused(response)
    assert words in response.json()["error"]["message"]


def test_a_signature_is_of_its_digest_only(caller: Caller) -> None:
    """
    Another digest has another signature.
    """
    signature = base64.urlsafe_b64decode(caller.vault_sign("nightly", "RS256", DIGEST).json()["value"] + "==")
    key = public_key(caller.tenant.certificate_pem)

    with pytest.raises(InvalidSignature):
        key.verify(signature, bytes(32), padding.PKCS1v15(), utils.Prehashed(hashes.SHA256()))


@pytest.mark.parametrize("times", [{"days": -1, "start_days": -5}, {"days": 5, "start_days": 2}])
def test_a_key_signs_while_its_certificate_is_valid_only(caller: Caller, times: dict[str, int]) -> None:
    """
    Before and after its validity, the key can be read but not used ("About keys": date-time controlled operations).
    """
    caller.tenant.seed.add_vault_certificate("contoso", "timed", **pem_pair(**times))  # type: ignore[arg-type] # PEM

    assert (403, "Forbidden", "KeyNotYetValidOrExpired") == refused(caller.vault_sign("timed"))
    assert 200 == caller.vault("keys/timed").status_code


@pytest.mark.parametrize("algorithm", ["RS384", "PS512"])
def test_longer_hashes_are_refused_by_name(caller: Caller, algorithm: str) -> None:
    """
    The emulator refuses algorithms that only the real service supports, by name.
    """
    assert 501 == caller.vault_sign("nightly", algorithm).status_code
