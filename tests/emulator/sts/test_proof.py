"""How apps prove themselves."""

from __future__ import annotations

import base64
import json
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrakit_emulator.sts.keys import make_certificate, make_key
from entrakit_emulator.sts.model import registered

if TYPE_CHECKING:
    import httpx2
    from tests.emulator.conftest import Caller

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def thumbprint(pem: str, algorithm: hashes.HashAlgorithm) -> str:
    """Return a thumbprint as headers carry it."""
    digest = x509.load_pem_x509_certificate(pem.encode()).fingerprint(algorithm)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def assertion(
    caller: Caller,
    *,
    algorithm: str = "PS256",
    header: dict[str, str] | None = None,
    key: RSAPrivateKey | None = None,
    **changes: object,
) -> str:
    """Return an assertion of the confidential app; a claim changed to None is left out."""
    tenant, now = caller.tenant, caller.tenant.clock.now()
    claims: dict[str, object] = {
        "aud": f"{tenant.url}/{tenant.tenant_id}/oauth2/v2.0/token", "iss": tenant.confidential_client,
        "sub": tenant.confidential_client, "jti": str(uuid.uuid4()), "iat": int(now), "nbf": int(now),
        "exp": int(now) + 600,
    } | changes  # fmt: skip
    named = {"x5t#S256": thumbprint(tenant.certificate_pem, hashes.SHA256())} if header is None else header
    own = load_pem_private_key(tenant.private_key_pem.encode(), None)
    assert isinstance(own, RSAPrivateKey)
    signer = key or own
    return jwt.encode({k: v for k, v in claims.items() if v is not None}, signer, algorithm, headers=named)


def prove(caller: Caller, text: str, **form: str) -> httpx2.Response:
    """Ask for a token with an assertion."""
    return caller.app_token(client_secret="", client_assertion=text, client_assertion_type=TYPE, **form)


@pytest.mark.parametrize(("algorithm", "kind"), [("PS256", "x5t#S256"), ("RS256", "x5t"), ("RS256", "kid")])
def test_both_thumbprints_and_both_algorithms_are_taken(caller: Caller, algorithm: str, kind: str) -> None:
    """
    PS256 with x5t#S256, RS256 with x5t, or the thumbprint as kid (service facts, 1.8); appidacr is 2.
    """
    hashed = hashes.SHA256() if kind == "x5t#S256" else hashes.SHA1()  # noqa: S303 a name, no protection
    header = {kind: thumbprint(caller.tenant.certificate_pem, hashed)}

    response = prove(caller, assertion(caller, algorithm=algorithm, header=header))

    assert "2" == caller.claims(response.json()["access_token"])["appidacr"]


@pytest.mark.parametrize(
    "changes",
    [
        {"nbf": None},
        {"nbf": None, "iat": None},
        {"aud": ["https://other.example", "https://localhost:PORT/TENANT/v2.0"]},
        {"aud": "https://localhost:PORT/TENANT/v2.0"},
        {"aud": "https://localhost:PORT/TENANT/"},
        {"aud": "https://localhost:PORT/contoso.example/oauth2/v2.0/token"},
        {"aud": "https://127.0.0.1:PORT/TENANT/oauth2/token"},
    ],
)
def test_assertions_of_other_clients_are_taken(caller: Caller, changes: dict[str, object]) -> None:
    """
    Claims may be missing, the audience may be the issuer, in a list, under another name of the tenant.
    """
    port = caller.tenant.url.rpartition(":")[2]
    text = json.dumps(changes).replace("PORT", port).replace("TENANT", caller.tenant.tenant_id)

    response = prove(caller, assertion(caller, **json.loads(text)))

    assert 200 == response.status_code, response.text


@pytest.mark.parametrize("kind", [float, str])
def test_times_may_be_floats_or_text(caller: Caller, kind: type) -> None:
    """
    MSAL Python sends floats, MSAL.NET text (service facts, 1.8).
    """
    now = caller.tenant.clock.now()

    response = prove(caller, assertion(caller, iat=None, nbf=kind(now), exp=kind(now + 600)))

    assert 200 == response.status_code, response.text


def test_the_client_id_may_be_left_to_the_assertion(caller: Caller) -> None:
    """
    `client_id` is not needed beside an assertion (RFC 7521, 4.2).
    """
    assert 200 == prove(caller, assertion(caller), client_id="").status_code


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"aud": "https://login.microsoftonline.com/x/oauth2/v2.0/token"}, 700023, "audience"),
        ({"aud": None}, 700023, "audience"),
        ({"iss": "https://token.actions.example"}, 700211, "https://token.actions.example"),
        ({"iss": str(uuid.uuid4())}, 700021, "client_id"),
        ({"sub": "other"}, 50048, "Subject must match"),
        ({"exp": None}, 50027, "'exp' is missing"),
        ({"exp": "soon"}, 50027, "not a number"),
        ({"exp": 1e30}, 50027, "out of range"),
        ({"algorithm": "RS512"}, 50027, "algorithms"),
        ({"header": {}}, 50027, "names no certificate"),
        ({"header": {"x5t#S256": "AAAA"}}, 700027, "The key was not found., Thumbprint of key used by client: 'AAAA'"),
        ({"header": {"x5t": "AAAA"}}, 700027, "The key was not found."),
        ({"key": make_key()}, 700027, "did not match the expected signature"),
    ],
)
def test_assertions_that_do_not_hold_are_refused(caller: Caller, changes: dict[str, Any], code: int, text: str) -> None:
    """
    Each claim and the signature are checked, and the number says which (service facts, 1.6 and 1.8; RFC 7523, 3).
    """
    response = prove(caller, assertion(caller, **changes))

    assert (401, "invalid_client", [code]) == (
        response.status_code, response.json()["error"], response.json()["error_codes"],
    )  # fmt: skip
    assert text in response.json()["error_description"]


@pytest.mark.parametrize(("offset", "good"), [(-890, True), (-910, False), (290, True), (310, False)])
def test_clocks_may_differ_by_five_minutes(caller: Caller, offset: int, *, good: bool) -> None:
    """
    Outside its validity and five minutes more, an assertion is refused with both times (AADSTS700024).
    """
    now = caller.tenant.clock.now()

    response = prove(caller, assertion(caller, nbf=int(now) + offset, exp=int(now) + offset + 600))

    assert good == (200 == response.status_code)
    if not good:
        assert [700024] == response.json()["error_codes"]
        assert "Current time: " in response.json()["error_description"]


def test_an_expired_certificate_is_refused(caller: Caller) -> None:
    """
    A registered certificate counts only while it is valid.
    """
    key = make_key()
    pem = make_certificate("Old", key, days=-1, start_days=-30).public_bytes(serialization.Encoding.PEM).decode()
    caller.tenant.seed.add_certificate(caller.tenant.confidential_client, pem)
    header = {"x5t#S256": thumbprint(pem, hashes.SHA256())}

    response = prove(caller, assertion(caller, key=key, header=header))

    assert "The key used is expired." in response.json()["error_description"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(codec="utf-8"), min_size=1))
def test_any_text_for_an_assertion_is_answered(caller: Caller, text: str) -> None:
    """
    What is no token is refused as malformed, whatever it is (AADSTS50027).
    """
    assert [50027] == prove(caller, text).json()["error_codes"]


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"client_assertion_type": "other"}, 9002313),
        ({"client_assertion_type": ""}, 900144),
        ({"client_secret": "both"}, 9002313),
    ],
)
def test_the_form_around_an_assertion_is_checked(caller: Caller, form: dict[str, str], code: int) -> None:
    """
    The type is needed and fixed (RFC 7523, 2.2); secret and assertion exclude each other.
    """
    given_form = {"client_secret": "", "client_assertion": assertion(caller), "client_assertion_type": TYPE} | form

    assert [code] == caller.app_token(**given_form).json()["error_codes"]


def basic(client_id: str, secret: str) -> dict[str, str]:
    """Return an Authorization header of scheme Basic."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


@pytest.mark.parametrize("client_id", ["", "52aaa676-1504-4f30-84d9-d906f960bdc4"])
def test_a_secret_may_come_by_http_basic(caller: Caller, client_id: str) -> None:
    """
    Two halves, each form-encoded; the client id may stand in the body too (RFC 6749, 2.3.1).
    """
    caller.tenant.seed.add_secret(caller.tenant.confidential_client, "with: colon + ü")

    caller.headers = basic(caller.tenant.confidential_client, "with: colon + ü")

    response = caller.app_token(client_id=client_id, client_secret="")

    assert 200 == response.status_code, response.text


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Authorization": "Basic %%%"}, 9002313),
        ({"Authorization": f"Basic {base64.b64encode(bytes([255, 58])).decode()}"}, 9002313),
        (basic("5df655db-fb5e-4dcd-a225-31028301360e", "x"), 9002313),
        (basic("52aaa676-1504-4f30-84d9-d906f960bdc4", "wrong"), 7000215),
        ({"Authorization": "Digest x"}, 7000218),
    ],
)
def test_http_basic_is_checked(caller: Caller, headers: dict[str, str], code: int) -> None:
    """
    Malformed, of another app than the body's, wrong, or another scheme.
    """
    caller.headers = headers

    response = caller.app_token(client_secret="")

    assert [code] == response.json()["error_codes"]


def test_only_rsa_certificates_can_be_registered(caller: Caller) -> None:
    """
    Elliptic curves are refused at registration; DER is read as well as PEM.
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
        registered(other.public_bytes(serialization.Encoding.PEM))
    assert registered(caller.tenant.certificate_pem.encode()) == registered(
        certificate.public_bytes(serialization.Encoding.DER)
    )
