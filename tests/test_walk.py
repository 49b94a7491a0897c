"""scripts/walk.py counts the files that a call enters."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from scripts.walk import Stay, Walk, record

SCRIPT = Path(__file__).parents[1] / "scripts" / "walk.py"

FIRST = """
from house import second

def begin():
    second.step()
    second.step()
    return sum(second.count())
"""
SECOND = """
def step():
    return None

def count():
    yield 1
    helper()
    yield 2

def helper():
    return None
"""


def test_each_change_of_file_is_a_hand_over(tmp_path: Path) -> None:
    """
    Entering the first file counts as a hand-over, and so does each change of file. Module bodies and other packages do
    not count.
    """
    package = tmp_path / "house"
    package.mkdir()
    for name, text in (("__init__", ""), ("first", FIRST), ("second", SECOND)):
        (package / f"{name}.py").write_text(text, encoding="utf-8")
    work = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from house import first; first.begin(); first.begin()"

    stays = record(package, lambda: exec(work, {}))  # noqa: S102 - code of this test
    modules = [sys.modules.pop(name, None) for name in ("house", "house.first", "house.second")]
    sys.path.remove(str(tmp_path))

    assert None not in modules
    assert [
        Stay("first.py", ["begin"]),
        Stay("second.py", ["step", "count", "helper"]),
        Stay("first.py", ["begin"]),
        Stay("second.py", ["step", "count", "helper"]),
    ] == stays


def test_a_walk_fits_up_to_its_limits() -> None:
    """
    A walk fits if neither its rooms nor its hand-overs exceed its limits.
    """
    stays = [Stay("a.py", ["f"]), Stay("b.py", ["g"]), Stay("a.py", ["h"])]

    assert "f: 2 rooms, 3 hand-overs (at most 2 and 3)" == str(Walk("f", stays, 2, 3))
    assert [True, False, False] == [Walk("f", stays, *most).fits for most in ((2, 3), (1, 3), (2, 2))]


def test_the_walk_is_the_same_each_time() -> None:
    """
    Two runs print the same complete walks.
    """
    command = [sys.executable, str(SCRIPT), "--show"]
    first, second = (subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2))

    assert first == second
    assert ["connect(client_secret, name=…)", "graph.get"] == re.findall(r"(?m)^(\S.*): \d+ rooms, \d+ hand", first)
    assert re.search(r"(?m)^  \S+\.py: (.*, )?get\b", first)
