"""The floors of docs/architecture.md, proved on the syntax trees of every file."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module
from typing import TYPE_CHECKING

import pytest
from scripts.floors import (
    FLAT_LIMIT,
    ORDER,
    SOURCE,
    file_circles,
    files_of,
    flat_files,
    floors,
    imported_names,
    imports_of,
    misnamed,
    room_circles,
    steps_of,
    upward,
)  # fmt: skip

if TYPE_CHECKING:
    from pathlib import Path

CLIENT = SOURCE / "entrakit"
TESTS = SOURCE.parent / "tests"

# Which file may import which dependency.
DOORS = {
    "azure": {"connection/azure_credential.py"},
    "msal": {"sign_in/_msal.py"},
    "httpx2": {"http/transport_async.py"},
    "socks": {"http/socks.py"},
    "socksio": {"http/transport_async.py"},
    "urllib3": {"http/connection.py"},
    "h11": {"sign_in/loopback_request.py"},
    "idna": {"http/address.py"},
    "msgspec": {"services/decoding.py"},
    "truststore": {"http/tls.py"},
    "filelock": {"files/lock.py"},
    "keyring": {"vault/keys/keyring.py"},
    "redis": {"vault/redis_client.py"},
    "ctypes": {"vault/keys/kernel.py", "certificates/stores/windows_calls.py", "certificates/stores/macos_calls.py"},
    "pkcs11": {"certificates/stores/pkcs11.py"},
    "platformdirs": {"vault/files.py", "cli/configuration.py"},
    "rich": {"cli/output/tables.py"},
    "entrakit_emulator": {"cli/commands/emulator.py", "cli/commands/demo.py"},
}

# Classes that have the name of another one: a connection and a client of the libraries that these files hide.
SAME_NAME = {("Connection", "http/connection"), ("Client", "vault/redis_client")}

# Source files without a mirrored test: the test file that covers them, and the reason.
MIRRORED_ELSEWHERE = {
    "entrakit/__init__": ("test_public_names.py", "it holds the public names only"),
    "entrakit/__main__": ("cli/commands/test_emulator.py", "two lines, which those tests start as a process"),
    "entrakit/cli/completion/bash": ("cli/completion/test_scripts.py", "those tests run it in bash"),
    "entrakit/cli/completion/fish": ("cli/completion/test_scripts.py", "those tests run it in fish"),
    "entrakit/cli/completion/posix": ("cli/completion/test_scripts.py", "those tests run it in bash and zsh"),
    "entrakit/cli/completion/powershell": ("cli/completion/test_scripts.py", "those tests compare its tables"),
    "entrakit/cli/completion/zsh": ("cli/completion/test_scripts.py", "those tests run it in zsh"),
    "entrakit/sign_in/loopback_request": ("sign_in/test_loopback.py", "those tests send the requests"),
    "entrakit/cli/options/sign_in": ("cli/commands/test_connect.py", "the options of that command"),
    "entrakit/cli/options/request": ("cli/commands/test_request.py", "one value without rules"),
    "entrakit/cli/output/changes": ("cli/commands/test_delta.py", "the work of that command"),
    "entrakit/cli/output/results": ("cli/commands/test_batch.py", "the work of that command"),
    "entrakit/cli/output/single": ("cli/commands/test_request.py", "the work of that command"),
    "entrakit/cli/work": ("cli/test_execute.py", "values without rules, which it executes"),
    "entrakit/services/connected": ("certificates/signers/test_key_vault.py", "protocols only"),
    "entrakit/sign_in/grant": ("sign_in/flows/test_refresh.py", "values without rules"),
    "entrakit/connection/saver": ("cli/test_inherited_variables.py", "those tests start the programs"),
    "entrakit/sign_in/parameter_table": ("sign_in/test_parameters.py", "rows without rules"),
    "entrakit/sign_in/parameter_types": ("typing/api.py", "types only, which the type checker checks there"),
    "entrakit/tokens/request": ("connection/test_token_cache.py", "one value without rules"),
    "entrakit/vault/keys/source": ("vault/keys/test_init.py", "a protocol, whose sources are tested one by one"),
    "entrakit/vault/storage": ("vault/test_vault.py", "a protocol, whose contract is tested there"),
    "entrakit/version": ("cli/test_cli.py", "one constant, which `entra --version` prints"),
    "entrakit_emulator/state/scopes": ("emulator/sts/test_scopes.py", "values that the parser makes"),
    "entrakit_emulator/sts/error_kind": ("emulator/sts/test_error_table.py", "one value, a row of the error tables"),
    "entrakit_emulator/sts/error_table_assertions": ("emulator/sts/test_federation.py", "a table, sent in those tests"),
    "entrakit_emulator/sts/error_table_on_demand": ("emulator/test_fault_answers.py", "a table, sent only as a fault"),
}

# Imports every submodule but `__main__`, which runs the command, and prints the types of the public names.
IMPORT_ALL = """
import inspect, pkgutil, sys
from importlib import import_module
import entrakit, entrakit_emulator
for package in (entrakit, entrakit_emulator):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith(".__main__"):
            import_module(module.name)
print(*sorted(name for name in sys.modules if name.split(".")[0] in ("entrakit", "entrakit_emulator")))
print(*(name for name in entrakit.__all__ if inspect.ismodule(getattr(entrakit, name))))
print(*(name for name in entrakit.__all__ if inspect.isfunction(getattr(entrakit, name))))
"""


def run_time_names(path: Path) -> set[str]:
    """Return the full names that a file imports when it runs, at the top or inside a function."""
    return {name for name, _, types_only in imported_names(path) if not types_only}


def room_of(path: Path) -> str:
    """Return the room of the client that a file belongs to."""
    return path.relative_to(CLIENT).parts[0].removesuffix(".py")


def has_code(path: Path) -> bool:
    """Return whether a file has more than a docstring."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return len(body) > 1 or any(not isinstance(node, ast.Expr) for node in body)


def mirror_of(file: str) -> Path:
    """Return the place of a source file's test: `a/test_b.py` for `a/_b`, `a/test_a.py` or `a/test_init.py` for `a`."""
    package, *folders, name = file.split("/")
    home = (TESTS if package == "entrakit" else TESTS / "emulator").joinpath(*folders)
    named = home / f"test_{(folders or [package])[-1]}.py"
    return named if name == "__init__" and named.exists() else home / f"test_{name.strip('_')}.py"


def tree_of(source: Path, **files: str) -> Path:
    """Write a package `house` with the given files, whose names have `__` for `/`, and return the source folder."""
    for name, text in files.items():
        path = source / "house" / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return source


def test_the_order_names_every_room_once() -> None:
    """
    The order names every file and folder of both packages once, and nothing that does not exist.
    """
    assert [] == misnamed(SOURCE, ORDER)


def test_imports_point_down() -> None:
    """
    In each folder, a room imports only rooms named before it, for types too; only cli is above the public names.
    """
    assert [] == [str(step.by) for step in upward(imports_of(SOURCE), ORDER)]


def test_there_is_no_circle() -> None:
    """
    Neither files nor rooms of one folder import each other in a circle, for types or inside functions.
    """
    imports = imports_of(SOURCE)

    assert [] == file_circles(imports)
    assert {} == room_circles(imports)


def test_few_files_lie_at_the_top() -> None:
    """
    At most 12 files stand directly in the package; everything else has a folder that says what it is about.
    """
    assert len(flat_files(SOURCE)) <= FLAT_LIMIT


def test_tests_mirror_the_source() -> None:
    """
    Each source file with any code has a test file in the same place, or a reason in MIRRORED_ELSEWHERE.
    """
    missing = {file for file, path in files_of(SOURCE).items() if has_code(path) and not mirror_of(file).exists()}

    assert set() == missing - set(MIRRORED_ELSEWHERE)
    assert set() == set(MIRRORED_ELSEWHERE) - missing
    assert [] == [name for name, _ in MIRRORED_ELSEWHERE.values() if not (TESTS / name).is_file()]


def test_a_circle_of_type_imports_counts(tmp_path: Path) -> None:
    """
    Two files that import each other make a circle, even if one import is for types and the other inside a function.
    """
    source = tree_of(
        tmp_path,
        a="from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from house.b import B",
        b="def f():\n    from house import a",
    )
    circles = file_circles(imports_of(source))

    assert [("house/a", "house/b")] == [circle.members for circle in circles]
    assert ["house/a.py:3 imports house/b (types only)", "house/b.py:2 imports house/a"] == [
        str(by) for by in circles[0].way
    ]
    assert {} == room_circles(imports_of(source))


def test_folders_that_import_each_other_are_a_circle(tmp_path: Path) -> None:
    """
    Two folders that import each other make a circle, even if no two files do.
    """
    source = tree_of(
        tmp_path, x__one="import house.y.one", x__two="", y__one="", y__two="from house.x import two"
    )  # fmt: skip
    found = room_circles(imports_of(source))

    assert [] == file_circles(imports_of(source))
    assert {"house": [("x", "y")]} == {folder: [one.members for one in circles] for folder, circles in found.items()}


def test_an_import_of_a_later_room_points_up(tmp_path: Path) -> None:
    """
    An import counts in the folder that holds both files, there it may only point to an earlier room.
    """
    source = tree_of(tmp_path, a="import house.x.low", x__low="import house.x.high", x__high="from house.a import A")
    order = {".": ("house",), "house": ("a", "x"), "house/x": ("low", "high")}
    imports = imports_of(source)

    assert [("house", "a", "x"), ("house/x", "low", "high")] == [
        (step.folder, step.room, step.target) for step in upward(imports, order)
    ]
    assert 3 == len(steps_of(imports))
    assert [["a"], ["x"]] == floors(imports, "house", order["house"])


def test_a_package_means_its_init(tmp_path: Path) -> None:
    """
    `from house.x import name` means the submodule of that name if there is one, else the package's `__init__`.
    """
    source = tree_of(
        tmp_path, a="from house.x import low, Name", b="import house.x\nhouse.x.low", x__low="", x__init=""
    )  # fmt: skip
    (source / "house" / "x" / "init.py").rename(source / "house" / "x" / "__init__.py")

    assert [("house/a", "house/x/__init__"), ("house/a", "house/x/low"), ("house/b", "house/x/__init__")] == [
        (one.file, one.target) for one in imports_of(source)
    ]


def test_a_relative_import_is_refused(tmp_path: Path) -> None:
    """
    A relative import is an error: it would not be seen in the graph.
    """
    with pytest.raises(ValueError, match=r"a\.py:1 has a relative import"):
        imports_of(tree_of(tmp_path, a="from . import b"))


def test_mistakes_in_the_order_are_found(tmp_path: Path) -> None:
    """
    A room that is not in the order, occurs twice, or does not exist is reported.
    """
    source = tree_of(tmp_path, a="", b="")

    assert [
        "house: a is not in the order",
        "house: c is in the order, but does not exist",
        "house: b is in the order twice",
    ] == misnamed(source, {".": ("house",), "house": ("b", "c", "b")})
    assert ["a.py", "b.py"] == flat_files(source, "house")


@pytest.mark.parametrize("dependency", sorted(DOORS))
def test_each_dependency_has_one_door(dependency: str) -> None:
    """
    Only the file that hides a dependency imports it.
    """
    users = {
        path.relative_to(CLIENT).as_posix()
        for path in CLIENT.rglob("*.py")
        if any(name.split(".")[0] == dependency for name in run_time_names(path))
    }

    assert set() == users - DOORS[dependency]


def test_the_emulator_shares_nothing_with_the_client() -> None:
    """
    The emulator imports no file of the client, not even for types: they are two readings of the same protocol.
    """
    names = {
        name
        for path in (SOURCE / "entrakit_emulator").rglob("*.py")
        for name, _, _ in imported_names(path)
        if name.split(".")[0] == "entrakit"
    }

    assert set() == names


def test_no_submodule_hides_a_public_name() -> None:
    """
    Every submodule can be imported; after that the public functions are still functions, and no name is a module.
    """
    # The only one that imports a package of an extra at its top is http/socks.
    import_module("socks")
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL], capture_output=True, text=True, check=False)
    modules, hidden, functions = ([*line.split()] for line in [*done.stdout.splitlines(), "", "", ""][:3])
    files = {path.relative_to(SOURCE).with_suffix("").as_posix() for path in SOURCE.rglob("*.py")}
    expected = {file.removesuffix("/__init__").replace("/", ".") for file in files} - {"entrakit.__main__"}

    assert "" == done.stderr
    assert expected == set(modules)
    assert [] == hidden
    assert ["connect", "disconnect", "get_connection", "list_connections"] == functions


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
            # A program that the library runs has streams, too: `process.stdout`.
            of_program = isinstance(node, ast.Attribute) and ast.unparse(node.value) == "process"
            names = ("argv", "stdout", "stderr", "stdin", "getpass")
            if isinstance(node, ast.Attribute) and node.attr in names and not of_program:
                found.append(f"{path.name}:{node.lineno}")

    assert [] == found


@pytest.mark.parametrize("package", ["entrakit", "entrakit_emulator"])
def test_a_class_shares_its_name_with_no_other(package: str) -> None:
    """
    Within a package, the name of a class means one thing.
    """
    places: dict[str, list[str]] = {}
    for path in sorted((SOURCE / package).rglob("*.py")):
        room = path.relative_to(SOURCE / package).with_suffix("").as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and (node.name, room) not in SAME_NAME:
                places.setdefault(node.name, []).append(room)

    assert {} == {name: rooms for name, rooms in places.items() if len(rooms) > 1}


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
