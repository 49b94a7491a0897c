"""Users and apps are the same for the token service and for Graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.emulator.graph.conftest import Graph


def test_seeds_show_in_graph(graph: Graph) -> None:
    """
    Seeds are in the directory before the next answer.
    """
    graph.tenant.seed.add_user("ned@contoso.example", "Password-1", display_name="Ned Newman")

    assert graph.get("/users/ned@contoso.example")["surname"] == "Newman"
