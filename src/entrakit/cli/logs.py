"""The log of the library on standard error: warnings and long waits; more with -v and --debug; secrets are masked."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from entrakit.cli.context import label

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from typing import TextIO

    from entrakit.cli.context import Context


WAITS = "entrakit.waits"
# Seconds of the longest wait that is not shown.
UNNOTICED_S = 2.0


class _Handler(logging.StreamHandler["TextIO"]):
    """The handler of the command, which `reset` finds by its class."""


class _Lines(logging.Formatter):
    """Format warnings as messages for the user, and the rest with the name of the logger."""

    def __init__(self, *, color: bool, is_verbose: bool) -> None:
        super().__init__()
        self._color = color
        self._is_verbose = is_verbose

    def format(self, record: logging.LogRecord) -> str:
        from entrakit.shown_text import on_terminal

        text = on_terminal(super().format(record))
        if record.name.startswith(WAITS) and not self._is_verbose:
            return f"{text[:1].upper()}{text[1:]}."
        if record.levelno < logging.WARNING:
            return f"{record.name}: {text}"
        if "`" in text:
            from entrakit.cli.words import in_shell

            text = in_shell(text)
        return f"{label('Error' if record.levelno >= logging.ERROR else 'Warning', color=self._color)} {text}"


def configure(stream: TextIO, *, quiet: bool, verbose: bool, debug: bool, color: bool = False) -> None:
    """Write the log of `entrakit` to a stream, instead of an earlier one.

    Args:
        stream: Standard error.
        quiet: Whether to log errors only.
        verbose: Whether to log each step.
        debug: Whether to log everything.
        color: Whether to colour the labels.
    """
    reset()
    logger = logging.getLogger("entrakit")
    handler = _Handler(stream)
    handler.setFormatter(_Lines(color=color, is_verbose=verbose or debug))
    if not (verbose or debug or quiet):
        # Waits are not warnings; the long ones are shown, because the command would seem to hang.
        handler.addFilter(_is_noticed)
        logging.getLogger(WAITS).setLevel(logging.INFO)
    # The last one, since it replaces the arguments of a message.
    handler.addFilter(_without_secrets)
    logger.addHandler(handler)
    level = logging.DEBUG if debug else logging.INFO if verbose else logging.ERROR if quiet else logging.WARNING
    logger.setLevel(level)
    logger.propagate = False


@contextmanager
def only_ours() -> Iterator[None]:
    """Discard what libraries in C write to the standard error of this process; the log is still written there."""
    handlers = [one for one in logging.getLogger("entrakit").handlers if isinstance(one, _Handler)]
    before = [one.stream for one in handlers]
    with os.fdopen(os.dup(2), "w", encoding="utf-8", errors="backslashreplace", buffering=1) as stream:
        for handler in handlers:
            handler.setStream(stream)
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 2)
        os.close(nothing)
        try:
            yield
        finally:
            os.dup2(stream.fileno(), 2)
            for handler, old in zip(handlers, before, strict=True):
                handler.setStream(old)


def configure_for(options: argparse.Namespace, context: Context) -> None:
    """Write the log to standard error, as the general options say. With `--quiet` and `--json` it has errors only."""
    stream = context.streams.error
    configure(
        stream,
        quiet=context.quiet or context.as_json,
        verbose=options.verbose,
        debug=options.debug,
        color=context.color and context.is_terminal(stream),
    )


def reset() -> None:
    """Undo `configure`: a program that runs a command in its own process gets its log back."""
    logger = logging.getLogger("entrakit")
    for old in [one for one in logger.handlers if isinstance(one, _Handler)]:
        logger.removeHandler(old)
        logger.setLevel(logging.NOTSET)
        logger.propagate = True
        logging.getLogger(WAITS).setLevel(logging.NOTSET)


def _is_noticed(record: logging.LogRecord) -> bool:
    """Return whether a record is not about a short wait. The seconds are the first argument of its message."""
    seconds = record.args[0] if record.name == WAITS and isinstance(record.args, tuple) and record.args else None
    return not isinstance(seconds, float) or seconds > UNNOTICED_S


def _without_secrets(record: logging.LogRecord) -> bool:
    # Loaded with the first record: most commands log nothing, and the patterns take 2 ms to compile.
    from entrakit.redaction import redacting_filter

    return bool(redacting_filter().filter(record))
