"""The commands, as data: help, completion, the parser and the reference page are made from this table."""

from __future__ import annotations

from typing import NamedTuple


class Command(NamedTuple):
    """One command.

    Args:
        name: What is typed.
        summary: One line for `entra --help`.
        example: One line that works.
    """

    name: str
    summary: str
    example: str

    @property
    def module(self) -> str:
        """The module with `arguments(parser)` and `run(options, context)`; imported when the command runs."""
        return f"entrakit.cli.commands.{self.name}"


COMMANDS = (
    Command("connect", "Sign in and keep the connection", "entra connect --client-id Graph --tenant-id contoso.com"),
    Command("token", "Print a token, renewed if that is due", 'curl -H "$(entra token --output header)" https://…'),
    Command("status", "List kept connections, without network", "entra status"),
    Command("inspect", "Say what a token allows, in words", "entra inspect --require User.Read.All"),
    Command("request", "Ask Microsoft Graph, or another service", "entra request GET /users --top 5"),
    Command("batch", "Send many requests at once", "entra batch requests.ndjson"),
    Command("delta", "Read what changed since the last time", "entra delta /users/delta --session users"),
    Command("use", "Choose the connection that is meant by default", "entra use work"),
    Command("disconnect", "Remove a kept connection", "entra disconnect work"),
    Command("certificates", "List the certificates that this machine's stores offer", "entra certificates"),
    Command("vault", "Look after kept connections, and move them", "entra vault check"),
    Command("demo", "Sign in by all five flows on the embedded tenant", "entra demo"),
    Command("emulator", "Run the embedded tenant", "entra emulator --port 8443"),
    Command("completion", "Print a completion script for a shell", 'eval "$(entra completion bash)"'),
)

EXIT_CODES = (
    (0, "done"),
    (1, "something failed that should not"),
    (2, "the command was typed wrong, or a value can't be right"),
    (3, "there is no such connection"),
    (4, "a person has to sign in"),
    (5, "the sign-in was denied"),
    (6, "the network or the service failed; may pass"),
    (7, "throttled; may pass"),
    (8, "the kept connections can't be read or written"),
    (9, "the token lacks a permission"),
    (10, "the service refused the request"),
    (11, "there is no such object"),
    (130, "interrupted"),
)


def find(name: str) -> Command | None:
    """Return the command of a name."""
    return next((command for command in COMMANDS if command.name == name), None)
