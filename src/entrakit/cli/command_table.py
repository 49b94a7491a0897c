"""The table of commands: parser, help, completion and the reference page are made from it."""

from __future__ import annotations

from typing import NamedTuple


class Command(NamedTuple):
    """One command.

    Args:
        name: Its name, the first word after `entra`.
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
    Command("connect", "Sign in and save the connection", "entra connect --client-id Graph --tenant-id contoso.com"),
    Command("token", "Print a token, renewed if necessary", "entra token --output header | curl -H @- https://…"),
    Command("status", "List saved connections, without network", "entra status"),
    Command("inspect", "Explain the permissions of a token", "entra inspect --require User.Read.All"),
    Command("request", "Send a request to Microsoft Graph or another API", "entra request GET /users --top 5"),
    Command("batch", "Send many requests at once", "entra batch requests.ndjson"),
    Command("delta", "Read the changes since the last run", "entra delta /users/delta --session users"),
    Command("use", "Select the connection that commands use by default", "entra use work"),
    Command("disconnect", "Remove a saved connection", "entra disconnect work"),
    Command("certificates", "List the certificates in the stores of this machine", "entra certificates"),
    Command("vault", "Check, re-encrypt, export or import saved connections", "entra vault check"),
    Command("demo", "Sign in with all five flows on the embedded tenant", "entra demo"),
    Command("emulator", "Run the embedded tenant", "entra emulator --port 8443"),
    Command("completion", "Print a completion script for a shell", 'eval "$(entra completion bash)"'),
)

EXIT_CODES = (
    (0, "success"),
    (1, "unexpected failure, or a file can't be written"),
    (2, "usage error or invalid value"),
    (3, "the saved connection does not exist"),
    (4, "interactive sign-in required"),
    (5, "the sign-in was refused"),
    (6, "network or service failure; may be temporary"),
    (7, "throttled; temporary"),
    (8, "saved connections can't be read or written"),
    (9, "the token lacks a permission"),
    (10, "the service refused the request"),
    (11, "the object does not exist"),
    (130, "interrupted"),
)


def find(name: str) -> Command | None:
    """Return the command with a name; None if there is none."""
    return next((command for command in COMMANDS if command.name == name), None)
