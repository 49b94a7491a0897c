#!/usr/bin/env python3
"""Print rooms, floors, circles and upward imports of both packages; fail if the declared order is broken.

    .venv/bin/python scripts/floors.py

A room is a file or a folder. In each folder, a room may import only rooms before it in `ORDER`. An import
from one folder into another counts in the folder that holds both. Imports are read from the syntax trees: those for
type checking and those inside functions count, too. Importing a package means importing its `__init__`, which is a room
like any other; that Python also runs it before a submodule is imported does not count. Modules that are loaded by a
computed name, such as the commands of `entra`, are not seen.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SOURCE = Path(__file__).resolve().parents[1] / "src"
FLAT_FOLDER = "entrakit"
FLAT_LIMIT = 12

# The files and folders of each folder, from the bottom up. "." is `src` itself.
ORDER: dict[str, tuple[str, ...]] = {
    ".": ("entrakit_emulator", "entrakit"),
    "entrakit": (
        *(
            "version",
            "errors",
            "frames",
            "redaction",
            "shown_text",
            "paths",
            "secret",
            "sources",
            "files",
            "http",
            "authority",
            "tokens",
        ),
        *("services", "graph", "vault", "certificates", "sign_in", "connection", "connections", "connecting"),
        *("__init__", "cli", "__main__"),
    ),
    "entrakit/files": (
        "__init__",
        "waits",
        "programs",
        "links",
        "trusted",
        "shared",
        "private",
        "lock",
        "result",
        "resumable",
    ),
    "entrakit/http": (
        *(
            "__init__",
            "lazy_package",
            "address",
            "message",
            "retry",
            "failures",
            "proxies",
            "connection",
            "tls",
            "socks",
        ),
        *("issuer", "tunnels", "transport", "direct", "transport_async"),
    ),
    "entrakit/authority": ("__init__", "tenants", "clouds"),
    "entrakit/tokens": (
        "__init__",
        "base64url",
        "jwt",
        "token",
        "request",
        "scopes",
        "claims_challenge",
        "permissions",
        "inspection",
    ),
    "entrakit/services": (
        "__init__",
        "service",
        "operation",
        "connected",
        "odata",
        "advanced_query",
        "decoding",
        "outcome",
        "retrying",
        "needed_permissions",
        "errors",
        "fetch",
        "request",
        "listing",
        "jobs",
        "pace",
        "workers",
        "runner",
        "runner_async",
        "fan_in",
        "fan_in_async",
    ),
    "entrakit/graph": (
        *(
            "batch_envelope",
            "batch",
            "delta_session",
            "delta",
            "beginnings",
            "names",
            "ranges",
            "export",
            "requests",
            "client",
            "client_async",
        ),
        "__init__",
    ),
    "entrakit/certificates": (
        "names",
        "public_keys",
        "reading",
        "signers",
        "__init__",
        "stores",
        "sources",
    ),
    "entrakit/certificates/reading": (
        *("__init__", "der", "decryption", "iterations", "lenient", "pfx", "formats", "files", "glance"),
    ),
    "entrakit/certificates/signers": ("__init__", "software", "command", "key_vault"),
    "entrakit/certificates/stores": (
        "__init__",
        "pkcs11_uri",
        "pkcs11_modules",
        "windows_calls",
        "macos_calls",
        "store",
        "windows",
        "macos",
        "pkcs11",
        "folder",
        "available",
        "inventory",
    ),
    "entrakit/vault": (
        "envelope",
        "storage",
        "redis_address",
        "redis_client",
        "redis",
        "files",
        "keys",
        "conflicts",
        "leaving",
        "__init__",
        "bundle",
        "upkeep",
    ),
    "entrakit/vault/keys": (
        "kernel",
        "source",
        "file",
        "environment",
        "keyring",
        "__init__",
    ),
    "entrakit/sign_in": (
        *("__init__", "remedy_table", "remedies", "errors", "discovery", "grant", "id_token", "client_assertion"),
        *("_msal", "redirect", "last_page", "socket_owner", "loopback_request", "loopback", "system_browser"),
        *("azure_tools", "identity_hosts", "identity_answers", "arc_key", "federated_providers", "flow", "user_token"),
        *("flows", "parameter_table", "parameters", "parameter_types"),
    ),
    "entrakit/sign_in/flows": (
        *("access_token", "azure_tool", "browser", "certificate", "devicecode", "browser_or_device_code", "password"),
        *("refresh", "refresh_token", "on_behalf_of", "secret", "key_vault", "managed_identity", "federated"),
        *("automatic", "__init__"),
    ),
    "entrakit/connection": (
        *("settings", "saver", "record", "renewal", "like", "decision", "token_cache", "azure_credential"),
        *("awaited", "__init__", "shared", "ensured", "revocation"),
    ),
    "entrakit/cli": (
        *("context", "command_table", "suggestions", "command_line", "help_pages", "parser", "reconnect", "words"),
        *(
            "work",
            "logs",
            "options",
            "configuration",
            "origins",
            "output",
            "execute",
            "completion",
            "commands",
            "__init__",
        ),
    ),
    "entrakit/cli/completion": ("__init__", "tree", "posix", "bash", "zsh", "fish", "powershell", "scripts", "install"),
    "entrakit/cli/options": (
        *("__init__", "durations", "prompts", "credentials", "sign_in", "questions", "connection", "output", "body"),
        *("query", "confirm", "request", "batch_file", "services"),
    ),
    "entrakit/cli/output": (
        *("__init__", "tables", "progress", "destination", "rows", "formats", "show", "single", "collection"),
        *("results", "changes"),
    ),
    "entrakit/cli/commands": (
        *(
            "__init__",
            "batch",
            "certificates",
            "completion",
            "connect",
            "config",
            "delta",
            "disconnect",
            "emulator",
            "inspect",
        ),
        *("request", "status", "token", "use", "vault", "demo"),
    ),
    "entrakit_emulator": (
        *("fifo_dict", "clock", "journal", "json_values", "own_files", "page_reader", "server", "trust", "faults"),
        *("useragent", "jose", "state", "outside_issuer", "world", "exchange", "contoso", "bearer"),
        *("resource_manager", "sts", "graph", "key_vault", "identity", "fault_answers", "seed", "application"),
        *("routes", "coverage", "hosts", "control", "tenant", "__init__", "pytest_plugin"),
    ),
    "entrakit_emulator/state": (
        *("__init__", "bucket", "store", "replica", "identities", "scopes", "tickets", "keys", "outside_keys"),
        "key_vault",
    ),
    "entrakit_emulator/graph": (
        *("__init__", "timestamps", "errors", "schema", "app_documents", "snapshot_json", "consistency"),
        *("bulk_objects", "synchronization", "snapshot", "call", "kind", "address", "filters", "search"),
        *("permissions", "throttle", "page_tokens", "expansion", "listing", "computed", "delta", "objects"),
        *("relations", "registered_apps", "federated_credentials", "licenses", "kinds", "deleted_items", "kind_routes"),
        *("routes", "batch", "endpoint"),
    ),
    "entrakit_emulator/graph/kinds": (
        *("__init__", "applications", "devices", "groups", "organization", "service_principals", "subscribed_skus"),
        "users",
    ),
    "entrakit_emulator/identity": (
        *("__init__", "refusals", "assigned", "tokens", "imds", "app_service", "service_fabric", "cloud_shell", "arc"),
        "seeds",
    ),
    "entrakit_emulator/key_vault": ("__init__", "errors", "bodies", "seeds", "signing", "endpoint"),
    "entrakit_emulator/sts": (
        *("__init__", "error_kind", "error_table_on_demand", "error_table_assertions", "error_table", "errors"),
        *("federation", "assertions", "redirects", "tenancy", "scopes", "client_authentication", "pages"),
        *("error_lookup", "browser", "claims", "consent"),
        *("discovery", "delivery", "purpose", "token_response", "users", "grants", "sign_in_pages", "sign_in"),
        *("token", "authorize", "admin_consent", "device_page", "devicecode"),
    ),
    "entrakit_emulator/sts/grants": (
        *("__init__", "client_credentials", "code", "password", "device", "refresh", "on_behalf_of"),
    ),
}


class Import(NamedTuple):
    """One file of our packages imports another.

    Args:
        file: The file that imports, such as `entrakit/graph/batch`.
        target: The file that is imported.
        line: The line of the import.
        types_only: Whether the import is for type checking only.
    """

    file: str
    target: str
    line: int
    types_only: bool

    def __str__(self) -> str:
        return f"{self.file}.py:{self.line} imports {self.target}{' (types only)' if self.types_only else ''}"


class Step(NamedTuple):
    """An import, as seen in the folder that holds both files.

    Args:
        folder: That folder.
        room: The room of the folder that imports.
        target: The room of the folder that is imported.
        by: The import.
    """

    folder: str
    room: str
    target: str
    by: Import


class Circle(NamedTuple):
    """Files, or rooms of one folder, that all import each other, directly or through others.

    Args:
        members: All of them.
        way: A shortest way around the circle, one import for each step.
    """

    members: tuple[str, ...]
    way: tuple[Import, ...]


def imported_names(path: Path) -> Iterator[tuple[str, int, bool]]:
    """Yield each imported name in full, such as `json.dumps`, its line, and whether it is for type checking only."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno, id(node) in for_types
        elif isinstance(node, ast.ImportFrom):
            if node.level or not node.module:
                raise ValueError(f"{path}:{node.lineno} has a relative import.")
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node.lineno, id(node) in for_types
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            # A computed name can't be read from the tree.
            yield from (
                (str(name.value), node.lineno, False) for name in node.args[:1] if isinstance(name, ast.Constant)
            )


def files_of(source: Path) -> dict[str, Path]:
    """Return the path of each file, by its name below the source, such as `entrakit/vault/__init__`."""
    return {path.relative_to(source).with_suffix("").as_posix(): path for path in sorted(source.rglob("*.py"))}


def imports_of(source: Path) -> list[Import]:
    """Return every import of one file of the source by another."""
    files = files_of(source)
    modules = {file.removesuffix("/__init__").replace("/", "."): file for file in files}
    found = []
    for file, path in files.items():
        for name, line, types_only in imported_names(path):
            # `from a.b import c` means the module a.b.c where there is one, else a.b.
            module = name
            while module and module not in modules:
                module = module.rpartition(".")[0]
            if module:
                found.append(Import(file, modules[module], line, types_only))
    return sorted(set(found))


def rooms_of(source: Path) -> dict[str, tuple[str, ...]]:
    """Return the rooms of each folder."""
    rooms: dict[str, set[str]] = defaultdict(set)
    for file in files_of(source):
        parts = (".", *file.split("/"))
        for depth in range(1, len(parts)):
            rooms["/".join(parts[1:depth]) or "."].add(parts[depth])
    return {folder: tuple(sorted(names)) for folder, names in sorted(rooms.items())}


def steps_of(imports: Sequence[Import]) -> list[Step]:
    """Return each import as a step between two rooms of the folder that holds both files."""
    steps = []
    for one in imports:
        parts, targets = one.file.split("/"), one.target.split("/")
        depth = 0
        while depth < min(len(parts), len(targets)) - 1 and parts[depth] == targets[depth]:
            depth += 1
        steps.append(Step("/".join(parts[:depth]) or ".", parts[depth], targets[depth], one))
    return steps


def misnamed(source: Path, order: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the mistakes in the order: rooms that it does not name, names twice, or names though they do not exist."""
    problems = []
    rooms = rooms_of(source)
    for folder in sorted({*rooms, *order}):
        there, named = rooms.get(folder, ()), order.get(folder, ())
        problems += [f"{folder}: {name} is not in the order" for name in there if name not in named]
        problems += [f"{folder}: {name} is in the order, but does not exist" for name in named if name not in there]
        problems += [f"{folder}: {name} is in the order twice" for name in sorted(set(named)) if named.count(name) > 1]
    return problems


def upward(imports: Sequence[Import], order: Mapping[str, Sequence[str]]) -> list[Step]:
    """Return the imports of a room that stands later in the order than the importing room."""
    place = {(folder, name): number for folder, names in order.items() for number, name in enumerate(names)}
    return [
        step
        for step in steps_of(imports)
        if place.get((step.folder, step.target), 0) > place.get((step.folder, step.room), 0)
    ]


def file_circles(imports: Sequence[Import]) -> list[Circle]:
    """Return the circles of files."""
    return _circles([(one.file, one.target, one) for one in imports])


def room_circles(imports: Sequence[Import]) -> dict[str, list[Circle]]:
    """Return the circles of rooms by folder, without those of files only, which `file_circles` returns."""
    edges: dict[str, list[tuple[str, str, Import]]] = defaultdict(list)
    files = {name for one in imports for name in (one.file, one.target)}
    for step in steps_of(imports):
        if step.room != step.target:
            edges[step.folder].append((step.room, step.target, step.by))
    found = {}
    for folder, between in sorted(edges.items()):
        circles = _circles(between)
        above = "" if folder == "." else f"{folder}/"
        found[folder] = [one for one in circles if not all(above + name in files for name in one.members)]
    return {folder: circles for folder, circles in found.items() if circles}


def _circles(edges: Sequence[tuple[str, str, Import]]) -> list[Circle]:
    graph: dict[str, dict[str, Import]] = defaultdict(dict)
    for begin, end, by in edges:
        graph[begin].setdefault(end, by)
        graph.setdefault(end, {})
    ways = {name: _ways(graph, name) for name in graph}
    found: list[Circle] = []
    for name in sorted(graph):
        if name in ways[name] and not any(name in circle.members for circle in found):
            members = tuple(sorted(other for other in ways[name] if name in ways[other]))
            found.append(Circle(members, min((ways[one][one] for one in members), key=len)))
    return found


def _ways(graph: Mapping[str, Mapping[str, Import]], begin: str) -> dict[str, tuple[Import, ...]]:
    """Return a shortest way to each name that can be reached; a way to `begin` itself exists only in a circle."""
    ways: dict[str, tuple[Import, ...]] = {}
    reached: list[tuple[str, tuple[Import, ...]]] = [(begin, ())]
    for name, way in reached:
        for end, by in graph[name].items():
            if end not in ways:
                ways[end] = (*way, by)
                reached.append((end, ways[end]))
    return ways


def floors(imports: Sequence[Import], folder: str, order: Sequence[str]) -> list[list[str]]:
    """Return the rooms of a folder by floor: each stands one floor above the highest that it imports.

    Upward imports do not count, so the floors are defined even if there are circles.
    """
    below: dict[str, set[str]] = defaultdict(set)
    for step in steps_of(imports):
        if step.folder == folder and step.room in order and step.target in order[: order.index(step.room)]:
            below[step.room].add(step.target)
    heights: dict[str, int] = {}
    for name in order:
        heights[name] = 1 + max((heights[target] for target in below[name]), default=-1)
    top = max(heights.values(), default=-1)
    return [[name for name in order if heights[name] == floor] for floor in range(top + 1)]


def flat_files(source: Path, folder: str = FLAT_FOLDER) -> list[str]:
    """Return the files directly in a folder."""
    return sorted(path.name for path in (source / folder).glob("*.py"))


def report(source: Path, order: Mapping[str, Sequence[str]]) -> int:
    """Print everything, and return the number of problems."""
    imports = imports_of(source)
    _print_rooms(source, order)
    for folder, names in order.items():
        if folder != ".":
            found = floors(imports, folder, names)
            print(f"\nFloors of {folder}: {len(found)}")
            for number, floor in reversed(list(enumerate(found))):
                print(f"  {number:2}  {'  '.join(floor)}")
    problems = misnamed(source, order)
    _print_all("Mistakes in the order", problems)
    circles = [("files", circle) for circle in file_circles(imports)]
    for folder, some in room_circles(imports).items():
        circles += [(f"rooms of {folder}", circle) for circle in some]
    print(f"\nCircles: {len(circles)}")
    for kind, circle in circles:
        print(f"  {len(circle.members)} {kind}: {', '.join(circle.members)}")
        print("\n".join(f"    {by}" for by in circle.way))
    steps = upward(imports, order)
    _print_all("Upward imports", [str(step.by) for step in sorted(steps)])
    flat = flat_files(source)
    print(f"\nFiles directly in src/{FLAT_FOLDER}: {len(flat)} (at most {FLAT_LIMIT})")
    return len(problems) + len(circles) + len(steps) + (len(flat) > FLAT_LIMIT)


def _print_rooms(source: Path, order: Mapping[str, Sequence[str]]) -> None:
    lines = {file: len(path.read_text(encoding="utf-8").splitlines()) for file, path in files_of(source).items()}
    for package in order["."]:
        rooms = order.get(package, ())
        print(f"Rooms of {package}: {len(rooms)}")
        for name in reversed(rooms):
            room = f"{package}/{name}"
            inside = [count for file, count in lines.items() if file == room or file.startswith(f"{room}/")]
            shown = f"{name}/" if room in order else f"{name}.py"
            print(f"  {shown:<24} {sum(inside):6,} lines{f' in {len(inside)} files' if room in order else ''}")


def _print_all(title: str, lines: Sequence[str]) -> None:
    print(f"\n{title}: {len(lines)}")
    for line in lines:
        print(f"  {line}")


def main() -> int:
    """Print everything, and return 1 if there is a problem."""
    return 1 if report(SOURCE, ORDER) else 0


if __name__ == "__main__":
    sys.exit(main())
