"""`entra connect --auto`: it reports each place that was passed over, and keeps the chosen way."""

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
TOKEN = token_with(tid=TENANT, oid="1", upn="ada@contoso.com")


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeTools:
    """Return the tools, which have no account; no host has an identity."""
    found = FakeTools(tmp_path / "tools")
    found.fail("ERROR: Please run 'az login' to setup account.")
    monkeypatch.setenv("PATH", f"{found.folder}:/usr/bin:/bin")
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:1")
    return found


def test_the_tool_that_is_signed_in_is_taken(entra: Command, tools: FakeTools) -> None:
    """
    Each place that was passed over is a note with its reason. The connection is one of the tool.
    """
    tools.give(token=TOKEN, accessToken=TOKEN, expires_on=int(time.time()) + 3600)

    made = entra("connect", "--auto")

    assert 0 == made.code, made.error
    notes = [line for line in made.error.splitlines() if "passed over: " in line]
    places = ("the environment", "workload identity", "managed identity", "the current connection")
    assert [f"Note: passed over: {place}" for place in places] == [line.rpartition(": ")[0] for line in notes[:1]] + [
        ":".join(line.split(":")[:3]) for line in notes[1:]
    ]
    assert f"Connected as ada@contoso.com to the tenant {TENANT} (azure_tool)." in made.error
    assert "azure_tool" == json.loads(entra("status", "--json").output)[0]["flow"]


@pytest.mark.usefixtures("tools")
def test_the_user_of_the_environment_is_not_asked_about(entra: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    On a terminal, nobody is asked whether to save the connection of the user whom AZURE_USERNAME names.
    """
    user, tenant = entra.tenant.users.normal, entra.tenant
    who = {"AZURE_CLIENT_ID": tenant.public_client, "AZURE_USERNAME": user.upn, "AZURE_PASSWORD": user.password}
    for name, value in who.items():
        monkeypatch.setenv(name, value)
    entra.environ |= who
    where = ("--authority-url", tenant.url, "--graph-url", tenant.url, "--ca-bundle", tenant.ca_path)

    made = entra("connect", "--auto", *where, terminal=True)

    assert 0 == made.code, made.error
    assert f"Connected as {user.upn} to the tenant" in made.error
    assert "Save this connection?" not in made.error


def test_nothing_found_has_exit_code_4(entra: Command, tools: FakeTools) -> None:
    """
    The error lists every place with the reason, one in each line, and says what to do.
    """
    refused = entra("connect", "--auto")

    assert 4 == refused.code
    lines = refused.error.splitlines()
    begin = lines.index("Error: No way to sign in without a user was found here.")
    assert ["  the environment", "  workload identity"] == [
        line.partition(":")[0] for line in lines[begin + 1 : begin + 3]
    ]
    assert "  Next: Set AZURE_CLIENT_ID" in refused.error


def test_an_option_of_another_way_is_refused(entra: Command) -> None:
    """
    One way is chosen.
    """
    refused = entra("connect", "--auto", "--device-code", "--client-id", "Graph", "--tenant-id", TENANT)

    assert (2, True) == (refused.code, "--device-code and --auto" in refused.error), refused.error
