"""Tables of a command: with columns on a terminal, tab-separated in a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.live import Live

    from entrakit.cli.context import Context

_BAD = dict.fromkeys(("expired", "damaged", "unreadable", "failed"), "red")
STYLES = {"fresh": "green", "stale": "yellow", "ok": "green", **_BAD}


def short(text: str, context: Context) -> str:
    """Shorten a GUID if standard output is a terminal. Other strings stay as they are."""
    is_guid = len(text) == 36 and text.count("-") == 4
    return f"{text[:8]}…" if is_guid and context.is_terminal(context.streams.output) else text


def write_table(context: Context, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write rows as the result.

    Args:
        context: Context of the command.
        columns: Headings.
        rows: Cells.
    """
    from entrakit.shown_text import on_terminal

    stream = context.streams.output
    rows = [tuple(on_terminal(cell) for cell in row) for row in rows]
    if not context.is_terminal(stream):
        for row in (columns, *rows):
            context.write("\t".join(" ".join(cell.split()) for cell in row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold" if context.color else "")
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=len(columns) > 3 and column not in ("RESULT", "ACCOUNT"))
    for row in rows:
        table.add_row(*(Text(cell, style=STYLES.get(cell.partition(" ")[0], "")) for cell in row))
    Console(file=stream, no_color=not context.color, highlight=False, soft_wrap=False).print(table)


def open_line(context: Context, text: Callable[[], str]) -> Live:
    """Show a line on standard error, updated four times a second until it is stopped.

    Args:
        context: Context of the command.
        text: Function that returns the current content of the line.
    """
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    from entrakit.shown_text import on_terminal

    def line() -> Text:
        return Text(on_terminal(text()), no_wrap=True, overflow="ellipsis", style="dim" if context.color else "")

    console = Console(file=context.streams.error, no_color=not context.color, highlight=False)
    live = Live(
        get_renderable=line, console=console, refresh_per_second=4, transient=True,
        redirect_stdout=False, redirect_stderr=False,
    )  # fmt: skip
    live.start()
    return live
