"""The options of `entra connect`, from the rows of the table of parameters. `entra config` takes the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from entrakit.cli.options.credentials import add_other_ways, add_sources, not_empty
from entrakit.sign_in.parameter_table import BY_NAME, PARAMETERS

if TYPE_CHECKING:
    import argparse

    from entrakit.cli.parser import Parser

# The groups of options in the help for the older parameter sets. `add_other_ways` adds the options of the others.
_GROUPS = {
    "Browser": "browser (the default)",
    "BrowserOrDeviceCode": "browser (the default)",
    "DeviceCode": "another device",
    "AppCertificate": "app with a certificate",
    "KeyVault": "app with a certificate",
    "AppSecret": "app with a secret",
    "UsernamePassword": "user name and password",
}
# How argparse reads options whose value is not one string.
_READ: dict[str, dict[str, Any]] = {
    "scopes": {"dest": "scope", "action": "append", "default": []},
    "port": {"type": int, "default": 0},
    "key_vault_secret": {"action": "append"},
}
_MORE_HELP = {"scopes": " (repeatable)", "certificate_store": " (`entra certificates` lists them)"}


def add_sign_in(parser: Parser) -> argparse._ArgumentGroup:
    """Add the options of the command but those for its result, whose group is returned."""
    target = parser.add_argument_group("app and tenant")
    for name in ("client_id", "tenant_id", "scopes", "resource", "cloud", "authority_url", "graph_url"):
        _add(target, name)
    words = "API that must give a token, such as azure or key-vault; the first is the default (repeatable)"
    target.add_argument("--service", action="append", default=[], type=not_empty, metavar="SERVICE", help=words)
    groups: dict[str, argparse._ArgumentGroup] = {}
    for row in PARAMETERS:
        title = _GROUPS.get(row.selects or next(iter(row.sets), ""))
        if title and row.option is not None:
            if title not in groups:
                groups[title] = parser.add_argument_group(title)
            _add_of_way(groups[title], row.name)
    add_other_ways(parser)
    _add(target, "fallback")
    saving = parser.add_argument_group("saving")
    _add(saving, "name", " (default: default)", default="default")
    _add(saving, "ensure")
    _add(saving, "save_secret")
    saving.add_argument(
        "--yes", action="store_true", help="save a user's sign-in, and replace another connection, without asking"
    )
    saving.add_argument("--pass-thru", action="store_true", help="print the token object as JSON")
    network = parser.add_argument_group("network")
    _add(network, "ca_bundle")
    _add(network, "timeout")
    network.add_argument("--proxy", type=not_empty, metavar="URL", help="proxy to use (env HTTPS_PROXY)")
    file = parser.add_argument_group("configuration file")
    words = "profile with other options; `entra config` shows it (env ENTRAKIT_PROFILE)"
    file.add_argument("--profile", type=not_empty, metavar="PROFILE", help=words)
    parser.set_defaults(is_configurable=True, origins={}, configuration=None)
    return saving


def _add_of_way(group: argparse._ArgumentGroup, name: str) -> None:
    """Add the options for a parameter of a way to sign in: where a secret is, and else the option of the table."""
    match name:
        case "open_browser":
            group.add_argument("--no-browser", action="store_true", help="print the link instead of opening it")
        case "on_link":
            # A function, which --no-browser calls.
            return
        case "certificate_password":
            add_sources(group, name)
        case "client_secret":
            words = "ask for the secret (env AZURE_CLIENT_SECRET)"
            group.add_argument("--client-secret", nargs="?", const="", metavar="", help=words)
            add_sources(group, name)
        case "credential":
            words = "user name; asks for the password (env AZURE_USERNAME, AZURE_PASSWORD)"
            group.add_argument("--username", type=not_empty, metavar="NAME", help=words)
            add_sources(group, "password")
        case _:
            _add(group, name)


def _add(group: argparse._ArgumentGroup, name: str, more_help: str = "", **settings: Any) -> None:  # noqa: ANN401 - as argparse
    """Add the option for a parameter of `connect()`."""
    parameter = BY_NAME[name]
    option = f"--{parameter.option or name.replace('_', '-')}"
    text = f"{parameter.help}{more_help or _MORE_HELP.get(name, '')}"
    text += f" (env {parameter.variable})" if parameter.variable else ""
    if parameter.value:
        settings = {"metavar": parameter.value, "type": not_empty, **_READ.get(name, {}), **settings}
    else:
        settings = {"action": "store_true", **settings}
    group.add_argument(option, help=text, **settings)
