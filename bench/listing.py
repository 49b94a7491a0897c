"""Listing 100,000 users: compared with raw sockets, HTTP clients and msgraph-sdk, on one emulator in one run."""

from __future__ import annotations

import json
import subprocess
import sys
from statistics import median

from bench.emulated import Emulated, emulated
from bench.measure import ROOT, compile_sources, environment, ratio, table

USERS = 100_000
ROUNDS = 15
# msgraph-sdk takes some milliseconds per user, so all users would take a quarter of an hour.
SAMPLE = 2_000
LATENCY_S = 0.1
PATH = "/v1.0/users?$top=999"
# Limits for entrakit. The times of other programs are only printed.
TYPED = 1.3
EXPORTED = 2.0
FASTER_THAN_SDK = 10.0
PARALLEL = 6.4
LABELS = {
    "drain": "raw socket, read only",
    "msgspec": "raw socket, msgspec",
    "urllib3": "urllib3, msgspec",
    "typed": "entrakit, typed",
    "dicts": "entrakit, dicts",
    "export": "entrakit, to a file (NDJSON)",
}
# Turns of the comparison with latency: a listing page by page takes 11 s.
TURNS = 5


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
    """Measure all listings by turns in one process, and those of slower clients in separate processes."""
    turns = _run(["bench.programs.by_turns", one.url, one.ca, PATH, str(ROUNDS)], token)
    measured = {LABELS[name]: seconds for name, seconds in turns.items()}
    typed, raw = measured[LABELS["typed"]], measured[LABELS["msgspec"]]
    table(f"Listing {USERS:,} users", measured, {}, floor=LABELS["drain"])
    peers, url = "bench.programs.peers_listing", f"{one.url}{PATH}"
    part = _report([peers, "msgraph-sdk", url, one.ca, str(SAMPLE)], token)
    sdk = part["seconds"] * USERS / part["count"]
    for label, seconds in {
        "httpx2 + json": _report([peers, "httpx2", url, one.ca], token)["seconds"],
        "aiohttp + orjson": _report([peers, "aiohttp", url, one.ca], token)["seconds"],
        f"msgraph-sdk, extrapolated from {part['count']:,.0f} users": sdk,
    }.items():
        print(f"  {label}: {seconds * 1000:.0f} ms")
    return (
        promise("typed objects / raw loop that makes objects", ratio(typed, raw), TYPED)
        + promise(
            "to a file / raw loop that only reads",
            ratio(measured[LABELS["export"]], measured[LABELS["drain"]]),
            EXPORTED,
        )
        + promise("msgraph-sdk / typed objects", sdk / median(typed), FASTER_THAN_SDK, at_least=True)
    )


def _flat(one: Emulated, token: str) -> int:
    """Check that memory does not grow with the number of objects: one page is in memory, for any size of the tenant."""
    ours = ["bench.programs.entrakit_listing", "typed", "1", one.url, one.ca]
    few = _report([*ours, "5000"], token)["peak_mib"]
    many = _report(ours, token)["peak_mib"]
    print(f"\nPeak memory: {few:.0f} MiB for 5,000 users, {many:.0f} MiB for {USERS:,}")
    return promise("growth of memory", many / few, 1.25)


def _in_parallel(one: Emulated, token: str) -> int:
    ours = "bench.programs.entrakit_listing"
    taken: dict[str, list[float]] = {"entrakit, one after another": [], "entrakit, 8 workers": []}
    # In the first turn, which does not count, the emulator renders the pages and counts names, and keeps both.
    for turn in range(TURNS + 1):
        for label, parallel in zip(taken, ("1", "8"), strict=True):
            done = _report([ours, "typed", parallel, one.url, one.ca], token)
            if done["count"] < USERS:
                raise SystemExit(f"{label}: only {done['count']:.0f} users were returned")
            if turn:
                taken[label].append(done["seconds"])
    first, second = taken.values()
    table(f"The same with {LATENCY_S * 1000:.0f} ms of latency", taken, {}, floor="entrakit, one after another")
    return promise("times as fast with 8 workers", ratio(first, second), PARALLEL, at_least=True)


def promise(label: str, ratio: float, limit: float, *, at_least: bool = False) -> int:
    """Print a promise, and return 1 if it is not kept."""
    kept = ratio >= limit if at_least else ratio <= limit
    print(f"  {label}: {ratio:.2f} ×  promised {'≥' if at_least else '≤'} {limit:g} {'kept' if kept else 'NOT KEPT'}")
    return int(not kept)


def _report(program: list[str], token: str) -> dict[str, float]:
    """Run a program, and return its report."""
    reported: dict[str, float] = json.loads(_output(program, token))
    return reported


def _run(program: list[str], token: str) -> dict[str, list[float]]:
    """Run a program of turns, and return the seconds of each."""
    reported: dict[str, list[float]] = json.loads(_output(program, token))
    return reported


def _output(program: list[str], token: str) -> str:
    """Return the last line of a program's output. Raise SystemExit if it fails."""
    command = [sys.executable, "-m", *program]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment(TOKEN=token), check=False)
    if done.returncode:
        raise SystemExit(f"{program[:2]} failed: {done.stderr[-2000:]}")
    return done.stdout.splitlines()[-1]
