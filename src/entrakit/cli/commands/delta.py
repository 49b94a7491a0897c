"""`entra delta`: the changes since the last run, one object per line. A session file stores the position."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.cli.options.connection import add_sending, add_target
from entrakit.cli.options.output import add_output
from entrakit.cli.options.query import add_query, address_of, headers_of, note_older_name, query_of
from entrakit.cli.options.request import RequestOptions
from entrakit.errors import ParameterError

if TYPE_CHECKING:
    import argparse

    from entrakit.cli.context import Context
    from entrakit.cli.parser import Parser
    from entrakit.cli.work import Sending


def arguments(parser: Parser) -> None:
    """Add the options of the command."""
    parser.add_argument("path", metavar="PATH", help="path of a delta query: /users/delta, /groups/delta")
    parser.add_argument(
        "--session", metavar="FILE", required=True, help="file that stores the position of the delta query"
    )
    add_target(parser)
    parser.add_argument(
        "--latest",
        action="store_true",
        help="begin a new session now, without the existing objects",
    )
    parser.add_argument("--minimal", action="store_true", help="return changed properties only")
    add_output(parser, default="ndjson", file_help="write the changes to a file, replacing earlier ones")
    add_sending(parser, writes=False)
    add_query(parser, "select", "filter")


def work(options: argparse.Namespace, context: Context) -> Sending:
    """Return the reading of the changes."""
    from entrakit.cli.output.changes import DeltaQuery

    if not options.session.strip():
        raise ParameterError("--session names no file.", remedy="Name one. A shell may have replaced a $name.")
    note_older_name(options, context)
    path = address_of(options.path)
    request = RequestOptions("GET", path, headers_of(options), query_of(options, path))
    return DeltaQuery(request, options.session, options.latest, options.minimal)
