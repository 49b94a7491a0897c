"""A client that follows a delta query ends with the state of the directory, whatever changes between its pages."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.emulator.graph.conftest import Graph

STEPS = 120
LINKS = ("@odata.nextLink", "@odata.deltaLink")


class Follower:
    """A client that tracks groups and their members by delta only.

    Args:
        graph: Graph.
        size: Groups per page.
    """

    def __init__(self, graph: Graph, size: int) -> None:
        self._graph = graph
        self._prefer = f"odata.maxpagesize={size}"
        self._link = "/groups/delta"
        self.groups: dict[str, tuple[str, set[str]]] = {}

    def turn(self) -> bool:
        """Read a page, and return whether the round continues."""
        page = self._graph.get(self._link, Prefer=self._prefer)
        for item in page["value"]:
            self._take(item)
        self._link = next(page[name] for name in LINKS if name in page)
        return LINKS[0] in page

    def catch_up(self) -> None:
        """Finish the round, and run another one."""
        while self.turn():
            pass
        while self.turn():
            pass

    def _take(self, item: dict[str, Any]) -> None:
        if "@removed" in item:
            self.groups.pop(item["id"], None)
            return
        name, members = self.groups.get(item["id"], ("", set()))
        for one in item.get("members@delta", ()):
            (members.discard if "@removed" in one else members.add)(one["id"])
        self.groups[item["id"]] = (item.get("displayName", name), members)


class Tumult:
    """Random changes of groups and users, reproducible by a seed.

    Args:
        graph: Graph.
        seed: Seed of the random numbers.
    """

    def __init__(self, graph: Graph, seed: int) -> None:
        self._graph = graph
        self._random = random.Random(seed)
        self._number = 0
        self.groups: list[str] = []
        self._deleted: list[str] = []
        self._users = [graph.make_user(f"U{number}")["id"] for number in range(12)]

    def step(self) -> None:
        """Make one change; the tenant may refuse it."""
        self._number += 1
        choice = self._random.random()
        if choice < 0.15 or not self.groups:
            unified = {"groupTypes": ["Unified"], "mailEnabled": True, "securityEnabled": False}
            self.groups.append(self._graph.make_group(f"G{self._number}", **unified)["id"])
        elif choice < 0.45:
            self._graph.add(self._any(self.groups), self._any(self._users))
        elif choice < 0.65:
            path = f"/groups/{self._any(self.groups)}/members/{self._any(self._users)}/$ref"
            self._graph.ask("DELETE", path)
        elif choice < 0.8:
            self._graph.ask("PATCH", f"/groups/{self._any(self.groups)}", {"displayName": f"R{self._number}"})
        elif choice < 0.9 and self._deleted:
            self._graph.ask("POST", f"/directory/deletedItems/{self._any(self._deleted)}/restore")
        else:
            gone = self._any([*self.groups, *self._users])
            self._deleted.append(gone)
            self._graph.ask("DELETE", f"/directoryObjects/{gone}")

    def _any(self, choices: list[str]) -> str:
        return self._random.choice(choices)


@pytest.mark.parametrize("seed", range(6))
def test_a_client_that_follows_knows_what_there_is(graph: Graph, seed: int) -> None:
    """
    This holds for pages of all sizes, with members added and removed, and groups and users deleted and restored
    meanwhile.
    """
    tumult = Tumult(graph, seed)
    follower = Follower(graph, size=1 + seed)
    for step in range(STEPS):
        tumult.step()
        if step % 2:
            follower.turn()
    follower.catch_up()

    there = {
        one["id"]: (one["displayName"], set(graph.ids(f"/groups/{one['id']}/members?$top=999")))
        for one in graph.get("/groups?$top=999")["value"]
    }
    assert there == follower.groups
