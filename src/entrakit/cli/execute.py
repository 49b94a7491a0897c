"""The one way to run a command that sends requests: preview, ask, send, print.

A command turns its options into a piece of work: one call (`output/single.py`), a whole collection
(`output/collection.py`), many calls in batches (`output/results.py`), or a delta query (`output/changes.py`). The work
knows its requests and how to write its result; everything else happens here, for all commands alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from entrakit.cli.options.connection import client_of
from entrakit.cli.options.output import Output, file_of
from entrakit.cli.options.query import columns_of
from entrakit.cli.output.formats import format_of, refuse_table_file
from entrakit.connections import get_connection

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from entrakit.cli.context import Context
    from entrakit.graph.client import Client
    from entrakit.services.operation import Request


class Work(Protocol):
    """The work of one command, as a value. Nothing has been sent."""

    @property
    def default(self) -> str:
        """Output format if nothing else decides."""
        ...

    @property
    def is_stream(self) -> bool:
        """Whether the objects stay one per line with `--json`."""
        ...

    @property
    def is_many(self) -> bool:
        """Whether the preview is a list, even of one request."""
        ...

    @property
    def note(self) -> str:
        """Message after the preview; empty for none."""
        ...

    def requests(self, client: Client, output: Output) -> Sequence[Request]:
        """Return the requests that are known before anything is sent. Raises ParameterError."""
        ...

    def run(self, client: Client, output: Output) -> int:
        """Send the requests, write the result, and return the exit code."""
        ...


def execute(options: argparse.Namespace, context: Context, work: Work) -> int:
    """Preview the work of a command, or ask the user if it writes something, send it, and print its result.

    Args:
        options: Options of the command: those of `add_target`, `add_output` and `add_sending`.
        context: Context of the command.
        work: The work.

    Returns:
        The exit code.
    """
    out = file_of(options)
    by_json = context._replace(as_json=False) if work.is_stream else context
    output = Output(context, format_of(options.output, by_json, out, work.default), out, tuple(columns_of(options)))
    refuse_table_file(output.format, out)
    with get_connection(options.name, vault=context.open_vault()) as connection:
        client = client_of(options, connection)
        requests = work.requests(client, output)
        if options.what_if or any(not request.is_safe for request in requests):
            from entrakit.cli.options.confirm import DECLINED, may_send, preview

            if options.what_if:
                code = preview(context, requests, as_list=work.is_many)
                if work.note:
                    context.info(work.note)
                return code
            if not may_send(context, requests, yes=options.yes):
                return DECLINED
        return work.run(client, output)
