"""The real Azure CLI, signed in to the embedded tenant as an app, gives the tokens of a connection."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from entrakit import connect, get_connection
from entrakit.authority.clouds import find_cloud
from entrakit.errors import InteractionRequiredError, SignInError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from tests.conftest import TokenServer

    from entrakit import Connection
    from entrakit_emulator import Tenant

# `scripts/install-azure-cli` installs it.
PROGRAMS = Path(__file__).parents[2] / ".venv-azure-cli" / "bin"
GRAPH = "https://graph.microsoft.com"
OTHER = "99999999-2222-3333-4444-555555555555"
connect_any = cast("Callable[..., Connection]", connect)

pytestmark = [
    pytest.mark.skipif(not (PROGRAMS / "az").exists(), reason="needs scripts/install-azure-cli"),
    pytest.mark.timeout(240),
]


def az(*words: str) -> None:
    """Run Azure CLI. It must succeed."""
    done = subprocess.run([str(PROGRAMS / "az"), *words], capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr


@pytest.fixture
def resource_manager(token_server: TokenServer, tenant: Tenant) -> TokenServer:
    """Return a server with two answers of Azure Resource Manager, which `az login` reads: cloud and subscriptions."""
    cloud = {"name": "tenant", "suffixes": {}, "authentication": {"loginEndpoint": tenant.url, "audiences": [GRAPH]}}
    token_server.documents = lambda path: cloud if "/metadata/" in path else {"value": []}
    return token_server


def test_it_gives_the_tokens_of_its_account(
    tenant: Tenant,
    resource_manager: TokenServer,
    test_ca: tuple[Path, ssl.SSLContext],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    Before `az login` an error names that command. After it, a connection has the tokens of Azure CLI's account, which
    Graph accepts, and a later process asks Azure CLI again. Another tenant and a wrong resource are explained.
    """
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(test_ca[0].read_bytes() + Path(tenant.ca_path).read_bytes())
    for name, value in {
        "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
        "AZURE_CONFIG_DIR": str(tmp_path / "az"),
        "AZURE_CORE_INSTANCE_DISCOVERY": "false",
        "AZURE_CORE_COLLECT_TELEMETRY": "false",
        "REQUESTS_CA_BUNDLE": str(bundle),
    }.items():
        monkeypatch.setenv(name, value)
    given: dict[str, object] = {
        "azure_cli": True, "cloud": find_cloud(tenant.url), "graph_url": tenant.url, "ca_bundle": tenant.ca_path
    }  # fmt: skip
    with pytest.raises(InteractionRequiredError, match="Azure CLI is not signed in"):
        connect_any(**given)
    az(
        *("cloud", "register", "--name", "tenant", "--endpoint-active-directory", tenant.url),
        *("--endpoint-resource-manager", resource_manager.url, "--endpoint-management", GRAPH),
        *("--endpoint-active-directory-resource-id", GRAPH, "--endpoint-active-directory-graph-resource-id", GRAPH),
    )
    az("cloud", "set", "--name", "tenant")
    az(
        *("login", "--service-principal", "--username", tenant.confidential_client, "--password", tenant.client_secret),
        *("--tenant", tenant.tenant_id, "--allow-no-subscriptions"),
    )

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
