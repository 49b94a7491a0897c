"""`entra config`: the values that `entra connect` would use with the same options, and where each comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from entrakit.cli.configuration import actions_of
from entrakit.cli.options.output import add_output
from entrakit.cli.options.sign_in import add_sign_in
from entrakit.cli.work import Result, Rows, Work
from entrakit.redaction import redact

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from entrakit.cli.configuration import Configuration
    from entrakit.cli.context import Context
    from entrakit.cli.origins import OptionValue
    from entrakit.cli.parser import Parser
    from entrakit.cli.work import Steps

HEADINGS = ("OPTION", "VALUE", "FROM")
HIDDEN = "***"
# Variables that hold a secret; their values are not printed.
_SECRETS = ("AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_PASSWORD")


def arguments(parser: Parser) -> None:
    """Add the options of the command: those of `entra connect`, and the one that lists the profiles."""
    add_output(add_sign_in(parser), default="text")
    file = next(group for group in parser.groups() if group.title == "configuration file")
    file.add_argument("--profiles", action="store_true", help="list the profiles of the configuration file")
    parser.set_defaults(names={action.dest: key for key, action in actions_of(parser).items()})


def work(options: argparse.Namespace, context: Context) -> Work:
    """Return the list of values, or of profiles."""
    del context
    for dest in ("output", "out"):
        # The format and the file of `entra connect` are values of the list, not those of the list itself.
        if dest in options.origins and options.origins[dest].kind != "option":
            setattr(options, dest, None)
    if "output" in options.origins and options.origins["output"].kind == "defaults":
        options.default_output = options.origins["output"].value
    return Work(_list_profiles(options) if options.profiles else _show(options))


def _list_profiles(options: argparse.Namespace) -> Steps:
    names = sorted(options.configuration.profiles)
    yield Result([{"profile": name} for name in names], table=Rows(("PROFILE",), [(name,) for name in names]))
    yield _about_file(options.configuration)
    return 0


def _show(options: argparse.Namespace) -> Steps:
    own = [dest for dest in ("output", "out") if getattr(options, dest)]
    shown = [_as_json(options.names[dest], one) for dest, one in options.origins.items() if dest not in own]
    cells = [(one["option"], _text(one["value"]), _place(one)) for one in shown]
    yield Result(shown, table=Rows(HEADINGS, cells))
    yield _about_file(options.configuration)
    return 0


def _as_json(key: str, origin: OptionValue) -> dict[str, Any]:
    is_secret = origin.place in _SECRETS
    # The variable of a secret has its value, and not, as the options do, the place where it is.
    name = key.rpartition("-")[0] if is_secret and key.endswith(("-stdin", "-file", "-env")) else key
    value = HIDDEN if is_secret else origin.value
    if isinstance(value, str):
        # The user name and the password of a proxy.
        value = redact(f"{HIDDEN}@{value.rpartition('@')[2]}" if key == "proxy" and "@" in value else value)
    return {"option": name, "value": value, "from": origin.kind, "place": origin.place}


def _text(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "yes" if value is True else str(value)


def _place(one: Mapping[str, Any]) -> str:
    return {"option": "command line", "built in": "built in"}.get(
        one["from"]
    ) or f"{one['from']} {one['place']}".strip()


def _about_file(configuration: Configuration) -> str:
    if not configuration.path:
        return "There is no configuration file, because there is no home directory."
    if not configuration.exists:
        return f"The configuration file {configuration.path} does not exist."
    return f"Configuration file: {configuration.path}; profiles: {', '.join(sorted(configuration.profiles)) or 'none'}."
