"""Measuring: all candidates take turns, so that noise affects them equally; the median of their ratios counts."""

from __future__ import annotations

import compileall
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parents[1]
ROUNDS = 25


class Row(NamedTuple):
    """One line of a table.

    Args:
        label: Name of the measured command.
        seconds: Median time of all rounds.
        ratio: Time relative to the floor in the same round, the median of all rounds.
        limit: Promised limit of the ratio; None without a promise.
    """

    label: str
    seconds: float
    ratio: float
    limit: float | None

    @property
    def kept(self) -> bool:
        """Whether the promise is kept."""
        return self.limit is None or self.ratio <= self.limit


def environment(**more: str) -> dict[str, str]:
    """Return the environment for measured processes: compiled modules are used, as after an installation.

    The variables of CA bundles are left out, because requests prefers them to the bundle that a program passes.
    """
    left_out = ("PYTHONDONTWRITEBYTECODE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
    return {name: value for name, value in os.environ.items() if name not in left_out} | more


def compile_sources() -> None:
    """Compile the sources, as an installer does."""
    compileall.compile_dir(ROOT / "src", quiet=1)


def by_turns(
    commands: Mapping[str, list[str]],
    env: dict[str, str],
    rounds: int = ROUNDS,
    environs: dict[str, dict[str, str]] | None = None,
) -> dict[str, list[float]]:
    """Run all commands in each round; return the seconds of each. `environs` replaces `env` for its commands."""
    seconds: dict[str, list[float]] = {label: [] for label in commands}
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
            seconds[label].append(time.perf_counter() - begun)
    return seconds


def ratio(seconds: Sequence[float], floor: Sequence[float]) -> float:
    """Return the median of the ratios of all rounds."""
    return median(one / other for one, other in zip(seconds, floor, strict=True))


def table(
    title: str, measured: Mapping[str, Sequence[float]], limits: Mapping[str, float], *, floor: str, unit: str = "ms"
) -> int:
    """Print a table of ratios to the floor, and return the number of promises that are not kept.

    Args:
        title: Title of the table.
        measured: Seconds of each round by label.
        limits: Promised ratios by label.
        floor: Label of the floor.
        unit: `ms` or `µs`.
    """
    scale = {"ms": 1e3, "µs": 1e6}[unit]
    rows = [
        Row(label, median(seconds), ratio(seconds, measured[floor]), limits.get(label))
        for label, seconds in measured.items()
    ]
    width = max(len(row.label) for row in rows)
    print(f"\n{title}")
    for row in rows:
        promise = "" if row.limit is None else f"  promised ≤ {row.limit:g} {'kept' if row.kept else 'NOT KEPT'}"
        print(f"  {row.label:<{width}}  {row.seconds * scale:9.2f} {unit}  {row.ratio:7.2f} ×{promise}")
    return sum(not row.kept for row in rows)


def describe_machine() -> str:
    """Describe the machine, and the .pth files that slow every start of the interpreter."""
    directory = Path(sys.prefix) / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    pth = sorted(path.name for path in directory.glob("*.pth"))
    return (
        f"{platform.python_implementation()} {platform.python_version()} on {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores; .pth files at start: {', '.join(pth) or 'none'}"
    )
