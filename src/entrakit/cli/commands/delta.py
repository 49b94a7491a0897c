"""`entra delta`: what changed since the last time, one object per line; a place in a file says where to go on.

The place moves on only when what came before it is with the reader: after a page was handed on, or, with `--out`, once
the file is in its place. So a run that is killed at any moment loses nothing; what it had not finished comes again.
"""

from __future__ import annotations

import os

from entrakit.cli.options.query import add_query, add_target, address_of, client_of, headers_of, query_of
from entrakit.cli.output.destination import file_of, open_destination
from entrakit.cli.output.forms import form_of
from entrakit.connections import get_connection
from entrakit.errors import ParameterError, VaultError
from entrakit.graph.delta_session import DeltaSession

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from entrakit.cli.context import Context
    from entrakit.cli.options.connection import Parser
    from entrakit.cli.output.destination import Destination
    from entrakit.cli.output.progress import Progress
    from entrakit.graph.client import DeltaChanges


def arguments(parser: Parser) -> None:
    """Declare what the command takes."""
    parser.add_argument("path", metavar="PATH", help="a delta query: /users/delta, /groups/delta")
    parser.add_argument("--session", metavar="FILE", required=True, help="where the place to go on from is kept")
    add_target(parser)
    parser.add_argument(
        "--latest",
        action="store_true",
        help="where the session has no place yet, begin now: nothing of what is there already",
    )
    parser.add_argument("--minimal", action="store_true", help="changed properties only")
    parser.add_argument("--out", metavar="FILE", help="write the changes to a file, in place of the last ones")
    add_query(parser, "select", "filter")


class HandedOn(DeltaSession):
    """A session that moves on only when what came before is with the reader.

    Args:
        path: The file.
        sink: Where the changes go.
        is_whole: Whether the reader has it only once all is there, as with a file.
    """

    def __init__(self, path: str, sink: Destination, *, is_whole: bool) -> None:
        super().__init__(path)
        directory = os.path.dirname(self.path)
        if not os.path.isdir(directory):
            raise VaultError(f"There is no directory {directory}.", remedy="Make it, or name another file.")
        self._sink = sink
        self._is_whole = is_whole
        self._held: dict[str, str] = {}

    def keep(self, key: str, link: str) -> None:
        """Keep where a query goes on, after what came before was handed on."""
        if self._is_whole:
            self._held[key] = link
            return
        self._sink.sync()
        super().keep(key, link)

    def catch_up(self) -> None:
        """Keep what was held back: the reader has everything now."""
        for key, link in self._held.items():
            super().keep(key, link)


def run(options: argparse.Namespace, context: Context) -> int:
    """Print the changes."""
    from entrakit.cli.output.progress import Progress

    out = file_of(options.out)
    if form_of(None, context._replace(as_json=False), out, "ndjson") != "ndjson":
        raise ParameterError("Changes are written one per line.", remedy="Name the file .ndjson or .jsonl.")
    path = address_of(options.path)
    headers, query = headers_of(options), query_of(options, path)
    if not options.session.strip():
        raise ParameterError("--session names no file.", remedy="Name one; a shell may have replaced a $name.")
    if out and _same(out, options.session):
        raise ParameterError("--out and --session are the same file.", remedy="Give each a file of its own.")
    sink = open_destination(context, out)
    try:
        session = HandedOn(options.session, sink, is_whole=bool(out))
        with get_connection(options.name, vault=context.open_vault()) as connection:
            client = client_of(options, connection)
            with Progress(context, "changes", to_file=bool(out)) as progress:
                watched = client.watched(progress.waits) if progress.is_active else client
                changes = watched.delta(
                    path, session=session, latest=options.latest, minimal=options.minimal, headers=headers, **query
                )
                count, removed = _write(context, changes, sink, progress)
        sink.finish()
        session.catch_up()
    except KeyboardInterrupt:
        return context.interrupted("what was not handed on comes again next time")
    finally:
        sink.close()
    where = f"{out}: " if out else ""
    context.tell(f"{where}{count - removed:,} changed, {removed:,} gone.")
    return 0


def _write(context: Context, changes: DeltaChanges, sink: Destination, progress: Progress) -> tuple[int, int]:
    from entrakit.files.result import NewFile
    from entrakit.services import decoding

    count = removed = 0
    is_told, resyncs = False, 0
    for change in changes:
        if changes.is_resync and not is_told:
            is_told = True
            _tell_of_resync(context, progress)
        if changes.resyncs > resyncs and isinstance(sink, NewFile):
            # What came before the service began anew is part of what comes now.
            sink.start_over()
            count = removed = 0
        resyncs = changes.resyncs
        sink.write(decoding.encode(change) + b"\n")
        count += 1
        removed += "@removed" in change
        progress.reached(count)
    if changes.is_resync and not is_told:
        _tell_of_resync(context, progress)
    return count, removed


def _tell_of_resync(context: Context, progress: Progress) -> None:
    """Say that these are all objects: who is not told would keep what is gone. So `--quiet` does not silence it."""
    progress.vanish()
    problem = "The service began anew: these are all objects, and what is not among them is gone."
    if context.as_json:
        import json

        print(json.dumps({"note": {"kind": "resync", "problem": problem}}), file=context.streams.error)
    else:
        print(f"Note: {problem}", file=context.streams.error)


def _same(one: str, other: str) -> bool:
    first, second = (os.path.realpath(os.path.expanduser(path)) for path in (one, other))
    return first == second
