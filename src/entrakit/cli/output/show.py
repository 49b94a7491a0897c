"""Results of commands that send no requests, in an output format or in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.cli.options.output import FORMATS
from entrakit.cli.output.destination import open_destination
from entrakit.cli.output.formats import write_value

if TYPE_CHECKING:
    from entrakit.cli.work import Output, Result

# A table in a pipe is as wide as it needs to be.
WIDE = 10_000


def write_result(result: Result, output: Output) -> None:
    """Write a result in an output format; or its text, if it is for programs, to a file.

    Args:
        result: The result.
        output: Format and destination.

    Raises:
        ExportError: The file can't be written.
    """
    context, value, table = output.context, result.value, result.table
    if output.format == "table" and table is not None:
        if context.is_terminal(context.streams.output):
            from entrakit.cli.output.tables import write_table

            write_table(context, table.headings, table.cells)
            return
        value = [dict(zip(table.headings, cells, strict=True)) for cells in table.cells]
    destination = open_destination(context, output.out)
    try:
        if output.format in FORMATS:
            write_value(
                destination, output.format, value, table.headings if table and output.format == "table" else (), WIDE
            )
        else:
            destination.write("".join(f"{part}\n" for part in result.text if isinstance(part, str)).encode())
        destination.finish()
    finally:
        destination.close()
