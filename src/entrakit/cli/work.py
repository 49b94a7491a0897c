"""The work of a command as a value, and the results and messages that it prints. `execute` runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from typing import Protocol

    from entrakit.cli.context import Context
    from entrakit.graph.client import Client

    class Sending(Protocol):
        """The work of a command that sends requests to a service: known once the connection is open."""

        @property
        def default(self) -> str:
            """As for `Work`."""
            ...

        @property
        def is_stream(self) -> bool:
            """As for `Work`."""
            ...

        def on(self, client: Client, output: Output) -> Work:
            """Return the work on a service. Nothing is changed yet. Raises ParameterError."""
            ...


class Note(str):
    """A message for the user that begins with `Note:`."""

    __slots__ = ()


class Caution(str):
    """A message for the user that begins with `Warning:`."""

    __slots__ = ()


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


class DeclinedError(Exception):
    """The user does not agree. Its text is a clause that says what this prevented, such as `Nothing was sent`."""


class Rows(NamedTuple):
    """A table for the user.

    Args:
        headings: Headings of the columns.
        cells: Cells of each row.
    """

    headings: Sequence[str]
    cells: Sequence[Sequence[str]]


class Result(NamedTuple):
    """A result, for programs and for the user.

    Args:
        value: The result for programs: a dict or a list of dicts.
        text: Parts of the result for the user, if no output format is selected; empty for the table, or else nothing.
        table: The result as a table; None if its columns are the properties of the objects.
    """

    value: object
    text: Sequence[str | bytes | Rows] = ()
    table: Rows | None = None


# The steps of a command, a generator: yields results and messages, each printed at once, and returns the exit code.
# A plain string is a message that `--quiet` hides.
Steps: TypeAlias = "Generator[Result | str, None, int]"


class Work(NamedTuple):
    """The work of a command, which has not begun.

    Args:
        steps: Does it.
        default: Output format if nothing else decides; `text` is for the user, and `raw` is a string for programs.
        is_stream: Whether `--json` selects one object per line.
        preview: Prints what would be done, for `--what-if`; None for nothing.
        question: Question for the user before it is done; empty for none. `--yes` answers it.
        declined: Clause that says what a user has prevented, such as `Nothing was sent`.
    """

    steps: Steps
    default: str = "text"
    is_stream: bool = False
    preview: Steps | None = None
    question: str = ""
    declined: str = "Nothing was done"
