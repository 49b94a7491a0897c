"""The help of `entra` and of its nouns: lists of commands that fit 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.cli.command_table import EXIT_CODES, children, commands

if TYPE_CHECKING:
    from entrakit.cli.command_table import Noun


def general_help() -> str:
    """Return the output of `entra --help`."""
    codes = "\n".join(f"  {code:>3}  {words}" for code, words in EXIT_CODES)
    return (
        "usage: entra COMMAND [options]\n\n"
        "Connect to Microsoft Entra ID, save the connection, and send requests.\n\n"
        f"commands:\n{_list('')}\n\n"
        "Every command accepts --help, --json, --quiet, --verbose and --debug.\n"
        "`entra help COMMAND` explains a command.\n"
        f"Example: {commands()[0].example}\n\n"
        f"exit codes:\n{codes}"
    )


def noun_help(noun: Noun) -> str:
    """Return the output of `entra NOUN --help`."""
    example = next(one.example for one in commands() if one.path.startswith(f"{noun.path} "))
    return (
        f"usage: entra {noun.path} COMMAND [options]\n\n"
        f"{noun.summary}.\n\n"
        f"commands:\n{_list(noun.path)}\n\n"
        f"`entra {noun.path} COMMAND --help` explains a command.\n"
        f"Example: {example}"
    )


def _list(path: str) -> str:
    names = {node.path.rpartition(" ")[2]: node.summary for node in children(path)}
    width = max(len(name) for name in names)
    return "\n".join(f"  {name:<{width}}  {summary}" for name, summary in names.items())
