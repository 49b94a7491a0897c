"""A new command needs one file and one row of the table; everything else is made from them."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.cli.completion.conftest import shell

from entrakit.cli import command_table, commands
from entrakit.cli.command_table import Command, Noun
from entrakit.cli.completion.scripts import script

if TYPE_CHECKING:
    from tests.cli.completion.conftest import Shell
    from tests.cli.conftest import Command as Entra

__all__ = ["shell"]

REFERENCE = Path(__file__).parents[2] / "scripts" / "write-command-reference"
FILE = """
from entrakit.cli.options.connection import add_sending
from entrakit.cli.options.output import add_output
from entrakit.cli.work import Result, Work

def arguments(parser):
    parser.add_argument("file", metavar="FILE", help="file of widgets")
    parser.add_argument("--color", choices=("red", "green"), help="color of the widgets")
    add_output(parser, default="text")
    add_sending(parser)

def work(options, context):
    return Work(paint(options), preview=plan(options), question="Paint it?", declined="Nothing was painted")

def paint(options):
    yield Result({"file": options.file, "color": options.color}, (f"{options.file} {options.color}",))
    yield "Painted."
    return 0

def plan(options):
    yield Result({"would_paint": options.file}, (f"It would paint {options.file}.",))
    return 0

arguments_members_add, work_members_add = arguments, work
"""


@pytest.fixture(autouse=True)
def added(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Add the file `widgets.py` and its row; and a command of three words, whose nouns have a row each."""
    (tmp_path / "widgets.py").write_text(FILE)
    (tmp_path / "gadgets.py").write_text(FILE)
    monkeypatch.setattr(commands, "__path__", [*commands.__path__, str(tmp_path)])
    rows = (
        Command("widgets", "Count the widgets", "entra widgets notes.txt"),
        Noun("gadgets", "Work with gadgets"),
        Noun("gadgets members", "Work with members of gadgets"),
        Command("gadgets members add", "Add members to a gadget", "entra gadgets members add members.txt"),
    )
    monkeypatch.setattr(command_table, "TREE", (*command_table.TREE, *rows))


@pytest.mark.parametrize("path", ["widgets", "gadgets members add"])
def test_it_runs_and_has_help(entra: Entra, path: str) -> None:
    """
    The command runs, with general options anywhere; every level above it has help.
    """
    words = path.split()

    assert "f red\n" == entra("-q", *words, "f", "--color", "red").output
    assert "file of widgets" in entra(*words, "--help").output
    assert entra(*words, "--help") == entra("help", *words)
    for length in range(len(words)):
        assert f"  {words[length]} " in entra(*words[:length], "--help").output


@pytest.mark.parametrize("path", ["widgets", "gadgets members add"])
def test_it_is_executed_like_all_commands(entra: Entra, tmp_path: Path, path: str) -> None:
    """
    Its work has a preview, a question, every output format and a file.
    """
    words = [*path.split(), "f", "--color", "red"]

    assert "It would paint f.\n" == entra(*words, "--what-if", terminal=True).output
    assert {"would_paint": "f"} == json.loads(entra(*words, "--what-if", "--json").output)
    declined = entra(*words, terminal=True, given="n\n")
    assert (130, "", "Paint it? [y/N] Nothing was painted.\n") == declined
    assert "f red\n" == entra(*words, terminal=True, given="y\n").output
    assert "f red\n" == entra(*words, "--yes", terminal=True).output
    assert '"file","color"\r\n"f","red"\r\n' == entra(*words, "-o", "csv").output
    assert "" == entra(*words, "--out-file", str(tmp_path / "result.json")).output
    assert {"file": "f", "color": "red"} == json.loads((tmp_path / "result.json").read_text())


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("widgts f", "Did you mean widgets? Try `entra widgets notes.txt`."),
        ("widgets f --colr red", "Did you mean --color?"),
        ("widgets f --color blue", "(choose from"),
        ("gadgets membres add f", "Did you mean members? Try `entra gadgets members --help`."),
        ("gadgets members addd f", "Did you mean add? Try `entra gadgets members add members.txt`."),
        ("gadgets members", "`entra gadgets members` requires a command: add."),
    ],
)
def test_it_has_hints(entra: Entra, line: str, expected: str) -> None:
    """
    Mistyped words and options lead to it.
    """
    result = entra(*line.split())

    assert 2 == result.code
    assert expected in result.error


def test_it_is_completed(shell: Shell) -> None:
    """
    Real shells complete its words, options, choices and files.
    """
    assert "widgets" in shell.complete("entra wid")
    assert "--color" in shell.complete("entra widgets --col")
    assert {"red", "green"} == shell.complete("entra widgets --color ")
    assert "notes.txt" in shell.complete("entra widgets no")
    assert {"add"} == shell.complete("entra gadgets members a")
    assert {"green"} == shell.complete("entra gadgets members add --color g")
    assert "'gadgets members' = @('add')" in script("powershell")


def test_it_is_in_the_reference() -> None:
    """
    The reference page has a section for it and for its nouns.
    """
    page = runpy.run_path(str(REFERENCE))["text"]()

    assert "## entra widgets\n\nCount the widgets. Example:" in page
    assert "| `--color red\\|green` | color of the widgets |  |" in page
    assert "## entra gadgets members\n\nWork with members of gadgets." in page
    assert "## entra gadgets members add\n" in page
