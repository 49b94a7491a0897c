"""The parser of a command, built when that command runs, with help that fits 80 columns."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import TYPE_CHECKING

from entrakit.cli.command_table import COMMANDS, EXIT_CODES, find
from entrakit.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    from entrakit.cli.command_table import Command


class UsageError(ParameterError):
    """The options or arguments of a command are wrong."""


class Parser(argparse.ArgumentParser):
    """A parser that raises an error instead of ending the process, and suggests the nearest option.

    Args:
        command: Command to parse; None for `entra` itself.
    """

    def __init__(self, command: Command | None = None) -> None:
        self.command = command
        super().__init__(
            prog=f"entra {command.name}" if command else "entra",
            description=f"{command.summary}." if command else None,
            epilog=f"Example: {command.example}" if command else None,
            allow_abbrev=False,
            add_help=False,
            formatter_class=lambda prog: argparse.HelpFormatter(prog, max_help_position=30, width=80),
        )

    def error(self, message: str) -> NoReturn:
        """Raise a UsageError with the nearest option and an example."""
        safe = _without_values(message)
        raise UsageError(safe[:1].upper() + safe[1:].rstrip(".") + ".", remedy=self._remedy(safe))

    def read(self, words: Sequence[str]) -> argparse.Namespace:
        """Return the options and arguments of a command line.

        Raises:
            UsageError: The command line is wrong. The error does not repeat unexpected arguments, which may be secrets.
        """
        options, rest = self.parse_known_args(list(words))
        if rest:
            unknown = [word.partition("=")[0] for word in rest if word.startswith("-")]
            self.error(f"unknown option {unknown[0]}" if unknown else "too many arguments")
        return options

    def format_help(self) -> str:
        """Return the help. An option with an empty placeholder shows no value."""
        return super().format_help().replace(" [] ", "    ").replace(" []", "").replace(" ]", "]")

    def options(self) -> list[str]:
        """Return the long options."""
        return sorted(text for action in self._actions for text in action.option_strings if text.startswith("--"))

    def _remedy(self, message: str) -> str:
        from difflib import get_close_matches

        example = f"Try `{self.command.example}`, or " if self.command else ""
        mentioned = [word.partition("=")[0].rstrip(":") for word in message.split() if word.startswith("-")]
        # argparse writes an option with a short form as `-o/--output`.
        for word in (one.rpartition("/")[2] for one in mentioned):
            near = get_close_matches(word, self.options(), 1, 0.5)
            if near and word not in self.options():
                return f"Did you mean {near[0]}? {example}`{self.prog} --help`."
        return f"{example}`{self.prog} --help`."


def _without_values(message: str) -> str:
    """Return a message of argparse without the values of the user: in the wrong place they may be secrets."""
    import re

    message = re.sub(r"ignored explicit argument .*", "it takes no value", message)
    message = re.sub(r"invalid choice: .* \(choose", "invalid value (choose", message)
    return re.sub(r"invalid int value: .*", "the value is not an integer", message)


def add_general(parser: Parser) -> None:
    """Add the options that every command accepts."""
    group = parser.add_argument_group("general")
    group.add_argument("-h", "--help", action="store_true", help="show this help")
    group.add_argument("--json", action="store_true", help="print results and errors as JSON")
    group.add_argument("-q", "--quiet", action="store_true", help="print errors only")
    group.add_argument("-v", "--verbose", action="store_true", help="print each step")
    group.add_argument("--debug", action="store_true", help="print everything, with tracebacks; secrets are masked")
    group.add_argument(
        "--vault-key-from",
        choices=("environment", "keyring", "file"),
        default="",
        help="location of the vault key",
    )
    group.add_argument("--no-color", action="store_true", help="no colour (env NO_COLOR)")


def parser_of(command: Command) -> Parser:
    """Return the parser of a command. Only the module of this command is imported."""
    parser = Parser(command)
    import_module(command.module).arguments(parser)
    add_general(parser)
    return parser


def choose_command(words: Sequence[str]) -> Command | None:
    """Return the command that a command line names; None if it has only general options.

    Raises:
        UsageError: The command does not exist.
    """
    name = next((word for word in words if not word.startswith("-")), None)
    if name in (None, "help"):
        return None
    command = find(name)
    if command is None:
        from difflib import get_close_matches

        names = [one.name for one in COMMANDS]
        near = get_close_matches(name, names, 1, 0.5)
        hint = f"Did you mean {near[0]}? " if near else f"Commands: {', '.join(names)}. "
        example = (find(near[0]) if near else None) or COMMANDS[0]
        raise UsageError(f"The command {name!r} does not exist.", remedy=f"{hint}Try `{example.example}`.")
    return command


def general_help() -> str:
    """Return the output of `entra --help`."""
    width = max(len(command.name) for command in COMMANDS)
    commands = "\n".join(f"  {command.name:<{width}}  {command.summary}" for command in COMMANDS)
    codes = "\n".join(f"  {code:>3}  {words}" for code, words in EXIT_CODES)
    return (
        "usage: entra COMMAND [options]\n\n"
        "Connect to Microsoft Entra ID, save the connection, and send requests.\n\n"
        f"commands:\n{commands}\n\n"
        "Every command accepts --help, --json, --quiet, --verbose and --debug.\n"
        f"Example: {COMMANDS[0].example}\n\n"
        f"exit codes:\n{codes}"
    )
