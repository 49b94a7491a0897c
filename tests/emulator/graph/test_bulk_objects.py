"""Users and groups in bulk."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from entrakit_emulator.graph import bulk_objects
from entrakit_emulator.graph.kinds import face
from entrakit_emulator.state.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def planted(count: int) -> Iterator[Store]:
    """Yield a directory with a number of users."""
    with contextlib.closing(Store(face)) as store:
        bulk_objects.plant(store, "t", "contoso.example", count, 0.0)
        yield store


def rows(store: Store, table: str) -> list[tuple[object, ...]]:
    """Return the rows of a table."""
    return list(store.connection.execute(f"SELECT * FROM {table} ORDER BY key"))  # noqa: S608 names of the test only


@pytest.mark.parametrize("count", [0, 1, 250])
def test_bulk_objects_are_always_the_same(count: int) -> None:
    """
    Ids, names and memberships are the same in every run, and sign-in names are unique.
    """
    with planted(count) as first, planted(count) as second:
        objects, links = ([rows(store, table) for store in (first, second)] for table in ("objects", "links"))
        names = [upn for (upn,) in first.connection.execute("SELECT upn FROM objects WHERE kind='user'")]

    assert objects[0] == objects[1]
    assert links[0] == links[1]
    assert count == len(names) == len({str(one).lower() for one in names})
