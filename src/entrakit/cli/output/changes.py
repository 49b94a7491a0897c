"""The changes of a delta query. The position advances only after the earlier changes have reached their destination.

That is after each page, or, with a file, once the file is complete. So a run that is killed at any moment loses
nothing; the next run repeats what it had not finished.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from entrakit.cli.options.request import sending
from entrakit.cli.output.destination import open_destination
from entrakit.cli.output.formats import COLUMNS, note_omitted, width_of, writer_for
from entrakit.errors import ExportError, ParameterError
from entrakit.graph.delta_session import DeltaSession
from entrakit.paths import absolute

if TYPE_CHECKING:
    from entrakit.cli.context import Context
    from entrakit.cli.options.request import RequestOptions
    from entrakit.cli.output.destination import Destination
    from entrakit.cli.output.formats import Writer
    from entrakit.cli.output.progress import Progress
    from entrakit.cli.work import Output, Steps, Work
    from entrakit.graph.client import Client, DeltaChanges

AT_ONCE = 100


class DeltaQuery(NamedTuple):
    """A delta query as the work of a command.

    Args:
        request: The request, without a position.
        session: File that stores the position.
        latest: Whether to begin now, without the existing objects.
        minimal: Whether to return changed properties only.
    """

    request: RequestOptions
    session: str
    latest: bool
    minimal: bool
    default: str = "ndjson"
    is_stream: bool = True

    def on(self, client: Client, output: Output) -> Work:
        """Return the work on a service, whose preview is the request that begins the query. Raises ParameterError."""
        if output.out and _same(output.out, self.session):
            raise ParameterError("--out-file and --session are the same file.", remedy="Use two different files.")
        note = "A session that has a position continues from there."
        return sending([self.request.to(client.service)], self._steps(client, output), note=note)

    def _steps(self, client: Client, output: Output) -> Steps:
        from entrakit.cli.output.progress import Progress

        context, request = output.context, self.request
        destination = open_destination(context, output.out)
        rows = _Rows(output, destination)
        try:
            session = DeliveredSession(self.session, rows, destination, is_whole=bool(output.out))
            with Progress(context, "changes", to_file=bool(output.out)) as progress:
                watched = client.watched(progress.waits)
                changes = watched.delta(
                    request.path, session=session, latest=self.latest, minimal=self.minimal,
                    headers=request.headers, **request.query,
                )  # fmt: skip
                count, removed = _write(output, changes, rows, destination, progress)
            rows.end()
            destination.finish()
            session.catch_up()
        except KeyboardInterrupt:
            return context.interrupted("the next run repeats the changes that were not delivered")
        finally:
            destination.close()
        prefix = f"{output.out}: " if output.out else ""
        yield f"{prefix}{count - removed:,} changed, {removed:,} removed."
        return 0


class _Rows:
    """The changes in the output format, each written at once, or, if the format has columns, some at a time.

    Args:
        output: Format and columns.
        destination: Destination of the changes.
    """

    def __init__(self, output: Output, destination: Destination) -> None:
        self._output = output
        self._destination = destination
        self._waiting: list[object] = []
        self._limit = AT_ONCE if output.format in COLUMNS else 1
        self._writer = self._new_writer()

    def add(self, change: object) -> None:
        """Write a change, now or with later ones."""
        self._waiting.append(change)
        if len(self._waiting) >= self._limit:
            self.flush()

    def flush(self) -> None:
        """Write the changes that wait."""
        if not self._waiting:
            return
        if self._limit == 1:
            from entrakit.services import decoding

            self._writer.add([decoding.encode(change) for change in self._waiting])
        else:
            self._writer.add(self._waiting)
        self._waiting = []

    def start_over(self) -> None:
        """Discard all changes: the file is empty again."""
        self._waiting = []
        self._writer = self._new_writer()

    def end(self) -> None:
        """Write the end of the result."""
        self.flush()
        self._writer.end()
        note_omitted(self._output.context, self._writer)

    def _new_writer(self) -> Writer:
        output = self._output
        return writer_for(output.format, self._destination, output.columns, width_of(output.context))


class DeliveredSession(DeltaSession):
    """A session whose position advances only after the changes before it were delivered.

    Args:
        path: Path of the session file.
        rows: Rows that were not written yet.
        destination: Destination of the changes.
        is_whole: Whether the destination, such as a file, is readable only when it is complete.
    """

    def __init__(self, path: str, rows: _Rows, destination: Destination, *, is_whole: bool) -> None:
        directory = os.path.dirname(absolute(path))
        if not os.path.isdir(directory):
            raise ExportError(
                f"{path} can't be written: the directory {directory} does not exist.",
                remedy="Create it, or name another file.",
            )
        super().__init__(path)
        self._rows = rows
        self._destination = destination
        self._is_whole = is_whole
        self._held: dict[str, str] = {}

    def keep(self, key: str, link: str) -> None:
        """Save the position of a query after its changes were delivered."""
        if self._is_whole:
            self._held[key] = link
            return
        self._rows.flush()
        self._destination.sync()
        super().keep(key, link)

    def catch_up(self) -> None:
        """Save the positions that waited for the destination to be complete."""
        for key, link in self._held.items():
            super().keep(key, link)


def _write(
    output: Output, changes: DeltaChanges, rows: _Rows, destination: Destination, progress: Progress
) -> tuple[int, int]:
    from entrakit.files.result import NewFile

    count = removed = 0
    is_reported, resyncs = False, 0
    for change in changes:
        if changes.is_resync and not is_reported:
            is_reported = True
            _report_resync(output.context, progress)
        if changes.resyncs > resyncs and isinstance(destination, NewFile):
            # The new objects include those from before the service started over.
            destination.start_over()
            rows.start_over()
            count = removed = 0
        resyncs = changes.resyncs
        rows.add(change)
        count += 1
        removed += "@removed" in change
        progress.reached(count)
    if changes.is_resync and not is_reported:
        _report_resync(output.context, progress)
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
    first, second = (os.path.realpath(absolute(path)) for path in (one, other))
    return first == second
