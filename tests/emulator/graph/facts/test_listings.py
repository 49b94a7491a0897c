"""Lists of users: envelope, selection, sorting, pages, counts (service facts, 3.3 to 3.5)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.emulator.graph.facts.conftest import Graph

USER = [
    "businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone", "officeLocation",
    "preferredLanguage", "surname", "userPrincipalName", "id",
]  # fmt: skip


def test_people_come_with_the_default_properties_in_the_recorded_order(graph: Graph) -> None:
    """
    A user has eleven properties with the id last; lists are never null, single values may be (3.4).
    """
    response = graph.get("users")
    first = response.json()["value"][0]

    assert ["@odata.context", "value"] == list(response.json())
    assert f"{graph.caller.tenant.url}/v1.0/$metadata#users" == response.json()["@odata.context"]
    assert USER == list(first)
    assert [] == first["businessPhones"]
    assert first["jobTitle"] is None


def test_headers_of_an_answer(graph: Graph) -> None:
    """
    An answer has the metadata content type, no caching, ids, and resource units (3.1).
    """
    headers = graph.get("users?$top=1").headers

    assert (
        "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
        == headers["content-type"]
    )
    assert ("no-cache", "4.0") == (headers["cache-control"], headers["odata-version"])
    assert "11111111-2222-4333-8444-555555555555" == headers["client-request-id"]
    assert int(headers["x-ms-resource-unit"]) >= 1


def test_the_selection_stands_in_the_context(graph: Graph) -> None:
    """
    Only selected properties are returned, and the context names them.
    """
    body = graph.get("users?$select=displayName,id,accountEnabled").json()

    assert body["@odata.context"].endswith("/v1.0/$metadata#users(displayName,id,accountEnabled)")
    assert {"displayName", "id", "accountEnabled"} == set(body["value"][0])
    assert isinstance(body["value"][0]["accountEnabled"], bool)


def test_names_of_properties_may_be_written_in_any_case(graph: Graph) -> None:
    """
    Property names and path segments are case-insensitive (3.1).
    """
    assert {"displayName"} == set(graph.value("Users?$select=DISPLAYNAME")[0])


def test_an_unknown_property_is_refused_by_name(graph: Graph) -> None:
    """
    An unknown property gives 400 with the property and the type (3.2).
    """
    response = graph.get("users?$select=id,shoeSize")

    assert (400, "BadRequest") == graph.refused(response)
    assert "Could not find a property named 'shoeSize' on type 'microsoft.graph.user'." in graph.text(response)


@pytest.mark.parametrize("name", ["aboutMe", "skills", "mailboxSettings"])
def test_properties_of_other_services_can_not_be_listed(graph: Graph, name: str) -> None:
    """
    Such properties give 501 NotImplemented in a collection (3.4).
    """
    response = graph.get(f"users?$select={name}")

    assert (501, "NotImplemented") == graph.refused(response)
    assert "This operation target is not yet supported." == graph.text(response)


@pytest.mark.parametrize("top", ["0", "1000", "100000"])
def test_pages_hold_1_to_999(graph: Graph, top: str) -> None:
    """
    Another size gives Request_UnsupportedQuery with the recorded message (3.2).
    """
    response = graph.get(f"users?$top={top}")

    assert (400, "Request_UnsupportedQuery") == graph.refused(response)
    assert f"Invalid page size specified: '{top}'. Must be between 1 and 999 inclusive." == graph.text(response)


@pytest.mark.parametrize("top", ["x", "-1", "1.5", "\u0661"])
def test_a_page_size_is_a_number(graph: Graph, top: str) -> None:
    """
    A size that is not a number gives 400.
    """
    assert 400 == graph.get(f"users?$top={top}").status_code


def pages(graph: Graph, path: str, *, advanced: bool = False) -> list[list[str]]:
    """Return the ids of each page, following each link unchanged."""
    found, address = [], path
    while address:
        response = graph.get(address, advanced=advanced)
        assert response.status_code == 200, response.text
        found.append([one["id"] for one in response.json()["value"]])
        address = response.json().get("@odata.nextLink", "")
    return found


@pytest.mark.parametrize("query", ["", "&$orderby=displayName", "&$orderby=displayName desc", "&$select=id"])
def test_pages_make_up_the_whole(graph: Graph, query: str) -> None:
    """
    Each object is on exactly one page in any order; the last page has no link.
    """
    whole = [one["id"] for one in graph.value("users?$top=999")]

    found = pages(graph, f"users?$top=3{query}")

    assert sorted(whole) == sorted(one for page in found for one in page)
    assert [3] * (len(found) - 1) == [len(page) for page in found[:-1]]


def test_objects_of_equal_names_are_not_lost_between_pages(graph: Graph) -> None:
    """
    A page token contains the position as well as the sorted value.
    """
    for number in range(7):
        graph.add_user(f"twin{number}", displayName="Twin")

    found = pages(graph, "users?$top=2&$filter=displayName eq 'Twin'&$orderby=displayName&$count=true", advanced=True)

    assert 7 == len({one for page in found for one in page}) == sum(len(page) for page in found)


def test_objects_without_the_value_sorted_by_are_not_lost_between_pages(graph: Graph) -> None:
    """
    Null values are sorted, too.
    """
    whole = sorted(one["id"] for one in graph.value("users"))

    for direction in ("asc", "desc"):
        found = pages(graph, f"users?$top=2&$orderby=createdDateTime {direction}&$count=true", advanced=True)

        assert whole == sorted(one for page in found for one in page)


def test_pages_stay_right_while_objects_come_and_go(graph: Graph) -> None:
    """
    An object that exists all the time is returned exactly once.
    """
    stay = {one["id"] for one in graph.value("users")}
    gone = graph.add_user("gone")["id"]
    first = graph.get("users?$top=4").json()
    graph.add_user("newcomer")
    graph.call("DELETE", f"users/{gone}")
    seen = [one["id"] for one in first["value"]]
    link = first["@odata.nextLink"]
    while link:
        page = graph.get(link).json()
        seen += [one["id"] for one in page["value"]]
        link = page.get("@odata.nextLink", "")

    assert len(seen) == len(set(seen))
    assert stay <= set(seen)


def test_a_next_link_is_absolute_and_repeats_the_options(graph: Graph) -> None:
    """
    A next link has the recorded form, with `$skiptoken` (3.3).
    """
    link = graph.get("users?$top=2&$select=id").json()["@odata.nextLink"]

    assert link.startswith(f"{graph.caller.tenant.url}/v1.0/users?")
    assert "$top=2" in link.replace("%24", "$")
    assert "$select=id" in link.replace("%24", "$")
    assert re.search(r"[?&]\$skiptoken=[\w-]+", link.replace("%24", "$"))


@pytest.mark.parametrize(
    "change", ["users?$top=2&$skiptoken={0}x", "groups?$top=2&$skiptoken={0}", "users?$skiptoken=x"]
)
def test_tokens_that_are_not_of_this_list_are_refused(graph: Graph, change: str) -> None:
    """
    An altered or invented token, or one of another list, gives 400.
    """
    link = graph.get("users?$top=2").json()["@odata.nextLink"]
    token = link.replace("%24", "$").partition("$skiptoken=")[2].partition("&")[0]

    assert 400 == graph.get(change.format(token)).status_code


def test_tokens_grow_old(graph: Graph) -> None:
    """
    An old token gives 400 Directory_ExpiredPageToken (3.2).
    """
    link = graph.get("users?$top=2").json()["@odata.nextLink"]
    graph.caller.tenant.clock.advance(30 * 24 * 3600)
    graph.may("User.Read.All")

    assert (400, "Directory_ExpiredPageToken") == graph.refused(graph.get(link))


def test_the_count_comes_once_and_only_with_the_header(graph: Graph) -> None:
    """
    `$count=true` without ConsistencyLevel is ignored; with it, the first page has the total number (3.3, 3.5).
    """
    everybody = len(graph.value("users?$top=999"))
    first = graph.get("users?$count=true&$top=2", advanced=True).json()
    second = graph.get(first["@odata.nextLink"], advanced=True).json()

    assert "@odata.count" not in graph.get("users?$count=true").json()
    assert everybody == first["@odata.count"]
    assert ["@odata.context", "@odata.count", "@odata.nextLink", "value"] == list(first)
    assert "@odata.count" not in second


def test_the_count_segment_is_plain_text(graph: Graph) -> None:
    """
    `/users/$count` requires the header (3.2) and supports `$filter`.
    """
    everybody = len(graph.value("users?$top=999"))
    response = graph.get("users/$count", advanced=True)

    assert str(everybody) == response.text.lstrip("\ufeff")
    assert response.headers["content-type"].startswith("text/plain")
    assert "1" == graph.get("users/$count?$filter=startswith(displayName,'Ada')", advanced=True).text.lstrip("\ufeff")
    assert (400, "Request_BadRequest") == graph.refused(graph.get("users/$count"))
    assert "$count is not currently supported." == graph.text(graph.get("users/$count"))


@pytest.mark.parametrize(
    ("query", "advanced"),
    [
        ("users?$orderby=createdDateTime", False),
        ("users?$orderby=displayName&$filter=accountEnabled eq true", False),
        ("users?$orderby=displayName sideways", False),
        ("users?$orderby=passwordProfile&$count=true", True),
    ],
)
def test_sorting_that_the_directory_can_not_do(graph: Graph, query: str, advanced: bool) -> None:
    """
    An unsupported order gives "Sorting not supported for current query." (3.2)
    """
    assert 400 == graph.get(query, advanced=advanced).status_code


def test_sorting_disregards_case_and_goes_both_ways(graph: Graph) -> None:
    """
    Both directions work, in any case.
    """
    for name in ("zoe", "Zac", "zed"):
        graph.add_user(name, displayName=name)
    query = "users?$filter=startswith(displayName,'z')&$count=true&$orderby=displayName"

    assert ["Zac", "zed", "zoe"] == [one["displayName"] for one in graph.value(query, advanced=True)]
    assert ["zoe", "zed", "Zac"] == [one["displayName"] for one in graph.value(f"{query} desc", advanced=True)]


def test_beta_needs_no_dollar(graph: Graph) -> None:
    """
    On beta, the `$` of options is optional (3.1), and the context is that of beta.
    """
    body = graph.get("/beta/users?top=2&select=id").json()

    assert 2 == len(body["value"])
    assert f"{graph.caller.tenant.url}/beta/$metadata#users(id)" == body["@odata.context"]
    assert f"{graph.caller.tenant.url}/beta/users?" in body["@odata.nextLink"]


def test_skipping_is_not_supported(graph: Graph) -> None:
    """
    Directory objects are paged by tokens only (3.3).
    """
    assert 400 == graph.get("users?$skip=2").status_code


@pytest.mark.parametrize("path", ["nowhere", "users/x/nowhere", ""])
def test_addresses_that_graph_does_not_have(graph: Graph, path: str) -> None:
    """
    An unknown path gives a 400 or is refused by name, never a 500 or a 200.
    """
    assert graph.get(path).status_code in (400, 404, 501)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_methods_that_a_list_does_not_have(graph: Graph, method: str) -> None:
    """
    An unsupported method gives 405 Request_BadRequest (3.2).
    """
    response = graph.call(method, "users", None if method == "DELETE" else {})

    assert (405, "Request_BadRequest") == graph.refused(response)
    assert "Specified HTTP method is not allowed for the request target." == graph.text(response)


def test_what_changes_shows_at_once(graph: Graph) -> None:
    """
    A rendered page is not reused after a write.
    """
    before = graph.names("users")
    made = graph.add_user("later")

    assert sorted([*before, "later"]) == graph.names("users")

    graph.call("PATCH", f"users/{made['id']}", {"displayName": "Later still"})

    assert "Later still" in graph.names("users")


@pytest.mark.parametrize("query", ["$filter=%E9", "&".join(f"a{number}=1" for number in range(200)), "$top=%00"])
def test_a_query_that_can_not_be_read_is_refused_in_graphs_form(graph: Graph, query: str) -> None:
    """
    The error has Graph's form, not that of the token service.
    """
    response = graph.http.get(f"/v1.0/users?{query}", headers={"Authorization": f"Bearer {graph.token}"})

    assert 400 == response.status_code
    assert {"code", "message", "innerError"} <= set(response.json()["error"])


def test_what_was_deleted_is_kept_for_thirty_days(graph: Graph) -> None:
    """
    After thirty days a deleted object is purged (4.2).
    """
    user = graph.call("GET", "users?$top=1").json()["value"][0]["id"]
    assert 204 == graph.call("DELETE", f"users/{user}").status_code
    graph.caller.tenant.clock.advance(29 * 24 * 3600)
    graph.may("User.ReadWrite.All", "User.DeleteRestore.All")
    assert user in [one["id"] for one in graph.value("directory/deletedItems/microsoft.graph.user")]

    graph.caller.tenant.clock.advance(2 * 24 * 3600)
    graph.may("User.ReadWrite.All", "User.DeleteRestore.All")
    assert [] == graph.value("directory/deletedItems/microsoft.graph.user")
    assert 404 == graph.call("POST", f"directory/deletedItems/{user}/restore").status_code
