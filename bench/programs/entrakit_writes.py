"""Small writes with entrakit: one after another, 8 at the same time, or in batches."""

from __future__ import annotations

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from bench.programs.entrakit_listing import client

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from entrakit.graph import Call, Client

T = TypeVar("T")

CHANGE = {"jobTitle": "Engineer"}


def user_ids(graph: Client, count: int) -> list[str]:
    """Return the ids of the first users."""
    return [str(user["id"]) for user in islice(graph.items("/users", select=["id"], top=999), count)]


def changes_of(graph: Client, ids: Sequence[str]) -> list[Call[object]]:
    """Return one change for each user."""
    return [graph.call("PATCH", f"/users/{key}", body=CHANGE) for key in ids]


def taken(work: Callable[[], object]) -> float:
    """Return the duration of a function in seconds."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def at_once(write: Callable[[T], object], all_of_them: Sequence[T]) -> None:
    """Write all, 8 at the same time."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, all_of_them))


def write_all(how: str, graph: Client, changes: Sequence[Call[object]]) -> None:
    """Make all changes `singly`, `at-once` or `in-batches`; raise the first failure."""
    if how == "singly":
        for change in changes:
            graph.run(change)
    elif how == "at-once":
        at_once(graph.run, changes)
    else:
        for result in graph.batch(changes, at_once=4):
            if isinstance(result, Exception):
                raise result


if __name__ == "__main__":
    how, origin, ca, count = sys.argv[1:]
    graph = client(origin, ca, os.environ["TOKEN"])
    changes = changes_of(graph, user_ids(graph, int(count)))
    print(json.dumps({"seconds": taken(lambda: write_all(how, graph, changes)), "count": len(changes)}))
