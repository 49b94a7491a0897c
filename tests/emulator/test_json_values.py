"""JSON values and Python types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Optional

import pytest

from entrakit_emulator.json_values import fits


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
