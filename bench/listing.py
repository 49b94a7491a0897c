"""Listing 100,000 users: compared with raw sockets, HTTP clients and msgraph-sdk, on one emulator in one run."""

from __future__ import annotations

import json
import subprocess
import sys

from bench.emulated import Emulated, emulated
from bench.measure import ROOT, compile_sources, environment, table

USERS = 100_000
ROUNDS = 15
# msgraph-sdk takes some milliseconds per user, so all users would take a quarter of an hour.
SAMPLE = 2_000
LATENCY_S = 0.1
PATH = "/v1.0/users?$top=999"
# Limits for entrakit. The times of other programs are only printed.
TYPED = 1.5
EXPORTED = 3.0
FASTER_THAN_SDK = 10.0
PARALLEL = 6.0


def run() -> int:
    """Measure and print; return the number of promises that are not kept."""
    compile_sources()
    with emulated(USERS) as one:
        token = one.token()
        broken = _side_by_side(one, token)
        broken += _flat(one, token)
        one.delay(LATENCY_S)
        return broken + _in_parallel(one, token)


def _side_by_side(one: Emulated, token: str) -> int:
    raw, ours, peers = "bench.programs.raw", "bench.programs.entrakit_listing", "bench.programs.peers_listing"
    url = f"{one.url}{PATH}"
    programs = {
        "raw socket, read only": [raw, "drain", one.url, one.ca, PATH],
        "raw socket, msgspec": [raw, "msgspec", one.url, one.ca, PATH],
        "entrakit, typed": [ours, "typed", "1", one.url, one.ca],
        "entrakit, dicts": [ours, "dicts", "1", one.url, one.ca],
        "entrakit, to a file (NDJSON)": [ours, "export", "1", one.url, one.ca],
        "httpx2 + json": [peers, "httpx2", url, one.ca],
        "aiohttp + orjson": [peers, "aiohttp", url, one.ca],
    }
    best = dict.fromkeys(programs, float("inf"))
    for _ in range(ROUNDS):
        for label, program in programs.items():
            best[label] = min(best[label], _run(program, token)["seconds"])
    part = _run([peers, "msgraph-sdk", url, one.ca, str(SAMPLE)], token)
    best["msgraph-sdk"] = part["seconds"] * USERS / part["count"]
    print(f"\nmsgraph-sdk was measured with {part['count']:,.0f} users ({part['seconds']:.1f} s), and extrapolated.")
    table(f"Listing {USERS:,} users", best, {}, floor="raw socket, read only")
    typed, exported = best["entrakit, typed"], best["entrakit, to a file (NDJSON)"]
    return (
        promise("typed objects / raw loop that makes objects", typed / best["raw socket, msgspec"], TYPED)
        + promise("the same, by turns in one process (median)", _by_turns(one, token), TYPED)
        + promise("to a file / raw loop that only reads", exported / best["raw socket, read only"], EXPORTED)
        + promise("msgraph-sdk / typed objects", best["msgraph-sdk"] / typed, FASTER_THAN_SDK, at_least=True)
    )


def _by_turns(one: Emulated, token: str) -> float:
    """Return the time of listing typed objects, relative to a raw loop right before it: the median of all turns."""
    return _run(["bench.programs.by_turns", one.url, one.ca, PATH, str(ROUNDS)], token)["ratio"]


def _flat(one: Emulated, token: str) -> int:
    """Check that memory does not grow with the number of objects: one page is in memory, for any size of the tenant."""
    ours = ["bench.programs.entrakit_listing", "typed", "1", one.url, one.ca]
    few = _run([*ours, "5000"], token)["peak_mib"]
    many = _run(ours, token)["peak_mib"]
    print(f"\nPeak memory: {few:.0f} MiB for 5,000 users, {many:.0f} MiB for {USERS:,}")
    return promise("growth of memory", many / few, 1.25)


def _in_parallel(one: Emulated, token: str) -> int:
    ours = "bench.programs.entrakit_listing"
    best = {"entrakit, one after another": float("inf"), "entrakit, 8 ranges": float("inf")}
    for _ in range(2):
        for label, parallel in zip(best, ("1", "8"), strict=True):
            done = _run([ours, "typed", parallel, one.url, one.ca], token)
            if done["count"] < USERS:
                raise SystemExit(f"{label}: only {done['count']:.0f} users were returned")
            best[label] = min(best[label], done["seconds"])
    first, second = best.values()
    table(f"The same with {LATENCY_S * 1000:.0f} ms of latency", best, {}, floor="entrakit, one after another")
    return promise("times as fast with 8 ranges", first / second, PARALLEL, at_least=True)


def promise(label: str, ratio: float, limit: float, *, at_least: bool = False) -> int:
    """Print a promise, and return 1 if it is not kept."""
    kept = ratio >= limit if at_least else ratio <= limit
    print(f"  {label}: {ratio:.2f} ×  promised {'≥' if at_least else '≤'} {limit:g} {'kept' if kept else 'NOT KEPT'}")
    return int(not kept)


def _run(program: list[str], token: str) -> dict[str, float]:
    """Run a program, and return its report."""
    command = [sys.executable, "-m", *program]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment(TOKEN=token), check=False)
    if done.returncode:
        raise SystemExit(f"{program[:2]} failed: {done.stderr[-2000:]}")
    reported: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return reported
