"""`entra batch`: any number of requests from a file, in batches of 20, with one result for each, in the same order."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

from entrakit.cli.options.batch_file import read_requests
from entrakit.cli.options.body import read_input
from entrakit.cli.options.connection import add_target, client_of
from entrakit.cli.output.destination import file_of, open_destination
from entrakit.cli.output.formats import format_of
from entrakit.connections import get_connection
from entrakit.errors import EntraError, ExportError, GraphError, ParameterError
from entrakit.http.message import is_json
from entrakit.shown_text import on_terminal

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence
    from typing import TypeVar

    from entrakit.cli.context import Context
    from entrakit.cli.options.batch_file import BatchEntry
    from entrakit.cli.output.destination import Destination
    from entrakit.cli.parser import Parser
    from entrakit.graph.batch import Item
    from entrakit.graph.client import Client
    from entrakit.services.operation import Operation, Request, Response

    T = TypeVar("T")

MOST_AT_ONCE = 16


def arguments(parser: Parser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "file", metavar="FILE", help="file of requests: a Graph batch or one request per line; - for standard input"
    )
    add_target(parser)
    parser.add_argument("--parallel", metavar="N", type=int, default=4, help="number of batches at once (default: 4)")
    parser.add_argument("-o", "--output", choices=("ndjson", "json"), help="output format (default: ndjson)")
    parser.add_argument("--out", metavar="FILE", help="write the results to a file")
    parser.add_argument("--what-if", action="store_true", help="print the exact requests, send nothing")
    parser.add_argument("-y", "--yes", action="store_true", help="send writes without confirmation")


def run(options: argparse.Namespace, context: Context) -> int:
    """Send the requests, and print the result of each."""
    if not 1 <= options.parallel <= MOST_AT_ONCE:
        raise ParameterError(f"--parallel must be 1 to {MOST_AT_ONCE}.", remedy="Try --parallel 4.")
    entries = read_requests(read_input(context, options.file, "The file"))
    with get_connection(options.name, vault=context.open_vault()) as connection:
        client = client_of(options, connection)
        requests = [one.request_to(client.service) for one in entries]
        from entrakit.cli.options.confirm import DECLINED, may_send, preview

        if options.what_if:
            return preview(context, requests, as_list=True)
        if not may_send(context, requests, yes=options.yes):
            return DECLINED
        return _send(options, context, client, entries, requests)


def _send(
    options: argparse.Namespace,
    context: Context,
    client: Client,
    entries: Sequence[BatchEntry],
    requests: Sequence[Request],
) -> int:
    from entrakit.cli.output.progress import Progress

    out = file_of(options.out)
    output_format = format_of(options.output, context, out, "ndjson")
    if output_format not in ("json", "ndjson"):
        raise ParameterError(
            "The results of a batch are NDJSON or JSON.", remedy="Use a file name that ends in .ndjson or .json."
        )
    destination = open_destination(context, out, is_record=True)
    results = Results(entries, destination, is_array=output_format == "json")
    is_interrupted = False
    try:
        with (
            _signals_interrupt(context),
            Progress(context, "requests", total=len(entries), to_file=bool(out)) as progress,
        ):
            watched = client.watched(progress.waits) if progress.is_active else client

            def report(place: int, result: object) -> None:
                results.take(place, result)
                progress.reached(results.count)

            try:
                calls = [_item(place, entries[place], one, results, report) for place, one in enumerate(requests)]
                for place, result in enumerate(watched.batch(calls, at_once=options.parallel)):
                    results.take(place, result)
            except KeyboardInterrupt:
                is_interrupted = True
                results.give_up()
        results.end()
        if results.trouble is not None:
            raise results.trouble
        destination.finish()
    except ExportError as error:
        raise _report_unwritten(context, results, error, out) from error
    finally:
        destination.close()
    if is_interrupted:
        return context.interrupted("the results list the requests with an unknown outcome")
    context.info(results.summary())
    return results.exit_code


class Results:
    """Results of the requests, written in their order, each as soon as the earlier ones are known.

    Args:
        entries: The requests.
        destination: Destination of the results.
        is_array: Whether to write a JSON array instead of one result per line.
    """

    def __init__(self, entries: Sequence[BatchEntry], destination: Destination, *, is_array: bool) -> None:
        self.count = 0
        self.sent: set[int] = set()
        self.trouble: ExportError | None = None
        self._entries = entries
        self._destination = destination
        self._is_array = is_array
        self.texts: list[str | None] = [None] * len(entries)
        self._written = 0
        self._failures: dict[int, EntraError] = {}
        self._has_reader = True

    @property
    def exit_code(self) -> int:
        """The exit code: 0 if all requests succeeded, else that of the first error."""
        return self._failures[min(self._failures)].exit_code if self._failures else 0

    def take(self, place: int, result: object) -> None:
        """Note the result of a request, and write what is complete. Later reports on the same request are ignored."""
        is_known = place < self._written or self.texts[place] is not None
        if is_known or result is self.trouble:
            return
        self.count += 1
        if isinstance(result, EntraError):
            self._failures[place] = result
        self.texts[place] = self._line(place, result)
        self._write()

    def sending(self, place: int) -> None:
        """Note that a request will be sent. Raises ExportError, which prevents it, if results can't be written."""
        if self.trouble is not None:
            raise self.trouble
        self.sent.add(place)

    def give_up(self) -> None:
        """Give every request without a result one that says whether it was sent."""
        for place in range(len(self._entries)):
            self.take(place, _unknown(was_sent=place in self.sent))

    def end(self) -> None:
        """Close the array."""
        if self._is_array:
            self._pass_on(b"\n]\n")

    def summary(self) -> str:
        """Return a summary for the user, one line."""
        failed = len(self._failures)
        if not failed:
            return "1 request, done." if self.count == 1 else f"{self.count:,} requests, all done."
        kinds: dict[str, int] = {}
        for error in self._failures.values():
            status = error.status if isinstance(error, GraphError) else 0
            kind = f"HTTP {status}" if status else "no response"
            kinds[kind] = kinds.get(kind, 0) + 1
        counts = ", ".join(f"{count} with {kind}" for kind, count in sorted(kinds.items()))
        what = "1 request" if self.count == 1 else f"{self.count:,} requests"
        return f"{what}: {self.count - failed:,} done, {failed:,} failed ({counts})."

    def unwritten(self) -> list[str]:
        """Return the results, as JSON, that were not written, of requests that were sent."""
        return [
            self.texts[place] or self._line(place, _unknown(was_sent=True))
            for place in range(self._written, len(self._entries))
            if place in self.sent
        ]

    def _write(self) -> None:
        while self._written < len(self.texts):
            text = self.texts[self._written]
            if text is None:
                break
            # Half of a surrogate pair can't be UTF-8, only an escape.
            line = text.encode("utf-8", "backslashreplace")
            between = (b",\n  " if self._written else b"[\n  ") if self._is_array else b""
            self._pass_on(between + line + (b"" if self._is_array else b"\n"))
            if self.trouble is not None:
                return
            self.texts[self._written] = ""
            self._written += 1

    def _line(self, place: int, result: object) -> str:
        # A result that is not an error is a response, which `_item` has read.
        value = _failure(result) if isinstance(result, EntraError) else _success(result)  # type: ignore[arg-type]
        return json.dumps({"id": self._entries[place].id, **value}, ensure_ascii=False, separators=(",", ":"))

    def _pass_on(self, data: bytes) -> None:
        """Write a result at once: it must be known that a write was done, even if the next one fails."""
        if not self._has_reader or self.trouble is not None:
            return
        try:
            self._destination.write(data)
            self._destination.flush()
        except BrokenPipeError:
            # The reader closed the pipe, as `head` does. The remaining requests are sent all the same.
            self._has_reader = False
        except ExportError as error:
            self.trouble = error
        except OSError as error:
            self.trouble = ExportError(f"The results can't be written: {error.strerror}.")


def _report_unwritten(context: Context, results: Results, error: ExportError, out: str | None) -> ExportError:
    """Print the unwritten results on standard error, and return the error to raise."""
    unwritten = results.unwritten()
    for line in unwritten:
        print(on_terminal(line), file=context.streams.error)
    sent, written_to = len(results.sent), f"in {out}.unfinished" if out else "on standard output"
    places = [*(["above"] if unwritten else []), *([written_to] if sent > len(unwritten) else [])]
    return ExportError(
        f"{error.problem} {sent:,} of {len(results.texts):,} requests had been sent.",
        remedy=f"Their results are {' and '.join(places)}: don't send them again." if sent else "Name another file.",
    )


def _unknown(*, was_sent: bool) -> EntraError:
    problem = "It is not known whether this was done." if was_sent else "This was not sent."
    return EntraError(problem, remedy="Check whether it was done before you repeat it." if was_sent else "")


@contextmanager
def _signals_interrupt(context: Context) -> Iterator[None]:
    """Treat the signals that end a process like Ctrl-C, so that the results are reported in any case."""
    import signal

    def interrupt(number: int, frame: object) -> None:
        del number, frame
        raise KeyboardInterrupt

    names = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {name: signal.signal(name, interrupt) for name in names} if context.owns_process else {}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def _item(
    place: int, entry: BatchEntry, request: Request, results: Results, report: Callable[[int, object], None]
) -> Item:
    from entrakit.graph.batch import Item
    from entrakit.services.fetch import fetch

    def steps() -> Operation[object]:
        try:
            response = yield from fetch(request, _read)
        except EntraError as error:
            report(place, error)
            raise
        report(place, response)
        return response

    return Item(steps(), entry.after, entry.id, lambda: results.sending(place))


def _read(response: Response) -> Response:
    """Return the response if its JSON, if any, is complete. Raises UnexpectedAnswerError."""
    from entrakit.services.fetch import unreadable

    if response.body and _is_json(response):
        try:
            json.loads(response.body)
        except (ValueError, RecursionError) as error:
            raise unreadable(response) from error
    return response


def _success(response: Response) -> dict[str, object]:
    value: dict[str, object] = {"status": response.status}
    if not response.body:
        return value
    if _is_json(response):
        value["body"] = json.loads(response.body)
    elif response.media_type.startswith("text/"):
        value["body"] = response.body.decode("utf-8-sig", "replace")
    else:
        from base64 import b64encode

        value |= {"contentType": response.media_type, "body": b64encode(response.body).decode()}
    return value


def _failure(error: EntraError) -> dict[str, object]:
    status = error.status if isinstance(error, GraphError) else 0
    from entrakit.cli.words import problem_of, remedy_of

    value: dict[str, object] = {"kind": type(error).__name__, "message": problem_of(error), "next": remedy_of(error)}
    if isinstance(error, GraphError):
        value = {"code": error.code, **value, "message": error.message or error.problem}
        value |= {"request_id": error.request_id, "client_request_id": error.client_request_id}
    return {"status": status or None, "error": {name: value for name, value in value.items() if value}}


def _is_json(response: Response) -> bool:
    return not response.media_type or is_json(response.media_type)
