"""What a command gets to work with: streams, environment, and what was asked for in general."""

from __future__ import annotations

import sys
from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

    from entrakit.vault import Vault

INTERRUPTED = 130


class Streams(NamedTuple):
    """Where a command reads and writes.

    Args:
        input: Standard input.
        output: Standard output: the result and nothing else.
        error: Standard error: everything that is for people.
    """

    input: TextIO
    output: TextIO
    error: TextIO


class Context(NamedTuple):
    """What every command is run with.

    Args:
        streams: Where it reads and writes.
        environ: The environment.
        as_json: `--json`.
        quiet: `--quiet`.
        color: Whether colour may be used.
        key_from: `--vault-key-from`; empty if it was not given.
    """

    streams: Streams
    environ: Mapping[str, str]
    as_json: bool = False
    quiet: bool = False
    color: bool = True
    key_from: str = ""

    @property
    def owns_process(self) -> bool:
        """Whether this process is the command's own, and nothing else will run in it."""
        return self.streams.input is sys.stdin and self.streams.output is sys.stdout

    def open_vault(self) -> Vault:
        """Return the vault that this command works on. Raises VaultError, ParameterError."""
        from entrakit.vault import Vault

        return Vault(key_from=self.key_from, environ=self.environ)

    def tell(self, text: str) -> None:
        """Write a line for people; a program that asked for JSON gets nothing else."""
        if not self.quiet and not self.as_json:
            from entrakit.shown_text import on_terminal

            print(on_terminal(text), file=self.streams.error, flush=True)

    def interrupted(self, words: str) -> int:
        """Say that a person ended the command, and what that means; return the exit code."""
        if self.as_json:
            import json

            said = {"kind": "Interrupted", "problem": f"Interrupted; {words}.", "exit_code": INTERRUPTED}
            print(json.dumps({"error": said}, ensure_ascii=False), file=self.streams.error)
        else:
            print(f"\nInterrupted; {words}.", file=self.streams.error)
        return INTERRUPTED

    def give(self, text: str) -> None:
        """Write a line of the result."""
        print(text, file=self.streams.output)

    def give_json(self, value: object) -> None:
        """Write the result as JSON."""
        import json

        print(json.dumps(value, indent=2, ensure_ascii=False), file=self.streams.output)

    def is_terminal(self, stream: TextIO) -> bool:
        """Return whether a person is at a stream."""
        try:
            return stream.isatty()
        except ValueError:
            return False


def standard_streams() -> Streams:
    """Return the streams of this process."""
    return Streams(sys.stdin, sys.stdout, sys.stderr)
