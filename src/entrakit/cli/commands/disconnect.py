"""`entra disconnect [NAME | --all]`: remove what is kept."""

from __future__ import annotations

from entrakit.errors import NotConnectedError, ParameterError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from entrakit.cli.arguments import Parser
    from entrakit.cli.context import Context


def arguments(parser: Parser) -> None:
    """Declare what the command takes."""
    parser.add_argument("name", metavar="NAME", nargs="?", help="a kept connection (default: the current one)")
    parser.add_argument("--all", action="store_true", help="all of them")


def run(options: argparse.Namespace, context: Context) -> int:
    """Remove, and say what was removed."""
    from entrakit.kept import disconnect

    if options.all and options.name:
        raise ParameterError("Give a name or --all, not both.")
    vault = context.open_vault()
    names = vault.traces() if options.all else [options.name or vault.current()]
    removed = [name for name in names if disconnect(name, vault=vault)]
    if not removed and not options.all:
        raise NotConnectedError(
            f"There is no connection {names[0]!r}.", remedy="`entra status` lists those that there are."
        )
    if context.as_json:
        context.give_json({"disconnected": removed})
    context.tell(f"Removed {', '.join(removed)} from this machine." if removed else "Nothing was connected.")
    if removed:
        context.tell("Tokens that were handed out stay valid until they end; Entra can't revoke a single one.")
    return 0
