"""The configuration file: profiles with options of `entra connect`, and defaults. Only the command reads it.

    [defaults]
    output = "table"             for commands that print objects
    cloud = "usgov"

    [profiles.work]
    tenant-id = "contoso.com"    keys are the options of `entra connect`, without dashes
    scope = ["User.Read", "Mail.Read"]

The command line comes first, then variables, the profile, the defaults, and what is built in.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from entrakit.errors import ParameterError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping

    from entrakit.cli.parser import Parser

FILE_VARIABLE, PROFILE_VARIABLE = "ENTRAKIT_CONFIG", "ENTRAKIT_PROFILE"
DEFAULTS = ("output", "cloud")
_ENDS = ("stdin", "file", "env")
_ELSEWHERE = {
    "vault-key-from": "Use --vault-key-from or the variable ENTRAKIT_VAULT_KEY_FROM, which no profile replaces.",
    "vault": "Use the variable ENTRAKIT_VAULT, which no profile replaces.",
    "profile": "A profile can't select another one.",
}


class Configuration(NamedTuple):
    """The content of the configuration file. Profiles are checked when they are used.

    Args:
        path: Path of the file.
        exists: Whether it exists.
        defaults: Its defaults, checked, by key.
        profiles: Its profiles by name.
    """

    path: str
    exists: bool
    defaults: Mapping[str, str]
    profiles: Mapping[str, object]

    def profile(self, name: str, parser: Parser) -> dict[str, object]:
        """Return the values of a profile as the parser makes them, by the destinations of their options.

        Args:
            name: Name of the profile.
            parser: Parser of `entra connect`.

        Raises:
            ParameterError: The profile does not exist, or a key or a value is invalid.
        """
        from entrakit.cli.suggestions import nearest

        if name not in self.profiles:
            near = nearest(name, self.profiles)
            known = f"Profiles: {', '.join(map(_shown, self.profiles))}." if self.profiles else "It has no profiles."
            what = "does not exist" if not self.exists else f"has no profile {_shown(name)}"
            raise ParameterError(
                f"The configuration file {self.path or 'in the home directory'} {what}.",
                remedy=f"Did you mean {near}?" if near else known if self.exists else "Create it, or name another one.",
            )
        where, table = f"{self.path}, profile {_shown(name)}", self.profiles[name]
        if not isinstance(table, dict):
            raise ParameterError(f"{where}: it is not a table.", remedy=f"Begin it with [profiles.{name}].")
        actions = actions_of(parser)
        found: dict[str, object] = {}
        for key, given in table.items():
            if key not in actions:
                raise _unknown(where, key, parser.suggested(actions))
            value = _converted(f"{where}: {key}", actions[key], key, given)
            if value is not None:
                found[actions[key].dest] = value
        return found


def read_configuration(environ: Mapping[str, str]) -> Configuration:
    """Return the content of the configuration file; empty if the usual one does not exist.

    Args:
        environ: The environment; `ENTRAKIT_CONFIG` names another file.

    Raises:
        ParameterError: The file can't be read, other users can write it, it is not TOML, or it has an unknown key.
    """
    path = file_path(environ)
    data = _read(path) if path else None
    if data is None:
        if FILE_VARIABLE in environ:
            raise ParameterError(
                f"The configuration file {path} does not exist.", remedy=f"Create it, or unset {FILE_VARIABLE}."
            )
        return Configuration(path, False, {}, {})
    import tomllib

    try:
        content = tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error) or "it is nested too deeply"
        raise ParameterError(f"The configuration file {path} is not TOML: {reason}.", remedy="Correct it.") from None
    for key in content:
        if key not in ("defaults", "profiles"):
            raise ParameterError(
                f"{path}: unknown key {_shown(key)}.", remedy="It has [defaults], and profiles as [profiles.NAME]."
            )
    for key, value in content.items():
        if not isinstance(value, dict):
            raise ParameterError(f"{path}: {key} is not a table.", remedy="Write [defaults], or [profiles.NAME].")
    return Configuration(path, True, _defaults(path, content.get("defaults", {})), content.get("profiles", {}))


def file_path(environ: Mapping[str, str]) -> str:
    """Return the path of the configuration file; empty if there is no home directory. Raises ParameterError."""
    if FILE_VARIABLE in environ:
        from entrakit.paths import absolute

        if not environ[FILE_VARIABLE]:
            raise ParameterError(f"{FILE_VARIABLE} is set, but empty.", remedy="Name a file, or unset the variable.")
        return absolute(environ[FILE_VARIABLE])
    if sys.platform in ("win32", "darwin"):
        import platformdirs

        return os.path.join(platformdirs.user_config_dir("entrakit", appauthor=False, roaming=False), "config.toml")
    home = environ.get("HOME")
    base = environ.get("XDG_CONFIG_HOME") or (os.path.join(home, ".config") if home else "")
    # A relative one has to be ignored (XDG Base Directory).
    return os.path.normpath(os.path.join(base, "entrakit", "config.toml")) if os.path.isabs(base) else ""


def actions_of(parser: Parser) -> dict[str, argparse.Action]:
    """Return the options that a profile can have, by their keys: all of `entra connect` but the general ones."""
    from argparse import SUPPRESS

    return {
        name.removeprefix("--"): action
        for group in parser.groups()
        if group.title not in ("general", "configuration file")
        for action in group._group_actions  # noqa: SLF001 - argparse has no public way to list them
        for name in action.option_strings
        if name.startswith("--") and action.help != SUPPRESS
    }


def _read(path: str) -> bytes | None:
    from entrakit.files.trusted import read_trusted

    try:
        return read_trusted(path)
    except OSError as error:
        at = error.filename or path
        mode = "go-w" if "write" in str(error.strerror) else ""
        raise ParameterError(
            f"The configuration file {path} is not used: {error.strerror}{f', {at}' if at != path else ''}.",
            remedy=f"It can name programs, so only you may write it: `chmod {mode} {at}`."
            if mode
            else "Check the path.",
        ) from error


def _defaults(path: str, table: Mapping[str, object]) -> dict[str, str]:
    from entrakit.cli.options.output import FORMATS

    for key, value in table.items():
        if key not in DEFAULTS:
            raise _unknown(f"{path}, defaults", key, DEFAULTS)
        if not isinstance(value, str) or not value:
            raise ParameterError(f"{path}, defaults: {key} is not text.", remedy=f'Write it as {key} = "VALUE".')
        if key == "output" and value not in FORMATS:
            raise ParameterError(
                f"{path}, defaults: output is invalid: {_shown(value)}.", remedy=f"Use one of {', '.join(FORMATS)}."
            )
    return {key: str(value) for key, value in table.items()}


def _unknown(where: str, key: str, known: Iterable[str]) -> ParameterError:
    """Return the error for a key that does not exist, with the nearest one."""
    from entrakit.cli.suggestions import nearest

    known = list(known)
    dashed = key.replace("_", "-").lower()
    sources = [f"{dashed}-{end}" for end in _ENDS if f"{dashed}-{end}" in known]
    if sources:
        problem, remedy = f"{key} is a secret, which the file can't have", f"Use {' or '.join(sources)}."
    elif dashed in _ELSEWHERE:
        problem, remedy = f"{key} can't be set in a profile", _ELSEWHERE[dashed]
    else:
        near = dashed if dashed in known else nearest(dashed, known)
        problem = f"unknown key {_shown(key)}"
        remedy = f"Did you mean {near}?" if near else "Keys are the options of `entra connect`, without dashes."
        if not near and tuple(known) == DEFAULTS:
            remedy = f"It has {' and '.join(known)}; everything else is part of a profile."
    return ParameterError(f"{where}: {problem}.", remedy=remedy)


def _converted(where: str, action: argparse.Action, key: str, value: Any) -> object:  # noqa: ANN401 - as TOML has it
    """Return a value as the parser makes it; None if it is a switch that is off. Raises ParameterError."""
    if action.nargs == 0 or (action.nargs == "?" and isinstance(value, bool)):
        if not isinstance(value, bool):
            raise ParameterError(f"{where} is a switch.", remedy=f"Write {key} = true.")
        return action.const if value else None
    if action.nargs == "?" and action.metavar == "":
        raise ParameterError(f"{where} is a secret, which the file can't have.", remedy=f"Use {key}-file or {key}-env.")
    from argparse import _AppendAction

    is_list = isinstance(action, _AppendAction)
    values = value if is_list and isinstance(value, list) else [value]
    if not values or any(isinstance(one, bool) or not isinstance(one, str | int) for one in values):
        more = f', or {key} = ["VALUE", "VALUE"]' if is_list else ""
        raise ParameterError(f"{where} is not text.", remedy=f'Write {key} = "VALUE"{more}.')
    found = [_typed(where, action, str(one)) for one in values]
    return found if is_list else found[0]


def _typed(where: str, action: argparse.Action, text: str) -> object:
    from argparse import ArgumentTypeError

    try:
        value = action.type(text) if callable(action.type) else text
    except (ArgumentTypeError, ValueError, TypeError) as error:
        reason = str(error) if isinstance(error, ArgumentTypeError) else "the value is not an integer"
        raise ParameterError(f"{where} is invalid: {reason}.", remedy="Correct it.") from None
    if action.choices and value not in action.choices:
        names = ", ".join(str(one) for one in action.choices)
        raise ParameterError(f"{where} is invalid: {_shown(text)}.", remedy=f"Use one of {names}.")
    if action.dest == "proxy" and "@" in text:
        raise ParameterError(
            f"{where} has a password, which the file can't have.", remedy="Use the variable HTTPS_PROXY."
        )
    return value


def _shown(text: str) -> str:
    from entrakit.shown_text import one_line

    return repr(one_line(text, 60))


def profile_name(options: argparse.Namespace, environ: Mapping[str, str]) -> str:
    """Return the name of the selected profile; empty if none is. Raises ParameterError for an empty variable."""
    if options.profile or PROFILE_VARIABLE not in environ:
        return options.profile or ""
    if not environ[PROFILE_VARIABLE]:
        raise ParameterError(f"{PROFILE_VARIABLE} is set, but empty.", remedy="Name a profile, or unset the variable.")
    return environ[PROFILE_VARIABLE]
