"""Two checkouts side by side: how each runs its own code, and how a row of theirs is measured."""

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

# These would bring in the state of this machine, or the code of another checkout.
LEFT_OUT = ("PYTHONPATH", "DBUS_SESSION_BUS_ADDRESS", "ENTRAKIT_VAULT_KEY")
# How much longer a row of the new side may take.
LIMIT = 1.05


class Command(NamedTuple):
    """A process to measure.

    Args:
        words: The program and its arguments.
        cwd: The directory to run it in.
        env: Its environment.
    """

    words: list[str]
    cwd: Path
    env: dict[str, str]

    def run(self) -> str:
        """Run it once, and return what it prints; raise SystemExit if it fails."""
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
        root: Its folder.
        python: The Python that has its dependencies.
        home: A folder for its state.
        variables: Variables of the environment.
    """

    root: Path
    python: Path
    home: Path
    variables: Mapping[str, str] = MappingProxyType({})

    def at(self, state: str, **variables: str) -> Side:
        """Return the same side with another folder for its state, and variables of the environment."""
        return self._replace(home=self.home / state, variables=variables)

    def command(self, *words: str) -> Command:
        """Return a Python process of this checkout."""
        return Command([str(self.python), *words], self.root, self._environment())

    def entra(self, *words: str) -> Command:
        """Return a process of this checkout's `entra`."""
        return Command([str(self.python.with_name("entra")), *words], self.root, self._environment())

    def text(self, module: str, name: str) -> str:
        """Return a program that a module of this checkout's bench holds as text."""
        return self.command("-c", f"from {module} import {name}; print({name})").run()

    def check(self) -> None:
        """Compile the sources; raise SystemExit if Python imports another checkout."""
        if not self.python.exists():
            raise SystemExit(f"There is no {self.python}: run `make setup` in {self.root}.")
        imported = self.command("-c", "import entrakit; print(entrakit.__file__)").run()
        if not Path(imported.strip()).is_relative_to(self.root / "src"):
            raise SystemExit(f"{self.python} imports {imported.strip()}, not the code of {self.root}.")
        self.command("-m", "compileall", "-q", "src").run()

    def _environment(self) -> dict[str, str]:
        own = {"HOME": str(self.home), "ENTRAKIT_HOME": str(self.home / "state"), **self.variables}
        return {name: value for name, value in environment().items() if name not in LEFT_OUT} | own


class Row(NamedTuple):
    """What is measured on both sides.

    Args:
        label: What it is.
        commands: The process of the old side, and that of the new side.
        runs: How often each side runs in a round; the shortest time counts.
        reports: Whether the process prints its time as `seconds`; else it is measured from start to end.
        latency_s: How long the tenant waits before each answer of Graph.
    """

    label: str
    commands: Sequence[Command]
    runs: int = 7
    reports: bool = False
    latency_s: float = 0.0


class Compared(NamedTuple):
    """A row, measured.

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
        """Whether the new side takes longer than it may. Slower code moves both ratios, other load rarely does."""
        return self.ratio > LIMIT and self.best > LIMIT


def compare(row: Row, rounds: int) -> Compared:
    """Measure a row; if it seems slower, measure twice as many rounds more, and count all of them."""
    for command in row.commands:
        command.run()
    pairs = [_round(row, number) for number in range(rounds)]
    if summary(pairs).ratio > LIMIT:
        pairs += [_round(row, number) for number in range(2 * rounds)]
    return summary(pairs)


def summary(pairs: Sequence[tuple[float, float]]) -> Compared:
    """Return the medians of pairs of seconds, old and new."""
    olds, news = zip(*pairs, strict=True)
    return Compared(median(olds), median(news), median(new / old for old, new in pairs), min(news) / min(olds))


def _round(row: Row, number: int) -> tuple[float, float]:
    """Return the shortest time of each side. The sides take turns, and each begins as often as the other."""
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
