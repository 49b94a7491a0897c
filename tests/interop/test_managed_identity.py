"""azure-identity and MSAL for Python on the hosts of managed identities of the embedded tenant."""

from __future__ import annotations

import base64
import json
import os
import time
from typing import TYPE_CHECKING, Any

import msal
import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CredentialUnavailableError, DefaultAzureCredential, ManagedIdentityCredential

from entrakit_emulator import faults

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrakit_emulator import Tenant

GRAPH = "https://graph.microsoft.com"
DEFAULT = f"{GRAPH}/.default"
UNKNOWN = "11111111-2222-3333-4444-555555555555"
# Variables that name a host or another credential.
NAMES = (
    *("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT", "IMDS_ENDPOINT", "MSI_ENDPOINT"),
    *("MSI_SECRET", "AZURE_POD_IDENTITY_AUTHORITY_HOST", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_TOKEN_CREDENTIALS"),
    *("AZUREPS_HOST_ENVIRONMENT", "HTTP_PROXY", "http_proxy"),
)
# Hosts whose programs choose an identity, and those whose tokens are for the system-assigned one.
CHOOSING = ["imds", "app_service", "container_apps", "arc"]
FIXED = ["service_fabric"]


@pytest.fixture
def on(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that makes this process a program on a host."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)

    def enter(kind: str) -> None:
        try:
            variables = tenant.identity.variables(kind)
        except PermissionError as error:
            pytest.skip(f"the tenant must be allowed to create {error.filename}")
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return enter


def claims(token: str) -> dict[str, Any]:
    """Return the claims of a token."""
    payload = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def ids(tenant: Tenant) -> dict[str, str]:
    """Return the ids of the user-assigned identity, by the names of azure-identity."""
    (user,) = tenant.identity.users
    return {"client_id": user.client_id, "object_id": user.object_id, "resource_id": user.resource_id}


@pytest.mark.parametrize("kind", [*CHOOSING, *FIXED, "azure_ml"])
def test_azure_identity_gets_a_token(tenant: Tenant, on: Callable[[str], None], kind: str) -> None:
    """
    Without an id, the token is one of the system-assigned identity, and its time of expiry is read correctly.
    """
    on(kind)
    with ManagedIdentityCredential() as credential:
        token = credential.get_token(DEFAULT)

    assert tenant.system_identity == claims(token.token)["appid"]
    assert token.expires_on == pytest.approx(claims(token.token)["exp"], abs=2)
    assert {200} == {entry.status for entry in tenant.journal.of(kind)} - {401}


@pytest.mark.parametrize("kind", CHOOSING)
@pytest.mark.parametrize("name", ["client_id", "object_id", "resource_id"])
def test_azure_identity_selects_an_identity(tenant: Tenant, on: Callable[[str], None], kind: str, name: str) -> None:
    """
    Each id selects the user-assigned identity, under the parameter that the client sends to this host.
    """
    on(kind)
    with ManagedIdentityCredential(identity_config={name: ids(tenant)[name]}) as credential:
        token = credential.get_token(DEFAULT).token

    assert tenant.user_identity == claims(token)["appid"]


def test_azure_identity_selects_an_identity_in_azure_ml(tenant: Tenant, on: Callable[[str], None]) -> None:
    """
    The client id is sent as `clientid`.
    """
    on("azure_ml")
    with ManagedIdentityCredential(client_id=tenant.user_identity) as credential:
        token = credential.get_token(DEFAULT).token

    assert tenant.user_identity == claims(token)["appid"]


def test_azure_identity_gets_a_token_of_the_user_in_cloud_shell(tenant: Tenant, on: Callable[[str], None]) -> None:
    """
    In Cloud Shell the token belongs to the user.
    """
    on("cloud_shell")
    with ManagedIdentityCredential() as credential:
        token = credential.get_token(DEFAULT)

    assert tenant.users.normal.upn == claims(token.token)["upn"]
    assert time.time() + 3000 < token.expires_on


@pytest.mark.parametrize(
    ("kind", "text"), [("imds", "Identity not found"), ("app_service", "No User Assigned"), ("arc", "not found")]
)
def test_azure_identity_tells_of_an_unknown_identity(on: Callable[[str], None], kind: str, text: str) -> None:
    """
    The message of the host is in the error of the client.
    """
    on(kind)
    with (
        ManagedIdentityCredential(client_id=UNKNOWN) as credential,
        pytest.raises(ClientAuthenticationError, match=text),
    ):
        credential.get_token(DEFAULT)


def test_azure_identity_refuses_an_old_agent(
    tenant: Tenant, on: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    An agent of Azure Arc that ignores the id returns a token of another identity, which the client does not use.
    """
    on("arc")
    for name, value in tenant.identity.arc(is_old=True).items():
        monkeypatch.setenv(name, value)
    with (
        ManagedIdentityCredential(client_id=tenant.user_identity) as credential,
        pytest.raises(ClientAuthenticationError, match="did not confirm the requested"),
    ):
        credential.get_token(DEFAULT)


@pytest.mark.parametrize("form", ["elsewhere", "ending", "large", "missing", "unnamed"])
def test_msal_does_not_answer_a_wrong_challenge(tenant: Tenant, on: Callable[[str], None], form: str) -> None:
    """
    MSAL does not send the content of a file that breaks the rules: the agent gets no second request with it.
    """
    on("arc")
    tenant.faults.add(faults.ChallengeFile(form=form))
    client = msal.ManagedIdentityClient(msal.SystemAssignedManagedIdentity(), http_client=requests.Session())

    with pytest.raises((OSError, msal.ManagedIdentityError)):
        client.acquire_token_for_client(resource=GRAPH)

    assert [401] == [entry.status for entry in tenant.journal.of("arc")]


@pytest.mark.parametrize("status", [404, 429, 500])
def test_azure_identity_tries_again(tenant: Tenant, on: Callable[[str], None], status: int) -> None:
    """
    IMDS is asked again after the statuses that it documents as transient.
    """
    on("imds")
    tenant.faults.add(faults.Failure(endpoint="imds", status=status))
    with ManagedIdentityCredential() as credential:
        token = credential.get_token(DEFAULT).token

    assert [status, 200] == [entry.status for entry in tenant.journal.of("imds")]
    assert tenant.system_identity == claims(token)["appid"]


@pytest.mark.parametrize("kind", [*CHOOSING, *FIXED, "azure_ml"])
def test_the_default_credential_finds_the_identity(
    tenant: Tenant, on: Callable[[str], None], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    `DefaultAzureCredential` uses the host; the variable of the client id selects a user-assigned identity.
    """
    on(kind)
    if kind in CHOOSING:
        monkeypatch.setenv("AZURE_CLIENT_ID", tenant.user_identity)
    with DefaultAzureCredential() as credential:
        token = credential.get_token(DEFAULT).token

    expected = tenant.user_identity if kind in CHOOSING else tenant.system_identity
    assert expected == claims(token)["appid"]


def test_the_default_credential_passes_by_a_machine_without_an_identity(
    tenant: Tenant, on: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The client reads the refusal of IMDS as the absence of an identity, and tries its other ways.
    """
    on("imds")
    monkeypatch.setenv("PATH", os.devnull)
    for client_id in (tenant.system_identity, tenant.user_identity):
        tenant.seed.remove_identity(client_id)
    with DefaultAzureCredential() as credential, pytest.raises(ClientAuthenticationError, match="ManagedIdentity"):
        credential.get_token(DEFAULT)

    assert {400} == {entry.status for entry in tenant.journal.of("imds")}


@pytest.mark.parametrize("kind", [*CHOOSING, *FIXED, "azure_ml"])
def test_msal_gets_a_token_and_keeps_it(tenant: Tenant, on: Callable[[str], None], kind: str) -> None:
    """
    The second token comes from MSAL's cache, which refreshes long-lived tokens after half of their life.
    """
    on(kind)
    client = msal.ManagedIdentityClient(msal.SystemAssignedManagedIdentity(), http_client=requests.Session())

    first, second = (client.acquire_token_for_client(resource=GRAPH) for _ in range(2))

    assert ["identity_provider", "cache"] == [first["token_source"], second["token_source"]]
    assert tenant.system_identity == claims(first["access_token"])["appid"]
    assert first["expires_in"] // 2 == first["refresh_in"]


@pytest.mark.parametrize("kind", CHOOSING)
@pytest.mark.parametrize("name", ["client_id", "object_id", "resource_id"])
def test_msal_selects_an_identity(tenant: Tenant, on: Callable[[str], None], kind: str, name: str) -> None:
    """
    Each id selects the user-assigned identity.
    """
    on(kind)
    identity = msal.UserAssignedManagedIdentity(**{name: ids(tenant)[name]})
    client = msal.ManagedIdentityClient(identity, http_client=requests.Session())

    result = client.acquire_token_for_client(resource=GRAPH)

    assert tenant.user_identity == claims(result["access_token"])["appid"]


def test_msal_has_a_refused_token_replaced(tenant: Tenant, on: Callable[[str], None]) -> None:
    """
    After a claims challenge, MSAL names the refused token to Service Fabric, and gets another one.
    """
    on("service_fabric")
    client = msal.ManagedIdentityClient(
        msal.SystemAssignedManagedIdentity(), http_client=requests.Session(), client_capabilities=["CP1"]
    )
    first = client.acquire_token_for_client(resource=GRAPH)

    second = client.acquire_token_for_client(resource=GRAPH, claims_challenge='{"access_token": {}}')

    assert first["access_token"] != second["access_token"]
    assert "CP1" == tenant.journal.of("service_fabric")[-1].parameters["xms_cc"]


def test_msal_checks_the_certificate_of_service_fabric(
    tenant: Tenant, on: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    With another thumbprint, MSAL ends the connection before it sends the secret.
    """
    on("service_fabric")
    monkeypatch.setenv("IDENTITY_SERVER_THUMBPRINT", "0" * 40)
    client = msal.ManagedIdentityClient(msal.SystemAssignedManagedIdentity(), http_client=requests.Session())

    with pytest.raises(requests.exceptions.RequestException):
        client.acquire_token_for_client(resource=GRAPH)

    assert [] == tenant.journal.of("service_fabric")


def test_msal_signs_the_user_of_cloud_shell_in(
    tenant: Tenant, on: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    MSAL reads the answer of Cloud Shell, whose port it has built in; here the request is led to the host's port.
    """
    on("cloud_shell")

    class Session(requests.Session):
        def post(self, _: object, **kwargs: Any) -> requests.Response:  # type: ignore[override] # noqa: ANN401 - one address only
            return super().post(os.environ["MSI_ENDPOINT"], **kwargs)

    session = Session()
    session.verify, session.trust_env = tenant.ca_path, False
    app = msal.PublicClientApplication(
        "04b07795-8ddb-461a-bbee-02f9e1bf7b46", authority=f"{tenant.url}/{tenant.tenant_id}",
        instance_discovery=False, http_client=session,
    )  # fmt: skip

    result = app.acquire_token_interactive([f"{GRAPH}/.default"], prompt="none")

    assert tenant.users.normal.upn == result["id_token_claims"]["preferred_username"]


def test_an_absent_host_is_told(on: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A machine without IMDS has no identity.
    """
    on("imds")
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9")
    with (
        ManagedIdentityCredential(retry_total=0) as credential,
        pytest.raises(CredentialUnavailableError, match="no response"),
    ):
        credential.get_token(DEFAULT)
