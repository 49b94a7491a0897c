"""Tables of a command: for reading on a terminal, tab-separated in a pipe."""

from __future__ import annotations

import io

import pytest
from tests.cli.conftest import Terminal

from entrakit.cli.context import Context, Streams
from entrakit.cli.output.tables import short, write_table

GUID = "aaaaaaaa-2222-3333-4444-555555555555"


def table(*, terminal: bool, color: bool = True) -> str:
    """Return a table of two rows."""
    kind = Terminal if terminal else io.StringIO
    output = kind()
    context = Context(Streams(kind(), output, kind()), {}, color=color)
    write_table(context, ("NAME", "TOKEN"), [("work", "fresh (58 min)"), ("two\nlines\x1b[2J", "expired")])
    return output.getvalue()


def test_a_pipe_gets_lines_with_tabs() -> None:
    """
    One line for each row, cells separated by tabs, line breaks and control characters replaced.
    """
    assert "NAME\tTOKEN\nwork\tfresh (58 min)\ntwo lines\N{REPLACEMENT CHARACTER}[2J\texpired\n" == table(
        terminal=False
    )


@pytest.mark.parametrize("color", [True, False])
def test_a_terminal_gets_columns(color: bool) -> None:
    """
    Columns are aligned, states have a colour if colour is allowed, and no cell controls the terminal.
    """
    shown = table(terminal=True, color=color)

    assert "\x1b[2J" not in shown
    assert "fresh (58 min)" in shown
    assert color == ("\x1b[32mfresh" in shown)


@pytest.mark.parametrize(("text", "expected"), [(GUID, "aaaaaaaa…"), ("ada@contoso.com", "ada@contoso.com")])
def test_ids_are_short_on_a_terminal(text: str, expected: str) -> None:
    """
    A GUID is shortened for a user at a terminal, and whole for a program.
    """
    terminal = Context(Streams(Terminal(), Terminal(), Terminal()), {})
    pipe = Context(Streams(io.StringIO(), io.StringIO(), io.StringIO()), {})

    assert expected == short(text, terminal)
    assert text == short(text, pipe)
