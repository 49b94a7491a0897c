"""`entra request`: any request to Microsoft Graph or another API. A small request loads few modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.cli.options.connection import add_target, client_of
from entrakit.cli.options.query import (
    add_query,
    address_of,
    columns_of,
    for_columns,
    header,
    headers_of,
    query_of,
)
from entrakit.cli.options.request import RequestOptions
from entrakit.cli.output.destination import file_of, open_destination
from entrakit.cli.output.formats import (
    FORMATS,
    format_of,
    indented,
    note_omitted,
    parsed,
    refuse_table_file,
    width_of,
    writer_for,
)
from entrakit.connections import get_connection
from entrakit.errors import ExportError, ParameterError
from entrakit.http.message import is_json

if TYPE_CHECKING:
    import argparse

    from entrakit.cli.context import Context
    from entrakit.cli.output.destination import Destination
    from entrakit.cli.parser import Parser
    from entrakit.services.operation import Request, Response

READS = ("GET", "HEAD", "OPTIONS")
METHODS = (*READS, "POST", "PATCH", "PUT", "DELETE")
MOST_AT_ONCE = 32
NOTICED_S = 0.5


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
    group.add_argument(
        "-o", "--output", choices=FORMATS, help="output format (default: json); --select selects columns"
    )
    group.add_argument("--out", metavar="FILE", help="write the result to a file; with --all, resumable")
    group.add_argument("--what-if", action="store_true", help="print the exact request, send nothing")
    group.add_argument("-y", "--yes", action="store_true", help="send a write without confirmation")


def run(options: argparse.Namespace, context: Context) -> int:
    """Send the request, and print the response."""
    method = options.method.upper()
    is_collection = options.all or options.parallel is not None
    _refuse_clashes(options, method, is_collection=is_collection)
    out = file_of(options.out)
    output_format = format_of(options.output, context, out)
    refuse_table_file(output_format, out)
    path = address_of(options.path)
    headers, query = headers_of(options), query_of(options, path)
    body = None
    if options.body is not None:
        from entrakit.cli.options.body import read_body

        body = read_body(context, options.body, header(headers, "content-type"))
    with get_connection(options.name, vault=context.open_vault()) as connection:
        client = client_of(options, connection)
        if output_format in ("csv", "table"):
            query = for_columns(query, is_graph=client.service.is_graph)
        checked = RequestOptions(context, client, path, headers, query, output_format, tuple(columns_of(options)), out)
        request = client.call(method, path, body=body, headers=headers, **query).request
        if options.what_if or method not in READS:
            from entrakit.cli.options.confirm import DECLINED, may_send, preview

            if options.what_if:
                code = preview(context, [request])
                if options.parallel and options.parallel > 1:
                    context.info("If possible, the collection is read in ranges, each with its own $filter and $count.")
                return code
            if not may_send(context, [request], yes=options.yes):
                return DECLINED
        if is_collection:
            from entrakit.cli.output.collection import write_collection

            return write_collection(checked, options.parallel or 1)
        return _send(checked, request)


def _refuse_clashes(options: argparse.Namespace, method: str, *, is_collection: bool) -> None:
    if method not in METHODS:
        raise ParameterError(f"The method must be one of {', '.join(METHODS)}.", remedy="Try GET.")
    if is_collection and method != "GET":
        raise ParameterError("--all and --parallel require GET.", remedy="Leave them out.")
    if options.parallel is not None and not 1 <= options.parallel <= MOST_AT_ONCE:
        raise ParameterError(f"--parallel must be 1 to {MOST_AT_ONCE}.", remedy="Try --parallel 8.")
    if options.body is not None and method in ("GET", "HEAD"):
        raise ParameterError(f"A {method} has no body.", remedy="Use POST, PATCH or PUT, or leave --body out.")


def _send(options: RequestOptions, request: Request) -> int:
    from entrakit.services.operation import Call

    may_be_page = bool(options.out or header(options.headers, "accept"))
    # Before the request, whose response could not be read again.
    destination = open_destination(options.context, options.out)
    client = options.client.watched(lambda *wait: _report_wait(options.context, *wait))
    try:
        response = client.run(Call(request, lambda one: _checked(one, may_be_page=may_be_page)))
        if not response.body:
            if options.out:
                options.context.info(f"The response has no content; {options.out} was not written.")
            return 0
        _write(options, response, destination)
    except KeyboardInterrupt:
        is_read = request.method in READS
        return options.context.interrupted(
            "nothing was changed" if is_read else "it is not known whether the request was done"
        )
    finally:
        destination.close()
    return 0


def _write(options: RequestOptions, response: Response, destination: Destination) -> None:
    """Write a response. Raises OSError after a read; after a write ExportError, which says that it was done."""
    try:
        if is_json(response.media_type):
            _write_json(options, response, destination)
        else:
            _write_bytes(options, response, destination)
        destination.finish()
    except BrokenPipeError:
        raise
    except (OSError, ExportError) as error:
        if response.request.method in READS:
            raise
        problem = error.problem if isinstance(error, ExportError) else f"The result can't be written: {error.strerror}."
        raise ExportError(
            f"{problem} The request was done.", remedy="Don't send it again; read its result with GET."
        ) from error


def _report_wait(context: Context, seconds: float, reason: str) -> None:
    """Report a wait if the user is at a terminal."""
    if seconds >= NOTICED_S and context.is_terminal(context.streams.error):
        context.info(f"Waiting {seconds:.0f} s: {reason}.")


def _checked(response: Response, *, may_be_page: bool) -> Response:
    """Return the response if it is complete and of the declared type. Raises UnexpectedAnswerError."""
    from entrakit.services.fetch import unreadable

    kind = response.media_type
    if kind == "text/html" and not may_be_page:
        raise unreadable(response)
    if is_json(kind) and response.body:
        try:
            parsed(response.body)
        except (ValueError, RecursionError) as error:
            raise unreadable(response) from error
    return response


def _write_bytes(options: RequestOptions, response: Response, destination: Destination) -> None:
    """Write a response that is not JSON, unchanged. Raises ParameterError for binary content on a terminal."""
    kind = response.media_type
    is_text = kind.startswith("text/")
    if not options.out and not is_text and options.context.is_terminal(options.context.streams.output):
        done = "" if response.request.method in READS else " The request was done."
        size = f"{len(response.body):,} bytes"
        raise ParameterError(
            f"The response is {kind or 'of unknown type'}, {size}, which a terminal can't show.{done}",
            remedy="Add --out FILE, or use a pipe.",
        )
    destination.write(response.body)
    if is_text and not options.out and not response.body.endswith(b"\n"):
        destination.write(b"\n")


def _write_json(options: RequestOptions, response: Response, destination: Destination) -> None:
    value = parsed(response.body)
    if options.format == "json":
        destination.write(indented(response.body) + b"\n")
        _note_more(options.context, value)
        return
    items = value.get("value") if isinstance(value, dict) else value
    width = width_of(options.context)
    if options.format == "table" and isinstance(value, dict) and not isinstance(items, list):
        from entrakit.cli.output.rows import upright

        # One object is easier to read from top to bottom.
        writer = writer_for("table", destination, ("property", "value"), width)
        writer.add(upright(value, options.columns))
        return
    writer = writer_for(options.format, destination, options.columns, width)
    rows = items if isinstance(items, list) else [value]
    writer.add(_lines(rows) if options.format == "ndjson" else rows)
    writer.end()
    note_omitted(options.context, writer)
    if not rows and options.format == "table":
        options.context.info("No objects.")
    _note_more(options.context, value)


def _lines(values: list[object]) -> list[bytes]:
    import json

    return [json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") for value in values]


def _note_more(context: Context, value: object) -> None:
    if (
        isinstance(value, dict)
        and isinstance(value.get("value"), list)
        and (value.get("@odata.nextLink") or value.get("nextLink"))
    ):
        count = len(value["value"])
        first = "this is the first one" if count == 1 else f"these are the first {count:,}"
        context.note(f"{first}.\n  Next: Add --all to read all of them.")
