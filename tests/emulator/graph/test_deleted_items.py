"""Deleted objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.emulator.graph.conftest import Graph


def test_deleted_users_can_be_restored_or_removed_for_good(graph: Graph) -> None:
    """
    A deleted user is listed under its type until it is restored or purged.
    """
    first, second = (graph.make_user(name)["id"] for name in ("Una", "Ulf"))
    graph.ask("DELETE", f"/users/{first}")
    graph.ask("DELETE", f"/users/{second}")
    listed = {one["id"] for one in graph.get("/directory/deletedItems/microsoft.graph.user")["value"]}
    restored = graph.ask("POST", f"/directory/deletedItems/{first}/restore")
    removed = graph.ask("DELETE", f"/directory/deletedItems/{second}")

    assert {first, second} <= listed
    assert (200, 204) == (restored.status_code, removed.status_code)
    assert graph.get(f"/users/{first}")["id"] == first
    assert [404, 404] == [graph.refusal(path)[0] for path in (f"/users/{second}", f"/directory/deletedItems/{second}")]
