"""The first available way: the choice, and the reports of those that are passed over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.sign_in.tools import FakeTools

from entrakit import get_connection
from entrakit.errors import (
    InteractionRequiredError,
    ParameterError,
    ParameterSetError,
    SignInError,
    VaultError,
)
from entrakit.sign_in.flows.automatic import PLACES, places_of
from entrakit.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import FakeClock

    from entrakit import Connection
    from entrakit_emulator import Tenant

    Connect = Callable[..., Connection]

OF_SDKS = (
    "AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN", "AZURE_USERNAME", "AZURE_PASSWORD",
    "AZURE_FEDERATED_TOKEN_FILE", "AZURE_TOKEN_CREDENTIALS", "AZURE_AUTHORITY_HOST", "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER", "IMDS_ENDPOINT", "MSI_ENDPOINT", "MSI_SECRET",
)  # fmt: skip
NOWHERE = "http://127.0.0.1:1"


@pytest.fixture(autouse=True)
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeTools:
    """Return tools of Azure that fail; no variable of the SDKs is set, and no host has an identity."""
    found = FakeTools(tmp_path / "tools")
    found.fail("ERROR: Please run 'az login' to setup account.")
    monkeypatch.setenv("PATH", f"{found.folder}:/usr/bin:/bin")
    for name in OF_SDKS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", NOWHERE)
    return found


@pytest.fixture
def anything(emulator: Connect) -> Connect:
    """Return a function that connects with the first available way, and names no app and no tenant."""

    def run(**parameters: object) -> Connection:
        return emulator(**{"automatic": True, "client_id": "", "tenant_id": ""} | parameters)

    return run


@pytest.fixture
def in_environment(entra_tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the variables of the app with its secret."""
    monkeypatch.setenv("AZURE_CLIENT_ID", entra_tenant.confidential_client)
    monkeypatch.setenv("AZURE_TENANT_ID", entra_tenant.tenant_id)
    monkeypatch.setenv("AZURE_CLIENT_SECRET", entra_tenant.client_secret)


@pytest.mark.usefixtures("in_environment")
def test_the_environment_comes_first(anything: Connect, entra_tenant: Tenant, clock: FakeClock) -> None:
    """
    The variables of the SDKs sign the app in. The choice is saved: a later process renews with the same way,
    although another one would be there.
    """
    with anything(name="job") as connection:
        assert ("secret", entra_tenant.confidential_client) == (connection.info.flow, connection.info.client_id)
    clock.advance(4000)
    with get_connection("job", clock=clock) as later:
        assert later.token().is_fresh(clock.time())


@pytest.mark.parametrize("chain", ["1", "true", "TRUE", "0", ""])
def test_a_certificate_of_the_environment(
    anything: Connect, entra_tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chain: str
) -> None:
    """
    The certificate's file, and whether its chain is sent, come from variables, too.
    """
    path = tmp_path / "app.pem"
    path.write_text(entra_tenant.certificate_pem + entra_tenant.private_key_pem)
    path.chmod(0o600)
    monkeypatch.setenv("AZURE_CLIENT_ID", entra_tenant.confidential_client)
    monkeypatch.setenv("AZURE_TENANT_ID", entra_tenant.tenant_id)
    monkeypatch.setenv("AZURE_CLIENT_CERTIFICATE_PATH", str(path))
    monkeypatch.setenv("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN", chain)

    with anything() as connection:
        assert ("certificate", chain.lower() in ("1", "true")) == (connection.info.flow, connection.info.send_chain)


def test_a_user_of_the_environment(anything: Connect, entra_tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    User name and password come third. Like the SDKs, this needs no tenant.
    """
    user = entra_tenant.users.normal
    monkeypatch.setenv("AZURE_CLIENT_ID", entra_tenant.public_client)
    monkeypatch.setenv("AZURE_USERNAME", user.upn)
    monkeypatch.setenv("AZURE_PASSWORD", user.password)

    with anything() as connection:
        assert ("password", user.upn) == (connection.info.flow, connection.account.username)


@pytest.mark.usefixtures("in_environment")
def test_a_refused_secret_is_not_replaced_by_another_account(
    anything: Connect, tools: FakeTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A wrong secret is the error. The user of Azure CLI, who is signed in, is not taken instead.
    """
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "wrong")

    with pytest.raises(SignInError, match="secret") as caught:
        anything()

    assert (7000215, []) == (caught.value.code, tools.calls)


@pytest.mark.parametrize(
    "name",
    ["AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_PASSWORD", "AZURE_FEDERATED_TOKEN_FILE"],
)
def test_an_empty_credential_is_an_error(
    anything: Connect, tools: FakeTools, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """
    A pipeline passes an empty value for a secret that does not exist. It is named, and no tool is asked.
    """
    monkeypatch.setenv(name, "")

    with pytest.raises(ParameterError, match=f"{name} is set, but empty"):
        anything()

    assert [] == tools.calls


@pytest.mark.parametrize(
    ("given", "empty"),
    [
        ({"AZURE_CLIENT_SECRET": "s", "AZURE_TENANT_ID": "contoso.com"}, "AZURE_CLIENT_ID"),
        ({"AZURE_CLIENT_SECRET": "s", "AZURE_CLIENT_ID": "Graph"}, "AZURE_TENANT_ID"),
        ({"AZURE_CLIENT_CERTIFICATE_PATH": "/a.pem", "AZURE_TENANT_ID": "contoso.com"}, "AZURE_CLIENT_ID"),
        ({"AZURE_PASSWORD": "p", "AZURE_CLIENT_ID": "Graph"}, "AZURE_USERNAME"),
        ({"AZURE_FEDERATED_TOKEN_FILE": "/token", "AZURE_TENANT_ID": "contoso.com"}, "AZURE_CLIENT_ID"),
    ],
)
def test_an_empty_part_of_a_credential_is_an_error(
    anything: Connect, tools: FakeTools, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], empty: str
) -> None:
    """
    A credential exists, and its app, tenant or user is set, but empty. The next place could be another account.
    """
    for name, value in (given | {empty: ""}).items():
        monkeypatch.setenv(name, value)

    with pytest.raises(ParameterError) as caught:
        anything()

    assert f"{empty} is set, but empty." == caught.value.problem
    assert [] == tools.calls


def test_nothing_found_names_each_place(anything: Connect) -> None:
    """
    The error names each place in the order in which they were looked at, with the reason; its exit code is 4.
    """
    with pytest.raises(InteractionRequiredError, match="No way to sign in without a user") as caught:
        anything()

    _, *lines = caught.value.problem.splitlines()
    assert [place.title for place in PLACES] == [line.strip().partition(":")[0] for line in lines]
    assert "AZURE_CLIENT_SECRET, AZURE_CLIENT_CERTIFICATE_PATH and AZURE_PASSWORD are not set." in lines[0]
    assert "AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_FEDERATED_TOKEN_FILE are not set." in lines[1]
    assert "Azure CLI is not signed in" in lines[4]
    assert 4 == caught.value.exit_code


def test_what_is_passed_over_is_told(
    anything: Connect, app: Connect, entra_tenant: Tenant, tools: FakeTools, clock: FakeClock
) -> None:
    """
    The signed-in Azure CLI is taken after everything else was passed over, each with its reason.
    """
    token = app(client_secret=entra_tenant.client_secret).token().access_token
    tools.give(accessToken=token, expires_on=int(clock.time() + 3600))
    told: list[tuple[str, str]] = []

    with anything(on_passed_over=lambda *one: told.append(one)) as connection:
        assert ("azure_tool", token) == (connection.info.flow, connection.token().access_token)

    assert [place.title for place in PLACES[:4]] == [title for title, _ in told]
    assert all(reason.endswith(".") for _, reason in told)


def test_the_current_connection_comes_before_the_tools(
    anything: Connect, app: Connect, entra_tenant: Tenant, tools: FakeTools
) -> None:
    """
    A saved connection that gives a token is returned. Its secret is not asked for again.
    """
    app(client_secret=entra_tenant.client_secret, name="kept").close()

    with anything() as connection:
        assert ("kept", "secret") == (connection.info.name, connection.info.flow)

    assert [] == tools.calls


@pytest.mark.parametrize("is_saved", [False, True])
def test_the_current_connection_gives_its_secret_to_another_name(
    anything: Connect, app: Connect, entra_tenant: Tenant, *, is_saved: bool
) -> None:
    """
    With another name, a connection like the current one is made. Its secret is saved, too, if the caller asks for it.
    """
    app(client_secret=entra_tenant.client_secret, name="kept", save_secret=True).close()

    with anything(name="new", save_secret=is_saved) as connection:
        info = connection.info
        assert ("new", "secret", is_saved, is_saved) == (info.name, info.flow, info.save_secret, info.renews_alone)


def test_the_current_connection_is_found_by_its_name_in_any_case(
    anything: Connect, app: Connect, entra_tenant: Tenant
) -> None:
    """
    A name has no case, so the current connection is the one with this name.
    """
    app(client_secret=entra_tenant.client_secret, name="kept").close()

    with anything(name="Kept") as connection:
        assert "kept" == connection.info.name


def test_a_tool_that_has_no_single_permissions_is_passed_over(anything: Connect) -> None:
    """
    Azure PowerShell gives no token for a single permission. The next tool is asked.
    """
    told: list[tuple[str, str]] = []

    with pytest.raises(InteractionRequiredError, match="not for single permissions"):
        anything(scopes=["Mail.Read"], on_passed_over=lambda *one: told.append(one))

    assert [place.title for place in PLACES] == [title for title, _ in told]


def test_a_connection_of_another_tenant_is_passed_over(anything: Connect, app: Connect, entra_tenant: Tenant) -> None:
    """
    The current connection must have the app and the tenant that the caller names.
    """
    app(client_secret=entra_tenant.client_secret, name="kept").close()

    with pytest.raises(InteractionRequiredError, match="'kept' has another app or tenant"):
        anything(tenant_id="fabrikam.example")


def test_a_label_of_an_app_is_no_reason_to_end(anything: Connect, tools: FakeTools, clock: FakeClock) -> None:
    """
    No managed identity has the id that the label stands for, so the next places are looked at.
    """
    tools.give(accessToken="a.b.c", expires_on=int(clock.time() + 3600))

    with anything(client_id="Graph") as connection:
        assert "azure_tool" == connection.info.flow


def test_a_connection_for_another_resource_is_passed_over(
    anything: Connect, app: Connect, entra_tenant: Tenant
) -> None:
    """
    A connection for Microsoft Graph is not one for a key vault, and the reverse.
    """
    app(client_secret=entra_tenant.client_secret, name="default").close()
    app(client_secret=entra_tenant.client_secret, name="vault", resource="https://vault.azure.net").close()

    with pytest.raises(InteractionRequiredError, match=r"'default' is for the resource https://graph\.microsoft\.com"):
        anything(resource="https://vault.azure.net")
    Vault().set_current("vault")
    with pytest.raises(InteractionRequiredError, match=r"'vault' is for the resource https://vault\.azure\.net"):
        anything()
    with anything(resource="https://vault.azure.net") as connection:
        assert "vault" == connection.info.name


def test_an_error_of_the_vault_is_not_passed_over(
    anything: Connect, entra_tenant: Tenant, tools: FakeTools, private_home: Path, clock: FakeClock
) -> None:
    """
    A connection that can't be saved is not one of the reasons to look further.
    """
    tools.give(accessToken="a.b.c", expires_on=int(clock.time() + 3600))
    private_home.chmod(0o755)

    with pytest.raises(VaultError, match="can be used by others"):
        anything(name="job")


@pytest.mark.parametrize(
    ("value", "titles"),
    [
        ("", [place.title for place in PLACES]),
        ("prod", ["the environment", "workload identity", "managed identity"]),
        ("DEV ", ["the current connection", "Azure CLI", "Azure PowerShell", "Azure Developer CLI"]),
        ("EnvironmentCredential", ["the environment"]),
        ("workloadidentitycredential", ["workload identity"]),
        ("ManagedIdentityCredential", ["managed identity"]),
        ("AzureCliCredential", ["Azure CLI"]),
        ("AzurePowerShellCredential", ["Azure PowerShell"]),
        ("AzureDeveloperCliCredential", ["Azure Developer CLI"]),
    ],
)
def test_the_variable_of_the_sdks_narrows_the_choice(value: str, titles: list[str]) -> None:
    """
    AZURE_TOKEN_CREDENTIALS has a group or the name of a credential, in any case.
    """
    assert titles == [place.title for place in places_of({"AZURE_TOKEN_CREDENTIALS": value})]


@pytest.mark.parametrize("value", ["production", "VisualStudioCodeCredential", "InteractiveBrowserCredential"])
def test_other_values_of_that_variable_are_refused(
    anything: Connect, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    """
    An unknown value, or a credential that needs a user or a program that is not supported, is named.
    """
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", value)

    with pytest.raises(ParameterError, match=f"AZURE_TOKEN_CREDENTIALS has the value '{value}'"):
        anything()


def test_it_is_used_alone(anything: Connect) -> None:
    """
    With another way to sign in, one of both is a mistake.
    """
    with pytest.raises(ParameterSetError, match="`client_secret` and `automatic`"):
        anything(client_secret="s")
