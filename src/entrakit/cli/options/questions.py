"""Questions of `entra connect` on a terminal for an app, a tenant and a way to sign in that nothing names."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from entrakit.cli.options.credentials import WAY_VARIABLES
from entrakit.cli.options.prompts import ask_line
from entrakit.errors import ParameterError
from entrakit.sign_in.parameter_table import BY_NAME

if TYPE_CHECKING:
    import argparse

    from entrakit.cli.context import Context

USUAL_CLIENT = "Graph"
# The parameters of the offered ways; the later ones need an app with its own credential.
_OF_USERS, _OF_APPS = ("browser", "device_code"), ("client_secret", "certificate_path")


def ask_missing(options: argparse.Namespace, context: Context, *, has_way: bool) -> None:
    """Ask for the app, the tenant and the way to sign in, if they are missing, and print the command with the answers.

    Without a terminal, and with `--json`, nothing is asked.

    Args:
        options: The options, which get the answers.
        context: Context of the command.
        has_way: Whether the options select a way to sign in.

    Raises:
        ParameterError: An answer is not one of the choices, or standard input ends.
    """
    streams, environ = context.streams, context.environ
    needs_client = not options.client_id and "AZURE_CLIENT_ID" not in environ
    needs_tenant = not options.tenant_id and "AZURE_TENANT_ID" not in environ
    is_attended = context.is_terminal(streams.input) and context.is_terminal(streams.error)
    if not (needs_client or needs_tenant) or not is_attended or context.as_json:
        return
    added: list[str] = []
    if needs_client:
        options.client_id = _ask(context, "App: its client id, or Graph or Azure", USUAL_CLIENT)
        added += ["--client-id", options.client_id]
    if needs_tenant:
        options.tenant_id = _ask(context, "Tenant: its id, or a domain such as contoso.com", "")
        if not options.tenant_id:
            # The error is that of the missing option.
            return
        added += ["--tenant-id", options.tenant_id]
    if not has_way and not any(all(name in environ for name in names) for names in WAY_VARIABLES):
        added += _ask_way(options, context)
    line = shlex.join(["entra", "connect", *options.words, *added])
    context.ask(f"This command does the same without these questions:\n\n  {line}\n")


def _ask_way(options: argparse.Namespace, context: Context) -> list[str]:
    """Ask for the way to sign in, and return the words that select it."""
    from entrakit.sign_in.system_browser import can_open

    is_public = (options.client_id or context.environ.get("AZURE_CLIENT_ID", "")).lower() in ("graph", "azure")
    ways = _OF_USERS if is_public else _OF_USERS + _OF_APPS
    names = [f"--{way.replace('_', '-')}" for way in ways]
    lines = [f"  {number}  {BY_NAME[way].help} ({names[number - 1]})" for number, way in enumerate(ways, 1)]
    usual = 1 if can_open(context.environ) else 2
    answer = _ask(context, "\n".join(["How to sign in:", *lines, f"Number from 1 to {len(ways)}"]), str(usual))
    if not answer.isdecimal() or not 1 <= int(answer) <= len(ways):
        raise ParameterError(f"The answer is not a number from 1 to {len(ways)}.", remedy=f"Add {' or '.join(names)}.")
    way, name = ways[int(answer) - 1], names[int(answer) - 1]
    if way == "certificate_path":
        options.certificate_path = _ask(context, f"Path of the {BY_NAME[way].help}", "")
        if not options.certificate_path:
            raise ParameterError("The certificate file is missing.", remedy=f"Add {name} FILE.")
        return [name, options.certificate_path]
    # As without a value on the command line: the command asks for the secret.
    setattr(options, way, "" if way == "client_secret" else True)
    return [name]


def _ask(context: Context, question: str, usual: str) -> str:
    """Return the answer without space at its ends; the usual one if it is empty."""
    shown = f"{question} [{usual}]: " if usual else f"{question}: "
    line = ask_line(context, shown, nothing="Nothing was answered", remedy="Give --client-id and --tenant-id.")
    return line.strip() or usual
