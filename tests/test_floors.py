"""The floors of docs/architecture.md, proved on the syntax trees of every file."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"
CLIENT = SOURCE / "entrakit"

# From the bottom up; a room may import what stands before it.
ORDER = (
    *("version", "errors", "secret", "redaction", "files", "http", "authority", "tokens", "services"),
    *("vault", "certificates", "sign_in", "graph", "connection", "connections", "attempt", "connecting"),
    *("__init__", "cli", "__main__"),
)

# Which file may import which dependency.
DOORS = {
    "azure": {"connection/azure_credential.py"},
    "msal": {"sign_in/_msal.py"},
    "httpx2": {"http/transport.py", "http/transport_async.py", "http/failures.py"},
    "idna": {"http/address.py"},
    "msgspec": {"services/decoding.py"},
    "truststore": {"http/tls.py"},
    "filelock": {"files/lock.py"},
    "keyring": {"vault/keys/keyring.py"},
    "redis": {"vault/redis.py"},
    "ctypes": {"vault/keys/kernel.py", "certificates/stores/windows_calls.py", "certificates/stores/macos_calls.py"},
    "pkcs11": {"certificates/stores/pkcs11.py"},
    "platformdirs": {"vault/files.py"},
    "rich": {"cli/output/tables.py"},
    "entrakit_emulator": {"cli/commands/emulator.py", "cli/commands/demo.py"},
}


def imports_of(path: Path) -> set[str]:
    """Return the full names that a file imports when it runs, at the top or inside a function."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    only_for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    names: set[str] = set()
    for node in ast.walk(tree):
        if node in only_for_types:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def room_of(path: Path) -> str:
    """Return the room of the client that a file belongs to."""
    return path.relative_to(CLIENT).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", sorted(CLIENT.rglob("*.py")), ids=lambda path: str(path.relative_to(CLIENT)))
def test_imports_point_down(path: Path) -> None:
    """
    A room imports only itself and rooms named before it; the public names of the package stand above all but cli.
    """
    allowed = set(ORDER[: ORDER.index(room_of(path)) + 1])
    public = {"__version__", "connect", "get_connection", "list_connections", "disconnect"}
    rooms = {name.split(".")[1] for name in imports_of(path) if name.startswith("entrakit.")}

    assert set() == rooms - allowed - (public if room_of(path) in ("cli", "__main__") else set())


@pytest.mark.parametrize("dependency", sorted(DOORS))
def test_each_dependency_has_one_door(dependency: str) -> None:
    """
    Only the file that hides a dependency imports it.
    """
    users = {
        path.relative_to(CLIENT).as_posix()
        for path in CLIENT.rglob("*.py")
        if any(name.split(".")[0] == dependency for name in imports_of(path))
    }

    assert set() == users - DOORS[dependency]


def test_the_emulator_shares_nothing_with_the_client() -> None:
    """
    The emulator imports nothing of the client: they are two readings of the same protocol.
    """
    names = {
        name
        for path in (SOURCE / "entrakit_emulator").rglob("*.py")
        for name in imports_of(path)
        if name.split(".")[0] == "entrakit"
    }

    assert set() == names


def test_the_library_never_prints_prompts_or_reads_arguments() -> None:
    """
    Below the command layer nothing prints, asks on a terminal or looks at argv.
    """
    found = []
    for path in CLIENT.rglob("*.py"):
        if room_of(path) in ("cli", "__main__"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("print", "input"):
                found.append(f"{path.name}:{node.lineno}")
            if isinstance(node, ast.Attribute) and node.attr in ("argv", "stdout", "stderr", "stdin", "getpass"):
                found.append(f"{path.name}:{node.lineno}")

    assert [] == found


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_files_fit_a_few_screens(path: Path) -> None:
    """
    No file is longer than 400 lines, and no function longer than 60, docstring and signature apart.
    """
    text = path.read_text(encoding="utf-8")
    long_functions = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            if body and (body[-1].end_lineno or 0) - body[0].lineno >= 60:
                long_functions.append(node.name)

    assert len(text.splitlines()) <= 400
    assert [] == long_functions
