"""One module for files: nothing outside `files/` writes, moves or locks a file directly."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import entrakit

SOURCE = Path(entrakit.__file__).parent
# They make, change or move files, or lock them.
MODULES = {"fcntl", "filelock", "msvcrt", "tempfile"}
FUNCTIONS = {
    *("chmod", "fchmod", "fdopen", "ftruncate", "link", "makedirs", "mkdir", "open", "rename", "replace", "symlink"),
    *("copy", "copyfile", "copytree", "move", "truncate"),
}
METHODS = {"touch", "write_bytes", "write_text"}


def file_access(tree: ast.Module) -> list[str]:
    """Return the statements of a module that write, move or lock files."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.partition(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom):
            module = (node.module or "").partition(".")[0]
            names = {alias.name for alias in node.names}
            found += [module] if module in MODULES or (module in ("os", "shutil") and names & FUNCTIONS) else []
        elif isinstance(node, ast.Call):
            # The null device is not a file, and a copy of a standard stream is not, either.
            words = ast.unparse(node)
            target = ast.unparse(node.args[0]) if node.args else ""
            called = ast.unparse(node.func)
            package, _, function = called.rpartition(".")
            is_system_call = package in ("os", "shutil") and function in FUNCTIONS
            is_writer = called == "open" and not _only_reads(node)
            if (
                "os.devnull" not in target
                and not target.startswith("os.dup(")
                and (is_system_call or is_writer or function in METHODS)
            ):
                found.append(words)
    return found


def _only_reads(call: ast.Call) -> bool:
    modes = [*call.args[1:2], *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    return all(isinstance(mode, ast.Constant) and not set(str(mode.value)) & set("wax+") for mode in modes)


@pytest.mark.parametrize("path", sorted(path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py")))
def test_only_the_folder_files_writes_files(path: str) -> None:
    """
    A file is written, moved and locked by the functions of `files/`, so each promise about files is kept in one place.
    """
    found = file_access(ast.parse((SOURCE / path).read_text(encoding="utf-8")))

    assert path.startswith("files/") or [] == found


def test_what_writes_a_file_is_seen() -> None:
    """
    The check above sees each way in which a module may write a file.
    """
    lines = [
        *("import fcntl", "from tempfile import mkstemp", "from os import replace", "os.open(path, 0)"),
        *("open(path, 'w')", "open(path, mode='r+')", "open(path, mode)", "os.replace(a, b)", "path.write_text('')"),
    ]

    assert [1] * len(lines) == [len(file_access(ast.parse(line))) for line in lines]
    assert [] == file_access(ast.parse("open(path)\nopen(path, 'rb')\nopen(os.open(os.devnull, flags), 'w')"))
