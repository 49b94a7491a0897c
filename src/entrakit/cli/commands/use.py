"""`entra use NAME`: select the connection that commands use by default."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.cli.options.connection import add_connection, name_of
from entrakit.cli.options.output import add_output
from entrakit.cli.work import Result, Work
from entrakit.errors import ParameterError

if TYPE_CHECKING:
    import argparse

    from entrakit.cli.context import Context
    from entrakit.cli.parser import Parser
    from entrakit.cli.work import Steps


def arguments(parser: Parser) -> None:
    """Add the options of the command."""
    add_connection(parser, "saved connection")
    add_output(parser, default="none")


def work(options: argparse.Namespace, context: Context) -> Work:
    """Return the selection."""
    name = name_of(options)
    if name is None:
        raise ParameterError(
            "The connection is missing.", remedy="Type `entra use NAME`. `entra status` lists the names."
        )
    return Work(_select(name, context))


def _select(name: str, context: Context) -> Steps:
    context.open_vault().set_current(name)
    yield Result({"current": name.lower()})
    yield f"Commands now use {name.lower()!r} by default."
    return 0
