#!/usr/bin/env python3
"""Record the source files that two calls of the library enter.

    .venv/bin/python scripts/walk.py            print the numbers
    .venv/bin/python scripts/walk.py --show     print the walks as well
    .venv/bin/python scripts/walk.py --check    fail if a walk is longer than its limit

A room is a file of `entrakit` whose functions are called. A hand-over is a change of the file between two consecutive
calls; entering the first file is one, too. Resuming a generator counts as a call, running the body of a module does
not. Only the thread of the caller is watched. Imports, the vault and the metadata of the tenant are warm.

`--source` names the `src` folder to measure, of any commit; run the script with a Python that has its dependencies.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from entrakit import Cloud, Connection

SOURCE = Path(__file__).resolve().parents[1] / "src"
# Modules that have contained `find_cloud`, the newest first.
CLOUDS = ("entrakit.authority.clouds", "entrakit.clouds")
PATH = "/organization"


class Stay(NamedTuple):
    """Consecutive calls in one file.

    Args:
        file: Path of the file below `entrakit`.
        functions: Names of the called functions, each once.
    """

    file: str
    functions: list[str]


class Walk(NamedTuple):
    """The files that one call enters, in order.

    Args:
        label: Name of the call.
        stays: Files in order; consecutive stays are in different files.
        most_rooms: Limit of the number of different files.
        most_hand_overs: Limit of the number of stays.
    """

    label: str
    stays: list[Stay]
    most_rooms: int
    most_hand_overs: int

    @property
    def rooms(self) -> int:
        """The number of different files."""
        return len({stay.file for stay in self.stays})

    @property
    def fits(self) -> bool:
        """Whether the walk is within its limits."""
        return self.rooms <= self.most_rooms and len(self.stays) <= self.most_hand_overs

    def __str__(self) -> str:
        return (
            f"{self.label}: {self.rooms} rooms, {len(self.stays)} hand-overs "
            f"(at most {self.most_rooms} and {self.most_hand_overs})"
        )


def record(package: Path, work: Callable[[], object]) -> list[Stay]:
    """Call `work`, and return the files of a package that it enters."""
    root = f"{package}{os.sep}"
    stays: list[Stay] = []

    def watch(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event != "call" or code.co_name == "<module>" or not code.co_filename.startswith(root):
            return
        file = Path(code.co_filename).relative_to(package).as_posix()
        if not stays or stays[-1].file != file:
            stays.append(Stay(file, []))
        if code.co_name not in stays[-1].functions:
            stays[-1].functions.append(code.co_name)

    # Garbage collection could call finalizers at any point of the walk.
    gc.disable()
    sys.setprofile(watch)
    try:
        work()
    finally:
        sys.setprofile(None)
        gc.enable()
    return stays


def walks(source: Path) -> list[Walk]:
    """Return the walks of `connect` and of a request, in the packages of a `src` folder."""
    sys.path.insert(0, str(source))
    from entrakit import connect
    from entrakit_emulator import start

    package = Path(import_module("entrakit").__file__ or "").parent
    if package != source / "entrakit":
        raise SystemExit(f"entrakit was imported from {package}, not from {source}.")
    with start() as tenant:
        cloud = _find_cloud(tenant.url)

        def sign_in() -> Connection:
            return connect(
                client_id=tenant.confidential_client, tenant_id=tenant.tenant_id, client_secret=tenant.client_secret,
                cloud=cloud, graph_url=tenant.url, ca_bundle=tenant.ca_path, name="job", save_secret=True,
            )  # fmt: skip

        sign_in().close()
        opened: list[Connection] = []
        connecting = record(package, lambda: opened.append(sign_in()))
        with opened[0] as connection:
            graph = connection.graph
            graph.get(PATH)
            getting = record(package, lambda: graph.get(PATH))
    return [Walk("connect(client_secret, name=…)", connecting, 22, 70), Walk("graph.get", getting, 14, 28)]


def _find_cloud(url: str) -> Cloud:
    for place in CLOUDS:
        try:
            cloud: Cloud = import_module(place).find_cloud(url)
        except ModuleNotFoundError:
            continue
        return cloud
    raise SystemExit(f"entrakit contains none of the modules {', '.join(CLOUDS)}.")


def main() -> int:
    """Print the walks; with --check, return 1 if a walk is too long."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, default=SOURCE, help="the src folder to measure (default: this one)")
    parser.add_argument("--show", action="store_true", help="print each entered file with its functions")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a walk is longer than its limit")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        # The state of this machine must not change the walk: no saved connection, keyring or proxy.
        path = os.environ.get("PATH", os.defpath)
        os.environ.clear()
        os.environ.update(PATH=path, HOME=home, XDG_STATE_HOME=os.path.join(home, "state"))
        found = walks(options.source.resolve())
    for walk in found:
        print(walk)
        if options.show:
            print("\n".join(f"  {stay.file}: {', '.join(stay.functions)}" for stay in walk.stays))
    return 1 if options.check and not all(walk.fits for walk in found) else 0


if __name__ == "__main__":
    sys.exit(main())
