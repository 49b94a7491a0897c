"""Words of the command for the parameters and calls that errors of the library name.

A remedy of the library has code spans: a parameter (`save_secret=True`) or a call (`disconnect('work')`). Here they
become options and commands. `name=…` stands for all ways to give a value. Other spans stay as they are.
"""

from __future__ import annotations

import ast
import os
import re
import shlex
from typing import TYPE_CHECKING

from entrakit.cli.reconnect import reconnect, with_value
from entrakit.connection.settings import Settings
from entrakit.errors import OutcomeUnknownError, ParameterError
from entrakit.sign_in.parameter_table import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from entrakit.errors import EntraError

# Public functions, by the command that does the same.
COMMANDS = {
    "connect": "entra connect",
    "disconnect": "entra disconnect",
    "disconnect_all": "entra disconnect --all",
    "export": "entra vault export FILE",
    "list_connections": "entra status",
    "list_certificates": "entra certificates",
    "rekey": "entra vault rekey",
    "set_current": "entra use",
    "token": "entra token",
}
# Parameters of other functions than `connect()`, and `get_connection()`, by the option that does the same.
OPTIONS = {
    "body": "--body",
    "get_connection": "--name",
    "key_from": "--vault-key-from",
    "parallel": "--parallel",
    "proxy": "--proxy",
    "replace": "--replace",
}
_SPAN = re.compile(r"`([a-z_]\w*)(=[^`]*|\([^`]*\))?`")
# Parameters without an option that select a parameter set, in a list of alternatives.
_WITHOUT_OPTION = "|".join(name for name, one in BY_NAME.items() if one.selects and one.option is None)
_ALTERNATIVE = re.compile(rf"`(?:{_WITHOUT_OPTION})`(?: or |, )")


def kind_of(error: EntraError) -> str:
    """Return the name of the class of an error, for programs that read JSON."""
    return OutcomeUnknownError.__name__ if isinstance(error, OutcomeUnknownError) else type(error).__name__


def problem_of(error: EntraError) -> str:
    """Return the problem of an error. Only errors about parameters name parameters in it."""
    return in_shell(error.problem) if isinstance(error, ParameterError) else error.problem


def remedy_of(error: EntraError, environ: Mapping[str, str] = os.environ) -> str:
    """Return the remedy of an error, with options and commands for its code spans."""
    return in_shell(error.remedy, error.settings, environ)


def in_shell(text: str, settings: object = None, environ: Mapping[str, str] = os.environ) -> str:
    """Return a message of the library, with options and commands for its code spans.

    Args:
        text: The message, with code spans.
        settings: Settings of the connection that it is about, for the command that connects again; None if unknown.
        environ: The environment, in which that command will run.
    """
    return _SPAN.sub(lambda found: _shell_words(found, settings, environ), _ALTERNATIVE.sub("", text))


def _shell_words(found: re.Match[str], settings: object, environ: Mapping[str, str]) -> str:
    name, rest = found[1], found[2] or ""
    try:
        if rest == "=…":
            return _ways(name)
        if rest.startswith("(") and name not in OPTIONS:
            return f"`{_command(name, _arguments(rest[1:-1]), settings, environ)}`"
        value = _arguments(rest.strip("(=)"))[0][1] if rest else True
        return " ".join(_option(name, value))
    except (IndexError, KeyError, SyntaxError, ValueError):
        return found[0]


def _command(name: str, arguments: Sequence[tuple[str, object]], settings: object, environ: Mapping[str, str]) -> str:
    """Return the command for a call. Raises KeyError if there is none."""
    if name == "connect" and isinstance(settings, Settings):
        return reconnect(settings, with_browser="browser" in dict(arguments), environ=environ)
    words = [COMMANDS[name]]
    for argument, value in arguments:
        words += _option(argument, value) if argument else [shlex.quote(str(value))]
    return " ".join(words)


def _arguments(text: str) -> list[tuple[str, object]]:
    """Return the arguments of a call with their names, which are empty for positional ones. Raises ValueError."""
    call = ast.parse(f"call({text})", mode="eval").body
    if not isinstance(call, ast.Call):
        return []
    positional = [("", ast.literal_eval(one)) for one in call.args]
    return positional + [(one.arg or "", ast.literal_eval(one.value)) for one in call.keywords]


def _option(name: str, value: object) -> list[str]:
    """Return the option for a parameter, with its value unless that is True. Raises KeyError if there is none."""
    if name in OPTIONS:
        option = OPTIONS[name]
    else:
        parameter = BY_NAME[name]
        if parameter.option is None:
            raise KeyError(name)
        option = f"--{parameter.option or name.replace('_', '-')}"
    return [option] if value is True else [shlex.quote(word) for word in with_value(option, value)]


def _ways(name: str) -> str:
    """Return all ways to give a parameter: its options, then its variable. Raises KeyError."""
    parameter = BY_NAME[name]
    options = [f"--{way}" for way in parameter.ways] or _option(name, True)
    ways = [*options, *([f"the variable {parameter.variable}"] if parameter.variable else [])]
    return " or ".join([", ".join(ways[:-1]), ways[-1]] if len(ways) > 1 else ways)
