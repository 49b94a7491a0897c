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


def test_status_says_where_the_next_token_comes_from(connected: Command) -> None:
    """
    Each connection names the source of its next token, as a note and in JSON.
    """
    text = "the client secret in the variable AZURE_CLIENT_SECRET"

    assert f"default gets its next token from {text}." in connected("status").error
    assert [text] == [one["next_token_from"] for one in json.loads(connected("status", "--json").output)]


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_status_names_what_redirects(variable: str, connected: Command) -> None:
    """
    Variables that change where credentials are sent are shown (checklist 53).
    """
    connected.environ[variable] = "http://proxy"

    assert f"{variable} is set" in connected("status").error


def test_status_tells_damage(connected: Command, private_home: Path) -> None:
    """
    An entry that is not one is listed as damaged, hides no other, and ends with 8; it was moved aside.
    """
    (private_home / "connections" / "other.json").write_text("{}")
    (private_home / "connections" / "other.json").chmod(0o600)

    result = connected("status")
    assert 8 == result.code
    assert "damaged" in result.output
    assert "fresh" in result.output
    assert "The saved connection 'other' is damaged; it was moved to " in result.error
    assert "  Next: Connect again.\n" in result.error
    assert 0 == connected("status").code


def test_a_wrong_mode_is_not_damage(connected: Command, private_home: Path) -> None:
    """
    An entry that others could read is unreadable: one note with one remedy, exit code 8, and nothing is moved.
    """
    file = private_home / "connections" / "default.json"
    file.chmod(0o644)

    result, whole = connected("status"), connected("status", "--json")

    problem = f"{file} can be used by others (mode 644), so it is not used."
    remedy = f"Type `chmod 600 {file}`, then try again."
    assert (8, 8) == (result.code, whole.code)
    assert ["unreadable"] == [line.split("\t")[5] for line in result.output.splitlines()[1:]]
    assert f"Warning: {problem}\n  Next: {remedy}\n" == result.error.partition("Saved in")[0]
    assert [("unreadable", problem, remedy)] == [
        (one["state"], one["problem"], one["next"]) for one in json.loads(whole.output)
    ]
    assert "" == whole.error
    file.chmod(0o600)
    assert 0 == connected("status").code


def test_a_directory_with_a_wrong_mode_is_reported_once(connected: Command, private_home: Path) -> None:
    """
    One mistake is one note, however many entries it hides.
    """
    connected.connect("--name", "other", app=True)
    directory = private_home / "connections"
    directory.chmod(0o755)

    result = connected("status")

    assert 8 == result.code
    assert 2 == result.output.count("unreadable")
    assert 1 == result.error.count("Warning:") == result.error.count(f"Type `chmod 700 {directory}`, then try again.")
    directory.chmod(0o700)
