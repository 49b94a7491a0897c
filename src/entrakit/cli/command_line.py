"""The words of a command line: which command they name, and what remains for its parser."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from entrakit.cli.command_table import Command, begins_alias, find
from entrakit.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrakit.cli.command_table import Node

# General options with a value; what follows them is not a command.
VALUED = ("--vault-key-from",)
GENERAL = (*VALUED, "-h", "--help", "--json", "-q", "--quiet", "-v", "--verbose", "--debug", "--no-color", "--version")


class UsageError(ParameterError):
    """The options or arguments of a command are wrong."""


class CommandLine(NamedTuple):
    """A command line, before its options are parsed.

    Args:
        node: The command or noun that it names; None for `entra` itself.
        rest: All other words, in their order.
        wants_help: Whether it asks for help.
        is_version: Whether it asks for the version.
    """

    node: Node | None
    rest: list[str]
    wants_help: bool
    is_version: bool


def read_command_line(words: Sequence[str]) -> CommandLine:
    """Return the command that a command line names, and its other words. Options may come before the command.

    Raises:
        UsageError: The command does not exist.
    """
    node: Node | None = None
    typed, rest = "", []
    wants_help = is_version = False
    index = 0
    while index < len(words) and not isinstance(node, Command):
        word = words[index]
        index += 1
        if word.startswith("-"):
            rest.append(word)
            if word in VALUED:
                rest += words[index : index + 1]
                index += 1
        elif word == "help":
            wants_help = True
        elif word == "version" and node is None:
            is_version = True
        else:
            typed = f"{typed} {word}".lstrip()
            found = find(typed)
            if found is not None:
                node, typed = found, found.path
            elif not begins_alias(typed):
                raise _unknown(typed, rest)
    if typed != (node.path if node else ""):
        raise _unknown(typed, rest)
    rest += words[index:]
    wants_help = wants_help or "-h" in rest or "--help" in rest
    is_version = node is None and (is_version or "--version" in rest)
    return CommandLine(node, rest, wants_help, is_version)


def _unknown(typed: str, before: Sequence[str]) -> UsageError:
    """Return the error for a command that does not exist."""
    from entrakit.cli.suggestions import remedy_for_command

    option = next((one for one in before if one.partition("=")[0] not in GENERAL), "")
    if option:
        return UsageError(
            f"The option {option.partition('=')[0]} comes before the command.",
            remedy="Begin with the command: `entra COMMAND [options]`. `entra --help` lists the commands.",
        )
    shown = repr(typed) if len(typed) <= 60 and typed.isprintable() else "with this name"
    return UsageError(f"The command {shown} does not exist.", remedy=remedy_for_command(typed))
