"""2,000 small writes: one after another, at the same time, and in batches; beside httpx2 alone and msgraph-sdk."""

from __future__ import annotations

import asyncio
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import httpx2

from bench.emulated import emulated
from bench.listing import promise
from bench.measure import compile_sources, table
from bench.programs.entrakit_listing import client
from bench.programs.peers_listing import load, sdk_client

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.emulated import Emulated

T = TypeVar("T")

COUNT = 2_000
LATENCY_S = 0.01
# Fewer of the slowest way are measured, and the time is taken for all.
SAMPLE = 200
BATCHED = 5.0
CHANGE = {"jobTitle": "Engineer"}
SINGLE = "entrakit, one after another"
BATCHES = "entrakit, in batches of 20, 4 at the same time"


def run() -> int:
    """Measure and print; return how many promises were not kept."""
    compile_sources()
    load("msgraph-sdk")
    with emulated(COUNT, LATENCY_S) as one:
        token = one.token()
        graph = client(one.url, one.ca, token)
        ids = [str(user["id"]) for user in graph.items("/users", select=["id"], top=999)][:COUNT]
        changes = [graph.call("PATCH", f"/users/{key}", body=CHANGE) for key in ids]
        best = {
            SINGLE: _taken(lambda: [graph.run(change) for change in changes[:SAMPLE]]) * COUNT / SAMPLE,
            "entrakit, 8 at the same time": _taken(lambda: _at_once(graph.run, changes)),
        }
        results: list[object] = []
        best[BATCHES] = _taken(lambda: results.extend(graph.batch(changes, at_once=4)))
        with httpx2.Client(
            verify=ssl.create_default_context(cafile=one.ca), headers={"Authorization": f"Bearer {token}"}
        ) as plain:

            def write(key: str) -> None:
                plain.patch(f"{one.url}/v1.0/users/{key}", json=CHANGE).raise_for_status()

            taken = _taken(lambda: list(map(write, ids[:SAMPLE])))
            best["httpx2, one after another"] = taken * COUNT / SAMPLE
            best["httpx2, 8 at the same time"] = _taken(lambda: _at_once(write, ids))
        taken = _taken(lambda: asyncio.run(_with_sdk(one, token, ids[:SAMPLE])))
        best["msgraph-sdk, one after another"] = taken * COUNT / SAMPLE
    failed = [one for one in results if isinstance(one, Exception)]
    if failed:
        raise SystemExit(f"{len(failed)} writes failed: {failed[0]}")
    print(f"\nOne after another, {SAMPLE} were measured, and counted up.")
    table(f"{COUNT:,} small writes, {LATENCY_S * 1000:.0f} ms of latency", best, {}, floor=SINGLE)
    return promise("times as fast in batches", best[SINGLE] / best[BATCHES], BATCHED, at_least=True)


def _taken(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _at_once(write: Callable[[T], object], all_of_them: Sequence[T]) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, all_of_them))


async def _with_sdk(one: Emulated, token: str, ids: Sequence[str]) -> None:
    from msgraph.generated.models.user import User

    graph = sdk_client(one.url, one.ca, token)
    for key in ids:
        await graph.users.by_user_id(key).patch(User(job_title=CHANGE["jobTitle"]))
