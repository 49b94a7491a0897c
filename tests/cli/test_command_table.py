"""The table of commands and exit codes."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from entrakit.cli.command_table import COMMANDS, EXIT_CODES, find
from entrakit.errors import EntraError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entrakit.cli.command_table import Command


def test_exit_codes_are_those_of_the_errors() -> None:
    """
    Each error of the tree ends with an exit code that is documented.
    """

    def all_of(kind: type[EntraError]) -> Iterator[type[EntraError]]:
        yield kind
        for sub in kind.__subclasses__():
            yield from all_of(sub)

    assert {kind.exit_code for kind in all_of(EntraError)} <= {code for code, _ in EXIT_CODES}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_each_command_is_complete(command: Command) -> None:
    """
    A command has a summary of one line without a full stop, an example with its name, and a module that runs it.
    """
    module = import_module(command.module)

    assert command is find(command.name)
    assert command.summary[0].isupper()
    assert not command.summary.endswith(".")
    assert f"entra {command.name}" in command.example
    assert callable(module.arguments)
    assert callable(module.run)


def test_an_unknown_command_is_not_found() -> None:
    """
    A name that no command has finds nothing.
    """
    assert find("tokn") is None
