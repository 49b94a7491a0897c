"""A slow service: each answer of Graph is delayed separately."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.emulator.graph.conftest import Graph

LATENCY_S = 0.4


def test_answers_are_late_together(graph: Graph) -> None:
    """
    Concurrent requests are delayed at the same time, a batch is delayed once, and the token service is not delayed.
    """
    items = [{"id": str(number), "method": "GET", "url": "/users?$top=1"} for number in range(10)]
    graph.tenant.seed.change_settings({"graph_latency_s": LATENCY_S})
    with ThreadPoolExecutor(6) as pool:
        started = time.monotonic()
        status = list(pool.map(lambda _: graph.ask("GET", "/users?$top=1").status_code, range(6)))
        together = time.monotonic() - started
    started = time.monotonic()
    graph.ask("POST", "/$batch", {"requests": items})
    batched = time.monotonic() - started
    graph.tenant.seed.change_settings({"graph_latency_s": 0.0})

    assert [200] * 6 == status
    assert LATENCY_S <= together < 5 * LATENCY_S
    assert LATENCY_S <= batched < 5 * LATENCY_S
