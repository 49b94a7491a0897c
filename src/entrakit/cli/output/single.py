"""One request, and its response as the result."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from entrakit.cli.options.query import for_columns, header
from entrakit.cli.options.request import sending
from entrakit.cli.output.destination import open_destination
from entrakit.cli.output.formats import COLUMNS, indented, note_omitted, parsed, width_of, write_value
from entrakit.errors import ExportError, ParameterError
from entrakit.http.message import is_json
from entrakit.services.operation import Call
from entrakit.services.request import JSON

if TYPE_CHECKING:
    from entrakit.cli.context import Context
    from entrakit.cli.options.request import RequestOptions
    from entrakit.cli.output.destination import Destination
    from entrakit.cli.work import Output, Steps, Work
    from entrakit.graph.client import Client
    from entrakit.services.operation import Request, Response

NOTICED_S = 0.5
NOTICED_IN_PIPE_S = 2.0


class Single(NamedTuple):
    """One request as the work of a command.

    Args:
        request: The request; or a call, which may have no service. The result is its response, not what it reads.
    """

    request: RequestOptions | Call[object]
    default: str = "json"
    is_stream: bool = False

    def on(self, client: Client, output: Output) -> Work:
        """Return the work on a service: the request has the properties that the columns need. Raises ParameterError."""
        if isinstance(self.request, Call):
            request = client.preview(self.request)
        else:
            request = with_columns(self.request, client, output).to(client.service)
        return sending([request], self._steps(client, output, request))

    def _steps(self, client: Client, output: Output, request: Request) -> Steps:
        may_be_page = bool(output.out or header(request.headers, "accept") != JSON)
        # Before the request, whose response could not be read again.
        destination = open_destination(output.context, output.out)
        watched = client.watched(lambda *wait: _report_wait(output.context, *wait))
        try:
            response = watched.run(Call(request, lambda one: _checked(one, may_be_page=may_be_page)))
            if not response.body:
                if output.out:
                    yield f"The response has no content; {output.out} was not written."
                return 0
            _write(output, response, destination)
        except KeyboardInterrupt:
            return output.context.interrupted(
                "nothing was changed" if request.is_safe else "it is not known whether the request was done"
            )
        finally:
            destination.close()
        return 0


def with_columns(request: RequestOptions, client: Client, output: Output) -> RequestOptions:
    """Return a request for the properties that the columns of the output format show."""
    if output.format not in COLUMNS:
        return request
    return request._replace(query=for_columns(request.query, is_graph=client.service.is_graph))


def _write(output: Output, response: Response, destination: Destination) -> None:
    """Write a response. Raises OSError after a read; after a write ExportError, which says that it was done."""
    try:
        if is_json(response.media_type):
            _write_json(output, response, destination)
        else:
            _write_bytes(output, response, destination)
        destination.finish()
    except BrokenPipeError:
        raise
    except (OSError, ExportError) as error:
        if response.request.is_safe:
            raise
        problem = error.problem if isinstance(error, ExportError) else f"The result can't be written: {error.strerror}."
        raise ExportError(
            f"{problem} The request was done.", remedy="Don't send it again; read its result with GET."
        ) from error


def _report_wait(context: Context, seconds: float, reason: str) -> None:
    """Report a wait: on a terminal soon, in a pipe if it is long."""
    if seconds > (NOTICED_S if context.is_terminal(context.streams.error) else NOTICED_IN_PIPE_S):
        context.info(f"Waiting {seconds:.0f} s: {reason.rstrip('.')}.")


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


def _write_bytes(output: Output, response: Response, destination: Destination) -> None:
    """Write a response that is not JSON, unchanged. Raises ParameterError for binary content on a terminal."""
    kind = response.media_type
    is_text = kind.startswith("text/")
    if not output.out and not is_text and output.context.is_terminal(output.context.streams.output):
        done = "" if response.request.is_safe else " The request was done."
        size = f"{len(response.body):,} bytes"
        raise ParameterError(
            f"The response is {kind or 'of unknown type'}, {size}, which a terminal can't show.{done}",
            remedy="Add --out-file FILE, or use a pipe.",
        )
    destination.write(response.body)
    if is_text and not output.out and not response.body.endswith(b"\n"):
        destination.write(b"\n")


def _write_json(output: Output, response: Response, destination: Destination) -> None:
    value = parsed(response.body)
    if output.format == "json":
        destination.write(indented(response.body) + b"\n")
        _note_more(output.context, value)
        return
    items = value.get("value") if isinstance(value, dict) else value
    shown = items if isinstance(items, list) else value
    writer = write_value(destination, output.format, shown, output.columns, width_of(output.context))
    if writer is not None:
        note_omitted(output.context, writer)
    if shown == [] and output.format == "table":
        output.context.info("No objects.")
    _note_more(output.context, value)


def _note_more(context: Context, value: object) -> None:
    if (
        isinstance(value, dict)
        and isinstance(value.get("value"), list)
        and (value.get("@odata.nextLink") or value.get("nextLink"))
    ):
        count = len(value["value"])
        first = "this is the first one" if count == 1 else f"these are the first {count:,}"
        context.note(f"{first}.\n  Next: Add --all to read all of them.")
