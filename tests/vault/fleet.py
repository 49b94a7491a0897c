"""Many processes that use one connection at the same time, on one clock that a test moves."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType
    from typing import Self

# For each line that it reads it asks for a token some times, each time as a new process would and as an old one does,
# and prints what it got: how many different ones, and the last.
WORKER = """
import sys, time
from entrakit.connections import get_connection
from entrakit.vault import Vault
class Clock:
    monotonic, sleep = staticmethod(time.monotonic), staticmethod(time.sleep)
    def time(self):
        with open(sys.argv[1]) as file: return float(file.read())
clock, vault = Clock(), Vault()
old = get_connection("work", vault=vault, clock=clock)
print("ready", flush=True)
for line in sys.stdin:
    tokens = []
    for turn in range(int(line)):
        if turn % 2:
            tokens.append(old.token().access_token)
        else:
            with get_connection("work", vault=Vault(), clock=clock) as new:
                tokens.append(new.token().access_token)
    print(len(set(tokens)), tokens[-1], flush=True)
old.close()
"""


class Fleet:
    """Processes that ask for the token of the kept connection `work`.

    Args:
        size: How many.
        clock_file: The file that their clock reads.
        environ: More of their environment.
    """

    def __init__(self, size: int, clock_file: Path, environ: Mapping[str, str]) -> None:
        self._clock_file = clock_file
        self._workers = [
            subprocess.Popen(
                [sys.executable, "-c", WORKER, str(clock_file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, text=True, env={**os.environ, **environ},
            )
            for _ in range(size)
        ]  # fmt: skip

    def __enter__(self) -> Self:
        for worker in self._workers:
            assert "ready\n" == self._line(worker)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            if error is not None:
                worker.kill()
            _, complaints = worker.communicate(timeout=60)
            assert error is not None or (0, "") == (worker.returncode, complaints)

    def begin(self, calls: int) -> None:
        """Let all of them ask so many times, at once."""
        for worker in self._workers:
            assert worker.stdin is not None
            worker.stdin.write(f"{calls}\n")
            worker.stdin.flush()

    def end(self) -> set[str]:
        """Wait for all, and return the different answers: how many tokens each has seen, and the last of them."""
        return {self._line(worker) for worker in self._workers}

    def _line(self, worker: subprocess.Popen[str]) -> str:
        assert worker.stdout is not None
        line = worker.stdout.readline()
        if not line:
            raise AssertionError(worker.communicate(timeout=20)[1])
        return line


def set_clock(file: Path, now: float) -> None:
    """Tell the fleet what time it is."""
    new = file.with_suffix(".new")
    new.write_text(repr(now))
    new.replace(file)
