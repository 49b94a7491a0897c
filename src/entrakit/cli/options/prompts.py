"""Prompts: secrets without echo, lines and confirmations, never without a terminal; and what a sign-in shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.errors import ParameterError
from entrakit.secret import Secret, cleaned

if TYPE_CHECKING:
    from typing import TextIO

    from entrakit.cli.context import Context
    from entrakit.sign_in.flows.devicecode import DeviceCode

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
    """Return a secret from standard input, without a byte order mark and one line break at its end.

    Args:
        context: Context of the command.
        what: Name of the secret.

    Raises:
        ParameterError: Standard input is empty, too large, or not text.
    """
    text = cleaned(_all_of(context.streams.input, what))
    if not text:
        raise ParameterError(f"The {what} on standard input is empty.", remedy="Pipe it in: `… | entra …`.")
    return Secret(text, "stdin")


def _all_of(stream: TextIO, what: str) -> str:
    """Return the whole input. The bytes of a pipe are decoded here, since their encoding does not depend on the system.

    PowerShell 5.1 pipes UTF-16 if `$OutputEncoding` says so.
    """
    data = stream.buffer.read(MAX_LINE + 1) if hasattr(stream, "buffer") else stream.read(MAX_LINE + 1).encode()
    if len(data) > MAX_LINE:
        raise ParameterError(f"The {what} on standard input is too large.", remedy="Is it the right input?")
    try:
        return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8")
    except UnicodeDecodeError:
        raise ParameterError(
            f"The {what} on standard input is not UTF-8 text.",
            remedy="In PowerShell, set `$OutputEncoding = [Text.UTF8Encoding]::new()`.",
        ) from None


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


def show_code(code: DeviceCode, context: Context) -> None:
    """Show a device code."""
    context.ask(str(code))


def show_link(url: str, port: int, context: Context) -> None:
    """Show the link of a sign-in, and the command that forwards its port over SSH."""
    from entrakit.sign_in.system_browser import ssh_forward_line

    context.ask(f"Open this link in a browser to sign in:\n\n  {url}\n")
    line = ssh_forward_line(port, context.environ)
    if line:
        context.ask(f"Over SSH, first run this on your own machine:\n\n  {line}\n")


def read_address(url: str, context: Context) -> str:
    """Return the address of the last page of a sign-in, which the user pastes. Raises ParameterError."""
    context.ask(f"Open this link in a browser to sign in:\n\n  {url}\n")
    return ask_line(context, "The browser then can't open its last page. Paste the address of that page: ")
