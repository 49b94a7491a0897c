"""2,000 small writes: one after another, in parallel, and in batches; compared with httpx2 and msgraph-sdk."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import httpx2

from bench.emulated import emulated
from bench.listing import promise
from bench.measure import compile_sources, table
from bench.programs.entrakit_listing import client
from bench.programs.entrakit_writes import CHANGE, at_once, changes_of, taken, user_ids, write_all
from bench.programs.peers_listing import load, sdk_client

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.emulated import Emulated

COUNT = 2_000
LATENCY_S = 0.01
# The slowest programs write only this many users; their times are extrapolated.
SAMPLE = 200
BATCHED = 5.0
SINGLE = "entrakit, one after another"
BATCHES = "entrakit, in batches of 20, 4 at the same time"


def run() -> int:
    """Measure and print; return the number of promises that are not kept."""
    compile_sources()
    load("msgraph-sdk")
    with emulated(COUNT, LATENCY_S) as one:
        token = one.token()
        graph = client(one.url, one.ca, token)
        ids = user_ids(graph, COUNT)
        changes = changes_of(graph, ids)
        best = {
            SINGLE: taken(lambda: write_all("singly", graph, changes[:SAMPLE])) * COUNT / SAMPLE,
            "entrakit, 8 at the same time": taken(lambda: write_all("at-once", graph, changes)),
            BATCHES: taken(lambda: write_all("in-batches", graph, changes)),
        }
        with httpx2.Client(
            verify=ssl.create_default_context(cafile=one.ca), headers={"Authorization": f"Bearer {token}"}
        ) as plain:

            def write(key: str) -> None:
                plain.patch(f"{one.url}/v1.0/users/{key}", json=CHANGE).raise_for_status()

            best["httpx2, one after another"] = taken(lambda: list(map(write, ids[:SAMPLE]))) * COUNT / SAMPLE
            best["httpx2, 8 at the same time"] = taken(lambda: at_once(write, ids))
        seconds = taken(lambda: asyncio.run(_with_sdk(one, token, ids[:SAMPLE])))
        best["msgraph-sdk, one after another"] = seconds * COUNT / SAMPLE
    print(f"\nOne after another: {SAMPLE} writes were measured, and their time extrapolated.")
    table(
        f"{COUNT:,} small writes, {LATENCY_S * 1000:.0f} ms of latency",
        {label: [one] for label, one in best.items()},
        {},
        floor=SINGLE,
    )
    return promise("times as fast in batches", best[SINGLE] / best[BATCHES], BATCHED, at_least=True)


async def _with_sdk(one: Emulated, token: str, ids: Sequence[str]) -> None:
    from msgraph.generated.models.user import User

    graph = sdk_client(one.url, one.ca, token)
    for key in ids:
        await graph.users.by_user_id(key).patch(User(job_title=CHANGE["jobTitle"]))
