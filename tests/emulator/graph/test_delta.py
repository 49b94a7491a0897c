"""Delta queries: first round, later rounds, tombstones, relations, and expired tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.emulator.graph.conftest import Graph

WEEK_S = 7 * 24 * 3600


def walk(graph: Graph, link: str, **headers: str) -> tuple[list[dict[str, Any]], str, int]:
    """Follow the pages of a round; return its items, the delta link, and the number of pages."""
    items: list[dict[str, Any]] = []
    pages = 0
    while True:
        page = graph.get(link, **headers)
        pages += 1
        items += page["value"]
        assert ("@odata.nextLink" in page) != ("@odata.deltaLink" in page)
        if "@odata.deltaLink" in page:
            return items, page["@odata.deltaLink"], pages
        link = page["@odata.nextLink"]


def begin(graph: Graph, path: str) -> str:
    """Return the link for changes from now on."""
    return walk(graph, path)[1]


def changed(graph: Graph, link: str, **headers: str) -> list[dict[str, Any]]:
    """Return the changes since a link."""
    return walk(graph, link, **headers)[0]


@pytest.mark.parametrize("name", ["delta", "delta()", "microsoft.graph.delta", "microsoft.graph.delta()"])
def test_the_first_round_lists_what_there_is(graph: Graph, name: str) -> None:
    """
    Pages have the requested size with each spelling of the function; only the last one has the delta link.
    """
    listed = graph.ids("/users?$top=999")

    items, link, pages = walk(graph, f"/users/{name}", Prefer="odata.maxpagesize=3")

    assert listed == [one["id"] for one in items]
    assert -(-len(listed) // 3) == pages
    assert [] == changed(graph, link)


def test_what_was_never_set_is_left_out(graph: Graph) -> None:
    """
    Properties that were never set are missing in the items.
    """
    graph.make_user("Una", city="Köln")

    (una,) = [one for one in changed(graph, "/users/delta") if one.get("displayName") == "Una"]

    assert "Köln" == una["city"]
    assert "faxNumber" not in una


def test_later_rounds_tell_of_new_changed_and_deleted_ones(graph: Graph) -> None:
    """
    New objects come with their properties, deleted ones as tombstones: `changed` while they can be restored, then
    `deleted`.
    """
    kept, gone = graph.make_user("Kept")["id"], graph.make_user("Gone")["id"]
    link = begin(graph, "/users/delta")
    new = graph.make_user("New")["id"]
    graph.ask("PATCH", f"/users/{kept}", {"city": "Ulm"})
    graph.ask("DELETE", f"/users/{gone}")

    items, link, _ = walk(graph, link)
    graph.ask("DELETE", f"/directory/deletedItems/{gone}")
    purged = changed(graph, link)

    by_id = {one["id"]: one for one in items}
    assert {kept, gone, new} == set(by_id)
    assert ("Ulm", "New") == (by_id[kept]["city"], by_id[new]["displayName"])
    assert {"id": gone, "@removed": {"reason": "changed"}} == by_id[gone]
    assert [{"id": gone, "@removed": {"reason": "deleted"}}] == purged


def test_a_round_can_be_repeated(graph: Graph) -> None:
    """
    A used link may be used again; it returns the same changes and the newer ones.
    """
    link = begin(graph, "/users/delta")
    user = graph.make_user("Twice")["id"]

    first, again = changed(graph, link), changed(graph, link)

    assert [user] == [one["id"] for one in first]
    assert first == again


def test_what_changes_during_the_first_round_is_told(graph: Graph) -> None:
    """
    Objects that are created, changed or deleted during a first round are known after the next round.
    """
    early, late = graph.make_user("Early")["id"], graph.make_user("Late")["id"]
    page = graph.get("/users/delta", Prefer="odata.maxpagesize=9")
    new = graph.make_user("New")["id"]
    graph.ask("PATCH", f"/users/{early}", {"city": "Ulm"})
    graph.ask("DELETE", f"/users/{late}")

    rest, link, _ = walk(graph, page["@odata.nextLink"], Prefer="odata.maxpagesize=9")
    known = {one["id"]: one for one in [*page["value"], *rest, *changed(graph, link)]}

    assert "Ulm" == known[early]["city"]
    assert "New" == known[new]["displayName"]
    assert "@removed" in known[late]


def test_minimal_shows_only_what_changed(graph: Graph) -> None:
    """
    With `Prefer: return=minimal` an item has its id and the changed properties, without it all selected properties.
    """
    user = graph.make_user("Minimal", city="Ulm")["id"]
    link = begin(graph, "/users/delta?$select=displayName,city,jobTitle")
    graph.ask("PATCH", f"/users/{user}", {"jobTitle": "Clerk"})

    minimal, full = changed(graph, link, Prefer="return=minimal"), changed(graph, link)

    assert [{"id": user, "jobTitle": "Clerk"}] == minimal
    assert [{"id": user, "displayName": "Minimal", "city": "Ulm", "jobTitle": "Clerk"}] == full


def test_latest_begins_now(graph: Graph) -> None:
    """
    `$deltatoken=latest` lists nothing; its link returns later changes.
    """
    items, link, pages = walk(graph, "/users/delta?$deltatoken=latest&$select=displayName")
    user = graph.make_user("Next")["id"]

    assert ([], 1) == (items, pages)
    assert [{"id": user, "displayName": "Next"}] == changed(graph, link)


def test_some_objects_only(graph: Graph) -> None:
    """
    `$filter` names ids, and later rounds contain only these objects.
    """
    one, two, three = (graph.make_user(name)["id"] for name in ("One", "Two", "Three"))

    items, link, _ = walk(graph, f"/users/delta?$filter=id eq '{one}' or id eq '{two}'")
    for user in (one, three):
        graph.ask("PATCH", f"/users/{user}", {"city": "Ulm"})

    assert {one, two} == {item["id"] for item in items}
    assert [one] == [item["id"] for item in changed(graph, link)]


@pytest.mark.parametrize("text", ["displayName eq 'Ada'", "id ne '1'", "id eq 'no guid'"])
def test_other_filters_are_refused(graph: Graph, text: str) -> None:
    """
    Delta supports filters by id only.
    """
    assert 400 == graph.refusal(f"/users/delta?$filter={text}")[0]


def test_at_most_fifty_ids(graph: Graph) -> None:
    """
    A filter names at most fifty ids.
    """
    ids = " or ".join(["id eq '00000000-0000-4000-8000-000000000000'"] * 51)

    assert 400 == graph.refusal(f"/users/delta?$filter={ids}")[0]
    assert 200 == graph.ask("GET", f"/users/delta?$filter={ids.partition(' or ')[2]}").status_code


@pytest.mark.parametrize("option", ["$expand=manager", "$top=5", "$orderby=displayName", '$search="x"', "$count=true"])
def test_options_that_delta_does_not_take_are_refused_by_name(graph: Graph, option: str) -> None:
    """
    The message names the unsupported option.
    """
    status, _, message = graph.refusal(f"/users/delta?{option}", ConsistencyLevel="eventual")

    assert (400, True) == (status, option.partition("=")[0] in message)


def test_members_come_and_go(graph: Graph) -> None:
    """
    A group reports members added and removed since, with their types.
    """
    group, inner = graph.make_group("Outer")["id"], graph.make_group("Inner")["id"]
    ada, bea = graph.make_user("Ann")["id"], graph.make_user("Bea")["id"]
    graph.add(group, ada)

    items, link, _ = walk(graph, "/groups/delta")
    for member in (bea, inner):
        graph.add(group, member)
    graph.ask("DELETE", f"/groups/{group}/members/{ada}/$ref")

    (first,) = [one for one in items if one["id"] == group]
    (later,) = changed(graph, link)
    assert [{"@odata.type": "#microsoft.graph.user", "id": ada}] == first["members@delta"]
    assert [
        {"@odata.type": "#microsoft.graph.user", "id": bea},
        {"@odata.type": "#microsoft.graph.group", "id": inner},
        {"@odata.type": "#microsoft.graph.user", "id": ada, "@removed": {"reason": "deleted"}},
    ] == later["members@delta"]


def test_a_member_that_is_deleted_leaves_its_groups(graph: Graph) -> None:
    """
    Its groups report a deleted member as removed and a restored one as added; a restored group reports its members.
    """
    user = graph.make_user("Member")["id"]
    group = graph.make_group("Unified", groupTypes=["Unified"], mailEnabled=True, securityEnabled=False)["id"]
    graph.add(group, user)
    link = begin(graph, "/groups/delta")

    graph.ask("DELETE", f"/users/{user}")
    (left,), link, _ = walk(graph, link)
    graph.ask("POST", f"/directory/deletedItems/{user}/restore")
    (back,), link, _ = walk(graph, link)
    graph.ask("DELETE", f"/groups/{group}")
    (gone,), link, _ = walk(graph, link)
    graph.ask("POST", f"/directory/deletedItems/{group}/restore")
    (again,) = changed(graph, link)

    reference = {"@odata.type": "#microsoft.graph.user", "id": user}
    assert [reference | {"@removed": {"reason": "deleted"}}] == left["members@delta"]
    assert [reference] == back["members@delta"] == again["members@delta"]
    assert "@removed" in gone
    assert "Unified" == again["displayName"]


def test_who_selects_no_members_hears_of_none(graph: Graph) -> None:
    """
    Without `members` in `$select`, a group reports its properties only.
    """
    group, user = graph.make_group("Silent")["id"], graph.make_user("Una")["id"]
    silent, talking = begin(graph, "/groups/delta?$select=displayName"), begin(graph, "/groups/delta?$select=members")
    graph.add(group, user)

    assert "members@delta" not in str(changed(graph, silent))
    assert [user] == [one["id"] for one in changed(graph, talking)[0]["members@delta"]]


def test_many_members_come_in_parts_and_none_is_lost(graph: Graph) -> None:
    """
    A large group is repeated from page to page; a member that is removed meanwhile does not hide others.
    """
    group = graph.make_group("Large")["id"]
    graph.add(group, graph.get("/users/ada@contoso.example")["id"], "owners")
    users = [graph.make_user(f"U{number}")["id"] for number in range(130)]
    for user in users:
        graph.add(group, user)

    page = graph.get("/groups/delta?$select=displayName,members,owners")
    first = page["value"][-1]["members@delta"]
    graph.ask("DELETE", f"/groups/{group}/members/{users[3]}/$ref")
    rest, link, _ = walk(graph, page["@odata.nextLink"])
    (later,) = changed(graph, link)

    shown = [one["id"] for one in first] + [one["id"] for item in rest for one in item.get("members@delta", ())]
    assert users == shown
    assert 100 == len(first)
    assert [1, 0] == [len(item.get("owners@delta", ())) for item in (page["value"][-1], rest[0])]
    assert [(users[3], True)] == [(one["id"], "@removed" in one) for one in later["members@delta"]]


def test_managers_are_told_of(graph: Graph) -> None:
    """
    A delta reports that a user has a new manager, or no manager any more.
    """
    user, boss, next_boss = (graph.make_user(name)["id"] for name in ("Worker", "Boss", "Chief"))
    link = begin(graph, "/users/delta?$select=displayName,manager")
    for manager in (boss, next_boss):
        reference = {"@odata.id": f"{graph.root}/users/{manager}"}
        assert 204 == graph.ask("PUT", f"/users/{user}/manager/$ref", reference).status_code

    (item,) = changed(graph, link)

    assert {(boss, True), (next_boss, False)} == {(one["id"], "@removed" in one) for one in item["manager@delta"]}


def test_directory_objects_of_all_kinds(graph: Graph) -> None:
    """
    `/directoryObjects/delta` reports users and groups with their types.
    """
    link = begin(graph, "/directoryObjects/delta")
    user, group = graph.make_user("Una")["id"], graph.make_group("Grown")["id"]

    items = changed(graph, link)

    assert {user: "#microsoft.graph.user", group: "#microsoft.graph.group"} == {
        one["id"]: one["@odata.type"] for one in items
    }


@pytest.mark.parametrize("name", ["nextLink", "deltaLink"])
def test_tokens_are_bound_to_what_they_were_given_for(graph: Graph, name: str) -> None:
    """
    An altered token, a token of another collection, or a token with other options is refused.
    """
    size = "1" if name == "nextLink" else "999"
    link = graph.get("/users/delta?$select=displayName", Prefer=f"odata.maxpagesize={size}")[f"@odata.{name}"]

    for wrong in (
        link[:-6] + "AAAAAA", link.replace("/users/", "/groups/"), link.replace("/v1.0/", "/beta/"),
        f"{link}&$select=city", f"{link}&$filter=id eq '00000000-0000-4000-8000-000000000000'",
    ):  # fmt: skip
        assert 400 == graph.refusal(wrong)[0]
    assert 200 == graph.ask("GET", link).status_code


def test_a_token_of_more_than_a_week_is_too_old(graph: Graph, caller: Any) -> None:  # noqa: ANN401 - the fixture
    """
    An older token gives 410 and syncStateNotFound with the URL of a new query; a token of exactly a week is valid.
    """
    link = begin(graph, "/users/delta?$select=displayName")
    graph.tenant.clock.advance(WEEK_S - 60)
    graph = type(graph)(caller, caller.app_token().json()["access_token"])
    young = graph.ask("GET", link).status_code
    graph.tenant.clock.advance(120)

    old = graph.ask("GET", link)

    assert (200, 410) == (young, old.status_code)
    assert "syncStateNotFound" == old.json()["error"]["code"]
    assert f"{graph.root}/users/delta?$deltatoken=" == old.headers["location"]
    assert graph.ids("/users?$top=999") == [one["id"] for one in changed(graph, old.headers["location"])]
