"""Export of a collection to a file, one JSON object per line (NDJSON), without parsing the objects.

An `Export` knows which listings remain and how much was written; the clients only loop. It continues an earlier run
that was interrupted, if that was for the same query and tenant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from entrakit.errors import GraphError, UnexpectedAnswerError
from entrakit.files.resumable import ResumableFile
from entrakit.graph.ranges import RangedListing, ranged_listing
from entrakit.services import decoding
from entrakit.services.listing import Listing, listing
from entrakit.services.request import headers_key

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from entrakit.services.jobs import Job
    from entrakit.services.listing import NumberedPage
    from entrakit.services.odata import Query
    from entrakit.services.operation import Operation
    from entrakit.services.service import Service

# Status of the response if the service no longer knows the link of an interrupted run.
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
        file: File for the lines.
        tenant: Tenant of the connection.
        headers: Header fields.
        query: Query options.
        parallel: Number of pages to read at the same time.
        on_page: Called after each page with the number of objects so far, and the number of all if it is known.

    Raises:
        ParameterError: A part of the query is invalid.
        ExportError: The file can't be written, or another process is writing it.
    """

    def __init__(
        self,
        service: Service,
        path: str,
        file: str | os.PathLike[str],
        *,
        tenant: str,
        headers: Mapping[str, str] | None,
        query: Query,
        parallel: int,
        on_page: Callable[[int, int | None], None] | None,
    ) -> None:
        self._ranges: RangedListing[decoding.Raw] | None = None
        if parallel > 1:
            self._ranges = ranged_listing(service, path, decoding.Raw, headers, query, at_once=parallel)
        if self._ranges is None:
            self._whole = listing(service, path, decoding.Raw, headers, query)
        else:
            self._whole = self._ranges.whole()
        self._first = self._whole.position or ""
        self.at_once = parallel if self._ranges else 1
        self._on_page = on_page
        self._file = ResumableFile(file, f"{tenant} {parallel > 1} {self._first} {headers_key(headers)}".rstrip())
        self._resumed = self._file.checkpoint.lines
        self._is_resumed = bool(self._file.checkpoint.links)
        self._links: dict[int, tuple[str, str]] = {}
        self._total = self._file.checkpoint.total
        self._is_verified = False

    def begin(self) -> Iterable[Job[decoding.Raw] | None] | None:
        """Return the jobs, as for `Queue`: the rest of an earlier run, or the whole collection.

        None if an earlier run has read everything.
        """
        checkpoint = self._file.checkpoint
        if checkpoint.lines and not checkpoint.links:
            return None
        if checkpoint.links:
            if self._ranges is not None:
                ids = (decoding.id_of(decoding.Raw(line)) for line in self._file.lines())
                self._ranges.remember(ids, checkpoint.total)
            try:
                return self._started([self._continued_at(first, following) for first, following in checkpoint.links])
            except UnexpectedAnswerError:
                # A checkpoint that names other hosts was not written by an export.
                self._forget()
        return self._started([self._whole]) if self._ranges is None else self._ranged(self._ranges)

    def add(self, one: NumberedPage[decoding.Raw]) -> None:
        """Write a page. Raises ExportError."""
        page, number = one.page, one.number
        if one.position is None:
            return
        # The total of a range is not that of the collection.
        if self._ranges is not None:
            self._total = self._ranges.expected
        elif page.total is not None:
            self._total = page.total
        items = page.items if self._ranges is None else self._ranges.unseen(page.items)
        if one.position:
            self._links[number] = (self._links[number][0], one.position)
        else:
            del self._links[number]
        links = list(self._links.values())
        if self._ranges is not None:
            links += [(one, one) for one in self._ranges.unread()]
        if not links and self._ranges is not None and not self._is_verified:
            # If the run is interrupted before the number is verified, the next one reads the whole collection.
            links = [(self._first, self._first)]
        self._file.add(lines_of(items), len(items), links, self._total)
        if self._on_page is not None:
            self._on_page(self._file.checkpoint.lines, self._total if self._total >= 0 else None)

    def rest(self) -> Operation[list[Listing[decoding.Raw]] | None]:
        """Return the listing to read at the end: the whole collection if the ranges are incomplete; else None."""
        if self._ranges is None or self._is_verified:
            return None
        self._is_verified = True
        if (yield from self._ranges.is_complete()):
            return None
        return self._started([self._ranges.whole()])

    def begin_again(self, error: GraphError) -> list[Listing[decoding.Raw]]:
        """Return the listing to read if the service no longer knows the links of an earlier run; else raise `error`."""
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
        if self._ranges is not None:
            self._ranges.forget()

    def _continued_at(self, first: str, following: str) -> Listing[decoding.Raw]:
        resumed: Listing[decoding.Raw] = self._whole.like(first)
        resumed.continue_at(following)
        return resumed

    def _ranged(self, ranges: RangedListing[decoding.Raw]) -> Iterator[Job[decoding.Raw] | None]:
        """Yield the jobs of ranges, and note the listings among them."""
        number = 0
        for job in ranges.jobs():
            if isinstance(job, Listing):
                self._links[number] = (job.position or "", job.position or "")
                number += 1
            yield job

    def _started(self, listings: list[Listing[decoding.Raw]]) -> list[Listing[decoding.Raw]]:
        self._links = {number: (one.position or "", one.position or "") for number, one in enumerate(listings)}
        return listings


def lines_of(items: list[decoding.Raw]) -> bytes:
    """Return objects of pages, which are one line each, with the end of each line."""
    return b"\n".join([*items, b""])
