"""2,000 small writes: one after another, at the same time, and in batches."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bench.emulated import emulated
from bench.listing import promise
from bench.measure import compile_sources, table
from bench.programs.entrakit_listing import client

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from entrakit.graph import Call

COUNT = 2_000
LATENCY_S = 0.01
# Fewer of the slowest way are measured, and the time is taken for all.
SAMPLE = 200
BATCHED = 5.0


def run() -> int:
    """Measure and print; return how many promises were not kept."""
    compile_sources()
    with emulated(COUNT, LATENCY_S) as one:
        graph = client(one.url, one.ca, one.token())
        ids = [str(user["id"]) for user in graph.items("/users", select=["id"], top=999)][:COUNT]
        changes = [graph.call("PATCH", f"/users/{key}", body={"jobTitle": "Engineer"}) for key in ids]
        best = {}
        begun = time.perf_counter()
        for change in changes[:SAMPLE]:
            graph.run(change)
        best["one after another"] = (time.perf_counter() - begun) * COUNT / SAMPLE
        begun = time.perf_counter()
        _at_once(graph.run, changes)
        best["8 at the same time"] = time.perf_counter() - begun
        begun = time.perf_counter()
        results = graph.batch(changes, at_once=4)
        best["in batches of 20, 4 at the same time"] = time.perf_counter() - begun
    failed = [one for one in results if isinstance(one, Exception)]
    if failed:
        raise SystemExit(f"{len(failed)} writes failed: {failed[0]}")
    table(f"{COUNT:,} small writes, {LATENCY_S * 1000:.0f} ms of latency", best, {}, floor="one after another")
    single, _, batched = best.values()
    return promise("times as fast in batches", single / batched, BATCHED, at_least=True)


def _at_once(run_one: Callable[[Call[dict[str, object]]], object], changes: Sequence[Call[dict[str, object]]]) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(run_one, changes))
