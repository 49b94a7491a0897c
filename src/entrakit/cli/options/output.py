"""Options for the result: output format and file. They are the same wherever a command prints objects."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, NamedTuple

from entrakit.cli.command_line import UsageError
from entrakit.errors import ParameterError

if TYPE_CHECKING:
    from entrakit.cli.context import Context
    from entrakit.cli.parser import Parser

FORMATS = ("json", "ndjson", "csv", "tsv", "table")


class Output(NamedTuple):
    """Where and how a result is written.

    Args:
        context: Context of the command.
        format: Output format.
        out: Name of a file; None for standard output.
        columns: Properties to print as columns; empty for all of them.
    """

    context: Context
    format: str
    out: str | None = None
    columns: tuple[str, ...] = ()


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
    parser.add_argument("-o", "--output", choices=FORMATS, metavar="FORMAT", help=words)
    parser.add_argument("--out-file", metavar="FILE", dest="out", help=file_help)
    # The older name. A format there would be the name of a file.
    parser.add_argument("--out", metavar="FILE", dest="out", action=_OldName, help=argparse.SUPPRESS)


def file_of(options: argparse.Namespace) -> str | None:
    """Return the file that the result goes to; None for standard output, also written `-`. Raises ParameterError."""
    out: str | None = options.out
    if out is not None and not out.strip():
        raise ParameterError("--out-file names no file.", remedy="Name one; a shell may have replaced a $name.")
    return None if out == "-" else out


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
            raise UsageError(
                f"--out names a file, but {values} is an output format.",
                remedy=f"Use --output {values}. For a file with this name use --out-file {values}.",
            )
        namespace.out = values
