"""bench.against measures two checkouts by turns."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from bench.measure import ROOT
from bench.sides import Compared, Row, Side, compare, summary

# Appends its side to a file, and reports a chosen time.
PROGRAM = """
import json, sys
with open(sys.argv[1], "a") as file:
    file.write(sys.argv[2])
print(json.dumps({"seconds": float(sys.argv[3])}))
"""


def side(home: Path, root: Path = ROOT) -> Side:
    """Return a side that runs this Python."""
    return Side(root, Path(sys.executable), home)


def turns(home: Path, old: float, new: float, runs: int = 2) -> tuple[str, Compared]:
    """Measure a row of programs that report these times; return the order of the sides and the result."""
    file = home / "order"
    one = side(home)
    commands = [one.command("-c", PROGRAM, str(file), name, str(seconds)) for name, seconds in (("a", old), ("b", new))]
    found = compare(Row("row", commands, runs, reports=True), 2)
    return file.read_text(encoding="utf-8"), found


def test_the_sides_take_turns(tmp_path: Path) -> None:
    """
    After one trial run of each side, the sides take turns, and each starts equally often.
    """
    order, found = turns(tmp_path, 2.0, 2.0)

    assert "ab" + "abba" + "baab" == order
    assert Compared(2.0, 2.0, 1.0, 1.0) == found
    assert not found.is_slower


def test_a_slow_row_is_measured_again(tmp_path: Path) -> None:
    """
    A row whose median is more than 5 % slower is measured for twice as many additional rounds.
    """
    order, found = turns(tmp_path, 2.0, 2.2, runs=1)

    assert "ab" + "abba" + "abbaabba" == order
    assert found.is_slower


def test_a_burst_of_load_makes_no_row_slower() -> None:
    """
    A row is slower only if both the median of its rounds and its shortest times are slower.
    """
    assert Compared(2.0, 3.0, 1.5, 1.0) == summary([(2.0, 3.0), (2.0, 3.0), (2.0, 2.0)])
    assert [False, False, False, True] == [
        Compared(1.0, 1.0, ratio, best).is_slower
        for ratio, best in ((1.05, 1.05), (1.2, 1.0), (1.0, 1.2), (1.06, 1.06))
    ]


def test_a_side_runs_its_own_checkout(tmp_path: Path) -> None:
    """
    A checkout is rejected if its Python imports the code of another checkout or does not exist.
    """
    side(tmp_path).check()
    with pytest.raises(SystemExit, match="not the code of"):
        side(tmp_path, root=tmp_path).check()
    with pytest.raises(SystemExit, match="make setup"):
        side(tmp_path)._replace(python=tmp_path / "python").check()


def test_programs_of_the_other_bench_have_names_that_stay() -> None:
    """
    The programs that bench.against reads from each checkout exist under their expected names.
    """
    one = side(Path())
    names = [("startup", "KEEP"), ("cold_connect", "OURS"), ("vault", "COLD"), ("vault", "MANY")]

    assert all("import" in one.text(f"bench.{module}", name) for module, name in names)


def test_a_program_that_fails_ends_the_run(tmp_path: Path) -> None:
    """
    A program that fails ends the run, and the error contains its output.
    """
    with pytest.raises(SystemExit, match="a message"):
        side(tmp_path).command("-c", "raise SystemExit('a message')").run()
