"""`entra use NAME`: choose the connection that is meant by default."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from entrakit.cli.context import Context
    from entrakit.cli.options.connection import Parser


def arguments(parser: Parser) -> None:
    """Declare what the command takes."""
    parser.add_argument("name", metavar="NAME", help="a kept connection")


def run(options: argparse.Namespace, context: Context) -> int:
    """Choose it."""
    context.open_vault().set_current(options.name)
    if context.as_json:
        context.give_json({"current": options.name.lower()})
    context.tell(f"From now on, commands use {options.name.lower()!r}.")
    return 0
