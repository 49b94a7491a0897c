"""`entra config`: the values, where each comes from, and the profiles."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.cli.test_origins import write

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Command


def lines(output: str) -> list[str]:
    """Return the lines of a table, with one space between its cells."""
    return [" ".join(line.split()) for line in output.splitlines()]


def test_without_a_file_the_built_in_values_are_shown(entra: Command, private_home: Path) -> None:
    """
    The list has what is built in, and a message says where the file would be.
    """
    result = entra("config")

    assert ["OPTION VALUE FROM", "cloud global built in", "name default built in"] == lines(result.output)
    assert f"The configuration file {private_home}/.config/entrakit/config.toml does not exist.\n" == result.error


def test_the_list_names_each_origin(entra: Command, private_home: Path) -> None:
    """
    Text names the command line, the variable and the profile; JSON has them as fields.
    """
    write(private_home, {"scope": ["User.Read", "Mail.Read"], "ensure": True}, defaults='cloud = "usgov"')
    entra.environ |= {"AZURE_TENANT_ID": "contoso.com", "ENTRAKIT_PROFILE": "p"}

    text = entra("config", "--client-id", "Graph")
    rows = json.loads(entra("config", "--client-id", "Graph", "--output", "json").output)

    assert [
        "OPTION VALUE FROM",
        "client-id Graph command line",
        "tenant-id contoso.com variable AZURE_TENANT_ID",
        "scope User.Read Mail.Read profile p",
        "cloud usgov defaults",
        "name default built in",
        "ensure yes profile p",
    ] == lines(text.output)
    assert {"option": "client-id", "value": "Graph", "from": "option", "place": "--client-id"} == rows[0]
    assert {"option": "scope", "value": ["User.Read", "Mail.Read"], "from": "profile", "place": "p"} == rows[2]
    assert "config.toml; profiles: p." in text.error


def test_it_reads_no_secret_and_sends_nothing(entra: Command, private_home: Path) -> None:
    """
    An option that reads a secret is shown, and the secret stays unread; output options are the list's.
    """
    write(private_home, {"output": "csv", "client-secret-file": "/does/not/exist"})

    result = entra("config", "--profile", "p", "--output", "json")
    table = entra("config", "--profile", "p")

    assert {"client-secret-file": "/does/not/exist", "cloud": "global", "name": "default"} == {
        one["option"]: one["value"] for one in json.loads(result.output)
    }
    assert "csv" in table.output
    assert table.output.startswith("OPTION")


def test_profiles_are_listed(entra: Command, private_home: Path) -> None:
    """
    Completion reads the first column of this list. Without a file it is empty.
    """
    before = entra("config", "--profiles", "--output", "tsv")
    write(private_home, {})

    assert (0, "") == (before.code, before.output)
    assert "profile\np\n" == entra("config", "--profiles", "--output", "tsv").output.replace("\r", "")
