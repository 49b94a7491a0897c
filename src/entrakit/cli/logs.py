"""The library's log, on standard error: warnings always, more with -v and --debug, secrets masked at every level."""

from __future__ import annotations

import logging

from entrakit.redaction import redacting_filter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO


class _Handler(logging.StreamHandler["TextIO"]):
    """Ours, so that it can be found again and replaced."""


class _Lines(logging.Formatter):
    """Warnings as plain lines for people; the rest with its logger's name."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return f"Note: {text}" if record.levelno >= logging.WARNING else f"{record.name}: {text}"


def configure(stream: TextIO, *, quiet: bool, verbose: bool, debug: bool) -> None:
    """Send the log of `entrakit` to a stream, in place of where it went before.

    Args:
        stream: Standard error.
        quiet: Errors only.
        verbose: What happens on the way.
        debug: Everything.
    """
    reset()
    logger = logging.getLogger("entrakit")
    handler = _Handler(stream)
    handler.setFormatter(_Lines())
    handler.addFilter(redacting_filter())
    logger.addHandler(handler)
    level = logging.DEBUG if debug else logging.INFO if verbose else logging.ERROR if quiet else logging.WARNING
    logger.setLevel(level)
    logger.propagate = False


def reset() -> None:
    """Undo `configure`: who runs a command inside a program keeps the program's own log."""
    logger = logging.getLogger("entrakit")
    for old in [one for one in logger.handlers if isinstance(one, _Handler)]:
        logger.removeHandler(old)
        logger.setLevel(logging.NOTSET)
        logger.propagate = True
