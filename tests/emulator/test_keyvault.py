"""The key vault."""

from __future__ import annotations

import base64
import hashlib
import json
import time
import uuid
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, utils
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import pkcs12

from entrakit_emulator import faults
from entrakit_emulator.sts.keys import make_key

if TYPE_CHECKING:
    import httpx2
    from tests.emulator.conftest import Caller

SCOPE = "https://vault.azure.net/.default"
DIGEST = hashlib.sha256(b"what is signed").digest()
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def b64url(data: bytes) -> str:
    """Return bytes in base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def refused(response: httpx2.Response) -> tuple[int, str, str]:
    """Return status, code and inner code of an error."""
    error = response.json()["error"]
    return response.status_code, error["code"], error.get("innererror", {}).get("code", "")


def public_key(pem: str) -> RSAPublicKey:
    """Return the key of a certificate."""
    key = x509.load_pem_x509_certificate(pem.encode()).public_key()
    assert isinstance(key, RSAPublicKey)
    return key


def test_without_a_token_it_says_where_to_get_one(caller: Caller) -> None:
    """
    401 with the authority and the resource (Key Vault, "Authentication, requests and responses").
    """
    response = caller.vault("keys/nightly", token="")

    tenant = caller.tenant
    challenge = f'Bearer authorization="{tenant.url}/{tenant.tenant_id}", resource="https://vault.azure.net"'
    text = "AKV10000: Request is missing a Bearer or PoP token."
    assert (401, challenge) == (response.status_code, response.headers["www-authenticate"])
    assert {"error": {"code": "Unauthorized", "message": text}} == response.json()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"aud": "https://graph.microsoft.com"}, "AKV10022: Invalid audience. Expected https://vault.azure.net or"),
        ({"aud": "https://vault.azure.net/"}, "found: https://vault.azure.net/."),
        ({"exp": 1}, "TokenExpired"),
        ({"nbf": 2**40}, "TokenNotYetValid"),
        ({"tid": "other"}, "AKV10032: Invalid issuer"),
        ({"iss": "https://evil.example/"}, "found https://evil.example/."),
    ],
)
def test_tokens_for_others_are_refused(caller: Caller, changes: dict[str, object], words: str) -> None:
    """
    Audience, lifetime, tenant and issuer are checked, and the challenge is the same.
    """
    caller.tenant.faults.add(faults.Tokens(access_token=changes))

    response = caller.vault("keys/nightly")

    assert (401, "Unauthorized", "") == refused(response)
    assert words in response.json()["error"]["message"]
    assert "authorization=" in response.headers["www-authenticate"]


@pytest.mark.parametrize("audience", ["https://vault.azure.net", "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"])
def test_both_names_of_the_service_are_its_audience(caller: Caller, audience: str) -> None:
    """
    The URL, and the application id.
    """
    assert 200 == caller.vault("keys/nightly", token=caller.vault_token(scope=f"{audience}/.default")).status_code


def test_a_token_of_another_tenant_is_refused(caller: Caller) -> None:
    """
    A vault takes tokens of its own tenant only.
    """
    other = caller.tenant.seed.add_tenant("fabrikam.example")
    caller.tenant.seed.add_vault("fabrikam", tenant_id=other.tenant_id)

    response = caller.vault("/keyvault/fabrikam/keys/nightly")

    assert "AKV10032" in response.json()["error"]["message"]
    assert f"/{other.tenant_id}" in response.headers["www-authenticate"]


def test_what_is_no_token_of_ours_is_refused(caller: Caller) -> None:
    """
    Text that can't be read, and a signature by another key.
    """
    forged = jwt.encode(caller.claims(caller.vault_token()), make_key(), "RS256", headers={"kid": "unknown"})

    assert "S2S12005" in caller.vault("keys/nightly", token="garbage").json()["error"]["message"]
    assert "AKV10046" in caller.vault("keys/nightly", token=forged).json()["error"]["message"]


def test_a_revoked_session_is_challenged(caller: Caller) -> None:
    """
    401 with a claims challenge (continuous access evaluation).
    """
    token = caller.password(scope=SCOPE).json()["access_token"]
    caller.tenant.seed.revoke_sessions(caller.tenant.users.normal.upn)

    response = caller.vault("keys/nightly", token=token)

    assert 401 == response.status_code
    assert 'error="insufficient_claims", claims="' in response.headers["www-authenticate"]


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("", "api-version must be specified"),
        ("7.3", "The specified version (7.3) is not recognized. Consider using the latest supported version (7.5)."),
    ],
)
def test_the_api_version_is_required_and_known(caller: Caller, version: str, words: str) -> None:
    """
    400 BadParameter, before anybody asks who sent it; 7.4 and 7.5 are known.
    """
    response = caller.vault("keys/nightly", token="", version=version)

    assert (400, "BadParameter", "") == refused(response)
    assert words == response.json()["error"]["message"]
    assert 200 == caller.vault("keys/nightly", version="7.4").status_code


@pytest.mark.parametrize("path", ["keys/nightly", "certificates/nightly", "secrets/nightly-secret", "keys/x/versions"])
def test_a_caller_without_access_is_refused(caller: Caller, path: str) -> None:
    """
    403 Forbidden, inner code ForbiddenByPolicy, naming the caller and the permission; also for what is not there.
    """
    tenant = caller.tenant
    token = caller.app_token(scope=SCOPE).json()["access_token"]

    response = caller.vault(path, token=token)

    kind, operation = path.partition("/")[0], "list" if path.endswith("versions") else "get"
    assert (403, "Forbidden", "ForbiddenByPolicy") == refused(response)
    assert (
        f"The user, group or application 'appid={tenant.confidential_client};oid={caller.claims(token)['oid']};"
        f"iss=https://sts.windows.net/{tenant.tenant_id}/' does not have {kind} {operation} permission on key vault "
        "'contoso;location=westeurope'."
    ) in response.json()["error"]["message"]


def test_a_person_with_access_is_let_in(caller: Caller) -> None:
    """
    An access policy names people as well as apps.
    """
    token = caller.password(scope=SCOPE).json()["access_token"]

    assert caller.tenant.client_secret == caller.vault("secrets/nightly-secret", token=token).json()["value"]


@pytest.mark.parametrize("scheme", ["RS256", "PS256"])
@pytest.mark.parametrize("name", ["nightly", "nightly-hsm"])
def test_a_key_signs_a_digest(caller: Caller, name: str, scheme: str) -> None:
    """
    The certificate verifies what its key signed; the salt of PS256 is as long as the hash (RFC 7518, 3.5).
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
    A client assertion made with the vault alone is taken (RFC 7523), since the app has both certificates.
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
    400 BadParameter, saying what is wrong.
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


@pytest.mark.parametrize(("name", "kind"), [("nightly", "RSA"), ("nightly-hsm", "RSA-HSM")])
def test_a_key_is_shown_without_its_private_part(caller: Caller, name: str, kind: str) -> None:
    """
    A JSON web key (RFC 7517) with its id, of a certificate, so managed.
    """
    body = caller.vault(f"keys/{name}").json()

    key = body["key"]
    assert {"kid", "kty", "key_ops", "n", "e"} == set(key)
    assert (kind, "AQAB", 342, True) == (key["kty"], key["e"], len(key["n"]), body["managed"])
    assert key["kid"].startswith(f"{caller.tenant.vault_url}/keys/{name}/")
    assert "sign" in key["key_ops"]
    assert {"enabled", "nbf", "exp", "created", "updated"} <= set(body["attributes"])


@pytest.mark.parametrize(("name", "is_exportable"), [("nightly", True), ("nightly-hsm", False)])
def test_a_certificate_names_its_key_and_its_secret(caller: Caller, name: str, *, is_exportable: bool) -> None:
    """
    One name and one version for all three; the policy says whether the key can leave.
    """
    body = caller.vault(f"certificates/{name}").json()

    version = body["id"].rpartition("/")[2]
    url = caller.tenant.vault_url
    thumbprint = b64url(hashlib.sha1(base64.b64decode(body["cer"]), usedforsecurity=False).digest())
    assert [f"{url}/{kind}/{name}/{version}" for kind in ("certificates", "keys", "secrets")] == [
        body[one] for one in ("id", "kid", "sid")
    ]
    assert (thumbprint, "application/x-pkcs12") == (body["x5t"], body["contentType"])
    assert is_exportable is body["policy"]["key_props"]["exportable"]
    assert body == caller.vault(f"certificates/{name}/{version}").json()


@pytest.mark.parametrize(("name", "has_key"), [("nightly", True), ("nightly-hsm", False)])
def test_the_secret_of_a_certificate_is_a_pfx(caller: Caller, name: str, *, has_key: bool) -> None:
    """
    With the private key only where that may leave the vault.
    """
    body = caller.vault(f"secrets/{name}").json()

    key, own, others = pkcs12.load_key_and_certificates(base64.b64decode(body["value"]), None)
    certificate = own or others[0]
    assert caller.vault(f"certificates/{name}").json()["cer"] == base64.b64encode(
        certificate.public_bytes(serialization.Encoding.DER)
    ).decode()  # fmt: skip
    assert ("application/x-pkcs12", has_key) == (body["contentType"], key is not None)
    assert body["kid"].startswith(f"{caller.tenant.vault_url}/keys/{name}/")


@pytest.mark.parametrize("is_exportable", [True, False])
def test_the_secret_of_a_certificate_may_be_pem(caller: Caller, *, is_exportable: bool) -> None:
    """
    The key, if it may leave, and then the certificate.
    """
    one = caller.tenant.seed.add_vault_certificate(
        "contoso", "pem", is_exportable=is_exportable, content_type="application/x-pem-file"
    )

    body = caller.vault("secrets/pem").json()

    key, mark, rest = body["value"].partition("-----BEGIN CERTIFICATE-----")
    assert ("application/x-pem-file", one.certificate_pem) == (body["contentType"], mark + rest)
    assert is_exportable is key.startswith("-----BEGIN PRIVATE KEY-----")


def test_a_plain_secret_has_its_value(caller: Caller) -> None:
    """
    Type and expiry only where they were given; an expired secret can still be read.
    """
    caller.tenant.seed.add_vault_secret("contoso", "Other", "value", content_type="text/plain", expires_at=5)

    plain = caller.vault("secrets/nightly-secret").json()
    other = caller.vault("secrets/other").json()

    assert {"value", "id", "attributes"} == set(plain)
    assert (caller.tenant.client_secret, "exp" in plain["attributes"]) == (plain["value"], False)
    assert ("value", "text/plain", 5) == (other["value"], other["contentType"], other["attributes"]["exp"])


@pytest.mark.parametrize("kind", ["keys", "certificates", "secrets"])
def test_versions_are_listed(caller: Caller, kind: str) -> None:
    """
    Every version by its id; without a version, the newest is meant. A name that there is not has none.
    """
    first = caller.vault(f"{kind}/nightly").json()
    caller.tenant.seed.add_vault_certificate("contoso", "nightly")

    newest = caller.vault(f"{kind}/nightly/").json()
    listed = caller.vault(f"{kind}/nightly/versions").json()

    def id_of(body: dict[str, Any]) -> str:
        found: str = body["key"]["kid"] if "key" in body else body["kid"] if kind == "keys" else body["id"]
        return found

    assert [id_of(first), id_of(newest)] == [id_of(one) for one in listed["value"]]
    assert listed["nextLink"] is None
    assert "value" not in listed["value"][0]
    assert {"value": [], "nextLink": None} == caller.vault(f"{kind}/nothing/versions").json()


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("keys/nothing", "KeyNotFound"),
        ("keys/nightly-secret", "KeyNotFound"),
        ("certificates/nothing", "CertificateNotFound"),
        ("secrets/nothing", "SecretNotFound"),
        ("secrets/nightly/0123456789abcdef0123456789abcdef", "SecretNotFound"),
    ],
)
def test_what_is_not_there_is_not_found(caller: Caller, path: str, code: str) -> None:
    """
    404, naming the object and how to recover it.
    """
    response = caller.vault(path)

    assert (404, code, "") == refused(response)
    assert f" with (name/id) {path.partition('/')[2]} was not found" in response.json()["error"]["message"]
