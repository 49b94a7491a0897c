"""`entra status`: saved connections, without network."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Command


def test_status_lists_without_network(connected: Command) -> None:
    """
    Flow, tenant, account, expiry and the place of the vault are a table on a terminal, tabs in a pipe, and JSON for
    programs.
    """
    connected.connect("--name", "other", app=True)
    asked = len(connected.tenant.journal.entries)

    piped, drawn, whole = connected("status"), connected("status", terminal=True), connected("status", "--json")

    lines = [line.split("\t") for line in piped.output.splitlines()]
    assert ["", "NAME", "FLOW", "ACCOUNT", "TENANT", "TOKEN", "CLOUD"] == lines[0]
    assert ["*", "default", "secret"] == lines[1][:3]
    assert lines[1][5].startswith("fresh (")
    assert "key file" in piped.error
    assert all(len(line) <= 80 for line in drawn.output.splitlines())
    assert ["default", "other"] == [one["name"] for one in json.loads(whole.output)]
    assert {"state": "fresh", "key_from": "file", "current": True}.items() <= json.loads(whole.output)[0].items()
    assert asked == len(connected.tenant.journal.entries)
    assert 1 == len(json.loads(connected("status", "--json", "--name", "other").output))


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_status_names_what_redirects(variable: str, connected: Command) -> None:
    """
    Variables that change where credentials are sent are shown (checklist 53).
    """
    connected.environ[variable] = "http://proxy"

    assert f"{variable} is set" in connected("status").error


def test_status_tells_damage(connected: Command, private_home: Path) -> None:
    """
    An unreadable entry is listed as damaged, and hides no other.
    """
    (private_home / "connections" / "other.json").write_text("{}")
    (private_home / "connections" / "other.json").chmod(0o600)

    result = connected("status")
    assert "damaged" in result.output
    assert "fresh" in result.output
