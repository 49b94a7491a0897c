"""All pages of a collection: printed as they arrive, or written to a file that an interrupted run continues.

A file in another format than NDJSON is converted from `FILE.lines` as soon as that is complete.
"""

from __future__ import annotations

import os
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from entrakit.cli.options.request import sending
from entrakit.cli.output.destination import open_destination
from entrakit.cli.output.formats import COLUMNS, note_omitted, parsed, width_of, writer_for
from entrakit.cli.output.progress import Progress
from entrakit.cli.output.single import with_columns
from entrakit.files.result import target_of
from entrakit.services import decoding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from entrakit.cli.options.request import RequestOptions
    from entrakit.cli.work import Output, Steps, Work
    from entrakit.graph.client import Client
    from entrakit.services.odata import Query

CHUNK = 100


class Collection(NamedTuple):
    """All objects of a collection as the work of a command.

    Args:
        request: Request of the first page.
        parallel: Number of pages to read at once.
    """

    request: RequestOptions
    parallel: int = 1
    default: str = "json"
    is_stream: bool = False

    def on(self, client: Client, output: Output) -> Work:
        """Return the work on a service, whose preview is the first request. Raises ParameterError."""
        request = _with_pages(with_columns(self.request, client, output), client)
        note = "If possible, the collection is read in ranges, each with its own $filter and $count."
        steps = self._steps(client, output, request)
        return sending([request.to(client.service)], steps, note="" if self.parallel == 1 else note)

    def _steps(self, client: Client, output: Output, request: RequestOptions) -> Steps:
        with Progress(output.context, "objects", to_file=bool(output.out)) as progress:
            client = client.watched(progress.waits)
            reading = _Reading(client, request.path, request.headers, request.query, self.parallel)
            try:
                told = (_export if output.out else _stream)(reading, output, progress)
            except KeyboardInterrupt:
                progress.vanish()
                effect = "the same command continues" if output.out else "the printed result is incomplete"
                return output.context.interrupted(effect)
        if told:
            yield told
        return 0


def _with_pages(request: RequestOptions, client: Client) -> RequestOptions:
    """Return a request for the largest pages that are known to be accepted: everything is read, in fewer requests."""
    if not client.service.is_graph or "://" in request.path:
        return request
    from entrakit.services.advanced_query import largest_page
    from entrakit.services.odata import parameters

    path = request.path.lstrip("/")
    version, _, rest = path.partition("/")
    size = largest_page(rest if version in ("v1.0", "beta") else path, parameters(request.query))
    return request._replace(query={**request.query, "top": size}) if size else request


class _Reading(NamedTuple):
    client: Client
    path: str
    headers: Mapping[str, str]
    query: Query
    parallel: int


def _export(reading: _Reading, output: Output, progress: Progress) -> str:
    """Write the objects to a file, and return a message."""
    target = target_of(output.out or "")
    lines = target if output.format == "ndjson" else f"{target}.lines"
    done = reading.client.export(
        reading.path, lines, parallel=reading.parallel, on_page=progress.reached,
        headers=reading.headers, **reading.query,
    )  # fmt: skip
    progress.vanish()
    if lines != target:
        _convert(output, lines)
    earlier = f", {done.resumed:,} of them by an earlier run" if done.resumed else ""
    return f"{output.out}: {done.written:,} objects{earlier}."


def _convert(output: Output, lines: str) -> None:
    """Convert the lines to the format of the file, and remove them."""
    destination = open_destination(output.context, output.out)
    try:
        writer = writer_for(output.format, destination, output.columns)
        with open(lines, "rb") as file:
            while chunk := list(islice(file, CHUNK)):
                writer.add([parsed(line) if output.format in COLUMNS else decoding.Raw(line) for line in chunk])
        writer.end()
        destination.finish()
    finally:
        destination.close()
    os.unlink(lines)
    note_omitted(output.context, writer)


def _stream(reading: _Reading, output: Output, progress: Progress) -> str:
    """Print the objects, and return a message; empty for none."""
    destination = open_destination(output.context, None)
    count = 0
    try:
        writer = writer_for(output.format, destination, output.columns, width_of(output.context))
        for items, total in _pages(reading, output):
            writer.add(items)
            count += len(items)
            progress.reached(count, total)
        writer.end()
        destination.finish()
    finally:
        destination.close()
    progress.vanish()
    note_omitted(output.context, writer)
    return "No objects." if not count and output.format == "table" else ""


def _pages(reading: _Reading, output: Output) -> Iterator[tuple[list[object], int | None]]:
    """Yield objects, some at a time, with their total if known. They stay JSON unless the format needs their values."""
    kind: type[object] = object if output.format in COLUMNS else decoding.Raw
    if reading.parallel == 1:
        for page in reading.client.pages(reading.path, type=kind, headers=reading.headers, **reading.query):
            yield page.items, page.total
        return
    chunk: list[object] = []
    for item in reading.client.items(
        reading.path, type=kind, parallel=reading.parallel, headers=reading.headers, **reading.query
    ):
        chunk.append(item)
        if len(chunk) == CHUNK:
            yield chunk, None
            chunk = []
    if chunk:
        yield chunk, None
