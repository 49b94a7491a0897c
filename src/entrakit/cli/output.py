"""Tables: drawn for a terminal, tab-separated for a pipe."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrakit.cli.context import Context

STYLES = {"fresh": "green", "stale": "yellow", "expired": "red", "damaged": "red", "ok": "green", "failed": "red"}


def give_table(context: Context, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write rows as the result.

    Args:
        context: Where to write.
        columns: Headings.
        rows: Cells, as texts.
    """
    stream = context.streams.output
    if not context.is_terminal(stream):
        for row in (columns, *rows):
            context.give("\t".join(" ".join(cell.split()) for cell in row))
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold" if context.color else "")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell, style=STYLES.get(cell.partition(" ")[0], "")) for cell in row))
    Console(file=stream, no_color=not context.color, highlight=False, soft_wrap=False).print(table)
