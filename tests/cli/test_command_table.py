"""The tree of commands, and the exit codes."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from entrakit.cli.command_table import EXIT_CODES, TREE, Command, Noun, begins_alias, children, commands, find
from entrakit.errors import EntraError

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_exit_codes_are_those_of_the_errors() -> None:
    """
    Each error of the tree ends with an exit code that is documented.
    """

    def all_of(kind: type[EntraError]) -> Iterator[type[EntraError]]:
        yield kind
        for sub in kind.__subclasses__():
            yield from all_of(sub)

    assert {kind.exit_code for kind in all_of(EntraError)} <= {code for code, _ in EXIT_CODES}


@pytest.mark.parametrize("command", commands(), ids=lambda command: command.path)
def test_each_command_is_complete(command: Command) -> None:
    """
    A command has a summary of one line without a full stop, an example with its path, and a module that runs it.
    """
    module = import_module(command.module)

    assert command is find(command.path)
    assert command.summary[0].isupper()
    assert not command.summary.endswith(".")
    assert f"entra {command.path}" in command.example
    assert callable(getattr(module, command.function("arguments")))
    assert callable(getattr(module, command.function("work")))


def test_each_node_is_below_a_noun() -> None:
    """
    A path of several words continues that of a noun, and each noun has commands.
    """
    nouns = {node.path for node in TREE if isinstance(node, Noun)}

    assert set() == {node.path.rpartition(" ")[0] for node in TREE} - nouns - {""}
    assert all(children(noun) for noun in nouns)


def test_paths_and_aliases_are_unique() -> None:
    """
    No path or alias means two commands.
    """
    names = [name for node in TREE for name in (node.path, *node.aliases)]

    assert len(names) == len(set(names))


def test_aliases_find_their_command() -> None:
    """
    An alias finds the command that it stands for; the first words of a longer alias are known as its beginning.
    """
    for node in TREE:
        assert [node] * len(node.aliases) == [find(alias) for alias in node.aliases]
    assert begins_alias("auth")
    assert not begins_alias("connect")


def test_an_unknown_command_is_not_found() -> None:
    """
    A path that no command has finds nothing.
    """
    assert find("tokn") is None
