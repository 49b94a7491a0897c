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


def describe_span(seconds: float) -> str:
    """Return a span of time as people say it: `58 min`, `2 h`, `3 days`; with `ago` if it is over."""
    size = abs(seconds)
    for unit, length in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if size >= 2 * length or (unit == "min" and size >= 60):
            text = f"{size / length:.0f} {unit}"
            break
    else:
        text = f"{size:.0f} s"
    return f"{text} ago" if seconds < 0 else text


def utc(seconds: float) -> str:
    """Return a moment as people read it, in UTC."""
    import time

    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))
