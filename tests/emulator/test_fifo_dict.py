"""Dictionaries with a limit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from entrakit_emulator.fifo_dict import FifoDict


@given(st.lists(st.integers(), unique=True), st.integers(1, 5))
def test_only_the_newest_entries_are_kept(keys: list[int], limit: int) -> None:
    """
    At most `limit` entries exist: those that were added last.
    """
    bounded: FifoDict[int, int] = FifoDict(limit)
    for key in keys:
        bounded[key] = key

    assert keys[-limit:] == list(bounded)
