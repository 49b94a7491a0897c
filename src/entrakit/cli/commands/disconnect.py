"""`entra disconnect [NAME | --all]`: remove what is kept."""

from __future__ import annotations

from entrakit.errors import NotConnectedError, ParameterError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from entrakit.cli.context import Context
    from entrakit.cli.options.connection import Parser


def arguments(parser: Parser) -> None:
    """Declare what the command takes."""
    parser.add_argument("name", metavar="NAME", nargs="?", help="a kept connection (default: the current one)")
    parser.add_argument("--all", action="store_true", help="all of them")
    parser.add_argument("--revoke", action="store_true", help="first end the person's sessions everywhere")


def run(options: argparse.Namespace, context: Context) -> int:
    """Remove, and say what was removed."""
    from entrakit.connections import disconnect, disconnect_all

    if options.all and options.name is not None:
        raise ParameterError("Give a name or --all, not both.")
    vault = context.open_vault()
    name = vault.current() if options.name is None else options.name
    if options.all:
        removed = disconnect_all(revoke=options.revoke, vault=vault)
    else:
        removed = [name] if disconnect(name, revoke=options.revoke, vault=vault) else []
    if not removed and not options.all:
        raise NotConnectedError(
            f"There is no connection {name!r}.", remedy="`entra status` lists those that there are."
        )
    if context.as_json:
        context.give_json({"disconnected": removed})
    context.tell(f"Removed {', '.join(removed)} from {vault.place}." if removed else "Nothing was connected.")
    if removed and options.revoke:
        context.tell("All sessions and refresh tokens of the person were revoked; that may take some minutes.")
    elif removed:
        context.tell("Tokens that were handed out stay valid until they end; Entra can't revoke a single one.")
    return 0
