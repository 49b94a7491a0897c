"""Asking a person: secrets without echo, and never where nobody is there."""

from __future__ import annotations

from entrakit.errors import ParameterError
from entrakit.secret import Secret, without_line_break

TYPE_CHECKING = False
if TYPE_CHECKING:
    from entrakit.cli.context import Context

MAX_LINE = 64 * 1024


def ask_secret(context: Context, what: str, instead: str) -> Secret:
    """Return what a person types without echo.

    Args:
        context: Where to ask.
        what: What is asked for.
        instead: How to give it where nobody can type.

    Raises:
        ParameterError: Nobody is at the terminal.
    """
    if not context.is_terminal(context.streams.input):
        raise ParameterError(f"The {what} is missing, and nobody is at a terminal to type it.", remedy=instead)
    from getpass import getpass

    return Secret(getpass(f"{what[:1].upper()}{what[1:]}: ", context.streams.error), "prompt")


def read_secret(context: Context, what: str) -> Secret:
    """Return a secret from standard input, without one line break at its end.

    Raises:
        ParameterError: There is none.
    """
    text = without_line_break(context.streams.input.read(MAX_LINE))
    if not text:
        raise ParameterError(f"The {what} on standard input is empty.", remedy="Pipe it in: `… | entra connect …`.")
    return Secret(text, "stdin")


def ask_line(context: Context, question: str) -> str:
    """Return a line that a person types or pastes.

    Raises:
        ParameterError: The input is at its end.
    """
    print(question, end="", file=context.streams.error, flush=True)
    line = context.streams.input.readline(MAX_LINE)
    if not line:
        raise ParameterError("Nothing was pasted: the input is at its end.", remedy="Run it where you can paste.")
    return line


def confirm(context: Context, question: str) -> bool:
    """Return whether a person at the terminal says yes; anything else, and the end of the input, is a no.

    Args:
        context: Where to ask.
        question: What is asked, without the answers.
    """
    from entrakit.shown_text import on_terminal

    print(f"{on_terminal(question)} [y/N] ", end="", file=context.streams.error, flush=True)
    return context.streams.input.readline(MAX_LINE).strip().lower() in ("y", "yes")
