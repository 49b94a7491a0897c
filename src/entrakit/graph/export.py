"""Export of a collection to a file, one JSON object per line (NDJSON), without parsing the objects.

An `Export` decides which pages are read and writes them; the clients only loop. It continues where an earlier run was
interrupted, if that was for the same query and tenant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from entrakit.errors import GraphError, UnexpectedAnswerError
from entrakit.files.resumable import ResumableFile
from entrakit.graph.ranges import Partition, partition
from entrakit.services import decoding
from entrakit.services.listing import Listing, listing
from entrakit.services.request import told_by

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping

    from entrakit.services.listing import Fetched
    from entrakit.services.odata import Query
    from entrakit.services.operation import Operation
    from entrakit.services.service import Service

# Status of the response to a link of an interrupted run that the service has forgotten.
_FORGOTTEN = (400, 404, 410)


class ExportResult(NamedTuple):
    """Result of an export.

    Args:
        written: Number of objects in the file.
        resumed: Number of them that an earlier, interrupted run had written.
    """

    written: int
    resumed: int = 0


# The name of version 0.1.
Exported = ExportResult


class Export:
    """The state of an export.

    Args:
        service: The service.
        path: Path of the collection.
        file: The result file.
        tenant: The tenant.
        headers: Header fields.
        query: Query options.
        parallel: Number of pages to read at once.
        on_page: Called after each page with the number of objects so far, and in all if that is known.

    Raises:
        ParameterError: The query is invalid.
        ExportError: The file can't be written, or another process writes it.
    """

    def __init__(
        self, service: Service, path: str, file: str | os.PathLike[str], *, tenant: str,
        headers: Mapping[str, str] | None, query: Query, parallel: int,
        on_page: Callable[[int, int | None], None] | None,
    ) -> None:  # fmt: skip
        self._partition: Partition[decoding.Raw] | None = None
        if parallel > 1:
            self._partition = partition(service, path, decoding.Raw, headers, query, at_once=parallel)
        if self._partition is None:
            self._whole = listing(service, path, decoding.Raw, headers, query)
        else:
            self._whole = self._partition.whole()
        self._first = self._whole.position or ""
        self.at_once = parallel if self._partition else 1
        self._on_page = on_page
        self._file = ResumableFile(file, f"{tenant} {parallel > 1} {self._first} {told_by(headers)}".rstrip())
        self._resumed = self._file.checkpoint.lines
        self._is_resumed = bool(self._file.checkpoint.links)
        self._links: dict[int, tuple[str, str]] = {}
        self._total = self._file.checkpoint.total
        self._is_verified = False

    def begin(self) -> Operation[list[Listing[decoding.Raw]]]:
        """Return the listings to read: those that an earlier run left, or all.

        Raises:
            EntraError: The collection can't be counted, which reading in ranges requires.
        """
        checkpoint = self._file.checkpoint
        if checkpoint.lines and not checkpoint.links:
            return []
        if checkpoint.links:
            if self._partition is not None:
                ids = (decoding.id_of(decoding.Raw(line)) for line in self._file.lines())
                self._partition.remember(ids, checkpoint.total)
            try:
                return self._started([self._continued_at(first, following) for first, following in checkpoint.links])
            except UnexpectedAnswerError:
                # A checkpoint that names other hosts was not written by an export.
                self._forget()
        if self._partition is not None:
            listings = yield from self._partition.plan()
            self._total = self._partition.expected
            if listings:
                return self._started(listings)
            # The collection can't be split, or is too small for it.
            self._is_verified = True
        return self._started([self._whole])

    def take(self, fetched: Fetched[decoding.Raw]) -> None:
        """Write a page. Raises ExportError."""
        page, place = fetched.page, fetched.place
        if fetched.position is None:
            return
        # The total of a range is not that of the collection.
        if page.total is not None and self._partition is None:
            self._total = page.total
        items = page.items if self._partition is None else self._partition.unseen(page.items)
        if fetched.position:
            self._links[place] = (self._links[place][0], fetched.position)
        else:
            del self._links[place]
        links = list(self._links.values())
        if not links and self._partition is not None and not self._is_verified:
            # Until the ranges are verified, an interrupted run continues with the whole collection.
            links = [(self._first, self._first)]
        self._file.add(lines_of(items), len(items), links, self._total)
        if self._on_page is not None:
            self._on_page(self._file.checkpoint.lines, self._total if self._total >= 0 else None)

    def rest(self) -> Operation[list[Listing[decoding.Raw]]]:
        """Return the listings that are still to read after all others: the whole, if the ranges turn out incomplete."""
        if self._partition is None or self._is_verified:
            return []
        self._is_verified = True
        if (yield from self._partition.is_complete()):
            return []
        return self._started([self._partition.whole()])

    def begin_again(self, error: GraphError) -> list[Listing[decoding.Raw]]:
        """Return the listings to read if the service has forgotten the links of an earlier run; else raise `error`."""
        if not self._is_resumed or error.status not in _FORGOTTEN:
            raise error
        self._forget()
        return self._started([self._whole])

    def finish(self) -> ExportResult:
        """Put the file in its place. Raises ExportError."""
        self._file.finish()
        return ExportResult(self._file.checkpoint.lines, self._resumed)

    def close(self) -> None:
        """Release the file; what was written stays for another run."""
        self._file.close()

    def _forget(self) -> None:
        self._file.start_over()
        self._resumed = 0
        self._is_resumed = False
        if self._partition is not None:
            self._partition.forget()

    def _continued_at(self, first: str, following: str) -> Listing[decoding.Raw]:
        resumed: Listing[decoding.Raw] = self._whole.like(first)
        resumed.go_on_at(following)
        return resumed

    def _started(self, listings: list[Listing[decoding.Raw]]) -> list[Listing[decoding.Raw]]:
        self._links = {place: (one.position or "", one.position or "") for place, one in enumerate(listings)}
        return listings


def lines_of(items: list[decoding.Raw]) -> bytes:
    """Return objects as lines of JSON; an object that the service broke into several lines becomes one."""
    if not items:
        return b""
    joined = b"\n".join(items)
    if joined.count(b"\n") != len(items) - 1:
        joined = b"\n".join(decoding.compact(item) for item in items)
    return joined + b"\n"
