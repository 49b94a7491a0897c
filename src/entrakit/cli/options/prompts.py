"""Prompts: secrets without echo, lines and confirmations; never without a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.errors import ParameterError
from entrakit.secret import Secret, without_line_break

if TYPE_CHECKING:
    from entrakit.cli.context import Context

MAX_LINE = 64 * 1024


def ask_secret(context: Context, what: str, instead: str) -> Secret:
    """Return a secret that the user types without echo.

    Args:
        context: Context of the command.
        what: Name of the secret.
        instead: Remedy if there is no terminal.

    Raises:
        ParameterError: Standard input is not a terminal.
    """
    if not context.is_terminal(context.streams.input):
        raise ParameterError(f"The {what} is missing, and there is no terminal to ask for it.", remedy=instead)
    from getpass import getpass

    return Secret(getpass(f"{what[:1].upper()}{what[1:]}: ", context.streams.error), "prompt")


def read_secret(context: Context, what: str) -> Secret:
    """Return a secret from standard input, without one line break at its end.

    Args:
        context: Context of the command.
        what: Name of the secret.

    Raises:
        ParameterError: Standard input is empty.
    """
    text = without_line_break(context.streams.input.read(MAX_LINE))
    if not text:
        raise ParameterError(f"The {what} on standard input is empty.", remedy="Pipe it in: `… | entra connect …`.")
    return Secret(text, "stdin")


def ask_line(context: Context, question: str) -> str:
    """Return a line that the user types or pastes.

    Raises:
        ParameterError: Standard input ends.
    """
    print(question, end="", file=context.streams.error, flush=True)
    line = context.streams.input.readline(MAX_LINE)
    if not line:
        print(file=context.streams.error)
        raise ParameterError(
            "Nothing was pasted: standard input has ended.", remedy="Run the command in a terminal where you can paste."
        )
    return line


def confirm(context: Context, question: str) -> bool:
    """Return whether the user answers yes. Any other answer, and the end of the input, means no.

    Args:
        context: Context of the command.
        question: The question, without the answers.
    """
    from entrakit.shown_text import on_terminal

    print(f"{on_terminal(question)} [y/N] ", end="", file=context.streams.error, flush=True)
    return context.streams.input.readline(MAX_LINE).strip().lower() in ("y", "yes")
