"""Parsing: one parser, built for the one command that was typed, with help that fits 80 columns."""

from __future__ import annotations

import argparse
from importlib import import_module

from entrakit.cli.command_table import COMMANDS, EXIT_CODES, find
from entrakit.errors import ParameterError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    from entrakit.cli.command_table import Command


class UsageError(ParameterError):
    """The command was typed wrong."""


class Parser(argparse.ArgumentParser):
    """A parser that raises instead of ending the process, and names what is nearest to a typing error.

    Args:
        command: The command that it is for; None for `entra` itself.
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
        """Return what was typed.

        Raises:
            UsageError: It can't be understood. What stands where nothing belongs is not repeated: it may be a secret.
        """
        options, strangers = self.parse_known_args(list(words))
        if strangers:
            unknown = [word.partition("=")[0] for word in strangers if word.startswith("-")]
            self.error(f"there is no option {unknown[0]}" if unknown else "there is a word too many")
        return options

    def format_help(self) -> str:
        """Return the help; an option whose value is refused shows none."""
        return super().format_help().replace(" []", "").replace(" ]", "]")

    def options(self) -> list[str]:
        """Return all long options."""
        return sorted(text for action in self._actions for text in action.option_strings if text.startswith("--"))

    def _remedy(self, message: str) -> str:
        from difflib import get_close_matches

        example = f"Try `{self.command.example}`, or " if self.command else ""
        typed = [word.partition("=")[0].rstrip(":") for word in message.split() if word.startswith("-")]
        # argparse writes an option that has a short form as `-o/--output`.
        for word in (one.rpartition("/")[2] for one in typed):
            near = get_close_matches(word, self.options(), 1, 0.5)
            if near and word not in self.options():
                return f"Did you mean {near[0]}? {example}`{self.prog} --help`."
        return f"{example}`{self.prog} --help`."


def _without_values(message: str) -> str:
    """Return argparse's words without what was typed: in the wrong place it may be a secret."""
    import re

    message = re.sub(r"ignored explicit argument .*", "it takes no value", message)
    message = re.sub(r"invalid choice: .* \(choose", "not one of its values (choose", message)
    return re.sub(r"invalid int value: .*", "its value is no whole number", message)


def add_general(parser: Parser) -> None:
    """Add the options that every command takes."""
    group = parser.add_argument_group("general")
    group.add_argument("-h", "--help", action="store_true", help="show this help")
    group.add_argument("--json", action="store_true", help="results and errors as JSON")
    group.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors")
    group.add_argument("-v", "--verbose", action="store_true", help="say what happens on the way")
    group.add_argument("--debug", action="store_true", help="say everything, with tracebacks; secrets stay masked")
    group.add_argument(
        "--vault-key-from", choices=("environment", "keyring", "file"), default="",
        help="where the key of kept connections is",
    )  # fmt: skip
    group.add_argument("--no-color", action="store_true", help="no colour (NO_COLOR does the same)")


def add_name(parser: Parser, help_text: str) -> None:
    """Add the option that names a connection."""
    parser.add_argument("--name", metavar="NAME", help=help_text)


def parser_of(command: Command) -> Parser:
    """Return the parser of one command; its module is imported, no other."""
    parser = Parser(command)
    import_module(command.module).arguments(parser)
    add_general(parser)
    return parser


def choose_command(words: Sequence[str]) -> Command | None:
    """Return the command that was typed; None for `entra` with nothing but general options.

    Raises:
        UsageError: There is no such command.
    """
    typed = next((word for word in words if not word.startswith("-")), None)
    if typed in (None, "help"):
        return None
    command = find(typed)
    if command is None:
        from difflib import get_close_matches

        names = [one.name for one in COMMANDS]
        near = get_close_matches(typed, names, 1, 0.5)
        hint = f"Did you mean {near[0]}? " if near else f"The commands: {', '.join(names)}. "
        example = (find(near[0]) if near else None) or COMMANDS[0]
        raise UsageError(f"There is no command {typed!r}.", remedy=f"{hint}Try `{example.example}`.")
    return command


def general_help() -> str:
    """Return what `entra --help` prints."""
    width = max(len(command.name) for command in COMMANDS)
    commands = "\n".join(f"  {command.name:<{width}}  {command.summary}" for command in COMMANDS)
    codes = "\n".join(f"  {code:>3}  {words}" for code, words in EXIT_CODES)
    return (
        "usage: entra COMMAND [options]\n\n"
        "Connect to Microsoft Entra ID and keep the connection.\n\n"
        f"commands:\n{commands}\n\n"
        "Every command takes --help, --json, --quiet, --verbose and --debug.\n"
        f"Example: {COMMANDS[0].example}\n\n"
        f"exit codes:\n{codes}"
    )
