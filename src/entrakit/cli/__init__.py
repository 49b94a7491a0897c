"""The `entra` command: it parses, calls the library, and prints. Nothing is imported here that is not needed."""

from __future__ import annotations

import sys

from entrakit.cli.context import INTERRUPTED, Context, Streams, standard_streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

    from entrakit.errors import EntraError


def main(argv: Sequence[str], streams: Streams, environ: Mapping[str, str]) -> int:
    """Run one command and return its exit code.

    Args:
        argv: The words after `entra`.
        streams: Where it reads and writes.
        environ: The environment.
    """
    from entrakit.errors import EntraError

    as_json = "--json" in argv
    debug = "--debug" in argv
    try:
        code = _run(argv, streams, environ)
        if code != INTERRUPTED:
            # The last part of a result leaves the buffer here, so that a failure is reported like any other.
            streams.output.flush()
        return code
    except EntraError as error:
        _show(error, streams, as_json=as_json, debug=debug)
        return error.exit_code
    except KeyboardInterrupt:
        return Context(streams, environ, as_json=as_json).interrupted("nothing was kept")
    except BrokenPipeError:
        raise
    except OSError as error:
        return _give_up(unwritable(error), error, streams, as_json=as_json, debug=debug)
    except Exception as error:  # noqa: BLE001 - the last resort: no traceback without --debug
        told = EntraError(
            f"Something failed that should not: {type(error).__name__}.",
            remedy="Run it again with --debug, and report what it says.",
        )
        return _give_up(told, error, streams, as_json=as_json, debug=debug)
    finally:
        if "entrakit.cli.logs" in sys.modules:
            sys.modules["entrakit.cli.logs"].reset()


def run() -> NoReturn:
    """Run the command of this process: the console script."""
    import gc
    import os

    if sys.stdout is None or sys.stderr is None or sys.stdin is None:
        # A stream that was closed: what is read is empty, words go nowhere, and a result can't be written, which must
        # not pass for having been read.
        for name, flags, mode in (
            ("stdin", os.O_RDONLY, "r"),
            ("stdout", os.O_RDONLY, "w"),
            ("stderr", os.O_WRONLY, "w"),
        ):
            if getattr(sys, name) is None:
                setattr(sys, name, open(os.open(os.devnull, flags), mode, encoding="utf-8"))  # noqa: SIM115 - for the process's life
    code = 1
    try:
        code = main(sys.argv[1:], standard_streams(), os.environ)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader went away, as `head` does; the interpreter must not complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError:
        # The buffer still holds what `main` failed to write. The error has been reported: a program that reads standard
        # error expects one JSON object.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    # The interpreter would look for cycles in all that was imported, which takes an eighth of `entra request`.
    gc.freeze()
    sys.exit(code)


def _run(argv: Sequence[str], streams: Streams, environ: Mapping[str, str]) -> int:
    from importlib import import_module

    from entrakit.cli.options import connection as arguments

    if argv and argv[0] in ("--version", "version"):
        from entrakit.version import __version__

        print(f"entra {__version__}", file=streams.output)
        return 0
    command = arguments.choose_command(argv)
    if command is None:
        strangers = [word for word in argv if word not in ("-h", "--help", "help")]
        if strangers:
            raise arguments.UsageError(f"{strangers[0]} goes with a command.", remedy="Try `entra --help`.")
        print(arguments.general_help(), file=streams.output)
        return 0
    parser = arguments.parser_of(command)
    words = list(argv)
    words.remove(command.name)
    if "-h" in words or "--help" in words:
        print(parser.format_help(), end="", file=streams.output)
        return 0
    options = parser.read(words)
    context = Context(
        streams, environ, as_json=options.json, quiet=options.quiet,
        color=not options.no_color and not environ.get("NO_COLOR"), key_from=options.vault_key_from,
    )  # fmt: skip
    # `token` begins with what costs nothing, and sets the log up itself before it renews.
    if command.name != "token" or options.verbose or options.debug:
        from entrakit.cli.logs import configure

        configure(streams.error, quiet=options.quiet or options.json, verbose=options.verbose, debug=options.debug)
    return int(import_module(command.module).run(options, context))


def unwritable(error: OSError) -> EntraError:
    """Return the error for a result that can't be written."""
    from entrakit.errors import EntraError

    return EntraError(f"The result can't be written: {error.strerror}.")


def _give_up(told: EntraError, error: Exception, streams: Streams, *, as_json: bool, debug: bool) -> int:
    if debug:
        _trace(error, streams)
    _show(told, streams, as_json=as_json, debug=False)
    return 1


def _show(error: EntraError, streams: Streams, *, as_json: bool, debug: bool) -> None:
    """Tell a person, or a program, what went wrong and what to do."""
    if debug:
        _trace(error, streams)
    description = getattr(error, "description", "")
    from entrakit.cli.words import problem_of, remedy_of

    problem, remedy, ids = problem_of(error), remedy_of(error), error.ids()
    if as_json:
        import json

        value = {
            "kind": type(error).__name__,
            "problem": problem,
            "next": remedy,
            "retryable": error.retryable,
            "exit_code": error.exit_code,
            **{label.lower().replace(" ", "_"): value for label, value in ids},
        }
        print(json.dumps({"error": value}, ensure_ascii=False), file=streams.error)
        return
    lines = [problem, *([f"  Next: {remedy}"] if remedy else []), *(f"  {label}: {value}" for label, value in ids)]
    print("\n".join(lines), file=streams.error)
    if description and debug:
        print(f"  The service says: {description}", file=streams.error)


def _trace(error: BaseException, streams: Streams) -> None:
    """Write where an error came from: files and lines, never the values of variables, secrets masked."""
    import traceback

    from entrakit.redaction import redact

    for line in traceback.format_exception(error):
        print(redact(line), end="", file=streams.error)
