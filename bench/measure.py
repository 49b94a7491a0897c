"""How the groups measure: whole processes, the best of many, interleaved so that noise hits all alike."""

from __future__ import annotations

import compileall
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
ROUNDS = 25


class Row(NamedTuple):
    """One line of a table.

    Args:
        label: What was measured.
        seconds: The best of all rounds.
        ratio: To the first row.
        limit: The most that the ratio may be; None where nothing is promised.
    """

    label: str
    seconds: float
    ratio: float
    limit: float | None

    @property
    def kept(self) -> bool:
        """Whether the promise was kept."""
        return self.limit is None or self.ratio <= self.limit


def environment(**more: str) -> dict[str, str]:
    """Return the environment for measured processes: compiled modules are used, as after an installation.

    The bundles of CA certificates that requests would prefer to the one it is given are left out.
    """
    left_out = ("PYTHONDONTWRITEBYTECODE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
    return {name: value for name, value in os.environ.items() if name not in left_out} | more


def compile_sources() -> None:
    """Compile what an installer would have compiled."""
    compileall.compile_dir(ROOT / "src", quiet=1)


def best_of(
    commands: dict[str, list[str]],
    env: dict[str, str],
    rounds: int = ROUNDS,
    environs: dict[str, dict[str, str]] | None = None,
) -> dict[str, float]:
    """Return the shortest time of each command in seconds, each run in every round; `environs` are instead of `env`."""
    best = dict.fromkeys(commands, float("inf"))
    for _ in range(rounds):
        for label, command in commands.items():
            begun = time.perf_counter()
            subprocess.run(
                command,
                check=True,
                env=(environs or {}).get(label, env),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            best[label] = min(best[label], time.perf_counter() - begun)
    return best


def table(title: str, best: dict[str, float], limits: dict[str, float], *, floor: str, unit: str = "ms") -> int:
    """Print a table of ratios to the floor, and return how many promises were not kept."""
    scale = {"ms": 1e3, "µs": 1e6}[unit]
    rows = [Row(label, seconds, seconds / best[floor], limits.get(label)) for label, seconds in best.items()]
    width = max(len(row.label) for row in rows)
    print(f"\n{title}")
    for row in rows:
        promise = "" if row.limit is None else f"  promised ≤ {row.limit:g} {'kept' if row.kept else 'NOT KEPT'}"
        print(f"  {row.label:<{width}}  {row.seconds * scale:9.2f} {unit}  {row.ratio:7.2f} ×{promise}")
    return sum(not row.kept for row in rows)


def describe_machine() -> str:
    """Return what was measured on, and what disturbs every start of the interpreter."""
    directory = Path(sys.prefix) / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    pth = sorted(path.name for path in directory.glob("*.pth"))
    return (
        f"{platform.python_implementation()} {platform.python_version()} on {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores; .pth files at start: {', '.join(pth) or 'none'}"
    )
