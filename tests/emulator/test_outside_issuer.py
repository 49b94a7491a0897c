"""Outside issuers, and the variables and endpoints that hosts offer to their jobs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import jwt
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.emulator.conftest import Caller

    from entrakit_emulator.outside_issuer import OutsideIssuer

EXCHANGE = "api://AzureADTokenExchange"
SUBJECT = "repo:contoso/shop:ref:refs/heads/main"
CONNECTION = "6a1ae2b5-9cf6-4c5f-a8d9-0fd5ad1aa7b5"


@pytest.fixture
def issuer(caller: Caller) -> Iterator[OutsideIssuer]:
    """An issuer with its own address as name."""
    with caller.tenant.add_issuer() as made:
        yield made


def verified(caller: Caller, issuer: OutsideIssuer, token: str, audience: str = EXCHANGE) -> dict[str, Any]:
    """Return the claims of a token after a check by another implementation, with the published keys."""
    metadata = caller.http.get(f"{issuer.address}/.well-known/openid-configuration").json()
    keys = jwt.PyJWKSet.from_dict(caller.http.get(metadata["jwks_uri"]).json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims: dict[str, Any] = jwt.decode(token, key, ["RS256"], audience=audience, issuer=metadata["issuer"])
    return claims


def test_its_tokens_can_be_verified_with_its_metadata(caller: Caller, issuer: OutsideIssuer) -> None:
    """
    The metadata names the issuer and its keys (OpenID Connect Discovery 1.0, 4.2).
    """
    claims = verified(caller, issuer, issuer.sign("me", lifetime_s=120, claims={"ref": "main"}))

    assert ("me", "main", 120) == (claims["sub"], claims["ref"], claims["exp"] - claims["iat"])


def test_an_issuer_may_have_another_name(caller: Caller) -> None:
    """
    Metadata and tokens name the issuer, and its keys are at its address.
    """
    with caller.tenant.add_issuer("https://gitlab.com") as issuer:
        assert "https://gitlab.com" == verified(caller, issuer, issuer.sign("me"))["iss"]


def test_tokens_follow_the_clock_of_the_tenant(caller: Caller, issuer: OutsideIssuer) -> None:
    """
    A token is issued in the tenant's time.
    """
    caller.tenant.clock.advance(7200)

    assert abs(caller.claims(issuer.sign("me"))["iat"] - caller.tenant.clock.now()) < 60


def test_github_gives_a_job_a_token_for_an_audience(caller: Caller, issuer: OutsideIssuer) -> None:
    """
    The URL has a query already, and the job appends its audience; without one, it is the repository's owner.
    """
    variables = issuer.github_actions(SUBJECT)
    url = variables["ACTIONS_ID_TOKEN_REQUEST_URL"]
    headers = {"Authorization": f"Bearer {variables['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"}

    answer = caller.http.get(f"{url}&audience=api%3A%2F%2FAzureADTokenExchange", headers=headers).json()
    bare = caller.http.get(url, headers=headers).json()

    assert "?" in url
    assert {"count", "value"} == set(answer)
    assert SUBJECT == verified(caller, issuer, answer["value"])["sub"]
    assert "https://github.com/contoso" == caller.claims(bare["value"])["aud"]
    assert 401 == caller.http.get(url, headers={"Authorization": "Bearer x"}).status_code


def test_azure_pipelines_gives_a_job_a_token_of_a_service_connection(caller: Caller, issuer: OutsideIssuer) -> None:
    """
    A request names version and service connection. Without the job's token, it is redirected to a sign-in page, unless
    it suppresses that.
    """
    variables = issuer.azure_pipelines("sc://contoso/shop/azure", CONNECTION)
    url = variables["SYSTEM_OIDCREQUESTURI"]
    headers = {"Authorization": f"Bearer {variables['SYSTEM_ACCESSTOKEN']}"}
    query = f"?api-version=7.1&serviceConnectionId={CONNECTION}"

    answer = caller.http.post(f"{url}{query}", headers=headers).json()

    assert "sc://contoso/shop/azure" == verified(caller, issuer, answer["oidcToken"])["sub"]
    assert 400 == caller.http.post(f"{url}?serviceConnectionId={CONNECTION}", headers=headers).status_code
    assert 404 == caller.http.post(f"{url}?api-version=7.1&serviceConnectionId=x", headers=headers).status_code
    assert 302 == caller.http.post(f"{url}{query}").status_code
    assert 401 == caller.http.post(f"{url}{query}", headers={"X-TFS-FedAuthRedirect": "Suppress"}).status_code


def test_kubernetes_projects_a_token_into_a_file(caller: Caller, issuer: OutsideIssuer) -> None:
    """
    The variables are those of the workload identity webhook; a second call replaces the token at the same path.
    """
    client = caller.tenant.confidential_client
    variables = issuer.kubernetes("system:serviceaccount:shop:api", client)
    path = Path(variables["AZURE_FEDERATED_TOKEN_FILE"])
    first = path.read_text(encoding="ascii")
    again = issuer.kubernetes("system:serviceaccount:shop:api", client)

    assert (client, caller.tenant.tenant_id, f"{caller.tenant.url}/") == (
        variables["AZURE_CLIENT_ID"], variables["AZURE_TENANT_ID"], variables["AZURE_AUTHORITY_HOST"],
    )  # fmt: skip
    assert variables == again
    assert "system:serviceaccount:shop:api" == verified(caller, issuer, first)["sub"]
    assert first != path.read_text(encoding="ascii")
    assert 0o600 == path.stat().st_mode & 0o777


def test_gitlab_and_terraform_cloud_put_a_token_into_a_variable(caller: Caller, issuer: OutsideIssuer) -> None:
    """
    The name of GitLab's variable is the job's choice.
    """
    gitlab = issuer.gitlab("project_path:contoso/shop", variable="MY_TOKEN")
    terraform = issuer.terraform_cloud("organization:contoso")

    assert "project_path:contoso/shop" == verified(caller, issuer, gitlab["MY_TOKEN"])["sub"]
    assert "organization:contoso" == verified(caller, issuer, terraform["TFC_WORKLOAD_IDENTITY_TOKEN"])["sub"]


def test_requests_of_jobs_can_fail(caller: Caller, issuer: OutsideIssuer) -> None:
    """
    The next requests get the chosen statuses, one after the other, and all requests are recorded.
    """
    variables = issuer.github_actions(SUBJECT)
    headers = {"Authorization": f"Bearer {variables['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"}
    issuer.fail_next(429, 503)

    statuses = [
        caller.http.get(variables["ACTIONS_ID_TOKEN_REQUEST_URL"], headers=headers).status_code for _ in range(3)
    ]

    assert [429, 503, 200] == statuses
    assert ["/github/idtoken?api-version=2.0"] * 3 == issuer.requests


def test_it_ends_with_a_reset_of_the_tenant(caller: Caller) -> None:
    """
    The server stops, and the token file is removed.
    """
    issuer = caller.tenant.add_issuer()
    path = Path(issuer.kubernetes("me", caller.tenant.confidential_client)["AZURE_FEDERATED_TOKEN_FILE"])

    caller.tenant.reset()

    assert not path.parent.exists()
    with pytest.raises(httpx2.ConnectError):
        caller.http.get(f"{issuer.address}/keys")


def test_other_paths_do_not_exist(caller: Caller, issuer: OutsideIssuer) -> None:
    """
    404 for other paths and methods.
    """
    wrong_path = caller.http.get(f"{issuer.address}/nothing")
    wrong_method = caller.http.post(f"{issuer.address}/keys")

    assert [404, 404] == [wrong_path.status_code, wrong_method.status_code]


def test_its_secrets_are_not_in_its_repr(issuer: OutsideIssuer) -> None:
    """
    Only the name is shown.
    """
    assert f"OutsideIssuer(issuer='{issuer.issuer}')" == repr(issuer)
