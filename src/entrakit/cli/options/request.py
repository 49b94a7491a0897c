"""The options of one request, checked, and the format and destination of its result."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from entrakit.cli.context import Context
    from entrakit.graph.client import Client
    from entrakit.services.odata import Query


class RequestOptions(NamedTuple):
    """Options of a request.

    Args:
        context: Context of the command.
        client: Client of the service.
        path: The address.
        headers: Header fields.
        query: Query options.
        format: Output format: `json`, `ndjson`, `csv` or `table`.
        columns: Properties to print as columns; empty for all of them.
        out: Name of a file; None for standard output.
    """

    context: Context
    client: Client
    path: str
    headers: dict[str, str]
    query: Query
    format: str
    columns: tuple[str, ...]
    out: str | None
