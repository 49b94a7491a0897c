"""The real Azure CLI, signed in to the embedded tenant, gives the tokens of a connection."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from entrakit import connect, get_connection
from entrakit.authority.clouds import find_cloud
from entrakit.errors import InteractionRequiredError, SignInError

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrakit import Connection
    from entrakit_emulator import Tenant

# `scripts/install-azure-cli` installs it.
PROGRAMS = Path(__file__).parents[2] / ".venv-azure-cli" / "bin"
GRAPH = "https://graph.microsoft.com"
MANAGEMENT = "https://management.core.windows.net/"
OTHER = "99999999-2222-3333-4444-555555555555"
connect_any = cast("Callable[..., Connection]", connect)

pytestmark = [
    pytest.mark.skipif(not (PROGRAMS / "az").exists(), reason="needs scripts/install-azure-cli"),
    pytest.mark.timeout(240),
]


def run(*words: str) -> str:
    """Run a program. It must succeed; the result is its standard output."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert 0 == done.returncode, done.stderr
    return done.stdout


def az(*words: str) -> str:
    """Run Azure CLI. It must succeed; the result is its standard output."""
    return run(str(PROGRAMS / "az"), *words)


def sign_in(tenant: Tenant) -> list[dict[str, object]]:
    """Sign Azure CLI in as the confidential app, and return its subscriptions."""
    words = ("--username", tenant.confidential_client, "--password", tenant.client_secret, "--tenant", tenant.tenant_id)
    subscriptions: list[dict[str, object]] = json.loads(az("login", "--service-principal", *words))
    return subscriptions


@pytest.fixture
def cloud(tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the tenant as the cloud of Azure CLI, in a new configuration."""
    for name, value in {
        "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
        "AZURE_CONFIG_DIR": str(tmp_path / "az"),
        "AZURE_CORE_INSTANCE_DISCOVERY": "false",
        "AZURE_CORE_COLLECT_TELEMETRY": "false",
        "AZURE_CORE_LOGIN_EXPERIENCE_V2": "off",
        "REQUESTS_CA_BUNDLE": tenant.ca_path,
    }.items():
        monkeypatch.setenv(name, value)
    az(
        *("cloud", "register", "--name", "tenant", "--endpoint-active-directory", tenant.url),
        *("--endpoint-resource-manager", tenant.url, "--endpoint-management", MANAGEMENT),
        *("--endpoint-active-directory-resource-id", MANAGEMENT),
        *("--endpoint-active-directory-graph-resource-id", GRAPH),
    )
    az("cloud", "set", "--name", "tenant")


@pytest.mark.usefixtures("cloud")
def test_an_app_signs_in_and_sees_its_subscription(tenant: Tenant) -> None:
    """
    `az login --service-principal` reads the cloud and the subscriptions from the tenant's Resource Manager.
    """
    (subscription,) = sign_in(tenant)

    assert (tenant.tenant_id, "Enabled") == (subscription["tenantId"], subscription["state"])
    paths = [entry.path for entry in tenant.journal.of("resource_manager")]
    assert ["/metadata/endpoints", "/subscriptions"] == paths
    assert {200} == {entry.status for entry in tenant.journal.entries}


@pytest.mark.usefixtures("cloud")
def test_a_user_signs_in_to_each_tenant(tenant: Tenant) -> None:
    """
    A user who signs in with a device code is signed in to all tenants that `/tenants` lists.
    """
    with subprocess.Popen(
        [str(PROGRAMS / "az"), "login", "--use-device-code"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr
        line = next(line for line in process.stderr if "enter the code" in line)
        tenant.person().approve_device(line.partition("enter the code ")[2].split()[0])
        output, errors = process.communicate(timeout=60)
    assert 0 == process.returncode, errors

    (subscription,) = json.loads(output)
    assert tenant.tenant_id == subscription["tenantId"]
    assert "/tenants" in [entry.path for entry in tenant.journal.of("resource_manager")]


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize("kind", ["imds", "app_service"])
def test_a_managed_identity_signs_in(tenant: Tenant, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """
    `az login --identity` gets its tokens from the host, also those of a user-assigned identity.
    """
    for name, value in tenant.identity.variables(kind).items():
        monkeypatch.setenv(name, value)

    (subscription,) = json.loads(az("login", "--identity", "--client-id", tenant.user_identity))
    token = json.loads(az("account", "get-access-token", "--resource", GRAPH, "--output", "json"))

    assert tenant.tenant_id == subscription["tenantId"] == token["tenant"]
    assert {tenant.user_identity} == {entry.parameters["client_id"] for entry in tenant.journal.of(kind)}


@pytest.mark.usefixtures("cloud")
def test_the_command_connects_with_its_account(tenant: Tenant) -> None:
    """
    After `az login`, `entra connect --azure-cli` signs in with Azure CLI's account, and the next command sends a
    request with its token.
    """
    sign_in(tenant)
    entra = (sys.executable, "-m", "entrakit")
    places = ("--authority-url", tenant.url, "--graph-url", tenant.url, "--ca-bundle", tenant.ca_path)

    run(*entra, "connect", "--name", "az", "--azure-cli", *places)
    answer = json.loads(run(*entra, "request", "GET", "/organization", "--name", "az", "--json"))

    assert tenant.tenant_id in json.dumps(answer)


@pytest.mark.usefixtures("cloud")
def test_it_gives_the_tokens_of_its_account(tenant: Tenant) -> None:
    """
    Before `az login` an error names that command. After it, a connection has the tokens of Azure CLI's account, which
    Graph accepts, and a later process asks Azure CLI again. Another tenant and a wrong resource are explained.
    """
    given: dict[str, object] = {
        "azure_cli": True, "cloud": find_cloud(tenant.url), "graph_url": tenant.url, "ca_bundle": tenant.ca_path
    }  # fmt: skip
    with pytest.raises(InteractionRequiredError, match="Azure CLI is not signed in"):
        connect_any(**given)
    sign_in(tenant)

    connection = connect_any(name="az", **given)

    assert (tenant.confidential_client, tenant.tenant_id) == (connection.account.username, connection.tenant_id)
    assert connection.graph.get("/organization")
    with get_connection("az") as later:
        # Azure CLI has no token that is valid for longer, and gives its own again.
        assert connection.token().access_token == later.token(min_validity_s=10**6).access_token
    with pytest.raises(SignInError, match=f"The tenant {OTHER} does not exist"):
        connect_any(tenant_id=OTHER, **given)
    with pytest.raises(SignInError, match="The resource does not exist in the tenant of the account"):
        connect_any(scopes=["api://nothing/.default"], **given)
