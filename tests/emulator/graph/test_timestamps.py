"""Times as Graph writes them."""

from __future__ import annotations

from entrakit_emulator.graph.timestamps import SEEDED, stamp


def test_times_are_utc_in_whole_seconds() -> None:
    """
    Fractions of a second are cut off, and the zone is always `Z`.
    """
    assert "2024-03-01T09:00:00Z" == stamp(1_709_283_600.9) == SEEDED
