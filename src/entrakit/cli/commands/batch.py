"""`entra batch`: any number of requests from a file, in batches of 20, with one result for each, in the same order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.cli.options.connection import add_sending, add_target
from entrakit.cli.options.output import add_output
from entrakit.errors import ParameterError

if TYPE_CHECKING:
    import argparse

    from entrakit.cli.context import Context
    from entrakit.cli.parser import Parser
    from entrakit.cli.work import Sending

MOST_AT_ONCE = 16


def arguments(parser: Parser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "file", metavar="FILE", help="file of requests: a Graph batch or one request per line; - for standard input"
    )
    add_target(parser)
    parser.add_argument("--parallel", metavar="N", type=int, default=4, help="number of batches at once (default: 4)")
    add_output(parser, default="ndjson", file_help="write the results to a file")
    add_sending(parser)


def work(options: argparse.Namespace, context: Context) -> Sending:
    """Return the requests."""
    from entrakit.cli.options.batch_file import read_requests
    from entrakit.cli.options.body import read_input
    from entrakit.cli.output.results import Batch

    if not 1 <= options.parallel <= MOST_AT_ONCE:
        raise ParameterError(f"--parallel must be 1 to {MOST_AT_ONCE}.", remedy="Try --parallel 4.")
    entries = read_requests(read_input(context, options.file, "The file"))
    return Batch(tuple(entries), options.parallel)
