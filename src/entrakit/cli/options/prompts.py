"""Prompts: secrets without echo, lines and confirmations, never without a terminal; and what a sign-in shows."""

from __future__ import annotations

from contextlib import suppress
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
        ParameterError: Standard input is not a terminal, or ends; or the input is not text.
    """
    if not context.is_terminal(context.streams.input):
        raise ParameterError(f"The {what} is missing, and there is no terminal to ask for it.", remedy=instead)
    from getpass import getpass

    # If standard error is redirected, the prompt goes to the terminal itself.
    stream = context.streams.error if context.is_terminal(context.streams.error) else None
    reason = "was not typed: the input has ended"
    try:
        return Secret(getpass(f"{what[:1].upper()}{what[1:]}: ", stream), "prompt")
    except EOFError:
        pass
    except UnicodeDecodeError as error:
        reason = f"is not {error.encoding.upper()} text"
    # Raised here, so that the error has no context: a UnicodeDecodeError contains what was typed.
    print(file=context.streams.error)
    raise ParameterError(f"The {what} {reason}.", remedy=f"Type it again. {instead}")


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

    PowerShell 5.1 pipes UTF-16 if `$OutputEncoding` says so, with or without a byte order mark, and `cmd /u` without.
    """
    data = stream.buffer.read(MAX_LINE + 1) if hasattr(stream, "buffer") else stream.read(MAX_LINE + 1).encode()
    if len(data) > MAX_LINE:
        raise ParameterError(f"The {what} on standard input is too large.", remedy="Is it the right input?")
    encoding = _utf16_of(data)
    has_nulls = not encoding and b"\0" in data
    with suppress(UnicodeDecodeError):
        if not has_nulls:
            return data.decode(encoding or "utf-8")
    reason = ": it contains null bytes, as UTF-16 without a byte order mark does" if has_nulls else ""
    raise ParameterError(
        f"The {what} on standard input is not UTF-8 text{reason}.",
        remedy="Give it as UTF-8. In PowerShell, set `$OutputEncoding = [Text.UTF8Encoding]::new()`.",
    )


def _utf16_of(data: bytes) -> str:
    """Return the name of the encoding if bytes are text in UTF-16; empty for any other bytes.

    No secret has a null character. So if every second byte, and no other, is null, then the bytes are UTF-16 without a
    byte order mark.
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    first, second = data[::2], data[1::2]
    if len(data) % 2 or not data:
        return ""
    if all(first) and not any(second):
        return "utf-16-le"
    return "utf-16-be" if all(second) and not any(first) else ""


def ask_line(
    context: Context,
    question: str,
    *,
    nothing: str = "Nothing was pasted",
    remedy: str = "Run the command in a terminal where you can paste.",
) -> str:
    """Return a line that the user types or pastes.

    Args:
        context: Context of the command.
        question: The question, with a space at its end.
        nothing: Clause for the error if standard input ends.
        remedy: Remedy for that error.

    Raises:
        ParameterError: Standard input ends.
    """
    print(question, end="", file=context.streams.error, flush=True)
    line = context.streams.input.readline(MAX_LINE)
    if not line:
        print(file=context.streams.error)
        raise ParameterError(f"{nothing}: standard input has ended.", remedy=remedy)
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


def offer_code(context: Context) -> None:
    """Name the options that sign in on another device, because no browser could be opened."""
    context.ask(
        "No browser can be opened here. To sign in with a code on another device, end this command, and run it again "
        "with --device-code; --browser-or-device-code does so wherever no browser opens.\n"
    )


def report_passed_over(place: str, reason: str, context: Context) -> None:
    """Report a place without a way to sign in."""
    context.note(f"passed over: {place}: {reason}")


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
