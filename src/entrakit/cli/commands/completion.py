"""`entra completion SHELL`: a script that completes commands and options without starting Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from entrakit.cli.context import Context
    from entrakit.cli.parser import Parser

SHELLS = ("bash", "zsh", "fish", "powershell")


def arguments(parser: Parser) -> None:
    """Add the options of the command."""
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help="bash, zsh, fish or powershell")


def run(options: argparse.Namespace, context: Context) -> int:
    """Print the script."""
    from entrakit.cli.completion import script

    context.write(script(options.shell).rstrip())
    return 0
