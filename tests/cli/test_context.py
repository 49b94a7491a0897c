"""Streams and messages of a command."""

from __future__ import annotations

import io
import json

import pytest
from tests.cli.conftest import Terminal

from entrakit.cli.context import Context, Streams, allows_color
from entrakit.shown_text import on_terminal


def test_a_closed_stream_is_no_terminal() -> None:
    """
    A closed stream is not a terminal.
    """
    closed = io.StringIO()
    closed.close()

    assert not Context(Streams(closed, closed, closed), {}).is_terminal(closed)


def context(*, terminal: bool = True, as_json: bool = False, quiet: bool = False, color: bool = True) -> Context:
    """Return a context with streams in memory, on a terminal or not."""
    kind = Terminal if terminal else io.StringIO
    return Context(Streams(kind(), kind(), kind()), {}, as_json=as_json, quiet=quiet, color=color)


def printed(one: Context) -> str:
    """Return the content of standard error."""
    assert isinstance(one.streams.error, io.StringIO)
    return one.streams.error.getvalue()


@pytest.mark.parametrize(
    ("name", "colored"),
    [
        ("Error", "\x1b[1;31mError:\x1b[0m"),
        ("Warning", "\x1b[33mWarning:\x1b[0m"),
        ("Note", "\x1b[36mNote:\x1b[0m"),
    ],
)
def test_labels_have_colours_on_a_terminal_only(name: str, colored: str) -> None:
    """
    Errors, warnings and notes each have their own label and colour; a pipe and --no-color get no colour.
    """
    assert colored == context().label(name)
    assert f"{name}:" == context(terminal=False).label(name)
    assert f"{name}:" == context(color=False).label(name)


def test_messages_go_to_standard_error() -> None:
    """
    Information has no label, notes and warnings have theirs; control characters are replaced.
    """
    one = context(terminal=False)
    one.info("Done\x1b[2J.")
    one.note("this is new.")
    one.warn("This is old.")

    assert "Done\N{REPLACEMENT CHARACTER}[2J.\nNote: this is new.\nWarning: This is old.\n" == printed(one)


@pytest.mark.parametrize("one", [context(quiet=True), context(as_json=True)])
def test_quiet_and_json_silence_messages(one: Context) -> None:
    """
    With --quiet, and for a program that reads JSON, there are no messages.
    """
    one.info("Done.")
    one.note("this is new.")
    one.warn("This is old.")

    assert "" == printed(one)


@pytest.mark.parametrize(
    ("environ", "no_color", "expected"),
    [
        ({}, False, True),
        ({}, True, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, False, True),
        ({"TERM": "dumb"}, False, False),
        ({"TERM": "xterm"}, False, True),
    ],
)
def test_colour_is_allowed_unless_refused(environ: dict[str, str], no_color: bool, expected: bool) -> None:
    """
    NO_COLOR, --no-color and a dumb terminal refuse colour (https://no-color.org).
    """
    assert expected == allows_color(environ, no_color=no_color)


def test_colour_on_windows_needs_its_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The old console of Windows prints escape sequences as they are, so it gets none.
    """
    monkeypatch.setattr("sys.platform", "win32")

    assert not allows_color({}, no_color=False)
    assert allows_color({"WT_SESSION": "1"}, no_color=False)


def test_an_interruption_has_its_exit_code() -> None:
    """
    The message says what the interruption means, as JSON for a program; the exit code is that of the shells.
    """
    plain, program = context(terminal=False), context(as_json=True)

    assert (130, 130) == (plain.interrupted("nothing was saved"), program.interrupted("nothing was saved"))
    assert "\nInterrupted; nothing was saved.\n" == printed(plain)
    assert {"kind": "Interrupted", "problem": "Interrupted; nothing was saved.", "exit_code": 130} == json.loads(
        printed(program)
    )["error"]


@pytest.mark.parametrize("text", ["plain", "two\nlines\tand a tab", "Grüße, 東京"])
def test_printable_text_stays(text: str) -> None:
    """
    Letters of any script, tabs and line breaks are shown as they are.
    """
    assert text == on_terminal(text)


@pytest.mark.parametrize("text", ["\x1b", "\x07", "\r", "\x9b", "\x7f", "\u202e", "\u2066", "\ud800"])
def test_what_a_terminal_obeys_is_replaced(text: str) -> None:
    """
    Control sequences and bidi controls never reach the terminal.
    """
    assert "a\N{REPLACEMENT CHARACTER}b" == on_terminal(f"a{text}b")
