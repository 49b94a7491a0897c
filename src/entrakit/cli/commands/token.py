"""`entra token`: print a token. If a fresh one is saved, no large module is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.cli.options.durations import parse_duration
from entrakit.connections import get_connection

if TYPE_CHECKING:
    import argparse

    from entrakit.cli.context import Context
    from entrakit.cli.parser import Parser


# Output formats of a token, besides those of all objects.
FORMS = ("raw", "header")


def arguments(parser: Parser) -> None:
    """Add the options of the command."""
    from entrakit.cli.options.connection import add_name
    from entrakit.cli.options.output import FORMATS

    add_name(parser)
    parser.add_argument(
        "-o",
        "--output",
        choices=(*FORMS, *FORMATS),
        metavar="FORMAT",
        help=f"{', '.join((*FORMS, *FORMATS))} (default: raw)",
    )
    # A token in a file would have to be private; a shell can redirect it.
    parser.set_defaults(out=None)
    parser.add_argument("--scope", action="append", default=[], metavar="SCOPE", help="scope of the token (repeatable)")
    parser.add_argument("--min-validity", default="0", metavar="TIME", help="renew if it expires sooner: 90, 10m, 1h")
    parser.add_argument("--claims", default="", metavar="CLAIMS", help="claims challenge of an API, unchanged")


def run(options: argparse.Namespace, context: Context) -> int:
    """Print the token."""
    min_validity_s = parse_duration(options.min_validity)
    with get_connection(options.name, vault=context.open_vault()) as connection:
        if options.scope or options.claims or min_validity_s or not connection.is_fresh:
            from entrakit.cli.logs import configure

            configure(
                context.streams.error,
                quiet=options.quiet,
                verbose=options.verbose,
                debug=options.debug,
                color=context.color and context.is_terminal(context.streams.error),
            )
        token = connection.token(*options.scope, claims=options.claims, min_validity_s=min_validity_s)
    output = options.output or ("json" if context.as_json else "raw")
    if output == "raw":
        context.write(token.access_token)
    elif output == "header":
        context.write(f"Authorization: {token.token_type} {token.access_token}")
    else:
        from entrakit.cli.output.show import show

        show(context, options, token.to_json())
    if context.is_terminal(context.streams.output):
        context.note("anyone who sees this token can use it until it expires.")
    return 0
