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

# For each line that it reads, it requests a token several times, with a new connection and with an old one in turn.
# Then it prints the number of different tokens, and the last one.
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
    """Processes that request the token of the saved connection `work`.

    Args:
        size: Number of processes.
        clock_file: File with their time.
        environ: Additional environment variables.
        may_wait: Whether the processes may report on standard error that they wait for the vault.
    """

    def __init__(self, size: int, clock_file: Path, environ: Mapping[str, str], *, may_wait: bool = False) -> None:
        self._may_wait = may_wait
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
            if self._may_wait:
                complaints = "".join(line for line in complaints.splitlines(True) if "Waiting for up to" not in line)
            assert error is not None or (0, "") == (worker.returncode, complaints)

    def begin(self, calls: int) -> None:
        """Let all processes request the token the given number of times, at once."""
        for worker in self._workers:
            assert worker.stdin is not None
            worker.stdin.write(f"{calls}\n")
            worker.stdin.flush()

    def end(self) -> set[str]:
        """Wait for all, and return the different answers: number of tokens seen, and the last token."""
        return {self._line(worker) for worker in self._workers}

    def _line(self, worker: subprocess.Popen[str]) -> str:
        assert worker.stdout is not None
        line = worker.stdout.readline()
        if not line:
            raise AssertionError(worker.communicate(timeout=20)[1])
        return line


def set_clock(file: Path, now: float) -> None:
    """Set the time of the fleet."""
    new = file.with_suffix(".new")
    new.write_text(repr(now))
    new.replace(file)
