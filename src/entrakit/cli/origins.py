"""Where the value of each option comes from: command line, variable, profile, defaults, or built in; the first wins.

Some options belong together and come from one place: those of a way to sign in, and the addresses of a cloud.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from entrakit.cli.configuration import actions_of, profile_name, read_configuration
from entrakit.cli.options.credentials import WAY_VARIABLES

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping

    from entrakit.cli.parser import Parser

_ENDS = ("_stdin", "_file", "_env")
_ADDRESSES = {"cloud", "authority_url", "graph_url"}
# Variables that the table of parameters does not name for the option; of several, the first that is set.
_VARIABLES = {
    "cloud": ("AZURE_AUTHORITY_HOST",),
    "login_hint": ("AZURE_USERNAME",),
    "password": ("AZURE_PASSWORD",),
    "proxy": ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"),
    "username": ("AZURE_USERNAME",),
}
_PARTS = {"username": "credential", "password": "credential", "no_browser": "open_browser", "scope": "scopes"}


class OptionValue(NamedTuple):
    """The value of an option, and where it comes from.

    Args:
        value: The value.
        kind: `option`, `variable`, `profile`, `defaults` or `built in`.
        place: The option, variable, or profile.
    """

    value: object
    kind: str
    place: str


def apply_configuration(parser: Parser, options: argparse.Namespace, environ: Mapping[str, str]) -> None:
    """Give options the values of the configuration file, unless the command line or a variable gives them.

    Args:
        parser: Parser of the command.
        options: The parsed options, which are changed; they get `origins` and `configuration`, too.
        environ: The environment.

    Raises:
        ParameterError: The configuration file can't be used.
    """
    options.configuration = read_configuration(environ)
    name = profile_name(options, environ)
    profile = options.configuration.profile(name, parser) if name else {}
    options.origins = origins_of(parser, options, environ, profile, name)
    for dest, origin in options.origins.items():
        if origin.kind == "profile" or (origin.kind == "defaults" and dest != "output"):
            setattr(options, dest, origin.value)


def origins_of(
    parser: Parser, options: argparse.Namespace, environ: Mapping[str, str], profile: Mapping[str, object], name: str
) -> dict[str, OptionValue]:
    """Return the values of the options of `entra connect` by destination, in the order of its help.

    Args:
        parser: Parser with these options.
        options: The parsed options, and the configuration file.
        environ: The environment.
        profile: Values of the selected profile.
        name: Its name.
    """
    defaults = options.configuration.defaults
    given = parser.given(options.words)
    kept = _without_outranked(profile, given, environ)
    chosen = {**kept, **given}
    found: dict[str, OptionValue] = {}
    for key, action in actions_of(parser).items():
        dest, built_in = action.dest, "global" if action.dest == "cloud" else action.default
        variable = _variable(dest, environ)
        is_repeated = any(_part(dest) == _part(one) for one in found)
        if dest in given:
            found[dest] = OptionValue(given[dest], "option", f"--{key}")
        elif dest in kept:
            found[dest] = OptionValue(kept[dest], "profile", name)
        elif variable and not is_repeated and not _is_unread(dest, variable, chosen, environ):
            found[dest] = OptionValue(environ[variable], "variable", variable)
        elif dest in defaults and not (dest == "cloud" and chosen.keys() & {*_ADDRESSES, "like"}):
            found[dest] = OptionValue(defaults[dest], "defaults", "")
        elif built_in:
            found[dest] = OptionValue(built_in, "built in", "")
    return found


def _without_outranked(
    profile: Mapping[str, object], given: Mapping[str, object], environ: Mapping[str, str]
) -> dict[str, object]:
    """Return the values of a profile that neither the command line nor a variable replaces."""
    chosen = _ways(given)
    is_other_way = bool(chosen) and not chosen <= (_ways(profile) or {"browser"})
    by_variable = not any(_is_of_way(dest) for dest in given) and any(
        all(name in environ for name in names) for names in WAY_VARIABLES
    )
    parts = {_part(dest) for dest in given}
    kept: dict[str, object] = {}
    for dest, value in profile.items():
        if _part(dest) in parts or (dest in _ADDRESSES and (given.keys() & {"cloud", "authority_url"})):
            continue
        if _is_of_way(dest) and (is_other_way or by_variable):
            continue
        variable = _variable(dest, environ) or ("AZURE_AUTHORITY_HOST" if dest in _ADDRESSES else "")
        if variable not in environ:
            kept[dest] = value
        elif dest == "username":
            # Without a user name, another way to sign in would be selected.
            kept[dest] = environ[variable]
    return kept


def _ways(values: Iterable[str]) -> set[str]:
    """Return the parameters among some options that select a way to sign in."""
    from entrakit.sign_in.parameter_table import BY_NAME

    names = {_parameter(dest) for dest in values}
    return {name for name in names if name in BY_NAME and BY_NAME[name].selects}


def _is_of_way(dest: str) -> bool:
    """Return whether an option belongs to some ways to sign in only."""
    from entrakit.sign_in.parameter_table import SETS

    return any(_parameter(dest) in one.chosen_by + one.options for one in SETS)


def _part(dest: str) -> str:
    """Return the name of the secret whose place an option names, or else of the option itself."""
    end = next((end for end in _ENDS if dest.endswith(end)), "")
    return dest.removesuffix(end)


def _parameter(dest: str) -> str:
    """Return the parameter of `connect()` that an option gives."""
    from entrakit.sign_in.parameter_table import PARAMETERS

    option = dest.replace("_", "-")
    of_option = next((one.name for one in PARAMETERS if option in (one.option, *one.ways)), "")
    return of_option or _PARTS.get(_part(dest), _part(dest))


def _variable(dest: str, environ: Mapping[str, str]) -> str:
    """Return the variable that is set for an option; empty if none is."""
    from entrakit.sign_in.parameter_table import BY_NAME

    part = _part(dest)
    row = BY_NAME.get(part)
    names = _VARIABLES.get(part) or ((row.variable,) if row is not None and row.variable else ())
    # An empty variable is not a proxy; other empty variables are mistakes, which must not go unnoticed.
    return next((name for name in names if (environ.get(name) if dest == "proxy" else name in environ)), "")


def _is_unread(dest: str, variable: str, chosen: Mapping[str, object], environ: Mapping[str, str]) -> bool:
    """Return whether the command ignores the variable of an option, because something else was chosen."""
    if dest in _ADDRESSES - {"graph_url"}:
        return bool(chosen.keys() & {"cloud", "authority_url"})
    if not _is_of_way(dest):
        return False
    ways = [names for names in WAY_VARIABLES if all(environ.get(name) for name in names)]
    if variable == "AZURE_CLIENT_CERTIFICATE_PASSWORD":
        return False
    if any(_is_of_way(one) for one in chosen):
        return dest != "login_hint" or not _ways(chosen) <= {"browser"}
    return variable not in ways[0] if ways else dest != "login_hint"
