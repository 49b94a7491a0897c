#!/usr/bin/env python3
"""Record how many source files two calls of the library walk through.

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
# Where `find_cloud` has been, the newest place first.
CLOUDS = ("entrakit.authority.clouds", "entrakit.clouds")
PATH = "/organization"


class Stay(NamedTuple):
    """Consecutive calls within one file.

    Args:
        file: The file, below `entrakit`.
        functions: The functions that are called, each once.
    """

    file: str
    functions: list[str]


class Walk(NamedTuple):
    """The files that one call enters, in order.

    Args:
        label: What is called.
        stays: The files; the next one is always another file.
        most_rooms: The most different files that there may be.
        most_hand_overs: The most stays that there may be.
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
    """Do some work, and return the files of a package that it enters."""
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

    # A collection of garbage could call finalizers at any point of the walk.
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
    raise SystemExit(f"entrakit has none of the modules {', '.join(CLOUDS)}.")


def main() -> int:
    """Print the walks; return 1 if one is to be checked and too long."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, default=SOURCE, help="the src folder to measure (default: this one)")
    parser.add_argument("--show", action="store_true", help="print each file that is entered, with its functions")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a walk is longer than its limit")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        # Nothing of this machine changes the walk: no kept connection, no keyring, no proxy.
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
