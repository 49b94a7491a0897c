"""Listings by turns in one process, so that other load of the machine affects all alike: the seconds of each turn."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from typing import TYPE_CHECKING

from bench.programs import entrakit_listing, peers_listing, raw

if TYPE_CHECKING:
    from collections.abc import Callable

if __name__ == "__main__":
    origin, ca, path, turns = sys.argv[1:]
    token = os.environ["TOKEN"]

    def ours(what: str) -> int:
        """List with entrakit."""
        with tempfile.TemporaryDirectory() as directory:
            graph = entrakit_listing.client(origin, ca, token)
            return entrakit_listing.run(what, 1, graph, directory, sys.maxsize)

    listings: dict[str, Callable[[], int]] = {
        "drain": lambda: raw.run("drain", origin, ca, token, path),
        "msgspec": lambda: raw.run("msgspec", origin, ca, token, path),
        "urllib3": lambda: peers_listing.urllib3_msgspec(f"{origin}{path}", ca, token),
        "typed": lambda: ours("typed"),
        "dicts": lambda: ours("dicts"),
        "export": lambda: ours("export"),
    }
    seconds: dict[str, list[float]] = {name: [] for name in listings}
    for turn in range(int(turns) + 1):
        for name, listing in listings.items():
            begun = time.perf_counter()
            listing()
            # The first turn loads modules.
            if turn:
                seconds[name].append(time.perf_counter() - begun)
    print(json.dumps(seconds))
