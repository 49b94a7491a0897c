"""Eventual consistency: with a lag, all requests except a GET by id see writes later. Times are the tenant's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.emulator.graph.conftest import Graph

LAG_S = 30
EVENTUAL = {"ConsistencyLevel": "eventual"}


@pytest.fixture
def slow(graph: Graph) -> Graph:
    """Graph whose lists are half a minute behind, with earlier objects."""
    graph.make_user("Old", city="Ulm")
    graph.make_group("Club")
    graph.tenant.seed.change_settings({"replication_lag_s": LAG_S})
    return graph


def names(graph: Graph, path: str, **headers: str) -> list[str]:
    """Return the names in a list."""
    return [one["displayName"] for one in graph.get(path, **headers)["value"]]


def group_id(graph: Graph) -> str:
    """Return the id of the group that existed before."""
    return str(graph.get("/groups?$filter=displayName eq 'Club'")["value"][0]["id"])


def catch_up(graph: Graph) -> None:
    """Let the lag pass."""
    graph.tenant.clock.advance(LAG_S + 1)


def test_what_was_there_is_seen(slow: Graph) -> None:
    """
    A lag hides no write that was made before the lag was set.
    """
    assert ["Old"] == names(slow, "/users?$filter=city eq 'Ulm'", **EVENTUAL)


def test_a_new_object_is_read_by_its_id_at_once(slow: Graph) -> None:
    """
    Lists, filters, searches and counts show a new object later.
    """
    before = slow.ask("GET", "/users/$count", **EVENTUAL).text
    user = slow.make_user("Late")["id"]
    filtered, searched = "/users?$filter=displayName eq 'Late'", '/users?$search="displayName:Late"'
    count = slow.ask("GET", "/users/$count", **EVENTUAL).text

    hidden = (slow.get(f"/users/{user}")["displayName"], names(slow, filtered), names(slow, searched, **EVENTUAL))
    catch_up(slow)

    assert ("Late", [], []) == hidden
    assert before == count
    assert ["Late"] == names(slow, filtered) == names(slow, searched, **EVENTUAL)
    assert int(before) + 1 == int(slow.ask("GET", "/users/$count", **EVENTUAL).text)


def test_a_change_is_filtered_by_later(slow: Graph) -> None:
    """
    Lists show, and filters compare, the state before.
    """
    slow.ask("PATCH", "/users/old@contoso.example", {"displayName": "Renamed"})
    old, new = "/users?$filter=displayName eq 'Old'", "/users?$filter=displayName eq 'Renamed'"

    early = (slow.get("/users/old@contoso.example")["displayName"], names(slow, old), names(slow, new))
    catch_up(slow)

    assert ("Renamed", ["Old"], []) == early
    assert ([], ["Renamed"]) == (names(slow, old), names(slow, new))


def test_a_deleted_object_disappears_later(slow: Graph) -> None:
    """
    Lists show a deleted object until the lag has passed.
    """
    slow.ask("DELETE", "/users/old@contoso.example")
    listed = "/users?$filter=displayName eq 'Old'"

    early = (slow.ask("GET", "/users/old@contoso.example").status_code, names(slow, listed))
    catch_up(slow)

    assert (404, ["Old"]) == early
    assert [] == names(slow, listed)


def test_memberships_are_seen_later(slow: Graph) -> None:
    """
    The lag applies to members, memberships, their checks and `$expand`, after adding and after removing.
    """
    group = group_id(slow)
    user = slow.get("/users/old@contoso.example")["id"]
    assert 204 == slow.add(group, user).status_code

    def seen() -> tuple[int, ...]:
        checked = slow.ask("POST", f"/users/{user}/checkMemberGroups", {"groupIds": [group]}).json()["value"]
        return (
            len(slow.get(f"/groups/{group}/members")["value"]), len(slow.get(f"/users/{user}/memberOf")["value"]),
            len(checked), len(slow.get(f"/groups/{group}?$expand=members")["members"]),
            len(slow.get(f"/users/{user}?$expand=memberOf")["memberOf"]),
        )  # fmt: skip

    early = seen()
    catch_up(slow)
    late = seen()
    slow.ask("DELETE", f"/groups/{group}/members/{user}/$ref")
    still = seen()
    catch_up(slow)

    assert [(0,) * 5, (1,) * 5, (1,) * 5, (0,) * 5] == [early, late, still, seen()]


def test_a_reference_to_a_new_object_fails_for_a_while(slow: Graph) -> None:
    """
    A reference to an object that the replica does not have yet gives 404.
    """
    group, user = group_id(slow), slow.make_user("Late")["id"]

    early = slow.add(group, user)
    catch_up(slow)

    assert (404, "Request_ResourceNotFound") == (early.status_code, early.json()["error"]["code"])
    assert 204 == slow.add(group, user).status_code


def test_pages_of_one_listing_hear_of_writes_in_between(slow: Graph) -> None:
    """
    Next links stay valid while the replica advances, and no object is returned twice.
    """
    first = slow.get("/users?$top=3")
    late = slow.make_user("Late")["id"]
    catch_up(slow)
    rest = slow.ids(first["@odata.nextLink"])

    ids = [one["id"] for one in first["value"]] + rest
    assert len(ids) == len(set(ids))
    assert late == ids[-1]


def test_the_lag_ends_with_its_setting(slow: Graph) -> None:
    """
    Without a lag all writes are visible at once, and a new lag starts with all of them.
    """
    slow.make_user("Late")
    listed = "/users?$filter=displayName eq 'Late'"

    early = names(slow, listed)
    slow.tenant.seed.change_settings({"replication_lag_s": 0.0})
    none = names(slow, listed)
    slow.tenant.seed.change_settings({"replication_lag_s": LAG_S})

    assert ([], ["Late"], ["Late"]) == (early, none, names(slow, listed))
