"""Federated credentials at the token endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.emulator.sts.conftest import prove

if TYPE_CHECKING:
    import httpx2
    from tests.emulator.conftest import Caller

    from entrakit_emulator.outside_issuer import OutsideIssuer

SUBJECT = "repo:contoso/shop:ref:refs/heads/main"
GITHUB = "https://token.actions.githubusercontent.com"
EXCHANGE = "api://AzureADTokenExchange"


@pytest.fixture
def issuer(caller: Caller) -> OutsideIssuer:
    """An issuer that the confidential app trusts for one subject."""
    made = caller.tenant.add_issuer(GITHUB)
    caller.tenant.seed.add_federated_credential(caller.tenant.confidential_client, GITHUB, SUBJECT)
    return made


def refusal(response: httpx2.Response) -> tuple[int, str, list[int], str]:
    """Return status, error, numbers and the first line of the description."""
    body = response.json()
    return response.status_code, body["error"], body["error_codes"], body["error_description"].partition("\r\n")[0]


def test_a_token_of_a_trusted_issuer_signs_the_app_in(caller: Caller, issuer: OutsideIssuer) -> None:
    """
    The app gets its own token, and the token says that it authenticated with an assertion (appidacr 2).
    """
    response = prove(caller, issuer.sign(SUBJECT))

    claims = caller.claims(response.json()["access_token"])
    assert (caller.tenant.confidential_client, "2") == (claims["appid"], claims["appidacr"])


def test_an_issuer_may_be_known_by_its_own_address(caller: Caller) -> None:
    """
    Without another name, the tenant finds the metadata at the issuer itself.
    """
    issuer = caller.tenant.add_issuer()
    caller.tenant.seed.add_federated_credential(caller.tenant.confidential_client, issuer.issuer, SUBJECT)

    assert issuer.address == issuer.issuer
    assert 200 == prove(caller, issuer.sign(SUBJECT)).status_code


@pytest.mark.parametrize("cloud", ["", "USGov", "China"])
def test_the_audience_is_that_of_the_credential(caller: Caller, cloud: str) -> None:
    """
    Each cloud has its own audience (service facts, 1.8).
    """
    issuer, audience = caller.tenant.add_issuer(), f"{EXCHANGE}{cloud}"
    caller.tenant.seed.add_federated_credential(
        caller.tenant.confidential_client, issuer.issuer, SUBJECT, audience=audience
    )

    assert 200 == prove(caller, issuer.sign(SUBJECT, audience=audience)).status_code


def test_a_token_is_accepted_as_often_as_it_is_presented(caller: Caller, issuer: OutsideIssuer) -> None:
    """
    The real service does not record jti.
    """
    token = issuer.sign(SUBJECT)

    assert [200, 200] == [prove(caller, token).status_code for _ in range(2)]


def test_an_app_without_federated_credentials_is_told_so(caller: Caller) -> None:
    """
    AADSTS70025 names the app.
    """
    token = caller.tenant.add_issuer(GITHUB).sign(SUBJECT)

    status, error, codes, text = refusal(prove(caller, token))

    assert (401, "invalid_client", [70025]) == (status, error, codes)
    assert f"'{caller.tenant.confidential_client}'(Contoso Nightly) has no configured" in text


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"issuer": f"{GITHUB}/"}, 700211, f"presented assertion issuer '{GITHUB}/'."),
        ({"issuer": GITHUB.upper().replace("HTTPS", "https")}, 700211, "presented assertion issuer"),
        ({"subject": "repo:other/shop:ref:refs/heads/main"}, 700213, "subject 'repo:other/shop:ref:refs/heads/main'."),
        ({"subject": SUBJECT.upper()}, 7002138, "but not with case-sensitive comparison"),
        ({"audience": "api://azureadtokenexchange"}, 700212, "audience 'api://azureadtokenexchange'."),
        ({"audience": "api://AzureADTokenExchangeUSGov"}, 700212, "audience 'api://AzureADTokenExchangeUSGov'."),
        ({"claims": {"aud": [EXCHANGE, "other"]}}, 5002741, "2 audience values provided"),
        ({"claims": {"aud": None}}, 700212, "audience ''."),
        ({"header": {"alg": "ES256"}}, 5002738, "'ES256' is not a supported signature algorithm"),
        ({"header": {"kid": "other"}}, 7000272, "The certificate with identifier other used to sign"),
        ({"lifetime_s": -301}, 700024, "Client assertion is not within its valid time range."),
        ({"claims": {"exp": None}}, 50027, "'exp' is missing"),
    ],
)
def test_tokens_that_do_not_fit_are_refused(
    caller: Caller, issuer: OutsideIssuer, changes: dict[str, Any], code: int, text: str
) -> None:
    """
    Issuer, subject and audience are compared exactly, then signature and times are checked.
    """
    token = issuer.sign(**({"subject": SUBJECT} | changes))

    status, error, codes, description = refusal(prove(caller, token))

    assert (401, "invalid_client", [code]) == (status, error, codes)
    assert text in description


def test_the_name_of_a_published_key_does_not_suffice(caller: Caller, issuer: OutsideIssuer) -> None:
    """
    A token of another issuer that names a key of the trusted one has a wrong signature (AADSTS700027).
    """
    kid = caller.http.get(f"{issuer.address}/keys").json()["keys"][0]["kid"]
    forged = caller.tenant.add_issuer().sign(SUBJECT, issuer=GITHUB, header={"kid": kid})

    assert [700027] == refusal(prove(caller, forged))[2]


def test_new_keys_are_looked_up(caller: Caller, issuer: OutsideIssuer) -> None:
    """
    After the issuer rotated its keys, tokens with the new and the old key are accepted.
    """
    old = issuer.sign(SUBJECT)
    first = prove(caller, old).status_code
    issuer.rotate_keys()

    assert [200, 200, 200] == [first, prove(caller, issuer.sign(SUBJECT)).status_code, prove(caller, old).status_code]


@pytest.mark.parametrize("issuer", ["https://issuer.example", "http://127.0.0.1:9", "https://localhost:1/x"])
def test_an_issuer_that_can_not_be_reached_is_told(caller: Caller, issuer: str) -> None:
    """
    Keys are fetched from loopback only (AADSTS501661).
    """
    caller.tenant.seed.add_federated_credential(caller.tenant.confidential_client, issuer, SUBJECT)
    token = caller.tenant.add_issuer().sign(SUBJECT, issuer=issuer)

    assert (400, "invalid_request", [501661]) == refusal(prove(caller, token))[:3]


def test_an_address_of_the_tenant_itself_is_not_fetched(caller: Caller) -> None:
    """
    The tenant answers at once, instead of waiting for itself.
    """
    issuer = f"{caller.tenant.url}/somewhere"
    caller.tenant.seed.add_federated_credential(caller.tenant.confidential_client, issuer, SUBJECT)
    token = caller.tenant.add_issuer().sign(SUBJECT, issuer=issuer)

    assert [501661] == refusal(prove(caller, token))[2]


def exchange_token(caller: Caller, **form: str) -> str:
    """Return a token of the key vault's app for the token exchange."""
    app = {"client_id": caller.tenant.key_vault_client, "client_secret": caller.tenant.key_vault_client_secret}
    token: str = caller.app_token(**(app | {"scope": f"{EXCHANGE}/.default"} | form)).json()["access_token"]
    return token


def test_a_token_of_the_service_itself_signs_another_app_in(caller: Caller) -> None:
    """
    An app's token for api://AzureADTokenExchange, which a managed identity gets in the same way, is an assertion whose
    subject is the object id of its service principal.
    """
    token = exchange_token(caller)
    claims = caller.claims(token)
    caller.tenant.seed.add_federated_credential(caller.tenant.confidential_client, claims["iss"], claims["sub"])

    response = prove(caller, token)

    assert caller.tenant.confidential_client == caller.claims(response.json()["access_token"])["appid"]


def test_the_token_of_a_user_is_not_a_credential(caller: Caller) -> None:
    """
    Only tokens of apps authenticate apps (AADSTS700229).
    """
    token = caller.person_token(scope=f"{caller.tenant.api_uri}/Orders.Read")
    claims = caller.claims(token)
    caller.tenant.seed.add_federated_credential(
        caller.tenant.confidential_client, claims["iss"], claims["sub"], audience=claims["aud"]
    )

    assert [700229] == refusal(prove(caller, token))[2]
