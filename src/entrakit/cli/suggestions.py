"""Suggestions for words that don't exist: the command or option that the user probably meant.

A suggestion is made only if it differs by few letters. Options that remove or overwrite something are never suggested.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.cli.command_table import Command, children, find

if TYPE_CHECKING:
    from collections.abc import Iterable

# Words of other tools that mean nearly the same as a command, with what to do instead.
OTHER_TOOLS = {
    "account": "Use `entra status` to list the saved connections, or `entra use NAME` to select one.",
    "api": "Use `entra request GET PATH`.",
    "auth": "Use `entra connect` to sign in, `entra status` to list connections, `entra disconnect` to remove one.",
    "delete": "Use `entra disconnect NAME` to remove a connection, or `entra request DELETE PATH` to delete an object.",
    "get": "Use `entra request GET PATH`.",
    "group": "Use `entra request GET /groups --all`.",
    "groups": "Use `entra request GET /groups --all`.",
    "graph": "Use `entra request GET PATH`.",
    "patch": "Use `entra request PATCH PATH --body JSON`.",
    "post": "Use `entra request POST PATH --body JSON`.",
    "remove": "Use `entra disconnect NAME` to remove a connection, or `entra request DELETE PATH` to delete an object.",
    "rest": "Use `entra request GET PATH`.",
    "rm": "Use `entra disconnect NAME` to remove a connection, or `entra request DELETE PATH` to delete an object.",
    "show": "Use `entra status` to list the saved connections, or `entra inspect` to explain the token of one.",
    "user": "Use `entra request GET /users --all`.",
    "users": "Use `entra request GET /users --all`.",
    "vault list": "Use `entra status`.",
    "vault ls": "Use `entra status`.",
    "whoami": "Use `entra inspect`, which shows account, app, tenant and permissions of the current connection.",
}
# Options of other tools, with the option that does the same.
OTHER_OPTIONS = {
    "--account": "--name",
    "--connection": "--name",
    "--dry-run": "--what-if",
    "--file": "--out-file",
    "--format": "--output",
    "--key": "--vault-key-from",
    "--profile": "--name",
    "--secret": "--client-secret",
    "--store": "--certificate-store",
}
SHORTEST_BEGINNING = 3


def distance(one: str, other: str) -> int:
    """Return the number of letters to insert, delete, replace or swap with their neighbour (Damerau, restricted)."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        current = [row]
        for column, target in enumerate(other, 1):
            cost = min(last[column] + 1, current[-1] + 1, last[column - 1] + (letter != target))
            is_swap = row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == target
            current.append(min(cost, before[column - 2] + 1) if is_swap else cost)
        before, last = last, current
    return last[-1]


def nearest(word: str, names: Iterable[str]) -> str:
    """Return the name that a mistyped word means: near to it, or the only one that begins with it; else empty.

    Args:
        word: The word, with the dashes of an option.
        names: Possible names.
    """
    lowered, names = word.lower(), list(names)
    letters = len(lowered.lstrip("-"))
    limit = 1 if letters < 6 else 2 if letters < 10 else 3
    near = sorted((distance(lowered, name), name) for name in names if abs(len(name) - len(lowered)) <= limit)
    beginning = [name for name in names if name.startswith(lowered)]
    is_beginning = len(beginning) == 1 and letters >= SHORTEST_BEGINNING
    # A beginning is more likely than two typing errors: --device is --device-code, not --service.
    if near and near[0][0] <= (1 if is_beginning else limit) and letters > near[0][0] + 1:
        is_tie = len(near) > 1 and near[1][0] == near[0][0]
        return "" if is_tie else near[0][1]
    return beginning[0] if is_beginning else ""


def remedy_for_command(typed: str) -> str:
    """Return the remedy for a command that does not exist.

    Args:
        typed: The words after `entra`, up to the one that is wrong.
    """
    path, _, word = typed.rpartition(" ")
    if find(path) is None and path:
        return OTHER_TOOLS.get(typed.partition(" ")[0], "`entra --help` lists the commands.")
    if typed.lower() in OTHER_TOOLS:
        return OTHER_TOOLS[typed.lower()]
    nodes = {node.path.rpartition(" ")[2]: node for node in children(path)}
    names = {alias: node for node in nodes.values() for alias in node.aliases if " " not in alias} if not path else {}
    near = nearest(word, names | nodes)
    if near:
        node = (names | nodes)[near]
        line = node.example if isinstance(node, Command) else f"entra {node.path} --help"
        return f"Did you mean {node.path.rpartition(' ')[2]}? Try `{line}`."
    return f"Commands: {', '.join(nodes)}. `{f'entra {path}'.rstrip()} --help` explains them."
