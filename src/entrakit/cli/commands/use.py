"""`entra use NAME`: select the connection that commands use by default."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.cli.options.connection import add_connection, name_of
from entrakit.cli.options.output import add_output
from entrakit.cli.output.show import show
from entrakit.errors import ParameterError

if TYPE_CHECKING:
    import argparse

    from entrakit.cli.context import Context
    from entrakit.cli.parser import Parser


def arguments(parser: Parser) -> None:
    """Add the options of the command."""
    add_connection(parser, "saved connection")
    add_output(parser, default="none")


def run(options: argparse.Namespace, context: Context) -> int:
    """Select the connection."""
    name = name_of(options)
    if name is None:
        raise ParameterError(
            "The connection is missing.", remedy="Type `entra use NAME`. `entra status` lists the names."
        )
    context.open_vault().set_current(name)
    show(context, options, {"current": name.lower()})
    context.info(f"Commands now use {name.lower()!r} by default.")
    return 0
