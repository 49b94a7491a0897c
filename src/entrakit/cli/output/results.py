"""Many requests in batches, with one result for each, in their order."""

from __future__ import annotations

import json
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from entrakit.cli.options.request import sending
from entrakit.cli.output.destination import open_destination
from entrakit.cli.output.formats import COLUMNS, writer_for
from entrakit.errors import EntraError, ExportError, GraphError, OutcomeUnknownError
from entrakit.http.message import is_json
from entrakit.shown_text import on_terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TypeVar

    from entrakit.cli.context import Context
    from entrakit.cli.options.batch_file import BatchEntry
    from entrakit.cli.output.destination import Destination
    from entrakit.cli.work import Output, Steps, Work
    from entrakit.graph.batch import Item
    from entrakit.graph.client import Client
    from entrakit.services.operation import Operation, Request, Response

    T = TypeVar("T")

FIELDS = ("id", "status", "body", "error")
WIDEST = 10_000


class Batch(NamedTuple):
    """Many requests as the work of a command.

    Args:
        entries: The requests.
        parallel: Number of batches at once.
    """

    entries: tuple[BatchEntry, ...]
    parallel: int
    default: str = "ndjson"
    is_stream: bool = False

    def on(self, client: Client, output: Output) -> Work:
        """Return the work on a service. Raises ParameterError, which names the request."""
        requests = [entry.request_to(client.service) for entry in self.entries]
        return sending(requests, self._steps(client, output, requests), is_many=True)

    def _steps(self, client: Client, output: Output, requests: Sequence[Request]) -> Steps:
        from entrakit.cli.output.progress import Progress

        context, out = output.context, output.out
        destination = open_destination(context, out, is_record=True)
        results = Results(self.entries, destination, output.format)
        is_interrupted = False
        try:
            with (
                _signals_interrupt(context),
                Progress(context, "requests", total=len(requests), to_file=bool(out)) as progress,
            ):
                watched = client.watched(progress.waits)

                def report(place: int, result: object) -> None:
                    results.take(place, result)
                    progress.reached(results.count)

                try:
                    calls = [
                        _item(place, self.entries[place], one, results, report) for place, one in enumerate(requests)
                    ]
                    for place, result in enumerate(watched.batch(calls, at_once=self.parallel)):
                        results.take(place, result)
                except KeyboardInterrupt:
                    is_interrupted = True
                    results.give_up()
            results.end()
            if results.trouble is not None:
                raise results.trouble
            # A reader that closed the pipe has missed results, but does not change how the requests ended.
            with suppress(BrokenPipeError):
                destination.finish()
        except ExportError as error:
            raise _report_unwritten(context, results, error, out) from error
        finally:
            destination.close()
        if is_interrupted:
            return context.interrupted("the results list the requests with an unknown outcome")
        yield results.summary()
        return results.exit_code


class Results:
    """Results of the requests, written in their order, each as soon as the earlier ones are known.

    Args:
        entries: The requests.
        destination: Destination of the results.
        form: Output format: one result per line, a JSON array, or columns.
    """

    def __init__(self, entries: Sequence[BatchEntry], destination: Destination, form: str = "ndjson") -> None:
        self.count = 0
        self.sent: set[int] = set()
        self.trouble: ExportError | None = None
        self._entries = entries
        self._destination = destination
        self._is_array = form == "json"
        # A table is printed at the end, because its widths depend on all results.
        self._rows: list[object] | None = [] if form == "table" else None
        self._writer = writer_for(form, _Passing(self._pass_on), FIELDS, WIDEST) if form in COLUMNS else None
        self.texts: list[str | None] = [None] * len(entries)
        self._written = 0
        self._failures: dict[int, EntraError] = {}
        self._has_reader = True

    @property
    def exit_code(self) -> int:
        """The exit code: 0 if all requests succeeded, 14 if a write may have been done, else that of the first error.

        Otherwise the first error could say that everything may be sent again.
        """
        failures = [self._failures[place] for place in sorted(self._failures)]
        unknown = [error for error in failures if error.outcome_unknown]
        return next((error.exit_code for error in [*unknown, *failures]), 0)

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
        elif self._writer is not None:
            self._writer.add(self._rows or [])
            self._writer.end()

    def summary(self) -> str:
        """Return a summary for the user, one line."""
        failed = len(self._failures)
        if not failed:
            return "1 request, done." if self.count == 1 else f"{self.count:,} requests, all done."
        kinds: dict[str, int] = {}
        for error in self._failures.values():
            status = error.status if isinstance(error, GraphError) else 0
            kind = f"HTTP {status}" if status else "no response"
            if error.outcome_unknown:
                kind = "an unknown outcome"
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
            if self._rows is not None:
                self._rows.append(json.loads(text))
            elif self._writer is not None:
                self._writer.add([json.loads(text)])
            else:
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


class _Passing:
    """The destination of a writer whose bytes are passed on at once.

    Args:
        pass_on: Writes bytes, and notes a failure.
    """

    def __init__(self, pass_on: Callable[[bytes], None]) -> None:
        self.write = pass_on


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
    if not was_sent:
        return EntraError("This was not sent.")
    return OutcomeUnknownError(
        "It is not known whether this was done.", remedy="Look first: check whether it was done before you repeat it."
    )


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
    """Return the response if its JSON, if any, is complete, and it is not a page in answer to a write.

    Raises:
        UnexpectedAnswerError: It is not.
    """
    from entrakit.services.fetch import unreadable

    if response.media_type == "text/html" and not response.request.is_safe:
        raise unreadable(response)
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
    from entrakit.cli.words import kind_of, problem_of, remedy_of

    value: dict[str, object] = {"kind": kind_of(error), "message": problem_of(error), "next": remedy_of(error)}
    value["outcome_unknown"] = error.outcome_unknown
    if isinstance(error, GraphError):
        value = {"code": error.code, **value, "message": error.message or error.problem}
        value |= {"details": error.inner.get("details")}
        value |= {"request_id": error.request_id, "client_request_id": error.client_request_id}
    return {"status": status or None, "error": {name: value for name, value in value.items() if value}}


def _is_json(response: Response) -> bool:
    return not response.media_type or is_json(response.media_type)
