"""Finds the processes that a test run has left behind. Linux only: elsewhere there is no /proc, and it finds none."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

# How long a process that was asked to end may take.
GRACE_S = 10.0


def running(*marks: str) -> dict[int, str]:
    """Return the processes that this process has started, with what to show of them.

    These are its children, and all processes that have one of the marks in their environment, whoever their parent is
    by now. A process that has ended and was not waited for holds nothing and does not count.

    Args:
        marks: Texts in the environment of what this process starts, and nowhere else.
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
    """End the processes that are still there after a while, and return what to show of them.

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
