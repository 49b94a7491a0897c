"""Comparison of two checkouts: the processes of each, and the measurement of a row."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from statistics import median
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from bench.measure import environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# These variables would add state of this machine, or code of another checkout.
LEFT_OUT = ("PYTHONPATH", "DBUS_SESSION_BUS_ADDRESS", "ENTRAKIT_VAULT_KEY")
# Largest accepted ratio of the new time to the old time.
LIMIT = 1.05


class Command(NamedTuple):
    """A process to measure.

    Args:
        words: Program and arguments.
        cwd: Working directory.
        env: Environment.
    """

    words: list[str]
    cwd: Path
    env: dict[str, str]

    def run(self) -> str:
        """Run the process once, and return its standard output. Raise SystemExit if it fails."""
        done = subprocess.run(
            self.words, cwd=self.cwd, env=self.env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"In {self.cwd}, {self.words[:3]} failed: {(done.stderr or done.stdout)[-2000:]}")
        return done.stdout


class Side(NamedTuple):
    """One of the two checkouts.

    Args:
        root: Folder of the checkout.
        python: Python interpreter with its dependencies.
        home: Folder for its state.
        variables: Additional environment variables.
    """

    root: Path
    python: Path
    home: Path
    variables: Mapping[str, str] = MappingProxyType({})

    def at(self, state: str, **variables: str) -> Side:
        """Return the same side with another folder for its state, and with these environment variables."""
        return self._replace(home=self.home / state, variables=variables)

    def command(self, *words: str) -> Command:
        """Return a Python process of this checkout."""
        return Command([str(self.python), *words], self.root, self._environment())

    def entra(self, *words: str) -> Command:
        """Return an `entra` process of this checkout."""
        return Command([str(self.python.with_name("entra")), *words], self.root, self._environment())

    def text(self, module: str, name: str) -> str:
        """Return a program that is a string constant in a module of this checkout's bench."""
        return self.command("-c", f"from {module} import {name}; print({name})").run()

    def check(self) -> None:
        """Compile the sources; raise SystemExit if Python imports another checkout."""
        if not self.python.exists():
            raise SystemExit(f"{self.python} does not exist: run `make setup` in {self.root}.")
        imported = self.command("-c", "import entrakit; print(entrakit.__file__)").run()
        if not Path(imported.strip()).is_relative_to(self.root / "src"):
            raise SystemExit(f"{self.python} imports {imported.strip()}, not the code of {self.root}.")
        self.command("-m", "compileall", "-q", "src").run()

    def _environment(self) -> dict[str, str]:
        own = {"HOME": str(self.home), "ENTRAKIT_HOME": str(self.home / "state"), **self.variables}
        return {name: value for name, value in environment().items() if name not in LEFT_OUT} | own


class Row(NamedTuple):
    """A measurement on both sides.

    Args:
        label: Name of the row.
        commands: Process of the old side and process of the new side.
        runs: Runs of each side in a round; the shortest time counts.
        reports: Whether the process prints its time as `seconds`; otherwise its whole run is measured.
        latency_s: Delay of each answer of Graph in seconds.
    """

    label: str
    commands: Sequence[Command]
    runs: int = 7
    reports: bool = False
    latency_s: float = 0.0


class Compared(NamedTuple):
    """Result of a row.

    Args:
        old: Seconds on the old side, the median of all rounds.
        new: Seconds on the new side, the median of all rounds.
        ratio: New to old, the median of the ratios of all rounds.
        best: New to old, the shortest times of all rounds.
    """

    old: float
    new: float
    ratio: float
    best: float

    @property
    def is_slower(self) -> bool:
        """Whether the new side is too slow. Slower code increases both ratios; other load rarely does."""
        return self.ratio > LIMIT and self.best > LIMIT


def compare(row: Row, rounds: int) -> Compared:
    """Measure a row; if it seems slower, measure twice as many rounds again, and count all of them."""
    for command in row.commands:
        command.run()
    pairs = [_round(row, number) for number in range(rounds)]
    if summary(pairs).ratio > LIMIT:
        pairs += [_round(row, number) for number in range(2 * rounds)]
    return summary(pairs)


def summary(pairs: Sequence[tuple[float, float]]) -> Compared:
    """Return the medians and ratios of pairs of seconds, old and new."""
    olds, news = zip(*pairs, strict=True)
    return Compared(median(olds), median(news), median(new / old for old, new in pairs), min(news) / min(olds))


def _round(row: Row, number: int) -> tuple[float, float]:
    """Return the shortest time of each side. The sides take turns, and each starts equally often."""
    best = [float("inf"), float("inf")]
    for turn in range(row.runs):
        for side in (0, 1) if (number + turn) % 2 == 0 else (1, 0):
            best[side] = min(best[side], _seconds(row.commands[side], reports=row.reports))
    return best[0], best[1]


def _seconds(command: Command, *, reports: bool) -> float:
    if reports:
        return float(json.loads(command.run().splitlines()[-1])["seconds"])
    begun = time.perf_counter()
    command.run()
    return time.perf_counter() - begun
