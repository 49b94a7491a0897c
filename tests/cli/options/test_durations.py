"""Durations: typed with units, and described for reading."""

from __future__ import annotations

import pytest

from entrakit.cli.options.durations import describe_duration, parse_duration
from entrakit.errors import ParameterError


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("1.5m", 90), ("1h", 3600), ("0", 0)])
def test_spans_are_typed_with_units(text: str, seconds: float) -> None:
    """
    A duration is a number of seconds, or a number with a unit.
    """
    assert seconds == parse_duration(text)
    with pytest.raises(ParameterError):
        parse_duration(f"-{text}x")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(5, "5 s"), (59, "59 s"), (60, "1 min"), (3500, "58 min"), (7300, "2 h"), (-200000, "2 days ago")],
)
def test_spans_are_read_in_words(seconds: float, words: str) -> None:
    """
    A duration is described in the largest unit that it has at least two of.
    """
    assert words == describe_duration(seconds)
