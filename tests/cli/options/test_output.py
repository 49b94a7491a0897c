"""Options for the result of a command."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import pytest

from entrakit.cli.command_table import commands
from entrakit.cli.options.output import FORMATS, file_of
from entrakit.cli.parser import parser_of
from entrakit.errors import ParameterError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Command


@pytest.mark.parametrize(("out", "expected"), [(None, None), ("-", None), ("file", "file")])
def test_a_hyphen_is_standard_output(out: str | None, expected: str | None) -> None:
    """
    No `--out-file` and `--out-file -` mean standard output.
    """
    assert expected == file_of(argparse.Namespace(out=out))


def test_an_empty_name_is_refused() -> None:
    """
    `--out-file "$UNSET"` does not print to standard output.
    """
    with pytest.raises(ParameterError, match="names no file"):
        file_of(argparse.Namespace(out=" "))


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

    assert new.read_text().startswith("name,current,state,flow")
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
