"""The division of names into parts and ranges, without requests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrakit.graph.beginnings import Beginnings, Part, level_of

PAGE = 100


def begun(sizes: dict[str, int], total: int | None = None, *, workers: int = 4, terms: int = 15) -> Beginnings:
    """Return the beginnings of names after the first count."""
    made = Beginnings(PAGE, workers, terms)
    made.begin(sum(sizes.values()) if total is None else total, sizes)
    return made


def taken(beginnings: Beginnings, workers: int = 4) -> list[tuple[Part, ...]]:
    """Return the parts of all ranges, if the workers begin one after another and end at the same time."""
    found = []
    loads: list[int] = []
    while (one := beginnings.take(loads)) is not None:
        found.append(one.parts)
        loads = [*loads, one.pages] if len(loads) + 1 < workers else []
    return found


@given(st.lists(st.integers(1, 150), min_size=1, max_size=60), st.integers(2, 12), st.integers(1, 15))
def test_ranges_are_packed_without_loss(sizes: list[int], workers: int, terms: int) -> None:
    """
    Packing preserves each part, once, and no range has more parts than the service accepts terms.
    """
    beginnings = begun({chr(0x4E00 + number): size for number, size in enumerate(sizes)}, workers=workers, terms=terms)

    result = taken(beginnings, workers)

    assert [chr(0x4E00 + number) for number in range(len(sizes))] == sorted(
        part.beginning for parts in result for part in parts
    )
    assert all(len(parts) <= terms for parts in result)


def test_a_range_fills_whole_pages() -> None:
    """
    A range of 1,005 objects costs as many pages as one of 1,100: parts are chosen to fill them.
    """
    beginnings = begun({"a": 405, "b": 405, "c": 405, "d": 405, "e": 95, "f": 95, "g": 95, "h": 90})

    result = [sum(part.size for part in parts) for parts in taken(beginnings)]

    assert [500, 500, 500, 495] == result


def test_signs_without_objects_cost_no_page() -> None:
    """
    A sign that no counted name begins with is read along with others, but never alone.
    """
    beginnings = begun({"a": 150, "b": 150, "c": 0, "d": 0}, workers=2)

    result = [[part.beginning for part in parts] for parts in taken(beginnings, 2)]

    assert [["a", "c", "d"], ["b"]] == result


def test_a_part_larger_than_a_share_is_cut_where_its_names_differ() -> None:
    """
    The sample tells how long the common beginning is, so that one count is enough.
    """
    beginnings = begun({"u": 5_000, "v": 100})
    beginnings.observe(f"User{number:04}" for number in range(0, 5_000, 50))

    cut = beginnings.cut(())

    assert cut is not None
    assert "u" == cut.part.beginning
    assert not cut.needs_names
    assert ["us"] == cut.below["u"]
    assert [f"user{digit}" for digit in "0123456789"] == sorted(cut.below["user"])
    assert beginnings.is_cutting


def test_others_wait_for_the_first_cut_only_if_there_is_little_to_read() -> None:
    """
    While nearly everything is being cut, small ranges would cost too many pages. Large ones are begun.
    """
    little, much = begun({"u": 5_000, "v": 100}), begun({"u": 3_000, "v": 1_000})
    assert little.cut(()) is not None
    assert much.cut(()) is not None

    assert little.take(()) is None
    assert much.take(()) is not None


def test_counts_that_do_not_add_up_leave_a_rest() -> None:
    """
    Names that no counted beginning has are a separate part, without those beginnings.
    """
    beginnings = begun({"a": 150, "b": 140}, 300, workers=2)

    rests = [part for parts in taken(beginnings, 2) for part in parts if part.without]

    assert [Part("", 10, ("a", "b"))] == rests


def test_names_outside_ascii_are_counted_once_they_are_known() -> None:
    """
    A large rest is cut at the signs of the sample.
    """
    beginnings = begun({"a": 100}, 5_000)
    beginnings.observe(["Ärzte", "Öl", "übung"] * 20)

    cut = beginnings.cut(())

    assert cut is not None
    assert {"ä", "ö", "ü"} <= set(cut.below[""])


def test_a_refused_count_leaves_the_part_as_it_is() -> None:
    """
    If a part can't be counted further, it is read as one range.
    """
    beginnings = begun({"u": 5_000, "v": 100})
    cut = beginnings.cut(())
    assert cut is not None

    beginnings.divide(cut, None)

    assert beginnings.cut(()) is None
    assert {"u", "v"} == {part.beginning for parts in taken(beginnings) for part in parts}


def test_everything_unread_is_known_at_any_time() -> None:
    """
    The parts that no worker has taken include those that are being cut.
    """
    beginnings = begun({"u": 3_000, "v": 1_000, "w": 500})
    assert beginnings.cut(()) is not None
    first = beginnings.take(())
    assert first is not None

    unread = {part.beginning for one in beginnings.unread() for part in one.parts}

    assert {"u", "v", "w"} - {part.beginning for part in first.parts} == unread


@pytest.mark.parametrize(
    ("pages", "loads", "level"),
    [(0, [0, 0], 1), (101, [0] * 8, 13), (2, [0, 0, 12, 12], 1), (10, [0, 4, 5, 6], 7), (3, [5], 8)],
)
def test_pages_are_divided_among_those_with_the_least_to_read(pages: float, loads: list[int], level: int) -> None:
    """
    All workers are to end at the same time, except those that already have more.
    """
    assert level == level_of(pages, loads)
