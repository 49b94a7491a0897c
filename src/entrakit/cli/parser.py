"""The parser of a command, built when that command runs, with help that fits 80 columns."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import TYPE_CHECKING

from entrakit.cli.command_line import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import NoReturn

    from entrakit.cli.command_table import Command


# Commands whose users type a secret in the wrong place.
TAKING_SECRETS = ("connect", "inspect", "token", "vault")


class Parser(argparse.ArgumentParser):
    """A parser that raises an error instead of ending the process, and suggests the nearest option or value.

    Args:
        command: Command to parse.
    """

    def __init__(self, command: Command) -> None:
        self.command = command
        self._dangerous = {"--yes"}
        self._words: list[str] = []
        super().__init__(
            prog=f"entra {command.path}",
            description=f"{command.summary}.",
            epilog=f"Example: {command.example}",
            allow_abbrev=False,
            add_help=False,
            formatter_class=lambda prog: argparse.HelpFormatter(prog, max_help_position=30, width=80),
        )

    def error(self, message: str) -> NoReturn:
        """Raise a UsageError with one thing to do: the nearest option or value, or an example."""
        unknown = self._unknown_options()
        if unknown and message.startswith("the following arguments are required"):
            # The misspelled option may be the missing one.
            self._refuse_option(unknown[0])
        safe = _without_values(message)
        remedy = _near_value(message) or self._value_remedy(message) or f"Try `{self.command.example}`."
        raise UsageError(safe[:1].upper() + safe[1:].rstrip(".") + ".", remedy=remedy)

    def read(self, words: Sequence[str]) -> argparse.Namespace:
        """Return the options and arguments of a command line, and its words as `words`.

        Raises:
            UsageError: The command line is wrong. The error does not repeat unexpected arguments, which may be secrets.
        """
        self._words = list(words)
        options, rest = self.parse_known_args(self._words)
        unknown = [word.partition("=")[0] for word in rest if word.startswith("-")]
        if unknown:
            self._refuse_option(unknown[0])
        if rest:
            # The words that are too many are the last ones of several equal ones.
            places = [number for number, word in enumerate(self._words, 1) if word == rest[0]]
            self.error(f"too many arguments: {self._shown(rest[0], places[-rest.count(rest[0])])}")
        options.words = self._words
        return options

    def format_help(self) -> str:
        """Return the help. An option with an empty placeholder shows no value."""
        return super().format_help().replace(" [] ", "    ").replace(" []", "").replace(" ]", "]")

    def given(self, words: Sequence[str]) -> dict[str, object]:
        """Return the values that a valid command line itself gives, without defaults, by the destination of the option.

        Args:
            words: The words of the command line.
        """
        blank = argparse.Namespace(**{action.dest: None for action in self._actions})
        found = vars(self.parse_known_args(list(words), blank)[0])
        return {action.dest: found[action.dest] for action in self._actions if found[action.dest] is not None}

    def groups(self) -> list[argparse._ArgumentGroup]:
        """Return the groups of options."""
        return self._action_groups

    def options(self) -> list[str]:
        """Return the long options."""
        return sorted(text for action in self._actions for text in action.option_strings if text.startswith("--"))

    def never_suggest(self, *options: str) -> None:
        """Don't suggest these options for a mistyped one, because they remove or overwrite something."""
        self._dangerous.update(options)

    def suggested(self, keys: Iterable[str]) -> list[str]:
        """Return the options without dashes among some keys that may be suggested for a mistyped one."""
        return [key for key in keys if f"--{key}" in self._suggested()]

    def _shown(self, word: str, number: int) -> str:
        """Return a word that is too many; its number if it may be a secret, as in `entra connect --password SECRET`."""
        import re

        from entrakit.redaction import redact

        is_harmless = re.fullmatch(r"[\w@./:-]{1,40}", word) and redact(word) == word
        if is_harmless and self.command.path.partition(" ")[0] not in TAKING_SECRETS:
            return word
        return f"word number {number} after `{self.prog}`"

    def _unknown_options(self) -> list[str]:
        known = {text for action in self._actions for text in action.option_strings}
        names = [word.partition("=")[0] for word in self._words if word.startswith("--")]
        return [name for name in names if name not in known and name != "--"]

    def _value_remedy(self, message: str) -> str:
        """Return the remedy for an option with a missing, unexpected or wrong value; empty for another mistake."""
        import re

        if "not allowed with argument" in message:
            return "Use only one of them."
        found = re.match(
            r"argument (\S+): (expected one argument|invalid int value|ignored explicit argument)", message
        )
        action = self._option_string_actions.get(found[1].rpartition("/")[2]) if found else None
        if found is None or action is None:
            return ""
        if found[2].startswith("ignored"):
            return "Leave the value out."
        if found[2].startswith("invalid int"):
            return f"Give {found[1].rpartition('/')[2]} a whole number, such as 8."
        value = action.metavar if isinstance(action.metavar, str) else "|".join(action.choices or [action.dest.upper()])
        return f"Write it as {found[1].rpartition('/')[2]} {value}."

    def _refuse_option(self, name: str) -> NoReturn:
        from entrakit.cli.suggestions import OTHER_OPTIONS, nearest

        other = OTHER_OPTIONS.get(name, "")
        near = other if other in self._suggested() else nearest(name, self._suggested())
        hint = f"Did you mean {near}?" if near else f"`{self.prog} --help` lists the options."
        raise UsageError(f"Unknown option {name}.", remedy=hint)

    def _suggested(self) -> list[str]:
        hidden = [action.option_strings for action in self._actions if action.help == argparse.SUPPRESS]
        return [option for option in self.options() if option not in self._dangerous.union(*hidden)]


def _without_values(message: str) -> str:
    """Return a message of argparse without the values of the user: in the wrong place they may be secrets."""
    import re

    message = re.sub(r"ignored explicit argument .*", "it takes no value", message)
    message = re.sub(r"expected one argument$", "the value is missing", message)
    # Later versions of Python write the choices without quotation marks.
    message = re.sub(
        r"invalid choice: .* \(choose from (.*)\)",
        lambda found: f"invalid value (choose from {found[1].replace(chr(39), '')})",
        message,
    )
    return re.sub(r"invalid int value: .*", "the value is not an integer", message)


def _near_value(message: str) -> str:
    """Return the remedy for a value that is nearly one of the choices; else an empty string."""
    import re

    from entrakit.cli.suggestions import nearest

    found = re.search(r"invalid choice: (.*) \(choose from (.*)\)", message)
    if found is None:
        return ""
    near = nearest(found[1].strip("'"), [name.strip("'") for name in found[2].split(", ")])
    return f"Did you mean {near}?" if near else ""


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
    # Options that `execute` reads, of commands that don't have them; and whether the configuration file gives some.
    parser.set_defaults(output=None, out=None, what_if=False, yes=False, is_configurable=False, default_output="")
    getattr(import_module(command.module), command.function("arguments"))(parser)
    add_general(parser)
    return parser
