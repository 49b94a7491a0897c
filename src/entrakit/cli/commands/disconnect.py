"""`entra disconnect [NAME | --all]`: remove saved connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.cli.options.connection import add_connection, name_of
from entrakit.cli.options.output import add_output
from entrakit.cli.work import Result, Work
from entrakit.errors import NotConnectedError, ParameterError

if TYPE_CHECKING:
    import argparse

    from entrakit.cli.context import Context
    from entrakit.cli.parser import Parser
    from entrakit.cli.work import Steps
    from entrakit.vault import Vault


def arguments(parser: Parser) -> None:
    """Add the options of the command."""
    add_connection(parser)
    parser.add_argument("--all", action="store_true", help="remove all saved connections")
    parser.add_argument("--yes", action="store_true", help="remove all without asking")
    parser.add_argument("--revoke", action="store_true", help="end all sessions of the user first")
    parser.never_suggest("--all", "--revoke")
    add_output(parser, default="none")


def work(options: argparse.Namespace, context: Context) -> Work:
    """Return the removal of the connections; that of all of them requires a confirmation."""
    named = name_of(options)
    if options.all and named is not None:
        raise ParameterError("Give a name or --all, not both.", remedy="Leave one of them out.")
    vault, question = context.open_vault(), ""
    if options.all and not options.yes and (names := vault.traces()):
        question = f"Saved connections: {', '.join(names)}\nRemove all of them?"
    return Work(_remove(options, vault, named), question=question, declined="Nothing was removed")


def _remove(options: argparse.Namespace, vault: Vault, named: str | None) -> Steps:
    from entrakit.connections import disconnect, disconnect_all

    if options.all:
        removed = disconnect_all(revoke=options.revoke, vault=vault)
    else:
        name = vault.current() if named is None else named
        removed = [name] if disconnect(name, revoke=options.revoke, vault=vault) else []
        if not removed:
            raise NotConnectedError(
                f"The connection {name!r} does not exist.", remedy="List the saved connections with `entra status`."
            )
    yield Result({"disconnected": removed})
    yield f"Removed {', '.join(removed)} from {vault.place}." if removed else "There are no saved connections."
    if removed and options.revoke:
        yield "All sessions and refresh tokens of the user are revoked, which can take some minutes."
    elif removed:
        yield "Issued tokens stay valid until they expire; Entra can't revoke a single token."
    return 0
