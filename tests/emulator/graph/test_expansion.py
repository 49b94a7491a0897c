"""`$expand`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.emulator.graph.conftest import Graph


def test_expansion(people: Graph) -> None:
    """
    One relation can be expanded, with a selection, and at most 20 objects.
    """
    boss, worker = (people.get(f"/users/{name}@contoso.example")["id"] for name in ("zoe", "yan"))
    people.ask("PUT", f"/users/{worker}/manager/$ref", {"@odata.id": f"{people.root}/users/{boss}"})
    group = people.make_group("Many")["id"]
    for number in range(22):
        people.add(group, people.make_user(f"Member{number}")["id"])

    assert "Zoe" == people.get(f"/users/{worker}?$expand=manager($select=displayName)")["manager"]["displayName"]
    assert 20 == len(people.get(f"/groups/{group}?$expand=members")["members"])
    assert 22 == len(people.ids(f"/groups/{group}/members"))
