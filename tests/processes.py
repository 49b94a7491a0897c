"""Find the processes that a test run leaves behind. Without /proc, on other systems than Linux, it finds none."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

# Time in which a process has to end after its test.
GRACE_S = 10.0


def running(*marks: str) -> dict[int, str]:
    """Return the processes that this process has started: a description by process id.

    These are its children, and all processes that have one of the marks in their environment, even if their parent has
    ended. A process that has ended and is not waited for (a zombie) is left out.

    Args:
        marks: Strings that are only in the environment of processes that this process starts.
    """
    found: dict[int, str] = {}
    for place in Path("/proc").glob("[0-9]*"):
        number = int(place.name)
        with suppress(OSError):
            state, parent = (place / "stat").read_text().rpartition(")")[2].split()[:2]
            environment = (place / "environ").read_text(errors="replace")
            is_ours = int(parent) == os.getpid() or any(mark in environment for mark in marks)
            if is_ours and state not in "ZX" and number != os.getpid():
                words = (place / "cmdline").read_text(errors="replace").replace("\0", " ").strip()
                home = next((one for one in environment.split("\0") if one.startswith("HOME=")), "")
                found[number] = f"{words} ({home})"
    return found


def end(*marks: str) -> list[str]:
    """Kill the processes that still run after a grace period, and return their descriptions.

    Args:
        marks: As for `running`.
    """
    until = time.monotonic() + GRACE_S
    while (found := running(*marks)) and time.monotonic() < until:
        time.sleep(0.05)
    for number in found:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    return sorted(found.values())
