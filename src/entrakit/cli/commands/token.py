"""`entra token`: a token on standard output. With a fresh one kept, nothing heavy is imported on the way."""

from __future__ import annotations

from entrakit.cli.options.durations import parse_span
from entrakit.connections import get_connection

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from entrakit.cli.context import Context
    from entrakit.cli.options.connection import Parser


def arguments(parser: Parser) -> None:
    """Declare what the command takes."""
    from entrakit.cli.options.connection import add_name

    add_name(parser, "a kept connection (default: the current one)")
    parser.add_argument("-o", "--output", choices=("raw", "json", "header"), help="how to print it (default: raw)")
    parser.add_argument("--scope", action="append", default=[], metavar="SCOPE", help="what it is for (repeatable)")
    parser.add_argument("--min-validity", default="0", metavar="TIME", help="renew if it ends sooner: 90, 10m, 1h")
    parser.add_argument("--claims", default="", metavar="CLAIMS", help="a claims challenge, as the API sent it")


def run(options: argparse.Namespace, context: Context) -> int:
    """Print the token."""
    min_validity_s = parse_span(options.min_validity)
    with get_connection(options.name, vault=context.open_vault()) as connection:
        if options.scope or options.claims or min_validity_s or not connection.is_fresh:
            from entrakit.cli.logs import configure

            configure(context.streams.error, quiet=options.quiet, verbose=options.verbose, debug=options.debug)
        token = connection.token(*options.scope, claims=options.claims, min_validity_s=min_validity_s)
    output = options.output or ("json" if context.as_json else "raw")
    if output == "json":
        context.give_json(token.to_json())
    elif output == "header":
        context.give(f"Authorization: {token.token_type} {token.access_token}")
    else:
        context.give(token.access_token)
    if context.is_terminal(context.streams.output):
        context.tell("Note: whoever sees this token can use it until it ends.")
    return 0
