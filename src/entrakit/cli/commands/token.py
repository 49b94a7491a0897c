"""`entra token`: print a token. If a fresh one is saved, no large module is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.cli.work import Note, Result, Work
from entrakit.connections import get_connection

if TYPE_CHECKING:
    import argparse

    from entrakit.cli.context import Context
    from entrakit.cli.parser import Parser
    from entrakit.cli.work import Steps


# Output formats of a token, besides those of all objects.
FORMS = ("raw", "header")


def arguments(parser: Parser) -> None:
    """Add the options of the command."""
    from entrakit.cli.options.connection import add_connection
    from entrakit.cli.options.output import FORMATS

    add_connection(parser)
    parser.add_argument(
        "-o",
        "--output",
        choices=(*FORMS, *FORMATS),
        metavar="FORMAT",
        help=f"{', '.join((*FORMS, *FORMATS))} (default: raw)",
    )
    # There is no --out-file: a token in a file would have to be private; a shell can redirect it.
    parser.add_argument("--scope", action="append", default=[], metavar="SCOPE", help="scope of the token (repeatable)")
    parser.add_argument("--min-validity", default="0", metavar="TIME", help="renew if it expires sooner: 90, 10m, 1h")
    parser.add_argument("--claims", default="", metavar="CLAIMS", help="claims challenge of an API, unchanged")


def work(options: argparse.Namespace, context: Context) -> Work:
    """Return the printing of the token."""
    min_validity_s = 0.0
    if options.min_validity != "0":
        from entrakit.cli.options.durations import parse_duration

        min_validity_s = parse_duration(options.min_validity)
    from entrakit.cli.options.connection import name_of

    return Work(_print(options, context, name_of(options), min_validity_s), "raw")


def _print(options: argparse.Namespace, context: Context, name: str | None, min_validity_s: float) -> Steps:
    with get_connection(name, vault=context.open_vault()) as connection:
        if options.scope or options.claims or min_validity_s or not connection.is_fresh:
            from entrakit.cli.logs import configure_for

            configure_for(options, context)
        token = connection.token(*options.scope, claims=options.claims, min_validity_s=min_validity_s)
    begin = f"Authorization: {token.token_type} " if options.output == "header" else ""
    # The object reads the claims of the token, which takes a module more.
    is_text = options.output in FORMS or not (options.output or context.as_json)
    yield Result(None if is_text else token.to_json(), (f"{begin}{token.access_token}",))
    if context.is_terminal(context.streams.output):
        yield Note("anyone who sees this token can use it until it expires.")
    return 0
