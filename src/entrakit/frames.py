"""Errors without the local variables of the calls that they went through.

An error holds the frames of the calls that it left, and these hold tokens, secrets and messages. Programs that report
errors, such as Sentry's client, send the local variables of all frames. Each function that a program calls therefore
clears these frames before an error leaves it. Files and line numbers stay, so a traceback looks the same. On the way
without errors this costs nothing.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def clear_locals(error: BaseException, handled: BaseException | None) -> None:
    """Clear the local variables of all frames of an error, of its causes and contexts, and of the errors in a group.

    Frames that still run, such as those of the callers, can't be cleared.

    Args:
        error: The error.
        handled: Error that the caller was handling before; its frames are the caller's own and stay. None for none.
    """
    seen = {id(handled)}
    pending: list[BaseException | None] = [error]
    while pending:
        one = pending.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        trace = one.__traceback__
        while trace is not None:
            with suppress(RuntimeError):  # it still runs
                trace.tb_frame.clear()
            trace = trace.tb_next
        pending += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            pending += one.exceptions


def clears_locals(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Make the errors of a function leave it without local variables, its arguments included."""

    @wraps(function)
    def border(*args: Arguments.args, **more: Arguments.kwargs) -> Result:
        handled = sys.exception()
        try:
            return function(*args, **more)
        except BaseException as error:
            # This frame is the only one that still runs.
            del args, more
            clear_locals(error, handled)
            raise

    return border
