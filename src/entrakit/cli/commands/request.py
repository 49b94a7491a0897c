"""`entra request`: any request to Microsoft Graph or another API. A small request loads few modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.cli.options.connection import add_sending, add_target
from entrakit.cli.options.output import add_output
from entrakit.cli.options.query import add_query, address_of, header, headers_of, note_older_name, query_of
from entrakit.cli.options.request import RequestOptions
from entrakit.errors import ParameterError

if TYPE_CHECKING:
    import argparse

    from entrakit.cli.context import Context
    from entrakit.cli.parser import Parser
    from entrakit.cli.work import Sending

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PATCH", "PUT", "DELETE")
MOST_AT_ONCE = 32


def arguments(parser: Parser) -> None:
    """Add the options of the command."""
    parser.add_argument("method", metavar="METHOD", help="GET, POST, PATCH, PUT or DELETE")
    parser.add_argument("path", metavar="PATH", help="path below the service's address: /users/ada@contoso.com")
    add_target(parser)
    parser.add_argument("--body", metavar="JSON", help="request body: JSON, @FILE, or - for standard input")
    add_query(parser, "select", "filter", "expand", "search", "orderby", "top", "count")
    group = parser.add_argument_group("result")
    group.add_argument("--all", action="store_true", help="read all pages of a collection")
    group.add_argument("--parallel", metavar="N", type=int, help="read all pages of users or groups, N at once")
    add_output(group, file_help="write the result to a file; with --all, resumable")
    add_sending(group)


def work(options: argparse.Namespace, context: Context) -> Sending:
    """Return the request, or the reading of a collection."""
    method = options.method.upper()
    is_collection = options.all or options.parallel is not None
    _refuse_clashes(options, method, is_collection=is_collection)
    note_older_name(options, context)
    path = address_of(options.path)
    headers, query = headers_of(options), query_of(options, path)
    body = None
    if options.body is not None:
        from entrakit.cli.options.body import read_body

        body = read_body(context, options.body, header(headers, "content-type"))
    request = RequestOptions(method, path, headers, query, body)
    if is_collection:
        from entrakit.cli.output.collection import Collection

        return Collection(request, options.parallel or 1)
    from entrakit.cli.output.single import Single

    return Single(request)


def _refuse_clashes(options: argparse.Namespace, method: str, *, is_collection: bool) -> None:
    if method not in METHODS:
        raise ParameterError(f"The method must be one of {', '.join(METHODS)}.", remedy="Try GET.")
    if is_collection and method != "GET":
        raise ParameterError("--all and --parallel require GET.", remedy="Leave them out.")
    if options.parallel is not None and not 1 <= options.parallel <= MOST_AT_ONCE:
        raise ParameterError(f"--parallel must be 1 to {MOST_AT_ONCE}.", remedy="Try --parallel 8.")
    if options.body is None and method == "PATCH":
        raise ParameterError("A PATCH without a body changes nothing.", remedy="Give the changes with --body JSON.")
    if options.body is not None and method in ("GET", "HEAD"):
        raise ParameterError(f"A {method} has no body.", remedy="Use POST, PATCH or PUT, or leave --body out.")
