"""Members, owners and memberships."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.emulator.graph.conftest import EVENTUAL, Graph

if TYPE_CHECKING:
    from tests.emulator.graph.conftest import Graph


def test_a_cast_of_a_transitive_list_needs_the_index(graph: Graph) -> None:
    """
    Selected or filtered, such a list requires an advanced query; otherwise it does not.
    """
    path = f"/groups/{graph.make_group('Cast')['id']}/transitiveMembers/microsoft.graph.user"

    assert (400, "Request_UnsupportedQuery") == graph.refusal(f"{path}?$select=id")[:2]
    assert 200 == graph.ask("GET", f"{path}?$select=id&$count=true", ConsistencyLevel="eventual").status_code
    assert 200 == graph.ask("GET", path).status_code


def test_members_and_owners(graph: Graph) -> None:
    """
    Members and owners are added and removed by reference, listed with their types, and errors have the known messages.
    """
    group, user = graph.make_group("Team")["id"], graph.make_user("Una")["id"]
    added = graph.add(group, user).status_code
    again = graph.add(group, user).json()["error"]["message"]
    unknown = graph.add(group, "00000000-0000-4000-8000-000000000000").status_code
    listed = graph.get(f"/groups/{group}/members")
    cast = graph.get(f"/groups/{group}/members/microsoft.graph.user?$select=displayName")
    taken = graph.ask("DELETE", f"/groups/{group}/members/{user}/$ref").status_code
    twice = graph.ask("DELETE", f"/groups/{group}/members/{user}/$ref").status_code
    graph.add(group, user, "owners")
    last = graph.ask("DELETE", f"/groups/{group}/owners/{user}/$ref").status_code

    assert (204, 404, 204, 404, 400) == (added, unknown, taken, twice, last)
    assert "already exist" in again
    assert listed["@odata.context"].endswith("#directoryObjects")
    assert ["@odata.type", "id"] == list(listed["value"][0])[:2]
    assert [{"displayName": "Una"}] == cast["value"]


def test_memberships_by_way_of_groups(graph: Graph) -> None:
    """
    Direct and transitive memberships are listed from both sides.
    """
    outer, inner, user = graph.make_group("Outer")["id"], graph.make_group("Inner")["id"], graph.make_user("Una")["id"]
    graph.add(outer, inner)
    graph.add(inner, user)
    above = graph.ask("POST", f"/users/{user}/getMemberGroups", {"securityEnabledOnly": False}).json()["value"]
    checked = graph.ask("POST", f"/users/{user}/checkMemberGroups", {"groupIds": [outer, user]}).json()["value"]

    assert [inner] == graph.ids(f"/users/{user}/memberOf")
    assert {inner, outer} == set(graph.ids(f"/users/{user}/transitiveMemberOf")) == set(above)
    assert {inner, user} == set(graph.ids(f"/groups/{outer}/transitiveMembers"))
    assert [outer] == checked


def test_objects_by_their_ids(graph: Graph) -> None:
    """
    Objects of mixed types are found by id; missing ones are left out.
    """
    user, group = graph.make_user("Una")["id"], graph.make_group("Team")["id"]
    missing = "00000000-0000-4000-8000-000000000000"
    found = graph.ask("POST", "/directoryObjects/getByIds", {"ids": [user, group, missing]}).json()["value"]
    only = graph.ask("POST", "/directoryObjects/getByIds", {"ids": [user, group], "types": ["user"]}).json()["value"]

    assert {user, group} == {one["id"] for one in found}
    assert ["#microsoft.graph.user"] == [one["@odata.type"] for one in only]


def test_a_cast_to_a_type_without_objects_is_an_empty_list(graph: Graph) -> None:
    """
    A user has no directory roles and no administrative units, and a group no contacts: the list is empty, not an error.
    """
    user, group = graph.make_user("Una")["id"], graph.make_group("Team")["id"]
    for path in (
        f"/users/{user}/memberOf/microsoft.graph.directoryRole",
        f"/users/{user}/transitiveMemberOf/graph.administrativeUnit",
        f"/groups/{group}/members/microsoft.graph.orgContact",
    ):
        assert [] == graph.get(path)["value"]
        assert 0 == graph.get(f"{path}?$count=true", **EVENTUAL)["@odata.count"]
        assert "0" == graph.ask("GET", f"{path}/$count", **EVENTUAL).text
    assert 400 == graph.refusal(f"/groups/{group}/members/microsoft.graph.directoryRole")[0]
    assert 400 == graph.refusal(f"/users/{user}/memberOf/microsoft.graph.shoe")[0]


def test_mixed_lists_are_filtered_searched_and_sorted_by_an_advanced_query(graph: Graph) -> None:
    """
    With the header and `$count=true`, members have `$filter`, `$search` and `$orderby`; without, they are refused.
    """
    outer = graph.make_group("Outer")["id"]
    for one in (graph.make_user("Berta", city="Aarhus"), graph.make_user("Anton"), graph.make_group("Beta")):
        graph.add(outer, one["id"])
    user = graph.make_user("Una")["id"]
    graph.add(outer, user)

    def names(options: str, path: str = f"/groups/{outer}/members") -> list[str]:
        return [one["displayName"] for one in graph.get(f"{path}?$count=true&{options}", **EVENTUAL)["value"]]

    assert ["Berta", "Beta"] == sorted(names("$filter=startsWith(displayName,'Be')"))
    assert ["Berta"] == names("$filter=city eq 'Aarhus'")
    assert ["Beta"] == names('$search="displayName:bet"')
    assert ["Una", "Beta", "Berta", "Anton"] == names("$orderby=displayName desc")
    assert ["Beta", "Berta"] == names("$orderby=displayName desc&$filter=startsWith(displayName,'Be')")
    assert ["Outer"] == names("$filter=displayName eq 'outer'", f"/users/{user}/transitiveMemberOf")
    assert ["Outer"] == names('$search="displayName:out"', f"/users/{user}/memberOf")
    for option in ("$filter=displayName eq 'x'", "$orderby=displayName", '$search="displayName:x"'):
        assert (400, "Request_UnsupportedQuery") == graph.refusal(f"/groups/{outer}/members?{option}")[:2]
    assert 400 == graph.refusal(f"/groups/{outer}/members?$count=true&$filter=nonsense eq 'x'", **EVENTUAL)[0]


def test_pages_of_a_sorted_mixed_list_are_complete(graph: Graph) -> None:
    """
    Pages of a filtered and sorted list have each object once.
    """
    outer = graph.make_group("Outer")["id"]
    ids = [graph.make_user(f"Una{number}")["id"] for number in range(5)]
    for one in ids:
        graph.add(outer, one)

    listed = f"/groups/{outer}/members?$count=true&$orderby=displayName&$filter=startsWith(displayName,'una')&$top=2"
    assert ids == graph.ids(listed, **EVENTUAL)
