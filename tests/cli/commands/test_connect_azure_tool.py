"""`entra connect --azure-cli` and its siblings: no ids, the command that connects again, and where tokens come from."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
from tests.sign_in.tools import FakeTools, token_with

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Command

TENANT = "11111111-2222-3333-4444-555555555555"
APP = "aaaaaaaa-2222-3333-4444-555555555555"
TOKEN = token_with(tid=TENANT, oid="1", upn="ada@contoso.com")


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeTools:
    """Return the tools, which give a token."""
    found = FakeTools(tmp_path / "tools")
    monkeypatch.setenv("PATH", f"{found.folder}:/usr/bin:/bin")
    found.give(token=TOKEN, accessToken=TOKEN, expires_on=int(time.time()) + 3600)
    return found


@pytest.mark.parametrize(
    ("option", "title"),
    [("--azure-cli", "Azure CLI"), ("--azd", "Azure Developer CLI"), ("--azure-powershell", "Azure PowerShell")],
)
def test_a_tool_needs_no_ids_and_status_names_it(entra: Command, tools: FakeTools, option: str, title: str) -> None:
    """
    The option is enough. `entra status` says which tool gives the next token, as a note and in JSON.
    """
    made = entra("connect", option)

    assert 0 == made.code, made.error
    assert f"Connected as ada@contoso.com to the tenant {TENANT} (azure_tool)." in made.error
    assert "and renews itself." in made.error
    assert TOKEN == entra("token").output.strip()
    assert f"default gets its next token from {title}." in entra("status").error
    assert title == json.loads(entra("status", "--json").output)[0]["next_token_from"]


def test_the_variable_for_the_app_is_not_that_of_a_tool(entra: Command, tools: FakeTools) -> None:
    """
    AZURE_CLIENT_ID and AZURE_CLIENT_SECRET are for other ways to sign in. AZURE_TENANT_ID names the tenant, and the
    option replaces it. An app on the command line is refused.
    """
    entra.environ |= {"AZURE_CLIENT_ID": APP, "AZURE_CLIENT_SECRET": "x", "AZURE_TENANT_ID": "contoso.com"}

    assert 0 == entra("connect", "--azure-cli").code
    assert ["--tenant", "contoso.com"] == tools.words()[-2:]
    assert 0 == entra("connect", "--azure-cli", "--tenant-id", TENANT).code
    assert ["--tenant", TENANT] == tools.words()[-2:]
    refused = entra("connect", "--azure-cli", "--client-id", APP)
    assert (2, True) == (refused.code, "Leave --client-id out." in refused.error), refused.error
    both = entra("connect", "--azure-cli", "--azd")
    assert (2, True) == (both.code, "--azure-cli and --azd select different tools." in both.error), both.error


def test_the_fallback_is_an_option(entra: Command, tools: FakeTools) -> None:
    """
    `--fallback azure-cli` uses the tool if the sign-in fails, and says why.
    """
    token = token_with(tid=entra.tenant.tenant_id, oid="1")
    tools.give(accessToken=token, expires_on=int(time.time()) + 3600)

    made = entra.connect("--client-secret-stdin", "--fallback", "azure-cli", given="wrong", app=True)

    assert 0 == made.code, made.error
    assert "Azure CLI is used: The client secret is wrong." in made.error
    assert token == entra("token").output.strip()


def test_a_signed_out_tool_ends_with_4_and_the_command(entra: Command, tools: FakeTools) -> None:
    """
    The next step is the command that signs in to the tool. A claims challenge also says how to connect again.
    """
    assert 0 == entra("connect", "--azure-cli", "--name", "job", "--resource", "https://vault.azure.net").code
    tools.fail("ERROR: AADSTS70043: The refresh token has expired. Run: az login")

    gone = entra("token", "--name", "job", "--min-validity", "5h")
    challenged = entra("token", "--name", "job", "--claims", '{"access_token":{"acrs":{"essential":true}}}')

    assert 4 == gone.code
    assert f"az login --tenant {TENANT} --scope https://vault.azure.net/.default" in gone.error
    assert 4 == challenged.code
    assert "`entra connect --name job --resource https://vault.azure.net --azure-cli`" in challenged.error
