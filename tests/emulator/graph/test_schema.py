"""The properties of directory objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.emulator.graph.conftest import Graph


def test_a_group_has_a_security_identifier(graph: Graph) -> None:
    """
    The SID is computed from the id (service facts, 3.4).
    """
    from entrakit_emulator.graph.schema import security_identifier

    expected = "S-1-12-1-15186693-1239582369-3594350267-976926218"
    assert expected == security_identifier("00e7bb05-86a1-49e2-bb6e-3dd60ab63a3a")
