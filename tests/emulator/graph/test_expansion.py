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


def test_several_relations_are_refused_by_that_reason(graph: Graph) -> None:
    """
    The service expands one relation; the refusal says so, not that a property is missing.
    """
    refused = graph.refusal("/groups?$expand=members,owners")

    assert (400, "BadRequest") == refused[:2]
    assert "only one relation" in refused[2]
    assert 400 == graph.refusal("/groups?$expand=members($select=id,mail),owners")[0]


def test_a_relation_that_only_the_service_has_is_named(graph: Graph) -> None:
    """
    A relation of v1.0 that the emulator lacks gets 501; a relation that does not exist is unknown.
    """
    missing = graph.refusal("/users?$expand=CreatedObjects")

    assert (501, "NotImplemented") == missing[:2]
    assert "$expand=createdObjects" in missing[2]
    assert (400, "BadRequest") == graph.refusal("/users?$expand=nonsense")[:2]
