"""`entra completion SHELL`: a script that completes commands and options without starting Python."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from entrakit.cli.context import Context
    from entrakit.cli.options.connection import Parser

SHELLS = ("bash", "zsh", "fish", "powershell")


def arguments(parser: Parser) -> None:
    """Declare what the command takes."""
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))


def run(options: argparse.Namespace, context: Context) -> int:
    """Print the script."""
    from entrakit.cli.completion import script

    context.give(script(options.shell).rstrip())
    return 0
