"""Results of commands that send no requests: printed for the user, or in an output format."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from entrakit.cli.options.output import file_of
from entrakit.cli.output.destination import open_destination
from entrakit.cli.output.formats import format_of, refuse_table_file, write_value

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from entrakit.cli.context import Context


class Rows(NamedTuple):
    """A result as a table for the user.

    Args:
        headings: Headings of the columns.
        cells: Cells of each row.
    """

    headings: Sequence[str]
    cells: Sequence[Sequence[str]]


def show(
    context: Context,
    options: argparse.Namespace,
    value: object,
    print_text: Callable[[], None] | None = None,
    rows: Rows | None = None,
) -> None:
    """Print a result in the format that the options select.

    Args:
        context: Context of the command.
        options: Options of the command, with those of `add_output`.
        value: The result for programs: a dict or a list of dicts.
        print_text: Prints the result for the user, without an output format; None if it is `rows`, or else nothing.
        rows: The result as a table; None if its columns are the properties of the objects.

    Raises:
        ParameterError: A table can't be written to a file.
        ExportError: The file can't be written.
    """
    out = file_of(options)
    form = format_of(options.output, context, out, "json" if out else "text")
    refuse_table_file(form, out)
    if form == "text":
        if print_text is not None:
            print_text()
        elif rows is not None:
            _write_rows(context, rows)
        return
    is_terminal = context.is_terminal(context.streams.output)
    if form == "table" and rows is not None:
        if is_terminal:
            _write_rows(context, rows)
            return
        value = [dict(zip(rows.headings, cells, strict=True)) for cells in rows.cells]
    destination = open_destination(context, out)
    try:
        write_value(destination, form, value, rows.headings if rows and form == "table" else (), WIDE)
        destination.finish()
    finally:
        destination.close()
    if out:
        context.info(f"{out} was written.")


# A table in a pipe is as wide as it needs to be.
WIDE = 10_000


def _write_rows(context: Context, rows: Rows) -> None:
    from entrakit.cli.output.tables import write_table

    write_table(context, rows.headings, rows.cells)
