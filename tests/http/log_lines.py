"""Everything that is logged in a block, with every logger set to its most verbose level."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.http.drip import NAME

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def everything_logged(*names: str) -> Iterator[list[str]]:
    """Set every logger to DEBUG, and give the lines of all of them, without those of the test's servers.

    Args:
        names: Loggers that may not exist yet.
    """
    lines: list[str] = []
    handler = logging.Handler(logging.NOTSET)
    handler.addFilter(lambda record: record.threadName != NAME)
    handler.emit = lambda record: lines.append(f"{record.name} {record.getMessage()}")  # type: ignore[method-assign]
    loggers = [logging.getLogger(name) for name in {*logging.root.manager.loggerDict, *names, ""}]
    levels = [logger.level for logger in loggers]
    logging.root.addHandler(handler)
    try:
        for logger in loggers:
            logger.setLevel(logging.DEBUG)
        yield lines
    finally:
        logging.root.removeHandler(handler)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
