"""`entra delta`: the changes since the last run, one object per line. A session file stores the position.

The position advances only after the earlier changes have reached their destination: after each page, or, with `--out`,
once the file is complete. So a run that is killed at any moment loses nothing; the next run repeats what it had not
finished.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from entrakit.cli.options.connection import add_target, client_of
from entrakit.cli.options.query import add_query, address_of, headers_of, query_of
from entrakit.cli.output.destination import file_of, open_destination
from entrakit.cli.output.formats import format_of
from entrakit.connections import get_connection
from entrakit.errors import ParameterError, VaultError
from entrakit.graph.delta_session import DeltaSession

if TYPE_CHECKING:
    import argparse

    from entrakit.cli.context import Context
    from entrakit.cli.output.destination import Destination
    from entrakit.cli.output.progress import Progress
    from entrakit.cli.parser import Parser
    from entrakit.graph.client import DeltaChanges


def arguments(parser: Parser) -> None:
    """Add the options of the command."""
    parser.add_argument("path", metavar="PATH", help="path of a delta query: /users/delta, /groups/delta")
    parser.add_argument(
        "--session", metavar="FILE", required=True, help="file that stores the position of the delta query"
    )
    add_target(parser)
    parser.add_argument(
        "--latest",
        action="store_true",
        help="begin a new session now, without the existing objects",
    )
    parser.add_argument("--minimal", action="store_true", help="return changed properties only")
    parser.add_argument("--out", metavar="FILE", help="write the changes to a file, replacing earlier ones")
    add_query(parser, "select", "filter")


class DeliveredSession(DeltaSession):
    """A session whose position advances only after the changes before it were delivered.

    Args:
        path: Path of the session file.
        destination: Destination of the changes.
        is_whole: Whether the destination, such as a file, is readable only when it is complete.
    """

    def __init__(self, path: str, destination: Destination, *, is_whole: bool) -> None:
        super().__init__(path)
        directory = os.path.dirname(self.path)
        if not os.path.isdir(directory):
            raise VaultError(f"The directory {directory} does not exist.", remedy="Create it, or name another file.")
        self._destination = destination
        self._is_whole = is_whole
        self._held: dict[str, str] = {}

    def keep(self, key: str, link: str) -> None:
        """Save the position of a query after its changes were delivered."""
        if self._is_whole:
            self._held[key] = link
            return
        self._destination.sync()
        super().keep(key, link)

    def catch_up(self) -> None:
        """Save the positions that waited for the destination to be complete."""
        for key, link in self._held.items():
            super().keep(key, link)


def run(options: argparse.Namespace, context: Context) -> int:
    """Print the changes."""
    from entrakit.cli.output.progress import Progress

    out = file_of(options.out)
    if format_of(None, context._replace(as_json=False), out, "ndjson") != "ndjson":
        raise ParameterError(
            "Changes are written one per line.", remedy="Use a file name that ends in .ndjson or .jsonl."
        )
    path = address_of(options.path)
    headers, query = headers_of(options), query_of(options, path)
    if not options.session.strip():
        raise ParameterError("--session names no file.", remedy="Name one. A shell may have replaced a $name.")
    if out and _same(out, options.session):
        raise ParameterError("--out and --session are the same file.", remedy="Use two different files.")
    destination = open_destination(context, out)
    try:
        session = DeliveredSession(options.session, destination, is_whole=bool(out))
        with get_connection(options.name, vault=context.open_vault()) as connection:
            client = client_of(options, connection)
            with Progress(context, "changes", to_file=bool(out)) as progress:
                watched = client.watched(progress.waits) if progress.is_active else client
                changes = watched.delta(
                    path, session=session, latest=options.latest, minimal=options.minimal, headers=headers, **query
                )
                count, removed = _write(context, changes, destination, progress)
        destination.finish()
        session.catch_up()
    except KeyboardInterrupt:
        return context.interrupted("the next run repeats the changes that were not delivered")
    finally:
        destination.close()
    prefix = f"{out}: " if out else ""
    context.info(f"{prefix}{count - removed:,} changed, {removed:,} removed.")
    return 0


def _write(context: Context, changes: DeltaChanges, destination: Destination, progress: Progress) -> tuple[int, int]:
    from entrakit.files.result import NewFile
    from entrakit.services import decoding

    count = removed = 0
    is_reported, resyncs = False, 0
    for change in changes:
        if changes.is_resync and not is_reported:
            is_reported = True
            _report_resync(context, progress)
        if changes.resyncs > resyncs and isinstance(destination, NewFile):
            # The new objects include those from before the service started over.
            destination.start_over()
            count = removed = 0
        resyncs = changes.resyncs
        destination.write(decoding.encode(change) + b"\n")
        count += 1
        removed += "@removed" in change
        progress.reached(count)
    if changes.is_resync and not is_reported:
        _report_resync(context, progress)
    return count, removed


def _report_resync(context: Context, progress: Progress) -> None:
    """Report that the result has all objects, even with `--quiet`: the user has to delete all others."""
    progress.vanish()
    problem = "The service started over: the result contains all objects; others no longer exist."
    if context.as_json:
        import json

        print(json.dumps({"note": {"kind": "resync", "problem": problem}}), file=context.streams.error)
    else:
        print(f"{context.label('Warning')} {problem}", file=context.streams.error)


def _same(one: str, other: str) -> bool:
    first, second = (os.path.realpath(os.path.expanduser(path)) for path in (one, other))
    return first == second
