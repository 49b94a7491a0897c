"""The help of `entra` and of its nouns."""

from __future__ import annotations

from entrakit.cli.command_table import TREE, Noun, children
from entrakit.cli.help_pages import general_help, noun_help


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
