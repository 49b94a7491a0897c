"""JSON values and Python types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Optional

import pytest

from entrakit_emulator.json_values import call, fits


@pytest.mark.parametrize(
    ("value", "hint", "expected"),
    [
        (1, int, True),
        (True, int, False),
        (1, float, True),
        (1.5, float, True),
        (1, str, False),
        ("a", str, True),
        (None, int | None, True),
        (1, int | None, True),
        ("a", int | None, False),
        (None, None, True),
        ("a", Optional[str], True),  # noqa: UP045 the other way to write a union
        ({"a": 1}, Mapping[str, object], True),
        ({"a": 1}, Mapping[str, str], False),
        ([], Mapping[str, str], False),
        (["a"], Sequence[str], True),
        ([1], Sequence[str], False),
        ("a", Sequence[str], False),
        (object(), object, True),
    ],
)
def test_values_fit_their_types_exactly(value: object, hint: object, *, expected: bool) -> None:
    """
    Values are never converted: a boolean is not a number, a string not a list.
    """
    assert expected == fits(value, hint)


def double(number: int, *, times: int = 2) -> int:
    """Return a number several times."""
    return number * times


def test_a_call_gets_the_values_that_fit() -> None:
    """
    The result is returned.
    """
    assert 6 == call(double, {"number": 2, "times": 3}, "Double")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "Double: missing a required argument: 'number'."),
        ({"number": 1, "other": 2}, "Double: got an unexpected keyword argument 'other'."),
        ({"number": "1"}, "Double: 'number' does not accept '1'."),
    ],
)
def test_a_call_with_other_values_is_refused(arguments: dict[str, object], words: str) -> None:
    """
    The message names the call and the argument.
    """
    with pytest.raises(ValueError, match="Double") as caught:
        call(double, arguments, "Double")

    assert words == str(caught.value)
