"""Addresses that follow from the value of a kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrakit_emulator.graph.kind_routes import rows_of
from entrakit_emulator.graph.kinds import KINDS

if TYPE_CHECKING:
    from entrakit_emulator.graph.kind import Kind


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_address_of_a_kind_has_permissions_and_is_told_once(kind: Kind) -> None:
    """
    Each address requires permissions, and no address comes twice.
    """
    rows = list(rows_of(kind))
    told = [(row.method, row.path) for row in rows]

    assert [] == [row.path for row in rows if not row.permissions.strip()]
    assert len(told) == len(set(told))


def test_a_kind_that_is_only_read_can_not_be_written() -> None:
    """
    Without permissions to write, there is no address to create, change or delete.
    """
    assert {"GET"} == {row.method for row in rows_of(KINDS["organization"])}
    assert {"GET", "POST", "PATCH", "DELETE"} <= {row.method for row in rows_of(KINDS["device"])}
