"""Results of commands that send no requests, in every output format."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Command


def test_every_format_has_the_same_objects(connected: Command) -> None:
    """
    JSON, NDJSON, CSV and TSV have the properties of the objects; `--json` is `--output json`.
    """
    found = json.loads(connected("status", "--output", "json").output)
    rows = list(csv.DictReader(io.StringIO(connected("status", "-o", "csv").output)))
    values = [line.split("\t") for line in connected("status", "-o", "tsv").output.splitlines()]

    assert [one["name"] for one in found] == ["default"]
    assert connected("status", "--json").output == connected("status", "--output", "json").output
    assert found == [json.loads(line) for line in connected("status", "-o", "ndjson").output.splitlines()]
    assert list(found[0]) == list(rows[0]) == values[0]
    assert "default" == rows[0]["name"] == values[1][0]


def test_a_table_has_the_columns_for_the_user(connected: Command) -> None:
    """
    `--output table` has the headings that a terminal shows, aligned, also in a pipe.
    """
    lines = connected("status", "--output", "table").output.splitlines()

    assert ["NAME", "FLOW", "ACCOUNT", "TENANT", "TOKEN", "CLOUD"] == lines[0].split()
    assert lines[0].index("FLOW") == lines[1].index("secret")
    assert "NAME" in connected("status", "--output", "table", terminal=True).output


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("status", "name"),
        ("inspect", "kind"),
        ("vault check", "what"),
        ("vault path", "kept_in"),
        ("vault rekey", "sealed_again"),
        ("use default", "current"),
        ("token", "expires_on"),
        ("disconnect", "disconnected"),
    ],
)
def test_commands_print_objects_in_every_format(connected: Command, words: str, name: str) -> None:
    """
    Each command that prints objects has all formats; a single object is one line or one row.
    """
    for form in ("json", "ndjson", "csv", "tsv", "table"):
        if words == "disconnect":
            assert 0 == connected.connect(app=True).code
        result = connected(*words.split(), "-o", form)
        assert 0 == result.code, result.error
        assert name in result.output or name.upper() in result.output


def test_a_result_in_a_file(connected: Command, tmp_path: Path) -> None:
    """
    The file has the format of its ending, else JSON; a table is refused, because it is for a terminal.
    """
    assert "" == connected("status", "--out-file", str(tmp_path / "all.ndjson")).output
    assert "default" == json.loads((tmp_path / "all.ndjson").read_text())["name"]
    assert 0 == connected("vault", "path", "--out-file", str(tmp_path / "path")).code
    assert "file" == json.loads((tmp_path / "path").read_text())["key_from"]
    assert 2 == connected("status", "-o", "table", "--out-file", str(tmp_path / "x")).code
