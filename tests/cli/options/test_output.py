"""Options for the result of a command."""

from __future__ import annotations

import argparse
import io
from typing import TYPE_CHECKING

import pytest

from entrakit.cli.command_table import commands
from entrakit.cli.context import Context, Streams
from entrakit.cli.options.output import FORMATS, output_of
from entrakit.cli.parser import parser_of
from entrakit.errors import ParameterError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Command


CONTEXT = Context(Streams(io.StringIO(), io.StringIO(), io.StringIO()), {})


@pytest.mark.parametrize(("out", "expected"), [(None, None), ("-", None), ("file", "file")])
def test_a_hyphen_is_standard_output(out: str | None, expected: str | None) -> None:
    """
    No `--out-file` and `--out-file -` mean standard output.
    """
    assert expected == output_of(argparse.Namespace(out=out, output=None), CONTEXT, "text").out


def test_an_empty_name_is_refused() -> None:
    """
    `--out-file "$UNSET"` does not print to standard output.
    """
    with pytest.raises(ParameterError, match="names no file"):
        output_of(argparse.Namespace(out=" ", output=None), CONTEXT, "text")


@pytest.mark.parametrize(("chosen", "as_json", "out", "default", "is_stream", "expected"), [
    (None, False, None, "text", False, "text"),
    (None, False, "file", "text", False, "json"),
    (None, False, "file", "raw", False, "raw"),
    (None, False, "file.csv", "text", False, "csv"),
    (None, True, None, "text", False, "json"),
    (None, True, "file.csv", "text", False, "json"),
    (None, True, None, "text", True, "ndjson"),
    (None, True, "file.csv", "ndjson", True, "csv"),
    ("tsv", True, "file.csv", "text", True, "tsv"),
])  # fmt: skip
def test_the_format_is_the_chosen_one_or_follows_from_the_file(
    chosen: str | None, *, as_json: bool, out: str | None, default: str, is_stream: bool, expected: str
) -> None:
    """
    `--output` decides, then `--json`, then the ending of the file, then the default of the command. Streams stay lines
    with `--json`, and text for the user is JSON in a file.
    """
    options = argparse.Namespace(out=out, output=chosen)

    assert expected == output_of(options, CONTEXT._replace(as_json=as_json), default, is_stream=is_stream).format


@pytest.mark.parametrize("form", FORMATS)
def test_the_older_name_does_not_take_a_format_for_a_file(entra: Command, form: str) -> None:
    """
    `--out json` names the right option; the file can be named in another way.
    """
    result = entra("status", "--out", form)

    assert 2 == result.code
    assert f"--out names a file, but {form} is an output format." in result.error
    assert f"Use --output {form}." in result.error


def test_both_names_mean_the_file(connected: Command, tmp_path: Path) -> None:
    """
    `--out` is the older name of `--out-file`, and takes the format from the ending of the file as well.
    """
    new, old = tmp_path / "new.csv", tmp_path / "old.csv"

    assert 0 == connected("status", "--out-file", str(new)).code
    assert 0 == connected("status", "--out", str(old)).code

    assert new.read_text().startswith('"name","current","state","flow"')
    assert new.read_text().splitlines()[0] == old.read_text().splitlines()[0]


def test_formats_are_the_same_everywhere() -> None:
    """
    A command with output formats has all of them, and perhaps its own.
    """
    for command in commands():
        for action in parser_of(command)._actions:
            if "--output" in action.option_strings:
                assert set(FORMATS) <= set(action.choices or ()), command.path
                assert "-o" in action.option_strings
