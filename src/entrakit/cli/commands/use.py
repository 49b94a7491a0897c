"""`entra use NAME`: select the connection that commands use by default."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from entrakit.cli.context import Context
    from entrakit.cli.parser import Parser


def arguments(parser: Parser) -> None:
    """Add the options of the command."""
    parser.add_argument("name", metavar="NAME", help="saved connection")


def run(options: argparse.Namespace, context: Context) -> int:
    """Select the connection."""
    context.open_vault().set_current(options.name)
    if context.as_json:
        context.write_json({"current": options.name.lower()})
    context.info(f"Commands now use {options.name.lower()!r} by default.")
    return 0
