"""The help of `entra` and of its nouns."""

from __future__ import annotations

import re

from entrakit.cli.command_table import TREE, Noun, children, commands
from entrakit.cli.help_pages import general_help, noun_help
from entrakit.cli.parser import parser_of


def test_the_general_help_lists_the_first_level() -> None:
    """
    `entra --help` has each command and noun of the first level, with its meaning, and the exit codes.
    """
    text = general_help()

    for node in children():
        assert node.summary in text
    assert "Check all saved connections" not in text
    assert "130  interrupted" in text


def test_the_help_of_a_noun_lists_its_commands() -> None:
    """
    The help of a noun has each of its commands, and an example.
    """
    for noun in (node for node in TREE if isinstance(node, Noun)):
        text = noun_help(noun)
        assert f"usage: entra {noun.path} COMMAND" in text
        assert f"Example: entra {noun.path} " in text
        assert all(node.summary in text for node in children(noun.path))


def test_the_options_of_every_help_page_are_in_line() -> None:
    """
    The descriptions of all options of a page begin in the same column.
    """
    for command in commands():
        page = parser_of(command).format_help()
        lines = re.findall(r"^  (-.*?\S)( {2,})(\S.*)$", page, re.MULTILINE)

        assert lines
        assert 1 == len({len(option) + len(gap) for option, gap, _ in lines}), command.path
        assert not re.search(r"-\S+ ]", page)
