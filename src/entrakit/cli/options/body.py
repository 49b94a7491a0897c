"""The body of a request: typed, from a file, or from standard input. It is checked before sending, and never shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from entrakit.errors import ParameterError
from entrakit.http import message
from entrakit.paths import absolute

if TYPE_CHECKING:
    from typing import NoReturn, TextIO

    from entrakit.cli.context import Context


def read_body(context: Context, text: str, content_type: str) -> bytes:
    """Return the body of a request.

    Args:
        context: Context of the command.
        text: Value of `--body`: the body, `@FILE`, or `-` for standard input.
        content_type: Value of the `content-type` header; empty for JSON.

    Raises:
        ParameterError: The file can't be read, or its content should be JSON and is not. The content is not repeated.
    """
    data = _data(context, text)
    if is_json(content_type) and not data.strip():
        raise ParameterError("The body is empty.", remedy="Give JSON, such as {}, or leave --body out.")
    return as_json(data, "The body") if is_json(content_type) else data


def is_json(content_type: str) -> bool:
    """Return whether a content type means JSON, as an empty one does."""
    kind = message.media_type(content_type)
    return not kind or message.is_json(kind)


def as_json(data: bytes, what: str) -> bytes:
    """Return JSON in UTF-8, converted from another encoding if necessary.

    Args:
        data: The JSON, with or without a byte order mark.
        what: Its description, for the error.

    Raises:
        ParameterError: The data is not JSON.
    """
    try:
        decoded = text_of(data)
        json.loads(decoded, parse_constant=_refuse_constant, object_pairs_hook=unique)
    except ParameterError:
        raise
    except json.JSONDecodeError as error:
        raise ParameterError(
            f"{what} is not JSON: line {error.lineno}, column {error.colno}.",
            remedy="Correct it. A shell may have removed its quotes; try --body @FILE.",
        ) from None
    except (ValueError, RecursionError):
        raise ParameterError(f"{what} is not JSON.", remedy="Correct it, and encode it in UTF-8.") from None
    return decoded.encode()


def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return a JSON object. Raises ParameterError if a name occurs twice, because one of its values would be lost."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ParameterError("A JSON object has the same name twice.", remedy="Remove one of them.")
    return found


def text_of(data: bytes) -> str:
    """Decode a JSON file: UTF-8, or UTF-16 as Windows PowerShell writes it. Raises ValueError."""
    text = data.decode(json.detect_encoding(data))
    text.encode()
    return text


def read_input(context: Context, file: str, what: str, limit: int = -1) -> bytes:
    """Return the content of a file.

    Args:
        context: Context of the command.
        file: Name of the file; `-` for standard input.
        what: Description of the file, for the error.
        limit: Maximum number of bytes to read; -1 for all.

    Raises:
        ParameterError: The file can't be read.
    """
    if not file:
        raise ParameterError(f"{what} has no name.", remedy="Name one. A shell may have replaced a $name.")
    if file == "-":
        return _all_of(context.streams.input, limit)
    try:
        with open(file, "rb") as opened:
            return opened.read(limit)
    except OSError as error:
        # If the working directory does not exist any more, the error says so.
        absolute(file)
        raise ParameterError(
            f"{what} {file} can't be read: {error.strerror or type(error).__name__}.", remedy="Name another file."
        ) from error


def _data(context: Context, text: str) -> bytes:
    if text == "-":
        if context.is_terminal(context.streams.input):
            context.info("Type the body, and end it with Ctrl-D on an empty line.")
        return _all_of(context.streams.input)
    if text == "@":
        raise ParameterError("--body @ names no file.", remedy="Use --body @FILE.")
    if text.startswith("@"):
        return read_input(context, text[1:], "The body file")
    try:
        return text.encode()
    except UnicodeError:
        raise ParameterError("The body is not UTF-8.", remedy="Write it to a file: --body @FILE.") from None


def _all_of(stream: TextIO, limit: int = -1) -> bytes:
    raw = getattr(stream, "buffer", None)
    if raw is not None:
        data: bytes = raw.read(limit)
        return data
    return stream.read(limit).encode()


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
