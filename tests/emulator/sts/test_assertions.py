"""Client assertions."""

from __future__ import annotations

import base64
import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.emulator.sts.conftest import assertion, prove, thumbprint

from entrakit_emulator.state.keys import make_certificate, make_key

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller


@pytest.mark.parametrize(("algorithm", "kind"), [("PS256", "x5t#S256"), ("RS256", "x5t"), ("RS256", "kid")])
def test_both_thumbprints_and_both_algorithms_are_taken(caller: Caller, algorithm: str, kind: str) -> None:
    """
    PS256 with x5t#S256, RS256 with x5t, or the thumbprint as kid is accepted (service facts, 1.8); appidacr is 2.
    """
    hashed = hashes.SHA256() if kind == "x5t#S256" else hashes.SHA1()  # noqa: S303 a name only
    header = {kind: thumbprint(caller.tenant.certificate_pem, hashed)}

    response = prove(caller, assertion(caller, algorithm=algorithm, header=header))

    assert "2" == caller.claims(response.json()["access_token"])["appidacr"]


@pytest.mark.parametrize(("algorithm", "kind"), [("PS256", "x5t#S256"), ("RS256", "x5t"), ("RS256", "kid")])
def test_thumbprints_may_be_in_standard_base64(caller: Caller, algorithm: str, kind: str) -> None:
    """
    MSAL Go writes thumbprints in standard base64, with padding, and the service accepts them (service facts, 1.8).
    """
    key = make_key()
    hashed = hashes.SHA256() if kind == "x5t#S256" else hashes.SHA1()  # noqa: S303 a name only
    # About one certificate in two has a thumbprint with "+" or "/".
    made = (make_certificate("Other alphabet", key, days=1) for _ in range(64))
    certificate = next(one for one in made if set("+/") & set(base64.b64encode(one.fingerprint(hashed)).decode()))
    standard = base64.b64encode(certificate.fingerprint(hashed)).decode()
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
    caller.tenant.seed.add_certificate(caller.tenant.confidential_client, pem)

    response = prove(caller, assertion(caller, algorithm=algorithm, header={kind: standard}, key=key))

    assert 200 == response.status_code, response.text


@pytest.mark.parametrize(
    "changes",
    [
        {"nbf": None},
        {"nbf": None, "iat": None},
        {"aud": ["https://localhost:PORT/TENANT/v2.0"]},
        {"aud": "https://localhost:PORT/TENANT/v2.0"},
        {"aud": "https://localhost:PORT/TENANT/"},
        {"aud": "https://localhost:PORT/contoso.example/oauth2/v2.0/token"},
        {"aud": "https://127.0.0.1:PORT/TENANT/oauth2/token"},
    ],
)
def test_assertions_of_other_clients_are_taken(caller: Caller, changes: dict[str, object]) -> None:
    """
    Claims may be missing, and the audience may be the issuer, a list, or another name of the tenant.
    """
    port = caller.tenant.url.rpartition(":")[2]
    text = json.dumps(changes).replace("PORT", port).replace("TENANT", caller.tenant.tenant_id)

    response = prove(caller, assertion(caller, **json.loads(text)))

    assert 200 == response.status_code, response.text


@pytest.mark.parametrize("kind", [float, str])
def test_times_may_be_floats_or_text(caller: Caller, kind: type) -> None:
    """
    MSAL Python sends floats, MSAL.NET strings (service facts, 1.8).
    """
    now = caller.tenant.clock.now()

    response = prove(caller, assertion(caller, iat=None, nbf=kind(now), exp=kind(now + 600)))

    assert 200 == response.status_code, response.text


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"aud": "https://login.microsoftonline.com/x/oauth2/v2.0/token"}, 700023, "audience"),
        ({"aud": None}, 700023, "audience"),
        ({"aud": ["https://one.example", "https://two.example"]}, 5002741, "2 audience values provided"),
        ({"iss": "https://token.actions.example"}, 5002738, "'PS256' is not a supported"),
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
    Each claim and the signature are checked, and the number gives the reason (service facts, 1.6 and 1.8; RFC 7523, 3).
    """
    response = prove(caller, assertion(caller, **changes))

    assert (401, "invalid_client", [code]) == (
        response.status_code, response.json()["error"], response.json()["error_codes"],
    )  # fmt: skip
    assert text in response.json()["error_description"]


@pytest.mark.parametrize(("offset", "good"), [(-890, True), (-910, False), (290, True), (310, False)])
def test_clocks_may_differ_by_five_minutes(caller: Caller, offset: int, *, good: bool) -> None:
    """
    Outside its validity plus five minutes, an assertion is refused with both times (AADSTS700024).
    """
    now = caller.tenant.clock.now()

    response = prove(caller, assertion(caller, nbf=int(now) + offset, exp=int(now) + offset + 600))

    assert good == (200 == response.status_code)
    if not good:
        assert [700024] == response.json()["error_codes"]
        assert "Current time: " in response.json()["error_description"]


def test_an_expired_certificate_is_refused(caller: Caller) -> None:
    """
    A registered certificate is accepted only while it is valid.
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
    Any string that is not a token is refused as malformed (AADSTS50027).
    """
    assert [50027] == prove(caller, text).json()["error_codes"]
