"""Text from outside, made safe to show."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrakit.shown_text import JOINERS, escaped, in_json, lines, on_terminal, one_line

SOURCE = Path(__file__).parents[1] / "src" / "entrakit"
HARMFUL = "\x00\x07\x08\x1b\x7f\x9b\u061c\u200b\u200e\u202e\u2028\u2066\ufeff\ud800\U000e0041"
# Any string; harmful characters are more frequent than by chance.
TEXTS = st.text(st.one_of(st.characters(), st.sampled_from(HARMFUL + JOINERS + "\n\r\t\u00a0\u3000")))


@given(TEXTS)
def test_one_line_is_safe(text: str) -> None:
    """
    The text of an error has only printable characters, no line break, and no white space at its ends or twice in a row.
    """
    line = one_line(text)

    assert line.isprintable()
    assert " ".join(line.split()) == line


@given(TEXTS, st.integers(0, 20))
def test_a_line_has_a_greatest_length(text: str, longest: int) -> None:
    """
    No line is longer than its limit, and a limit only cuts the end off.
    """
    assert one_line(text)[:longest] == one_line(text, longest)
    assert lines(text)[:longest] == lines(text, longest)


@given(TEXTS)
def test_lines_are_safe(text: str) -> None:
    """
    Lines of a page have printable characters and line breaks only, and as many line breaks as before.
    """
    safe = lines(text)

    assert safe.replace("\n", "").isprintable()
    assert text.count("\n") == safe.count("\n")


@given(TEXTS)
def test_a_terminal_obeys_nothing(text: str) -> None:
    """
    On a terminal every character stays in its place: unsafe ones are replaced; line breaks, tabs and joiners are not.
    """
    safe = on_terminal(text)

    assert len(text) == len(safe)
    assert "".join(one for one in safe if one not in "\n\t" + JOINERS).isprintable()
    assert [] == [(old, new) for old, new in zip(text, safe, strict=True) if old.isprintable() and old != new]


@given(st.recursive(st.none() | st.booleans() | st.integers() | TEXTS, lambda inner: st.lists(inner, max_size=3)))
def test_json_keeps_its_meaning(value: object) -> None:
    """
    JSON on a terminal means what it meant before, and has no character that a terminal obeys.
    """
    text = json.dumps(value, ensure_ascii=False, indent=1)

    safe = in_json(text)

    assert value == json.loads(safe)
    assert "".join(one for one in safe if one not in "\n\r\t" + JOINERS).isprintable()


@given(TEXTS)
def test_an_escaped_name_can_be_recognized(text: str) -> None:
    """
    A name with unsafe characters is shown as Python writes it, so that different names look different.
    """
    safe = escaped(text)

    assert safe.isprintable()
    assert safe == text or ast.literal_eval(safe) == text


@pytest.mark.parametrize(
    ("text", "line", "terminal"),
    [
        ("Ada Lovelace", "Ada Lovelace", "Ada Lovelace"),
        ("a\x1b[2Jb", "a[2Jb", "a\ufffd[2Jb"),
        (" a\r\n\tb ", "a b", " a\ufffd\n\tb "),
        ("\u5c71\u7530\u3000\u592a\u90ce", "\u5c71\u7530 \u592a\u90ce", "\u5c71\u7530 \u592a\u90ce"),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u062e\u0648\u0627\u0647\u0645", None),
        ("exe.\u202egnp", "exe.gnp", "exe.\ufffdgnp"),
        ("a\u2028b", "a b", "a\ufffdb"),
    ],
)
def test_examples(text: str, line: str, terminal: str | None) -> None:
    """
    Unsafe characters are removed from lines and visible on terminals; the spaces of other scripts become spaces.
    """
    assert line == one_line(text)
    assert (text if terminal is None else terminal) == on_terminal(text)


def test_no_other_file_has_a_rule_of_its_own() -> None:
    """
    Only this module removes or replaces characters that are not printable; RFC 4514 has its own escapes for names.
    """
    calls = (
        "letter.isprintable()",
        "one.isprintable()",
        "word.isprintable()",
        "unicodedata.category(letter)[0]",
        "\\x9f",
    )
    others = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if any(call in path.read_text(encoding="utf-8") for call in calls)
    }

    assert {"shown_text.py", "certificates/names.py"} == others
    copies = [path.name for path in SOURCE.rglob("*.py") if "isprintable() else ascii(text)" in path.read_text("utf-8")]
    assert ["shown_text.py"] == copies


def test_a_lone_carriage_return_does_not_overwrite_a_line() -> None:
    """
    Rows of CSV end in CR and LF; a CR alone would move the cursor to the beginning of the line.
    """
    assert "a\\rb\r\nc" == in_json("a\rb\r\nc")
