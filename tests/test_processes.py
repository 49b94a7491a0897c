"""The check that tests end the processes they start."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from typing import TYPE_CHECKING

from tests import processes

if TYPE_CHECKING:
    import pytest


def test_a_process_that_was_left_is_named_and_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A process whose parent has ended is found by its environment. Other processes are not touched.
    """
    mark = f"MARK={uuid.uuid4()}"
    monkeypatch.setattr(processes, "GRACE_S", 0.1)
    start = f"{sys.executable} -c 'import time; time.sleep(60)' >/dev/null 2>&1 & echo $!"
    orphan, other = (
        int(subprocess.run(["sh", "-c", start], env=env, capture_output=True, text=True, check=True).stdout)
        for env in ({"MARK": mark[5:], "HOME": "/nowhere"}, {"MARK": "another"})
    )

    left = processes.end(mark)

    assert [orphan] == [number for number in (orphan, other) if number not in processes.running("MARK=another")]
    assert 1 == len(left)
    assert "time.sleep(60) (HOME=/nowhere)" in left[0]
    assert 1 == len(processes.end("MARK=another"))
    assert {} == processes.running(mark)


def test_children_are_found_without_a_mark() -> None:
    """
    A child is found with any environment, until it ends.
    """
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], env={})

    assert child.pid in processes.running()
    child.kill()
    child.wait()
    assert child.pid not in processes.running()
    assert os.getpid() not in processes.running()
