"""Options for the result: output format and file. They are the same wherever a command prints objects."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from entrakit.cli.work import Output
from entrakit.errors import ParameterError

if TYPE_CHECKING:
    from entrakit.cli.context import Context
    from entrakit.cli.parser import Parser

FORMATS = ("json", "ndjson", "csv", "tsv", "table")
_ENDINGS = {".json": "json", ".ndjson": "ndjson", ".jsonl": "ndjson", ".csv": "csv", ".tsv": "tsv"}


def add_output(
    parser: Parser | argparse._ArgumentGroup,
    *,
    default: str = "json",
    file_help: str = "write the result to a file",
) -> None:
    """Add the options for the output format and the file.

    Args:
        parser: Parser of the command, or a group of its options.
        default: The default format, for the help.
        file_help: Meaning of the file.
    """
    words = f"{', '.join(FORMATS)} (default: {default})"
    if default != "none":
        parser.set_defaults(is_configurable=True)
    parser.add_argument("-o", "--output", choices=FORMATS, metavar="FORMAT", help=words)
    parser.add_argument("--out-file", metavar="FILE", dest="out", help=file_help)
    # The older name. A format there would be the name of a file.
    parser.add_argument("--out", metavar="FILE", dest="out", action=_OldName, help=argparse.SUPPRESS)


def output_of(options: argparse.Namespace, context: Context, default: str, *, is_stream: bool = False) -> Output:
    """Return where and how the result of a command is written.

    The format is the chosen one, else that of the file name, that of the configuration file, or the default.

    Args:
        options: Options of the command.
        context: Context of the command, which has `--json`.
        default: The default format; `text` is for the user, and means JSON in a file.
        is_stream: Whether `--json` selects one object per line.

    Raises:
        ParameterError: The name of the file is empty, or a table would be written to it.
        ExportError: The file can't be written. The result would be lost.
    """
    out: str | None = None if options.out == "-" else options.out
    if out is not None and not out.strip():
        raise ParameterError("--out-file names no file.", remedy="Name one; a shell may have replaced a $name.")
    if out is not None:
        from entrakit.files.result import check_target

        check_target(out)
    name = options.output or ("json" if context.as_json and not is_stream else "")
    name = name or next((value for ending, value in _ENDINGS.items() if (out or "").lower().endswith(ending)), "")
    configured = vars(options).get("default_output", "")
    if not name and not context.as_json and not (out and configured == "table"):
        name = configured
    if not name:
        name = "ndjson" if context.as_json else "json" if out and default == "text" else default
    if name == "table" and out:
        raise ParameterError(
            "A table is for a terminal, because it cuts values off.", remedy="Use --output csv with --out-file."
        )
    return Output(context, name, out)


class _OldName(argparse.Action):
    """The option `--out`, which people expect to select the output format."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        del parser, option_string
        if values in FORMATS:
            from entrakit.cli.command_line import UsageError

            raise UsageError(
                f"--out names a file, but {values} is an output format.",
                remedy=f"Use --output {values}. For a file with this name use --out-file {values}.",
            )
        namespace.out = values
