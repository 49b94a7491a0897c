"""@azure/identity for Node.js against the embedded tenant: tokens of outside issuers, and on-behalf-of."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.interop.conversation import caller_token, run_flow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from entrakit_emulator import Tenant
    from entrakit_emulator.outside_issuer import OutsideIssuer

HERE = Path(__file__).parent / "node"
INSTALL = Path(__file__).parents[2] / "scripts" / "install-node-clients"
DEFAULT = "https://graph.microsoft.com/.default"
READ = "https://graph.microsoft.com/User.Read"
CONNECTION = "6a1ae2b5-9cf6-4c5f-a8d9-0fd5ad1aa7b5"


@pytest.fixture(scope="module", autouse=True)
def node_clients() -> None:
    """Install the clients once; a failing installation is an error, not a reason to skip."""
    subprocess.run([INSTALL], check=True, timeout=300)


@pytest.fixture
def walk(tenant: Tenant) -> Callable[..., dict[str, object]]:
    """Return a function that gets a token with a credential, and returns the result."""

    def walk_flow(flow: str, environ: Mapping[str, str] | None = None, **task: object) -> dict[str, object]:
        given = {
            "flow": flow, "tenant": tenant.tenant_id, "host": tenant.url, "clientId": tenant.confidential_client,
            "scope": DEFAULT,
        }  # fmt: skip
        variables = {"NODE_EXTRA_CA_CERTS": tenant.ca_path, **(environ or {})}
        return run_flow(tenant, ["node", str(HERE / "assertions.mjs")], given | task, variables)

    return walk_flow


@pytest.fixture
def issuer(tenant: Tenant) -> OutsideIssuer:
    """An issuer that the confidential app and the API trust for the subject `me`."""
    made = tenant.add_issuer()
    for client_id in (tenant.confidential_client, tenant.api_client):
        tenant.seed.add_federated_credential(client_id, made.issuer, "me")
    return made


def lasts_an_hour(result: dict[str, object]) -> bool:
    """Return whether a result has a token with the usual lifetime."""
    return float(str(result.get("expiresOn", 0))) > time.time() + 3000


def test_workload_identity(tenant: Tenant, walk: Callable[..., dict[str, object]], issuer: OutsideIssuer) -> None:
    """
    A pod signs in with the variables and the file that Kubernetes gives it.
    """
    result = walk("workload", issuer.kubernetes("me", tenant.confidential_client))

    assert lasts_an_hour(result), result


def test_azure_pipelines(walk: Callable[..., dict[str, object]], issuer: OutsideIssuer) -> None:
    """
    A job of Azure Pipelines signs in with the tokens of its service connection.
    """
    result = walk("pipelines", issuer.azure_pipelines("me", CONNECTION), connection=CONNECTION)

    assert lasts_an_hour(result), result


@pytest.mark.parametrize(("subject", "code"), [("me", ""), ("ME", "7002138"), ("other", "700213")])
def test_client_assertion(
    walk: Callable[..., dict[str, object]], issuer: OutsideIssuer, subject: str, code: str
) -> None:
    """
    A callback provides the token of the issuer; the error of a wrong one contains the service's message.
    """
    result = walk("assertion", assertion=issuer.sign(subject))

    assert lasts_an_hour(result) == (not code), result
    assert f"AADSTS{code}:" in str(result.get("message")) or not code


@pytest.mark.parametrize("proof", ["secret", "assertion"])
def test_on_behalf_of(
    tenant: Tenant, walk: Callable[..., dict[str, object]], issuer: OutsideIssuer, proof: str
) -> None:
    """
    An API gets a token for Graph with its secret, or with a federated credential.
    """
    credential = {"clientSecret": tenant.api_secret} if proof == "secret" else {"assertion": issuer.sign("me")}

    result = walk(
        "onBehalfOf", clientId=tenant.api_client, scope=READ, userAssertion=caller_token(tenant), **credential
    )

    assert lasts_an_hour(result), result


def test_missing_consent_is_told(tenant: Tenant, walk: Callable[..., dict[str, object]]) -> None:
    """
    The error contains the service's message.
    """
    result = walk(
        "onBehalfOf", clientId=tenant.api_client, clientSecret=tenant.api_secret,
        scope="https://graph.microsoft.com/Mail.Read", userAssertion=caller_token(tenant),
    )  # fmt: skip

    assert "AADSTS65001" in str(result["message"])
