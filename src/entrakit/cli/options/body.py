"""The body of a request: typed, from a file, or from standard input; checked before anything is sent, never shown."""

from __future__ import annotations

import json

from entrakit.errors import ParameterError
from entrakit.http import message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn, TextIO

    from entrakit.cli.context import Context


def read_body(context: Context, text: str, content_type: str) -> bytes:
    """Return what is to be sent.

    Args:
        context: Where standard input is.
        text: What was typed: the body, `@FILE`, or `-`.
        content_type: The `content-type` header that was given; empty for JSON.

    Raises:
        ParameterError: The file can't be read, or it is no JSON where it should be. What it holds is not repeated.
    """
    data = _data(context, text)
    if is_json(content_type) and not data.strip():
        raise ParameterError("The body is empty.", remedy="Write JSON, such as {}, or leave --body out.")
    return as_json(data, "The body") if is_json(content_type) else data


def is_json(content_type: str) -> bool:
    """Return whether a content type is one of JSON; an empty one stands for it."""
    kind = message.media_type(content_type)
    return not kind or message.is_json(kind)


def as_json(data: bytes, what: str) -> bytes:
    """Return JSON text in UTF-8, whatever its encoding was.

    Args:
        data: The text; with or without a byte order mark.
        what: What it is, for the error.

    Raises:
        ParameterError: It is no JSON.
    """
    try:
        decoded = text_of(data)
        json.loads(decoded, parse_constant=_refuse_constant, object_pairs_hook=unique)
    except ParameterError:
        raise
    except json.JSONDecodeError as error:
        raise ParameterError(
            f"{what} is no JSON: see line {error.lineno}, column {error.colno}.",
            remedy="Mend it; a shell may have eaten its quotes. Try --body @FILE.",
        ) from None
    except (ValueError, RecursionError):
        raise ParameterError(f"{what} is no JSON.", remedy="Mend it, and write it in UTF-8.") from None
    return decoded.encode()


def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object of JSON. Raises ParameterError if it has a name twice: one of the values would be lost."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ParameterError("A JSON object has a name twice.", remedy="Leave one of them out.")
    return found


def text_of(data: bytes) -> str:
    """Return the text of a JSON file: UTF-8, or UTF-16 as Windows PowerShell writes it. Raises ValueError."""
    text = data.decode(json.detect_encoding(data))
    text.encode()
    return text


def read_input(context: Context, file: str, what: str) -> bytes:
    """Return what a file holds; `-` is standard input.

    Args:
        context: Where standard input is.
        file: Its name.
        what: What it is, for the error.

    Raises:
        ParameterError: It can't be read.
    """
    if file == "-":
        return _all_of(context.streams.input)
    try:
        with open(file, "rb") as opened:
            return opened.read()
    except OSError as error:
        raise ParameterError(
            f"{what} {file} can't be read: {error.strerror or type(error).__name__}.", remedy="Name another file."
        ) from error


def _data(context: Context, text: str) -> bytes:
    if text == "-":
        if context.is_terminal(context.streams.input):
            context.tell("Type the body, and end it with Ctrl-D on a line of its own.")
        return _all_of(context.streams.input)
    if text == "@":
        raise ParameterError("--body @ names no file.", remedy="Write --body @FILE.")
    if text.startswith("@"):
        return read_input(context, text[1:], "The body's file")
    try:
        return text.encode()
    except UnicodeError:
        raise ParameterError("The body is no text in UTF-8.", remedy="Put it into a file: --body @FILE.") from None


def _all_of(stream: TextIO) -> bytes:
    raw = getattr(stream, "buffer", None)
    if raw is not None:
        data: bytes = raw.read()
        return data
    return stream.read().encode()


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
