"""Mistyped command lines: each error names the mistake and one thing to do."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from entrakit.cli.command_line import read_command_line
from entrakit.cli.command_table import Command as Row
from entrakit.cli.parser import parser_of

if TYPE_CHECKING:
    from tests.cli.conftest import Command


class Mistake(NamedTuple):
    """A mistyped command line.

    Args:
        line: The line.
        code: The exit code.
        problem: The problem of the error.
        remedy: Its remedy.
    """

    line: str
    code: int
    problem: str
    remedy: str


def mistakes() -> list[Mistake]:
    """Return the lines of the fixture, each with its exit code, problem and remedy."""
    path = Path(__file__).parents[1] / "fixtures" / "mistyped-lines.txt"
    found = []
    for block in path.read_text(encoding="utf-8").strip().split("\n\n"):
        line, problem, remedy = (one.strip() for one in block.split("\n"))
        code, _, problem = problem.partition(" ")
        found.append(Mistake(line, int(code), problem, remedy))
    return found


def test_mistakes_have_their_answers(connected: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    No line crashes or prints a result or a traceback; each has its problem and its remedy.
    """
    folder = tmp_path / "folder"
    folder.mkdir()
    monkeypatch.chdir(folder)

    for one in mistakes():
        result = connected(*shlex.split(one.line)[1:])
        told = [line for line in result.error.splitlines() if not line.startswith("Note:")]

        assert (one.line, one.code, "") == (one.line, result.code, result.output)
        assert [f"Error: {one.problem}", f"  Next: {one.remedy}"] == told
    assert len(mistakes()) >= 150
    assert [] == list(folder.iterdir())


@pytest.mark.parametrize("one", mistakes(), ids=lambda one: one.line)
def test_remedies_are_true(one: Mistake) -> None:
    """
    A command that a remedy names exists, with its options; so does a suggested option. None of them is dangerous.
    """
    for line in re.findall(r"(?:`|\()(entra [^`)]*)", one.remedy):
        words = shlex.split(line)[1:]
        if words[0] in ("COMMAND", "…") or words[0].startswith("-"):
            continue
        node = read_command_line(words).node
        assert node is not None
        known = parser_of(node).options() if isinstance(node, Row) else ["--help"]
        assert {word for word in words if word.startswith("--")} <= set(known)
    suggested = re.fullmatch(r"Did you mean (--\S+)\?", one.remedy)
    if suggested is not None:
        node = read_command_line(shlex.split(one.line)[1:]).node
        assert isinstance(node, Row)
        assert suggested[1] in parser_of(node).options()
        assert suggested[1] not in {"--all", "--revoke", "--replace", "--yes"} or "request" in one.line


def test_debug_shows_no_traceback_of_a_mistake(connected: Command) -> None:
    """
    A mistyped line is not a defect: `--debug` adds nothing to its error.
    """
    assert "Traceback" not in connected("token", "--debug", "--nmae", "x").error
