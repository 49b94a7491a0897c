"""All pages of a collection: printed as they arrive, or written to a file that an interrupted run continues.

A file in another format than NDJSON is converted from `FILE.lines` as soon as that is complete.
"""

from __future__ import annotations

import os
from itertools import islice
from typing import TYPE_CHECKING

from entrakit.cli.output.destination import open_destination
from entrakit.cli.output.formats import note_omitted, parsed, width_of, writer_for
from entrakit.cli.output.progress import Progress
from entrakit.files.result import target_of
from entrakit.services import decoding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entrakit.cli.options.request import RequestOptions

CHUNK = 100


def write_collection(options: RequestOptions, parallel: int) -> int:
    """Print all objects of a collection, and return the exit code.

    Args:
        options: Options of the request.
        parallel: Number of pages to read at once.
    """
    with Progress(options.context, "objects", to_file=bool(options.out)) as progress:
        if progress.is_active:
            options = options._replace(client=options.client.watched(progress.waits))
        try:
            (_export if options.out else _stream)(options, parallel, progress)
        except KeyboardInterrupt:
            progress.vanish()
            effect = "the same command continues" if options.out else "the printed result is incomplete"
            return options.context.interrupted(effect)
    return 0


def _export(options: RequestOptions, parallel: int, progress: Progress) -> None:
    target = target_of(options.out or "")
    lines = target if options.format == "ndjson" else f"{target}.lines"
    done = options.client.export(
        options.path, lines, parallel=parallel, on_page=progress.reached, headers=options.headers, **options.query
    )
    progress.vanish()
    if lines != target:
        _convert(options, lines)
    earlier = f", {done.resumed:,} of them by an earlier run" if done.resumed else ""
    options.context.info(f"{options.out}: {done.written:,} objects{earlier}.")


def _convert(options: RequestOptions, lines: str) -> None:
    """Convert the lines to the format of the file, and remove them."""
    destination = open_destination(options.context, options.out)
    try:
        writer = writer_for(options.format, destination, options.columns)
        with open(lines, "rb") as file:
            while chunk := list(islice(file, CHUNK)):
                writer.add([parsed(line) if options.format == "csv" else decoding.Raw(line) for line in chunk])
        writer.end()
        destination.finish()
    finally:
        destination.close()
    os.unlink(lines)
    note_omitted(options.context, writer)


def _stream(options: RequestOptions, parallel: int, progress: Progress) -> None:
    destination = open_destination(options.context, None)
    count = 0
    try:
        writer = writer_for(options.format, destination, options.columns, width_of(options.context))
        for items, total in _pages(options, parallel):
            writer.add(items)
            count += len(items)
            progress.reached(count, total)
        writer.end()
        destination.finish()
    finally:
        destination.close()
    progress.vanish()
    note_omitted(options.context, writer)
    if not count and options.format == "table":
        options.context.info("No objects.")


def _pages(options: RequestOptions, parallel: int) -> Iterator[tuple[list[object], int | None]]:
    """Yield objects, some at a time, with their total if known. They stay JSON unless the format needs their values."""
    kind: type[object] = object if options.format in ("csv", "table") else decoding.Raw
    if parallel == 1:
        for page in options.client.pages(options.path, type=kind, headers=options.headers, **options.query):
            yield page.items, page.total
        return
    chunk: list[object] = []
    for item in options.client.items(
        options.path, type=kind, parallel=parallel, headers=options.headers, **options.query
    ):
        chunk.append(item)
        if len(chunk) == CHUNK:
            yield chunk, None
            chunk = []
    if chunk:
        yield chunk, None
