"""The parser of a command, built when that command runs, with help that fits 80 columns."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import TYPE_CHECKING

from entrakit.cli.command_line import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    from entrakit.cli.command_table import Command


class Parser(argparse.ArgumentParser):
    """A parser that raises an error instead of ending the process, and suggests the nearest option.

    Args:
        command: Command to parse.
    """

    def __init__(self, command: Command) -> None:
        self.command = command
        self._dangerous: set[str] = set()
        super().__init__(
            prog=f"entra {command.path}",
            description=f"{command.summary}.",
            epilog=f"Example: {command.example}",
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

    def never_suggest(self, *options: str) -> None:
        """Don't suggest these options for a mistyped one, because they remove or overwrite something."""
        self._dangerous.update(options)

    def _remedy(self, message: str) -> str:
        from entrakit.cli.suggestions import nearest

        example = f"Try `{self.command.example}`, or "
        mentioned = [word.partition("=")[0].rstrip(":") for word in message.split() if word.startswith("-")]
        # argparse writes an option with a short form as `-o/--output`.
        for word in (one.rpartition("/")[2] for one in mentioned):
            near = "" if word in self.options() else nearest(word, self._suggested())
            if near:
                return f"Did you mean {near}? {example}`{self.prog} --help`."
        return f"{example}`{self.prog} --help`."

    def _suggested(self) -> list[str]:
        hidden = [action.option_strings for action in self._actions if action.help == argparse.SUPPRESS]
        return [option for option in self.options() if option not in self._dangerous.union(*hidden)]


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
    getattr(import_module(command.module), command.function("arguments"))(parser)
    add_general(parser)
    return parser
