"""azidentity and MSAL Go on the hosts of managed identities of the embedded tenant."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.interop.test_go import missing

from entrakit_emulator import faults

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrakit_emulator import Tenant

HERE = Path(__file__).parent / "go"
INSTALL = Path(__file__).parents[2] / "scripts" / "install-go-clients"
UNKNOWN = "11111111-2222-3333-4444-555555555555"
CHOOSING = ["imds", "app_service", "container_apps", "arc"]
TIMEOUT_S = 60

pytestmark = [pytest.mark.timeout(600), pytest.mark.skipif(bool(missing()), reason=missing())]


@pytest.fixture(scope="module", autouse=True)
def go_clients() -> None:
    """Build the clients once; a failing build is an error, not a reason to skip."""
    subprocess.run([INSTALL, "identity"], check=True, timeout=590)


@pytest.fixture
def on(tenant: Tenant) -> Callable[..., dict[str, Any]]:
    """Return a function that gets a token with a Go client on a host, and returns its claims with the result."""

    def run(kind: str, client: str = "azidentity", *, env: dict[str, str] | None = None, **ids: str) -> dict[str, Any]:
        try:
            variables = tenant.identity.variables(kind)
        except PermissionError as error:
            pytest.skip(f"the tenant must be allowed to create {error.filename}")
        done = subprocess.run(
            [HERE / "build" / "identity"], check=True, capture_output=True, text=True, timeout=TIMEOUT_S,
            input=json.dumps({"client": client, **ids}),
            env={"HOME": os.environ.get("HOME", "/"), **variables, **(env or {})},
        )  # fmt: skip
        told: dict[str, dict[str, Any]] = json.loads(done.stdout)
        if "error" in told:
            return told["error"]
        payload = told["result"]["token"].split(".")[1]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return claims | told["result"]

    return run


def ids(tenant: Tenant) -> dict[str, str]:
    """Return the ids of the user-assigned identity, by the names of the program."""
    (user,) = tenant.identity.users
    return {"clientId": user.client_id, "objectId": user.object_id, "resourceId": user.resource_id}


@pytest.mark.parametrize("client", ["azidentity", "default", "msal"])
@pytest.mark.parametrize("kind", [*CHOOSING, "service_fabric", "azure_ml"])
def test_a_token_of_the_system_assigned_identity(
    tenant: Tenant, on: Callable[..., dict[str, Any]], kind: str, client: str
) -> None:
    """
    Each client recognizes its host, and reads the time of expiry. MSAL finds the token again in its cache.
    """
    result = on(kind, client)

    assert tenant.system_identity == result.get("appid"), result
    assert result["expiresOn"] == pytest.approx(result["exp"], abs=3)
    assert ("msal" == client) == result["fromCache"]


@pytest.mark.parametrize("client", ["azidentity", "msal"])
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
    `DefaultAzureCredential` finds IMDS by a request without the header, whose refusal proves that it exists.
    """
    result = on("imds", "default", env={"AZURE_CLIENT_ID": tenant.user_identity})

    assert tenant.user_identity == result.get("appid"), result
    assert [400, 200] == [entry.status for entry in tenant.journal.of("imds")]


@pytest.mark.parametrize("client", ["azidentity", "msal"])
def test_azure_ml(tenant: Tenant, on: Callable[..., dict[str, Any]], client: str) -> None:
    """
    The clients send `clientid` to Azure Machine Learning.
    """
    assert tenant.user_identity == on("azure_ml", client, clientId=tenant.user_identity)["appid"]


@pytest.mark.parametrize("client", ["azidentity", "msal"])
def test_cloud_shell(tenant: Tenant, on: Callable[..., dict[str, Any]], client: str) -> None:
    """
    In Cloud Shell the token belongs to the user.
    """
    assert tenant.users.normal.upn == on("cloud_shell", client).get("upn")


@pytest.mark.parametrize("client", ["azidentity", "msal"])
def test_the_certificate_of_service_fabric_is_pinned(
    tenant: Tenant, on: Callable[..., dict[str, Any]], client: str
) -> None:
    """
    With another thumbprint, the clients end the connection before they send the secret.
    """
    result = on("service_fabric", client, env={"IDENTITY_SERVER_THUMBPRINT": "0" * 40})

    assert "did not match IDENTITY_SERVER_THUMBPRINT" in result["message"]
    assert [] == tenant.journal.of("service_fabric")


@pytest.mark.parametrize(
    ("kind", "text"), [("imds", "isn't assigned"), ("app_service", "No User Assigned"), ("arc", "received 404")]
)
def test_an_unknown_identity_is_told(on: Callable[..., dict[str, Any]], kind: str, text: str) -> None:
    """
    The clients read the refusal of each host.
    """
    assert text in on(kind, clientId=UNKNOWN)["message"]


@pytest.mark.parametrize("form", faults.ChallengeFile.forms)
def test_a_wrong_challenge_is_not_answered(tenant: Tenant, on: Callable[..., dict[str, Any]], form: str) -> None:
    """
    The client does not send the content of a file that breaks the rules.
    """
    tenant.faults.add(faults.ChallengeFile(form=form))

    assert "message" in on("arc")
    assert [401] == [entry.status for entry in tenant.journal.of("arc")]


def test_an_old_agent_is_refused(tenant: Tenant, on: Callable[..., dict[str, Any]]) -> None:
    """
    The client does not use a token of another identity than the requested one.
    """
    result = on("arc", clientId=tenant.user_identity, env=tenant.identity.arc(is_old=True))

    assert "did not confirm the requested" in result["message"]
