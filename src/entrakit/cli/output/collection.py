"""All pages of a collection: printed as they come, and not held; or into a file, which an interrupted run goes on with.

A file in another form than NDJSON is made of the lines, in `FILE.lines`, once all of them are there.
"""

from __future__ import annotations

import os
from itertools import islice

from entrakit.cli.output.destination import open_destination
from entrakit.cli.output.forms import form_in, note_left_out, parsed, width_of
from entrakit.cli.output.progress import Progress
from entrakit.files.result import target_of
from entrakit.services import decoding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from entrakit.cli.commands.request import Asked

CHUNK = 100


def give_collection(asked: Asked, parallel: int) -> int:
    """Print all objects of a collection, and return the exit code.

    Args:
        asked: What is asked for.
        parallel: How many pages to read at once.
    """
    with Progress(asked.context, "objects", to_file=bool(asked.out)) as progress:
        if progress.is_active:
            asked = asked._replace(client=asked.client.watched(progress.waits))
        try:
            (_export if asked.out else _stream)(asked, parallel, progress)
        except KeyboardInterrupt:
            progress.vanish()
            words = "the same command goes on" if asked.out else "what was printed is not all"
            return asked.context.interrupted(words)
    return 0


def _export(asked: Asked, parallel: int, progress: Progress) -> None:
    target = target_of(asked.out or "")
    lines = target if asked.form == "ndjson" else f"{target}.lines"
    done = asked.client.export(
        asked.path, lines, parallel=parallel, on_page=progress.reached, headers=asked.headers, **asked.query
    )
    progress.vanish()
    if lines != target:
        _convert(asked, lines)
    again = f", {done.resumed:,} of them by an earlier run" if done.resumed else ""
    asked.context.tell(f"{asked.out}: {done.written:,} objects{again}.")


def _convert(asked: Asked, lines: str) -> None:
    """Make the file in the form that was asked for, and remove the lines."""
    sink = open_destination(asked.context, asked.out)
    try:
        writer = form_in(asked.form, sink, asked.columns)
        with open(lines, "rb") as file:
            while chunk := list(islice(file, CHUNK)):
                writer.add([parsed(line) if asked.form == "csv" else decoding.Raw(line) for line in chunk])
        writer.end()
        sink.finish()
    finally:
        sink.close()
    os.unlink(lines)
    note_left_out(asked.context, writer)


def _stream(asked: Asked, parallel: int, progress: Progress) -> None:
    sink = open_destination(asked.context, None)
    count = 0
    try:
        writer = form_in(asked.form, sink, asked.columns, width_of(asked.context))
        for items, total in _pages(asked, parallel):
            writer.add(items)
            count += len(items)
            progress.reached(count, total)
        writer.end()
        sink.finish()
    finally:
        sink.close()
    progress.vanish()
    note_left_out(asked.context, writer)
    if not count and asked.form == "table":
        asked.context.tell("No objects.")


def _pages(asked: Asked, parallel: int) -> Iterator[tuple[list[object], int | None]]:
    """Return objects, some at a time, as JSON text where nobody looks into them; and how many there are in all."""
    kind: type[object] = object if asked.form in ("csv", "table") else decoding.Raw
    if parallel == 1:
        for page in asked.client.pages(asked.path, type=kind, headers=asked.headers, **asked.query):
            yield page.items, page.total
        return
    chunk: list[object] = []
    for item in asked.client.items(asked.path, type=kind, parallel=parallel, headers=asked.headers, **asked.query):
        chunk.append(item)
        if len(chunk) == CHUNK:
            yield chunk, None
            chunk = []
    if chunk:
        yield chunk, None
