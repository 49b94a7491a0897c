"""Clocks of tests: a test replaces the clock of one object or module, never that of the whole process."""

from __future__ import annotations

import re
from pathlib import Path

REPLACED = re.compile(r"""setattr\(\s*(time,\s*["']|["']time\.)(time|monotonic|sleep)""")


def test_no_test_replaces_a_function_of_the_module_time() -> None:
    """
    Event loops of other threads, such as those of the embedded tenant, use these functions, and would wait for hours.
    """
    found = [path.name for path in Path(__file__).parent.rglob("*.py") if REPLACED.search(path.read_text("utf-8"))]

    assert [] == found
