"""The `entra` command: parse the command line, call the library, print. Imports wait until they are needed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from entrakit.cli.context import INTERRUPTED, Context, Streams, allows_color, context_of, standard_streams

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence
    from typing import NoReturn, TextIO

    from entrakit.cli.command_line import CommandLine
    from entrakit.cli.parser import Parser
    from entrakit.errors import EntraError


def main(argv: Sequence[str], streams: Streams, environ: Mapping[str, str]) -> int:
    """Run one command and return its exit code.

    Args:
        argv: Arguments, without the name of the program.
        streams: Streams of the command.
        environ: The environment.
    """
    from entrakit.errors import EntraError

    context = context_of(argv, streams, environ)
    debug = "--debug" in argv
    try:
        code = _run(argv, streams, environ)
        if code != INTERRUPTED:
            # The last part of a result leaves the buffer here, so that a failure is reported like any other.
            _flush(streams.output)
        return code
    except EntraError as error:
        show_error(context, error, debug=debug)
        return error.exit_code
    except KeyboardInterrupt:
        return context.interrupted("nothing was saved")
    except BrokenPipeError:
        # The reader closed the pipe, as `head` does: it needs no more.
        return 0
    except OSError as error:
        show_error(context, unwritable(error), cause=error, debug=debug)
        return EntraError.exit_code
    except Exception as error:  # noqa: BLE001 - the last resort: no traceback without --debug
        unexpected = EntraError(
            f"Something failed that should not fail: {type(error).__name__}.",
            remedy="Run the command again with --debug, and report its output.",
        )
        show_error(context, unexpected, cause=error, debug=debug)
        return unexpected.exit_code
    finally:
        if "entrakit.cli.logs" in sys.modules:
            sys.modules["entrakit.cli.logs"].reset()


def run() -> NoReturn:
    """Run the command of this process: the console script."""
    import gc
    import os

    # Most commands end before they make this many objects. Collections after each 700 take 4 % of `entra token`.
    gc.set_threshold(100_000)
    code = main(sys.argv[1:], standard_streams(), os.environ)
    try:
        sys.stdout.flush()
    except OSError:
        # The buffer still holds what `main` failed to write, and the interpreter must not complain about it when it
        # ends. The error has been reported: a program that reads standard error expects one JSON object.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    # Without this the interpreter collects garbage at its end, which takes an eighth of the time of `entra request`.
    gc.freeze()
    sys.exit(code)


def _flush(output: TextIO) -> None:
    """Pass on the result. A reader that has closed the pipe, as `head` does, is not an error."""
    try:
        output.flush()
    except BrokenPipeError:
        return


def unwritable(error: OSError) -> EntraError:
    """Return the error for a result that can't be written, or for another file if the system names one."""
    from entrakit.errors import EntraError

    if isinstance(error.filename, str):
        return EntraError(f"{error.filename!r} can't be used: {error.strerror}.", remedy="Check the path.")
    return EntraError(f"The result can't be written: {error.strerror}.")


def show_error(context: Context, error: EntraError, *, cause: Exception | None = None, debug: bool = False) -> None:
    """Print an error; its remedy names options and commands.

    Args:
        context: Context of the command.
        error: The error.
        cause: The exception behind it; None if it is the error itself.
        debug: Whether to print the traceback, and the text of the service.
    """
    from entrakit.cli.command_line import UsageError
    from entrakit.cli.words import kind_of, problem_of, remedy_of
    from entrakit.frames import clear_locals
    from entrakit.shown_text import in_json, on_terminal

    clear_locals(cause or error, None)
    stream = context.streams.error
    if debug and not isinstance(error, UsageError):
        _trace(cause or error, stream)
    problem, remedy, ids = problem_of(error), remedy_of(error, context.environ), error.ids()
    if context.as_json:
        import json

        value = {
            "kind": kind_of(error),
            "problem": problem,
            "next": remedy,
            "retryable": error.retryable,
            **({"outcome_unknown": True} if error.outcome_unknown else {}),
            "exit_code": error.exit_code,
            **{label.lower().replace(" ", "_"): value for label, value in ids},
            **details_of(error),
        }
        print(in_json(json.dumps({"error": value}, ensure_ascii=False)), file=stream)
        return
    # Strings of services and programs, and arguments, never drive the terminal.
    problem, remedy = on_terminal(problem), on_terminal(remedy)
    ids = [(label, on_terminal(value)) for label, value in ids]
    lines = [f"{context.label('Error')} {problem}"]
    lines += [f"  Next: {remedy}"] if remedy else []
    # The label `Error` of an id would be mistaken for the beginning of another error.
    lines += [f"  {'Code' if label == 'Error' else label}: {value}" for label, value in ids]
    print("\n".join(lines), file=stream)
    description = getattr(error, "description", "")
    if description and debug:
        print(f"  The service says: {on_terminal(description)}", file=stream)


def details_of(error: EntraError) -> dict[str, object]:
    """Return the details that a service gave with an error, under their name for JSON."""
    from entrakit.errors import GraphError

    details = error.inner.get("details") if isinstance(error, GraphError) else None
    return {"details": details} if details else {}


def _run(argv: Sequence[str], streams: Streams, environ: Mapping[str, str]) -> int:
    from entrakit.cli.command_line import read_command_line
    from entrakit.cli.command_table import Command

    line = read_command_line(argv)
    command = line.node
    if not isinstance(command, Command):
        return _about(line, streams)
    from importlib import import_module

    from entrakit.cli.parser import parser_of

    parser = parser_of(command)
    if line.wants_help:
        print(parser.format_help(), end="", file=streams.output)
        return 0
    options = parser.read(line.rest)
    color = allows_color(environ, no_color=options.no_color)
    context = Context(streams, environ, options.json, options.quiet, color, options.vault_key_from)
    # `token` loads the log only if it has to renew: a fresh token needs none.
    if command.path != "token" or options.verbose or options.debug:
        from entrakit.cli.logs import configure_for

        configure_for(options, context)
    if options.is_configurable:
        _configure(parser, options, environ)
    from entrakit.cli.execute import execute

    work = getattr(import_module(command.module), command.function("work"))(options, context)
    return execute(options, context, work)


def _configure(parser: Parser, options: argparse.Namespace, environ: Mapping[str, str]) -> None:
    """Give options the values of the configuration file: of a profile, or the default output format."""
    if "profile" in options:
        from entrakit.cli.origins import apply_configuration

        apply_configuration(parser, options, environ)
    elif not options.output and not options.json:
        from entrakit.cli.configuration import read_configuration

        options.default_output = read_configuration(environ).defaults.get("output", "")


def _about(line: CommandLine, streams: Streams) -> int:
    """Print the version, or the help of `entra` or of a noun.

    Raises:
        UsageError: The command line asks for neither, and names no command.
    """
    from entrakit.cli.command_line import UsageError
    from entrakit.cli.command_table import Noun, children
    from entrakit.cli.help_pages import general_help, noun_help

    if line.is_version:
        from entrakit.version import __version__

        print(f"entra {__version__}", file=streams.output)
    elif line.wants_help or not (line.node or line.rest):
        print(noun_help(line.node) if isinstance(line.node, Noun) else general_help(), file=streams.output)
    elif line.node is None:
        raise UsageError(f"{line.rest[0].partition('=')[0]} requires a command.", remedy="Try `entra --help`.")
    else:
        names = ", ".join(node.path.rpartition(" ")[2] for node in children(line.node.path))
        raise UsageError(
            f"`entra {line.node.path}` requires a command: {names}.", remedy=f"Try `entra {line.node.path} --help`."
        )
    return 0


def _trace(error: BaseException, stream: TextIO) -> None:
    """Print the traceback of an error, without values of variables, and with secrets masked."""
    import traceback

    from entrakit.redaction import redact
    from entrakit.shown_text import on_terminal

    for line in traceback.format_exception(error):
        print(on_terminal(redact(line)), end="", file=stream)
