"""`entra request`: any request to Microsoft Graph or another service. One that reads little also loads little."""

from __future__ import annotations

from typing import NamedTuple

from entrakit.cli.options.query import (
    add_query,
    add_target,
    address_of,
    client_of,
    columns_of,
    for_columns,
    header,
    headers_of,
    query_of,
)
from entrakit.cli.output.destination import file_of, open_destination
from entrakit.cli.output.forms import FORMS, form_in, form_of, indented, note_left_out, parsed, refuse_width, width_of
from entrakit.connections import get_connection
from entrakit.errors import ExportError, ParameterError
from entrakit.http.message import is_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from entrakit.cli.context import Context
    from entrakit.cli.options.connection import Parser
    from entrakit.cli.output.destination import Destination
    from entrakit.graph.client import Client
    from entrakit.services.odata import Query
    from entrakit.services.operation import Request, Response

READS = ("GET", "HEAD", "OPTIONS")
METHODS = (*READS, "POST", "PATCH", "PUT", "DELETE")
MOST_AT_ONCE = 32
NOTICED_S = 0.5


class Asked(NamedTuple):
    """What is asked for, and how it shall be printed.

    Args:
        context: What the command runs with.
        client: The service.
        path: The address.
        headers: Header fields.
        query: Query options.
        form: `json`, `ndjson`, `csv` or `table`.
        columns: Properties of a row; none for those that there are.
        out: Name of a file; None for standard output.
    """

    context: Context
    client: Client
    path: str
    headers: dict[str, str]
    query: Query
    form: str
    columns: tuple[str, ...]
    out: str | None


def arguments(parser: Parser) -> None:
    """Declare what the command takes."""
    parser.add_argument("method", metavar="METHOD", help="GET, POST, PATCH, PUT or DELETE")
    parser.add_argument("path", metavar="PATH", help="below the service's address: /users/ada@contoso.com")
    add_target(parser)
    parser.add_argument("--body", metavar="JSON", help="what to send: JSON, @FILE, or - for standard input")
    add_query(parser, "select", "filter", "expand", "search", "orderby", "top", "count")
    group = parser.add_argument_group("result")
    group.add_argument("--all", action="store_true", help="read all pages of a collection")
    group.add_argument("--parallel", metavar="N", type=int, help="read all pages of users or groups, N at once")
    group.add_argument("-o", "--output", choices=FORMS, help="how to print it (default: json); columns by --select")
    group.add_argument("--out", metavar="FILE", help="write it to a file; with --all, resumable")
    group.add_argument("--what-if", action="store_true", help="show the exact request and send nothing")
    group.add_argument("-y", "--yes", action="store_true", help="don't ask before a write")


def run(options: argparse.Namespace, context: Context) -> int:
    """Send the request, and print what came back."""
    method = options.method.upper()
    is_collection = options.all or options.parallel is not None
    _refuse_clashes(options, method, is_collection=is_collection)
    out = file_of(options.out)
    form = form_of(options.output, context, out)
    refuse_width(form, out)
    path = address_of(options.path)
    headers, query = headers_of(options), query_of(options, path)
    body = None
    if options.body is not None:
        from entrakit.cli.options.body import read_body

        body = read_body(context, options.body, header(headers, "content-type"))
    with get_connection(options.name, vault=context.open_vault()) as connection:
        client = client_of(options, connection)
        if form in ("csv", "table"):
            query = for_columns(query, is_graph=client.service.is_graph)
        asked = Asked(context, client, path, headers, query, form, tuple(columns_of(options)), out)
        request = client.call(method, path, body=body, headers=headers, **query).request
        if options.what_if or method not in READS:
            from entrakit.cli.options.confirm import DECLINED, give_requests, may_send

            if options.what_if:
                code = give_requests(context, [request])
                if options.parallel and options.parallel > 1:
                    context.tell("Where it can be, it is read in parts, each with a $filter of its own, and counted.")
                return code
            if not may_send(context, [request], yes=options.yes):
                return DECLINED
        if is_collection:
            from entrakit.cli.output.collection import give_collection

            return give_collection(asked, options.parallel or 1)
        return _single(asked, request)


def _refuse_clashes(options: argparse.Namespace, method: str, *, is_collection: bool) -> None:
    if method not in METHODS:
        raise ParameterError("The method is none of " + ", ".join(METHODS) + ".", remedy="Try GET.")
    if is_collection and method != "GET":
        raise ParameterError("--all and --parallel go with GET.", remedy="Leave them out.")
    if options.parallel is not None and not 1 <= options.parallel <= MOST_AT_ONCE:
        raise ParameterError(f"--parallel takes 1 to {MOST_AT_ONCE}.", remedy="Try --parallel 8.")
    if options.body is not None and method in ("GET", "HEAD"):
        raise ParameterError(f"A {method} has no body.", remedy="Use POST, PATCH or PUT, or leave --body out.")


def _single(asked: Asked, request: Request) -> int:
    from entrakit.services.operation import Call

    may_be_page = bool(asked.out or header(asked.headers, "accept"))
    sink = open_destination(asked.context, asked.out)  # before anything is sent: what came could not be got again
    client = asked.client.watched(lambda *wait: _tell_of_wait(asked.context, *wait))
    try:
        response = client.run(Call(request, lambda one: _checked(one, may_be_page=may_be_page)))
        if not response.body:
            if asked.out:
                asked.context.tell(f"The answer has no content; {asked.out} was not written.")
            return 0
        _give(asked, response, sink)
    except KeyboardInterrupt:
        is_read = request.method in READS
        return asked.context.interrupted("nothing was changed" if is_read else "it is not known whether this was done")
    finally:
        sink.close()
    return 0


def _give(asked: Asked, response: Response, sink: Destination) -> None:
    """Write an answer. Raises ExportError, which says of a write that it was done; OSError of a read."""
    try:
        if is_json(response.media_type):
            _give_json(asked, response, sink)
        else:
            _give_bytes(asked, response, sink)
        sink.finish()
    except BrokenPipeError:
        raise
    except (OSError, ExportError) as error:
        if response.request.method in READS:
            raise
        problem = error.problem if isinstance(error, ExportError) else f"The result can't be written: {error.strerror}."
        raise ExportError(
            f"{problem} What was asked has been done.", remedy="Don't send it again; read it with GET."
        ) from error


def _tell_of_wait(context: Context, seconds: float, reason: str) -> None:
    """Tell a person why nothing happens."""
    if seconds >= NOTICED_S and context.is_terminal(context.streams.error):
        context.tell(f"Waiting {seconds:.0f} s: {reason}.")


def _checked(response: Response, *, may_be_page: bool) -> Response:
    """Return an answer that is whole, and what it says it is. Raises UnexpectedAnswerError."""
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


def _give_bytes(asked: Asked, response: Response, sink: Destination) -> None:
    """Write what is no JSON as it came. Raises ParameterError where that is a terminal and it is no text."""
    kind = response.media_type
    is_text = kind.startswith("text/")
    if not asked.out and not is_text and asked.context.is_terminal(asked.context.streams.output):
        done = "" if response.request.method in READS else " What was asked has been done."
        size = f"{len(response.body):,} bytes"
        raise ParameterError(
            f"The answer is {kind or 'of no known type'}, {size}; a terminal can't show that.{done}",
            remedy="Add --out FILE, or pipe it on.",
        )
    sink.write(response.body)
    if is_text and not asked.out and not response.body.endswith(b"\n"):
        sink.write(b"\n")


def _give_json(asked: Asked, response: Response, sink: Destination) -> None:
    value = parsed(response.body)
    if asked.form == "json":
        sink.write(indented(response.body) + b"\n")
        _note_more(asked.context, value)
        return
    items = value.get("value") if isinstance(value, dict) else value
    width = width_of(asked.context)
    if asked.form == "table" and isinstance(value, dict) and not isinstance(items, list):
        from entrakit.cli.output.rows import upright

        # One object reads better from top to bottom.
        writer = form_in("table", sink, ("property", "value"), width)
        writer.add(upright(value, asked.columns))
        return
    writer = form_in(asked.form, sink, asked.columns, width)
    rows = items if isinstance(items, list) else [value]
    writer.add(_texts(rows) if asked.form == "ndjson" else rows)
    writer.end()
    note_left_out(asked.context, writer)
    if not rows and asked.form == "table":
        asked.context.tell("No objects.")
    _note_more(asked.context, value)


def _texts(values: list[object]) -> list[bytes]:
    import json

    return [json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") for value in values]


def _note_more(context: Context, value: object) -> None:
    if isinstance(value, dict) and isinstance(value.get("value"), list) and (
        value.get("@odata.nextLink") or value.get("nextLink")
    ):  # fmt: skip
        count = len(value["value"])
        first = "this is the first one" if count == 1 else f"these are the first {count:,}"
        context.tell(f"Note: {first}.\n  Next: Add --all for all of them.")
