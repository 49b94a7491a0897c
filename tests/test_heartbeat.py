"""The heartbeat of awaited tests: it notices a blocked event loop, and nothing else runs awaited code."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from tests.heartbeat import run_async

TESTS = Path(__file__).parent


def test_a_blocked_loop_fails_the_test() -> None:
    """
    A call that blocks the loop is reported with the line that blocks it.
    """

    async def blocking() -> None:
        await asyncio.sleep(0)
        time.sleep(0.5)

    with pytest.raises(AssertionError, match=r"time\.sleep\(0\.5\)"):
        run_async(blocking(), longest_block_s=0.1)


def test_waiting_does_not_block() -> None:
    """
    A coroutine that waits leaves the loop free, and its result is returned.
    """

    async def waiting() -> str:
        await asyncio.sleep(0.3)
        await asyncio.to_thread(time.sleep, 0.3)
        return "done"

    assert "done" == run_async(waiting(), longest_block_s=0.2)


def test_an_error_of_the_coroutine_comes_first() -> None:
    """
    The error of the coroutine is raised as it is.
    """

    async def failing() -> None:
        await asyncio.sleep(0)
        raise LookupError

    with pytest.raises(LookupError):
        run_async(failing())


def test_all_awaited_code_runs_with_the_heartbeat() -> None:
    """
    No test starts an event loop in another way.
    """
    starts = ("asyncio." + "run(", "run_" + "until_complete(", "asyncio." + "Runner(")
    found = [
        path.relative_to(TESTS).as_posix()
        for path in TESTS.rglob("*.py")
        if any(start in path.read_text(encoding="utf-8") for start in starts)
    ]

    assert ["heartbeat.py"] == found
