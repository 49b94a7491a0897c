"""The tree of commands: parser, help, completion, hints and the reference page are made from this table."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias


class Command(NamedTuple):
    """A leaf of the tree: a command that runs.

    Its module is the file in `commands` that has the name of its first word. The module has the functions
    `arguments(parser)` and `work(options, context)`, with the other words of the path at the end of their names: those
    of `vault export` are `arguments_export` and `work_export`.

    Args:
        path: Its words after `entra`, such as `vault export`.
        summary: One line for the help.
        example: One line that works.
        aliases: Other paths that run it, for users of other tools. They are not shown.
    """

    path: str
    summary: str
    example: str
    aliases: tuple[str, ...] = ()

    @property
    def module(self) -> str:
        """Name of its module, which is imported when the command runs."""
        return f"entrakit.cli.commands.{self.path.partition(' ')[0]}"

    def function(self, name: str) -> str:
        """Return the name of a function of its module: `arguments` or `work`, with the other words of the path."""
        return "_".join([name, *self.path.replace("-", "_").split()[1:]])


class Noun(NamedTuple):
    """A branch of the tree: the first word, or words, of several commands.

    Args:
        path: Its words after `entra`, such as `vault`.
        summary: One line for the help.
        aliases: Other paths that mean it. They are not shown.
    """

    path: str
    summary: str
    aliases: tuple[str, ...] = ()


Node: TypeAlias = Command | Noun

TREE: tuple[Node, ...] = (
    Command(
        "connect",
        "Sign in and save the connection",
        "entra connect --client-id Graph --tenant-id contoso.com",
        ("login", "signin", "sign-in", "auth login", "account login"),
    ),
    Command(
        "token",
        "Print a token, renewed if necessary",
        "entra token --output header | curl -H @- https://…",
        ("auth token", "account get-access-token", "get-access-token"),
    ),
    Command(
        "status",
        "List saved connections, without network",
        "entra status",
        ("list", "ls", "auth status", "auth list", "account list"),
    ),
    Command("inspect", "Explain the permissions of a token", "entra inspect --require User.Read.All"),
    Command("request", "Send a request to Microsoft Graph or another API", "entra request GET /users --top 5"),
    Command("batch", "Send many requests at once", "entra batch requests.ndjson"),
    Command("delta", "Read the changes since the last run", "entra delta /users/delta --session users"),
    Command(
        "use",
        "Select the connection that commands use by default",
        "entra use work",
        ("switch", "auth switch", "account set"),
    ),
    Command(
        "disconnect",
        "Remove a saved connection",
        "entra disconnect work",
        ("logout", "signout", "sign-out", "auth logout", "account clear"),
    ),
    Command("certificates", "List the certificates in the stores of this machine", "entra certificates"),
    Noun("vault", "Check, re-encrypt, export or import saved connections"),
    Command("vault path", "Print where saved connections are", "entra vault path"),
    Command("vault check", "Check all saved connections and their key", "entra vault check"),
    Command(
        "vault rekey", "Encrypt all saved connections with a new key", "entra vault rekey --vault-key-from keyring"
    ),
    Command("vault export", "Write saved connections to an encrypted file", "entra vault export connections.entra"),
    Command("vault import", "Save the connections of an exported file", "entra vault import connections.entra"),
    Command("config", "Print the options of `entra connect`, and where each comes from", "entra config --profile work"),
    Command("demo", "Sign in with all five flows on the embedded tenant", "entra demo"),
    Command("emulator", "Run the embedded tenant", "entra emulator --port 8443"),
    Command("completion", "Print or install completion for a shell", 'eval "$(entra completion bash)"'),
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
    (14, "unknown whether a write was done; look first"),
    (130, "interrupted"),
)


def commands() -> list[Command]:
    """Return all commands, in the order of the table."""
    return [node for node in TREE if isinstance(node, Command)]


def children(path: str = "") -> list[Node]:
    """Return the nodes directly below a noun; the first level of the tree for an empty path."""
    return [node for node in TREE if node.path.rpartition(" ")[0] == path]


def find(path: str) -> Node | None:
    """Return the command or noun with a path, or with that alias; None if there is none."""
    for node in TREE:
        if node.path == path:
            return node
    return next((node for node in TREE if path in node.aliases), None)


def begins_alias(path: str) -> bool:
    """Return whether an alias of several words begins with a path."""
    return any(alias.startswith(f"{path} ") for node in TREE for alias in node.aliases)
