"""The one way to run a command: preview, ask, run, print.

A command turns its options into work (`work.py`): steps on this machine, or requests to a service. Requests are one
call (`output/single.py`), a whole collection (`output/collection.py`), many calls in batches (`output/results.py`), or
a delta query (`output/changes.py`). Everything else happens here, for all commands alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.cli.context import INTERRUPTED
from entrakit.cli.options.output import FORMATS, output_of
from entrakit.cli.work import Caution, DeclinedError, Note, Output, Result, Work

if TYPE_CHECKING:
    import argparse

    from entrakit.cli.context import Context
    from entrakit.cli.work import Rows, Sending, Steps


def execute(options: argparse.Namespace, context: Context, work: Work | Sending) -> int:
    """Preview the work of a command, or ask the user if it requires a confirmation, do it, and print its results.

    Args:
        options: Options of the command.
        context: Context of the command.
        work: The work.

    Returns:
        The exit code.
    """
    output = output_of(options, context, work.default, is_stream=work.is_stream)
    try:
        if isinstance(work, Work):
            return _do(options, output, work)
        from entrakit.cli.options.connection import client_of
        from entrakit.cli.options.query import columns_of
        from entrakit.connections import get_connection

        output = output._replace(columns=tuple(columns_of(options)))
        with get_connection(options.name, vault=context.open_vault()) as connection:
            return _do(options, output, work.on(client_of(options, connection), output))
    except DeclinedError as declined:
        context.info(f"{declined}.")
        return INTERRUPTED


def _do(options: argparse.Namespace, output: Output, work: Work) -> int:
    context = output.context
    if options.what_if:
        shown = Output(context, "json" if context.as_json else "text")
        return _print(work.preview, shown) if work.preview else 0
    if work.question and not options.yes:
        from entrakit.cli.options.confirm import require_confirmation

        require_confirmation(context, work.question, work.declined)
    return _print(work.steps, output)


def _print(steps: Steps, output: Output) -> int:
    """Run the steps, print what each yields, and return the exit code. A failure to print is raised in the step."""
    try:
        one = next(steps)
        while True:
            try:
                _print_one(one, output)
            except BaseException as error:  # noqa: BLE001 - the steps raise it again, unless they know what to do
                one = steps.throw(error)
            else:
                one = next(steps)
    except StopIteration as end:
        return int(end.value)


def _print_one(one: Result | str, output: Output) -> None:
    context = output.context
    if isinstance(one, Result):
        try:
            _print_result(one, output)
        except BrokenPipeError:
            # The reader closed the pipe, as `head` does. The steps continue: the exit code says how they end.
            return
    elif isinstance(one, Note):
        context.note(one)
    elif isinstance(one, Caution):
        context.warn(one)
    else:
        context.info(one)


def _print_result(result: Result, output: Output) -> None:
    context = output.context
    if output.format in FORMATS or output.out:
        from entrakit.cli.output.show import write_result

        write_result(result, output)
        if output.out:
            context.info(f"{output.out} was written.")
        return
    parts = result.text or ((result.table,) if result.table else ())
    for part in parts:
        _print_part(part, context)
    # The steps that follow may take long, as those of a server.
    context.streams.output.flush()


def _print_part(part: str | bytes | Rows, context: Context) -> None:
    if isinstance(part, str):
        if context.is_terminal(context.streams.output):
            from entrakit.shown_text import on_terminal

            part = on_terminal(part)
        context.write(part)
    elif isinstance(part, bytes):
        from entrakit.cli.output.destination import open_destination

        open_destination(context, None).write(part)
    else:
        from entrakit.cli.output.tables import write_table

        write_table(context, part.headings, part.cells)
