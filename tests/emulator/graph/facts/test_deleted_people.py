"""Deleted users: hidden, listed as deleted, restored, purged (service facts, 4.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.emulator.graph.facts.conftest import Graph


def test_a_deleted_person_can_be_restored(graph: Graph) -> None:
    """
    A deletion gives 204. The user is missing from all lists, is listed as deleted with a time, and can be restored
    (4.2).
    """
    made = graph.add_user("una")
    group = graph.add_group("team")
    graph.link(f"groups/{group['id']}/members", made["id"])

    assert 204 == graph.call("DELETE", f"users/{made['id']}").status_code
    assert 404 == graph.get(f"users/{made['id']}").status_code
    assert [] == graph.value(f"groups/{group['id']}/members")
    deleted = graph.value("directory/deletedItems/microsoft.graph.user")
    assert [made["id"]] == [one["id"] for one in deleted]
    assert made["id"] == graph.get(f"directory/deletedItems/{made['id']}").json()["id"]

    restored = graph.call("POST", f"directory/deletedItems/{made['id']}/restore")
    assert (200, made["id"]) == (restored.status_code, restored.json()["id"])
    assert [] == graph.value("directory/deletedItems/microsoft.graph.user")
    assert [made["id"]] == [one["id"] for one in graph.value(f"groups/{group['id']}/members")]


def test_a_deleted_person_can_be_deleted_for_good(graph: Graph) -> None:
    """
    A purge gives 204; then the user can't be restored (4.2).
    """
    made = graph.add_user("una")
    path = f"directory/deletedItems/{made['id']}"

    assert 404 == graph.call("DELETE", path).status_code
    graph.call("DELETE", f"users/{made['id']}")
    assert 204 == graph.call("DELETE", path).status_code
    assert 404 == graph.get(path).status_code
    assert 404 == graph.call("POST", f"{path}/restore").status_code


def test_deleted_items_are_listed_by_type(graph: Graph) -> None:
    """
    The type segment is required (4.2).
    """
    assert graph.get("directory/deletedItems").status_code in (400, 404, 501)


def test_the_name_of_a_deleted_person_is_free(graph: Graph) -> None:
    """
    A new user with the same name prevents a restore, unless the restore sets another name.
    """
    made = graph.add_user("una")
    graph.call("DELETE", f"users/{made['id']}")
    graph.add_user("una")
    path = f"directory/deletedItems/{made['id']}/restore"

    assert 400 == graph.call("POST", path).status_code
    named = graph.call("POST", path, {"newUserPrincipalName": "una2@contoso.example"})
    assert 200 == named.status_code
    assert "una2@contoso.example" == graph.get(f"users/{made['id']}").json()["userPrincipalName"]


def test_deleted_people_come_in_pages(graph: Graph) -> None:
    """
    Deleted users are paged as other lists: size, selection, links, count.
    """
    gone = {graph.add_user(f"u{number}")["id"] for number in range(5)}
    for one in gone:
        graph.call("DELETE", f"users/{one}")
    path = "directory/deletedItems/microsoft.graph.user"
    first = graph.get(f"{path}?$top=2&$select=id,deletedDateTime&$count=true", advanced=True).json()
    seen, link = [one["id"] for one in first["value"]], first["@odata.nextLink"]
    while link:
        page = graph.get(link, advanced=True).json()
        seen += [one["id"] for one in page["value"]]
        link = page.get("@odata.nextLink", "")

    assert (5, {"id", "deletedDateTime"}) == (first["@odata.count"], set(first["value"][0]))
    assert sorted(gone) == sorted(seen)
