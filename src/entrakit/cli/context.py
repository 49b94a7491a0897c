"""Context of a command: streams, environment, general options; and how it writes messages."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TextIO

    from entrakit.vault import Vault

INTERRUPTED = 130
# Colours of the labels of messages, as numbers of ANSI escape sequences.
_COLORS = {"Error": "1;31", "Warning": "33", "Note": "36"}


class Streams(NamedTuple):
    """Streams of a command.

    Args:
        input: Standard input.
        output: Standard output: the result and nothing else.
        error: Standard error: all messages for the user.
    """

    input: TextIO
    output: TextIO
    error: TextIO


class Messages(io.TextIOWrapper):
    """Standard error that never fails: a message that can't be written, because its reader has gone, is lost.

    So a command that can't report its failure still ends with the exit code of this failure.
    """

    is_lost = False

    def write(self, text: str) -> int:
        """Write a message, if possible."""
        try:
            return super().write(text)
        except OSError:
            self.is_lost = True
            return len(text)

    def flush(self) -> None:
        """Pass on what was written, if possible."""
        try:
            super().flush()
        except OSError:
            self.is_lost = True


class Context(NamedTuple):
    """Context of a command.

    Args:
        streams: Streams of the command.
        environ: The environment.
        as_json: Whether `--json` was given.
        quiet: Whether `--quiet` was given.
        color: Whether colour is allowed.
        key_from: Value of `--vault-key-from`; empty if it was not given.
    """

    streams: Streams
    environ: Mapping[str, str]
    as_json: bool = False
    quiet: bool = False
    color: bool = True
    key_from: str = ""

    @property
    def owns_process(self) -> bool:
        """Whether the command is the only thing that runs in this process."""
        return self.streams.input is sys.stdin and self.streams.output is sys.stdout

    def open_vault(self) -> Vault:
        """Return the vault of this command.

        Raises:
            VaultError: The default directory is unknown.
            ParameterError: A variable is invalid, or set but empty: another vault or key would be taken instead.
        """
        from entrakit.vault import Vault

        get = self.environ.get
        chosen_key = self.key_from or get("ENTRAKIT_VAULT_KEY_FROM")
        self.refuse_empty(
            "ENTRAKIT_VAULT",
            *(() if get("ENTRAKIT_VAULT") else ("ENTRAKIT_HOME",)),
            *(() if chosen_key in ("keyring", "file") else ("ENTRAKIT_VAULT_KEY",)),
            *(() if chosen_key or get("ENTRAKIT_VAULT_KEY") else ("ENTRAKIT_VAULT_KEY_FROM",)),
        )
        return Vault(key_from=self.key_from, environ=self.environ)

    def refuse_empty(self, *names: str) -> None:
        """Raise ParameterError if one of these variables is set, but empty."""
        empty = [name for name in names if self.environ.get(name) == ""]
        if empty:
            from entrakit.errors import ParameterError

            raise ParameterError(
                f"{' and '.join(empty)} {'is' if len(empty) == 1 else 'are'} set, but empty.",
                remedy="Set a value, or unset the variable. A pipeline passes an empty value for a secret that does "
                "not exist.",
            )

    def info(self, text: str) -> None:
        """Write a message to standard error, unless `--quiet` or `--json` was given."""
        if not self.quiet and not self.as_json:
            from entrakit.shown_text import on_terminal

            print(on_terminal(text), file=self.streams.error, flush=True)

    def note(self, text: str) -> None:
        """Write a message that begins with `Note:`."""
        self._labelled("Note", text)

    def warn(self, text: str) -> None:
        """Write a message that begins with `Warning:`."""
        self._labelled("Warning", text)

    def ask(self, text: str, end: str = "\n") -> None:
        """Write a message that a user has to read before the command can continue.

        Raises:
            InteractionRequiredError: It can't be written, so nobody would answer.
        """
        print(text, end=end, file=self.streams.error, flush=True)
        if getattr(self.streams.error, "is_lost", False):
            from entrakit.errors import InteractionRequiredError

            raise InteractionRequiredError(
                "A user has to sign in, but standard error, which has the instructions, can't be written.",
                remedy="Leave standard error on the terminal, or redirect it to a file.",
                error="interaction_required",
            )

    def label(self, name: str) -> str:
        """Return the beginning of a message on standard error: `Error:`, `Warning:` or `Note:`, in its colour."""
        return label(name, color=self.color and self.is_terminal(self.streams.error))

    def interrupted(self, effect: str) -> int:
        """Report that the user interrupted the command, and return the exit code.

        Args:
            effect: Effect of the interruption, a clause.
        """
        if self.as_json:
            import json

            value = {"kind": "Interrupted", "problem": f"Interrupted; {effect}.", "exit_code": INTERRUPTED}
            print(json.dumps({"error": value}, ensure_ascii=False), file=self.streams.error)
        else:
            print(f"\nInterrupted; {effect}.", file=self.streams.error)
        return INTERRUPTED

    def write(self, text: str) -> None:
        """Write a line of the result; a terminal prints its control characters, and does not obey them."""
        if not text.isprintable() and self.is_terminal(self.streams.output):
            from entrakit.shown_text import on_terminal

            text = on_terminal(text)
        print(text, file=self.streams.output)

    def write_json(self, value: object) -> None:
        """Write the result as JSON; on a terminal, control characters are JSON escapes."""
        import json

        text = json.dumps(value, indent=2, ensure_ascii=False)
        if self.is_terminal(self.streams.output):
            from entrakit.shown_text import in_json

            text = in_json(text)
        print(text, file=self.streams.output)

    @property
    def can_ask(self) -> bool:
        """Whether a user can be asked: standard input and standard error, which has the question, are a terminal."""
        return self.is_terminal(self.streams.input) and self.is_terminal(self.streams.error)

    def is_terminal(self, stream: TextIO) -> bool:
        """Return whether a stream is a terminal."""
        try:
            return stream.isatty()
        except ValueError:
            return False

    def _labelled(self, name: str, text: str) -> None:
        if not self.quiet and not self.as_json:
            from entrakit.shown_text import on_terminal

            print(f"{self.label(name)} {on_terminal(text)}", file=self.streams.error, flush=True)


def context_of(argv: Sequence[str], streams: Streams, environ: Mapping[str, str]) -> Context:
    """Return the context for the errors of a command whose options are not parsed yet."""
    return Context(
        streams, environ, as_json="--json" in argv, color=allows_color(environ, no_color="--no-color" in argv)
    )


def allows_color(environ: Mapping[str, str], *, no_color: bool) -> bool:
    """Return whether colour is allowed (https://no-color.org), and the terminal understands it.

    Args:
        environ: The environment.
        no_color: Whether `--no-color` was given.
    """
    is_capable = environ.get("TERM") != "dumb" and (sys.platform != "win32" or "WT_SESSION" in environ)
    return is_capable and not no_color and not environ.get("NO_COLOR")


def label(name: str, *, color: bool) -> str:
    """Return the beginning of a message: `Error:`, `Warning:` or `Note:`."""
    return f"\x1b[{_COLORS[name]}m{name}:\x1b[0m" if color else f"{name}:"


def standard_streams() -> Streams:
    """Return the streams of this process, and make its standard error one that never fails."""
    # A closed stream: input is empty and messages are lost. A result can't be written, which must be an error: the
    # caller must not believe that it was.
    closed = {"stdin": (os.O_RDONLY, "r"), "stdout": (os.O_RDONLY, "w"), "stderr": (os.O_WRONLY, "w")}
    has_error = sys.stderr is not None
    for name, (flags, mode) in closed.items():
        if getattr(sys, name) is None:
            stream = open(os.open(os.devnull, flags), mode, encoding="utf-8")  # noqa: SIM115 - for the process's life
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
    # Both streams have the same buffer; `sys.__stderr__` refers to the old one, so that nothing closes it.
    old = sys.stderr
    messages = Messages(
        old.buffer, encoding=old.encoding, errors="backslashreplace", line_buffering=True, write_through=True
    )
    messages.is_lost = not has_error
    sys.stderr = messages
    return Streams(sys.stdin, sys.stdout, messages)
