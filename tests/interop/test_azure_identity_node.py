"""@azure/identity and @azure/msal-node on the hosts of managed identities of the embedded tenant."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from entrakit_emulator import faults

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrakit_emulator import Tenant

HERE = Path(__file__).parent / "node"
INSTALL = Path(__file__).parents[2] / "scripts" / "install-node-clients"
GRAPH = "https://graph.microsoft.com"
UNKNOWN = "11111111-2222-3333-4444-555555555555"
CHOOSING = ["imds", "app_service", "container_apps", "arc"]
TIMEOUT_S = 60


@pytest.fixture(scope="module", autouse=True)
def node_clients() -> None:
    """Install the clients once; a failing installation is an error, not a reason to skip."""
    subprocess.run([INSTALL], check=True, timeout=300)


@pytest.fixture
def on(tenant: Tenant) -> Callable[..., dict[str, Any]]:
    """Return a function that gets a token in Node.js on a host, and returns its claims with the result."""

    def run(kind: str, client: str = "credential", **ids: str) -> dict[str, Any]:
        try:
            variables = tenant.identity.variables(kind)
        except PermissionError as error:
            pytest.skip(f"the tenant must be allowed to create {error.filename}")
        if kind == "service_fabric":
            # Both clients know no thumbprint: they require a certificate of an authority, which Service Fabric lacks.
            variables["NODE_TLS_REJECT_UNAUTHORIZED"] = "0"
        task = {"client": client, "ids": ids, "scope": f"{GRAPH}/.default", "resource": GRAPH}
        done = subprocess.run(
            ["node", "--no-warnings", HERE / "identity.mjs"], check=True, capture_output=True, text=True,
            timeout=TIMEOUT_S, input=json.dumps(task), env={"PATH": os.environ["PATH"], "HOME": str(HERE), **variables},
        )  # fmt: skip
        told: dict[str, dict[str, Any]] = json.loads(done.stdout)
        if "error" in told:
            return told["error"]
        payload = told["result"]["token"].split(".")[1]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return claims | told["result"]

    return run


def ids(tenant: Tenant) -> dict[str, str]:
    """Return the ids of the user-assigned identity, by the names of the clients."""
    (user,) = tenant.identity.users
    return {"clientId": user.client_id, "objectId": user.object_id, "resourceId": user.resource_id}


@pytest.mark.parametrize("client", ["credential", "default", "msal"])
@pytest.mark.parametrize("kind", [*CHOOSING, "service_fabric"])
def test_a_token_of_the_system_assigned_identity(
    tenant: Tenant, on: Callable[..., dict[str, Any]], kind: str, client: str
) -> None:
    """
    Each client recognizes its host, and reads the time of expiry. MSAL finds the token again in its cache.
    """
    result = on(kind, client)

    assert tenant.system_identity == result.get("appid"), result
    assert result["expiresOn"] == pytest.approx(result["exp"], abs=3)
    if client == "msal":
        assert result["fromCache"]


@pytest.mark.parametrize("client", ["credential", "msal"])
@pytest.mark.parametrize("name", ["clientId", "objectId", "resourceId"])
@pytest.mark.parametrize("kind", CHOOSING)
def test_a_token_of_a_user_assigned_identity(
    tenant: Tenant, on: Callable[..., dict[str, Any]], kind: str, name: str, client: str
) -> None:
    """
    Each id selects the user-assigned identity, under the parameter that the client sends to this host.
    """
    result = on(kind, client, **{name: ids(tenant)[name]})

    assert tenant.user_identity == result.get("appid"), result


def test_the_default_credential_selects_an_identity(tenant: Tenant, on: Callable[..., dict[str, Any]]) -> None:
    """
    `DefaultAzureCredential` passes the client id on to IMDS.
    """
    assert tenant.user_identity == on("imds", "default", clientId=tenant.user_identity)["appid"]


@pytest.mark.parametrize("client", ["credential", "msal"])
def test_azure_ml(tenant: Tenant, on: Callable[..., dict[str, Any]], client: str) -> None:
    """
    The clients send `clientid` to Azure Machine Learning.
    """
    assert tenant.user_identity == on("azure_ml", client, clientId=tenant.user_identity)["appid"]


@pytest.mark.parametrize("client", ["credential", "msal"])
def test_cloud_shell(tenant: Tenant, on: Callable[..., dict[str, Any]], client: str) -> None:
    """
    In Cloud Shell the token belongs to the user.
    """
    assert tenant.users.normal.upn == on("cloud_shell", client).get("upn")


@pytest.mark.parametrize(("kind", "text"), [("imds", "Identity not found"), ("app_service", "No User Assigned")])
def test_an_unknown_identity_is_told(tenant: Tenant, on: Callable[..., dict[str, Any]], kind: str, text: str) -> None:
    """
    The message of the host is in the error of the client. (After Azure Arc's 404 it tries again for 20 seconds.)
    """
    assert text in on(kind, clientId=UNKNOWN)["message"]
    assert "200" not in [str(entry.status) for entry in tenant.journal.of(kind)]


@pytest.mark.parametrize("form", ["elsewhere", "ending", "large", "missing", "unnamed"])
def test_a_wrong_challenge_is_not_answered(tenant: Tenant, on: Callable[..., dict[str, Any]], form: str) -> None:
    """
    The client does not send the content of a file that breaks the rules.
    """
    tenant.faults.add(faults.ChallengeFile(form=form))

    result = on("arc")

    assert "message" in result
    assert [401] == [entry.status for entry in tenant.journal.of("arc")]
