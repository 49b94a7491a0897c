"""`entra disconnect [NAME | --all]`: remove saved connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.cli.options.confirm import DECLINED
from entrakit.cli.options.connection import add_connection, name_of
from entrakit.cli.options.output import add_output
from entrakit.cli.options.prompts import confirm
from entrakit.cli.output.show import show
from entrakit.errors import NotConnectedError, ParameterError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from entrakit.cli.context import Context
    from entrakit.cli.parser import Parser


def arguments(parser: Parser) -> None:
    """Add the options of the command."""
    add_connection(parser)
    parser.add_argument("--all", action="store_true", help="remove all saved connections")
    parser.add_argument("--yes", action="store_true", help="remove all without asking")
    parser.add_argument("--revoke", action="store_true", help="end all sessions of the user first")
    parser.never_suggest("--all", "--revoke")
    add_output(parser, default="none")


def run(options: argparse.Namespace, context: Context) -> int:
    """Remove the connections, and report their names."""
    from entrakit.connections import disconnect, disconnect_all

    named = name_of(options)
    if options.all and named is not None:
        raise ParameterError("Give a name or --all, not both.", remedy="Leave one of them out.")
    vault = context.open_vault()
    name = vault.current() if named is None else named
    if options.all and not options.yes and not _may_remove_all(context, vault.traces()):
        context.info("Nothing was removed.")
        return DECLINED
    if options.all:
        removed = disconnect_all(revoke=options.revoke, vault=vault)
    else:
        removed = [name] if disconnect(name, revoke=options.revoke, vault=vault) else []
    if not removed and not options.all:
        raise NotConnectedError(
            f"The connection {name!r} does not exist.", remedy="List the saved connections with `entra status`."
        )
    show(context, options, {"disconnected": removed})
    context.info(f"Removed {', '.join(removed)} from {vault.place}." if removed else "There are no saved connections.")
    if removed and options.revoke:
        context.info("All sessions and refresh tokens of the user are revoked, which can take some minutes.")
    elif removed:
        context.info("Issued tokens stay valid until they expire; Entra can't revoke a single token.")
    return 0


def _may_remove_all(context: Context, names: Sequence[str]) -> bool:
    """Return whether all connections may be removed: on a terminal, the user is asked.

    Raises:
        ParameterError: Standard input is a terminal, but the question would not be visible.
    """
    if not names or not context.is_terminal(context.streams.input):
        return True
    if not context.is_terminal(context.streams.error):
        raise ParameterError(
            "Nothing was removed: this requires a confirmation, but standard error is not a terminal.",
            remedy="Add --yes, or leave standard error on the terminal.",
        )
    return confirm(context, f"Saved connections: {', '.join(names)}\nRemove all of them?")
