"""The tree of commands, with options and values, as all completion scripts need it.

The placeholder of a value says how it is completed: `FILE` by file names, `JSON` by file names after `@`, `CONNECTION`
by the names of saved connections, `PROFILE` by those of the configuration file, others by a list of words.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, NamedTuple

from entrakit.cli.command_table import Command, children, commands
from entrakit.cli.parser import parser_of

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES, BODY_FILES, CONNECTIONS, PROFILES = "files", "body_files", "connections", "profiles"
# Each prints names in the first column, after a line of headings.
LISTS = {CONNECTIONS: "entra status --output tsv", PROFILES: "entra config --profiles --output tsv"}
_PLAIN = str.maketrans({"[": "(", "]": ")", ":": " -", **dict.fromkeys("'`\"\\$", "")})


class Value(NamedTuple):
    """How a value is completed.

    Args:
        kind: `files`, `body_files` (after `@`), `connections`, `profiles`, or empty for the words.
        words: Possible values; empty if any value is possible.
    """

    kind: str = ""
    words: tuple[str, ...] = ()


class Option(NamedTuple):
    """An option of a command.

    Args:
        names: Its names, with dashes.
        help: Its meaning, without characters that are special in a shell.
        value: Its value; None for a switch.
    """

    names: tuple[str, ...]
    help: str
    value: Value | None

    @property
    def long(self) -> str:
        """Its long name."""
        return next(name for name in self.names if name.startswith("--"))


class Branch(NamedTuple):
    """A node of the tree: `entra` itself, a noun or a command.

    Args:
        path: Its words after `entra`; empty for `entra` itself.
        words: Words that can follow, with their meaning.
        options: Options that can follow.
        arguments: Values of its arguments, in their order.
        is_open: Whether the last argument can be repeated.
    """

    path: str
    words: tuple[tuple[str, str], ...]
    options: tuple[Option, ...]
    arguments: tuple[Value, ...] = ()
    is_open: bool = False


def branches() -> Iterator[Branch]:
    """Yield all nodes of the tree, `entra` itself first."""
    first = parser_of(commands()[0])
    general = tuple(_options(next(one for one in first._action_groups if one.title == "general")._group_actions))  # noqa: SLF001 - argparse has no public way
    version = Option(("--version",), "show the version", None)
    yield _branch("", (*general, version))
    yield from _below("", general)


def _below(path: str, general: tuple[Option, ...]) -> Iterator[Branch]:
    for node in children(path):
        if isinstance(node, Command):
            yield _leaf(node)
        else:
            yield _branch(node.path, general)
            yield from _below(node.path, general)


def _branch(path: str, options: tuple[Option, ...]) -> Branch:
    words = tuple((node.path.rpartition(" ")[2], plain(node.summary)) for node in children(path))
    return Branch(path, (*words, *(() if path else (("help", "Explain a command"),))), options)


def _leaf(command: Command) -> Branch:
    actions = parser_of(command)._actions  # noqa: SLF001 - as above
    places = [action for action in actions if not action.option_strings]
    is_open = bool(places) and places[-1].nargs in ("*", "+")
    return Branch(command.path, (), tuple(_options(actions)), tuple(value_of(one) for one in places), is_open)


def _options(actions: list[argparse.Action]) -> Iterator[Option]:
    for action in actions:
        if action.option_strings and action.help != argparse.SUPPRESS:
            value = None if action.nargs in (0, "?") else value_of(action)
            yield Option(tuple(action.option_strings), plain(action.help or ""), value)


def value_of(action: argparse.Action) -> Value:
    """Return how the value of an option or argument is completed."""
    if action.choices:
        return Value(words=tuple(str(one) for one in action.choices))
    if action.metavar == "FILE":
        return Value(FILES)
    if action.metavar == "JSON":
        return Value(BODY_FILES)
    if action.metavar == "CONNECTION":
        return Value(CONNECTIONS)
    if action.metavar == "PROFILE":
        return Value(PROFILES)
    return Value(words=_words(action.metavar if isinstance(action.metavar, str) else ""))


def _words(placeholder: str) -> tuple[str, ...]:
    """Return the possible values of a placeholder; none if any value is possible."""
    if placeholder == "CLOUD":
        from entrakit.authority.clouds import CLOUDS

        return tuple(cloud.name for cloud in CLOUDS)
    if placeholder == "PROMPT":
        from entrakit.sign_in.flows.browser import PROMPTS

        return PROMPTS
    if placeholder == "STORE":
        from entrakit.certificates.stores.available import KINDS, SCOPES

        return (*KINDS, *SCOPES)
    if placeholder == "KIND":
        from entrakit.sign_in import identity_hosts

        return identity_hosts.KINDS
    return ("GET", "POST", "PATCH", "PUT", "DELETE") if placeholder == "METHOD" else ()


def plain(text: str) -> str:
    """Return a string without the characters that end quotes, brackets or descriptions in one of the shells."""
    return text.translate(_PLAIN).replace("%%", "%")
