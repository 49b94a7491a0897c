"""`scripts/check-prose` finds every phrase of its list, in every kind of text, and nothing in plain English."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "scripts" / "check-prose"
PATTERNS = tomllib.loads((ROOT / "scripts" / "prose-patterns.toml").read_text(encoding="utf-8"))
WORD = "mend"
BAD, GOOD = PATTERNS[WORD]["bad"], PATTERNS[WORD]["good"]


def check(*paths: Path) -> tuple[int, list[tuple[str, int, str]]]:
    """Run the check; return its exit code and the findings as (file name, line, name of the pattern)."""
    done = subprocess.run([sys.executable, SCRIPT, *paths], check=False, capture_output=True, text=True)
    found = [re.fullmatch(r"(.+):(\d+): .+ \(([a-z-]+)\): .+", line) for line in done.stdout.splitlines()]

    assert all(found), done.stdout + done.stderr
    return done.returncode, [(Path(one[1]).name, int(one[2]), one[3]) for one in found if one]


def check_text(tmp_path: Path, name: str, text: str) -> list[tuple[int, str]]:
    """Write a file and return its findings as (line, name of the pattern)."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return [(line, pattern) for _, line, pattern in check(path)[1]]


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, int, str]]:
    """Return the findings in two pages, whose line 2n + 1 is the n-th example: the bad ones, and the good ones."""
    folder = tmp_path_factory.mktemp("prose")
    for kind in ("bad", "good"):
        page = "\n\n".join(row[kind] for row in PATTERNS.values())
        (folder / f"{kind}.md").write_text(page, encoding="utf-8")
    return set(check(folder)[1])


@pytest.mark.parametrize("name", PATTERNS)
def test_each_pattern_finds_its_bad_example(name: str, findings: set[tuple[str, int, str]]) -> None:
    """
    A pattern finds the bad example next to it in the list.
    """
    assert ("bad.md", 2 * list(PATTERNS).index(name) + 1, name) in findings


@pytest.mark.parametrize("name", PATTERNS)
def test_good_examples_are_clean(name: str, findings: set[tuple[str, int, str]]) -> None:
    """
    No pattern finds anything in a good example, so each rewrite that the list recommends passes.
    """
    line = 2 * list(PATTERNS).index(name) + 1

    assert set() == {finding for finding in findings if finding[:2] == ("good.md", line)}


@pytest.mark.parametrize("name", PATTERNS)
def test_each_pattern_has_all_fields(name: str) -> None:
    """
    A pattern has an expression, a rewrite, and two different examples.
    """
    row = PATTERNS[name]

    assert {"match", "rewrite", "bad", "good"} == set(row)
    assert all(row.values())
    assert row["bad"] != row["good"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('"""{bad}"""\n', 1),
        ('def run():\n    """Run.\n\n    Raises:\n        OSError: {bad}\n    """\n', 5),
        ("x = 1\n# First line.\n# {bad}\n", 3),
        ("x = 1  # {bad}\n", 1),
        ('say("{bad}")\n', 1),
        ('say(f"{{x}} failed. {bad}")\n', 1),
        ('say(\n    "First part. "\n    "{bad}"\n)\n', 3),
        ('x = "#"  # {bad}\n', 1),
    ],
)
def test_python_is_read_where_people_read_it(tmp_path: Path, text: str, line: int) -> None:
    """
    Docstrings, comments and string literals are checked, and a finding names its line.
    """
    assert [(line, WORD)] == check_text(tmp_path, "program.py", text.format(bad=BAD))
    assert [] == check_text(tmp_path, "program.py", text.format(bad=GOOD))


def test_a_phrase_over_two_lines_is_found(tmp_path: Path) -> None:
    """
    A line break inside a phrase does not hide it; the finding names the line where the phrase begins.
    """
    bad = PATTERNS["for-want-of"]["bad"].replace("want of", "want\n{}of")

    assert [(2, "for-want-of")] == check_text(tmp_path, "a.py", "x = 1\n# " + bad.format("# ") + "\n")
    assert [(1, "for-want-of")] == check_text(tmp_path, "a.md", bad.format(""))


def test_code_is_not_prose(tmp_path: Path) -> None:
    """
    Identifiers, code in backticks, names of arguments and examples of code are not checked.
    """
    code = f'def {WORD}({WORD}):\n    """Fix it with `{WORD}`.\n\n    Args:\n        {WORD}: Fixes it.\n    """\n'

    assert [] == check_text(tmp_path, "a.py", code)
    assert [] == check_text(tmp_path, "a.md", f"Run `{WORD}`:\n\n```console\n$ {WORD} all\n```\n\n[page]({WORD}.md)\n")


def test_pages_are_read_cell_by_cell(tmp_path: Path) -> None:
    """
    List items, table cells, headings, and comments in examples are checked like paragraphs.
    """
    page = f"# {BAD}\n\n- {GOOD}\n- {BAD}\n\n| Column |\n|---|\n| {BAD} |\n\n```console\n$ entra  # {BAD}\n```\n"

    assert [(line, WORD) for line in (1, 4, 8, 11)] == check_text(tmp_path, "a.md", page)


def test_scripts_are_read(tmp_path: Path) -> None:
    """
    Comments and quoted messages of shell scripts, and the help lines of the Makefile, are checked.
    """
    text = f'#!/bin/sh\n# {BAD}\necho "{BAD}"\nall:  ## {BAD}\n'

    assert [(line, WORD) for line in (2, 3, 4)] == check_text(tmp_path, "script", text)


def test_the_exit_code_says_whether_anything_was_found(tmp_path: Path) -> None:
    """
    0 for plain English, 1 for a finding: `make check` depends on it.
    """
    page = tmp_path / "a.md"
    page.write_text(GOOD, encoding="utf-8")
    clean = check(page)
    page.write_text(BAD, encoding="utf-8")

    assert (0, []) == clean
    assert 1 == check(page)[0]


def test_a_path_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    """
    A mistyped path does not pass as plain English.
    """
    assert (2, []) == check(tmp_path / "missing")


def test_only_two_files_of_prose_are_left_out() -> None:
    """
    The style guide and the list of patterns quote bad examples; they are the only files of prose that are not checked.
    """
    guide, patterns = ROOT / "docs" / "style.md", ROOT / "scripts" / "prose-patterns.toml"

    assert (0, []) == check(guide, patterns)
    assert (0, []) == check(SCRIPT)


def test_fixtures_are_left_out() -> None:
    """
    Files in tests/fixtures were written by earlier versions, some in binary form: none is checked or stops a check.
    """
    fixtures = ROOT / "tests" / "fixtures"
    files = [path for path in fixtures.rglob("*") if path.is_file()]

    assert files
    assert (0, []) == check(fixtures)
    assert (0, []) == check(*files)
