"""Collections: filters, searches, order, selection, counts and pages, with the service's rules and words."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.emulator.graph.conftest import EVENTUAL

from entrakit_emulator.graph import filters, search
from entrakit_emulator.graph.errors import GraphError
from entrakit_emulator.graph.store import Store

if TYPE_CHECKING:
    from tests.emulator.graph.conftest import Graph

ADVANCED = {"ConsistencyLevel": "eventual"}


def filtered(graph: Graph, expression: str, *, advanced: bool = False, path: str = "/users") -> list[str]:
    """Return the display names that a filter finds."""
    more = "&$count=true" if advanced else ""
    page = graph.get(f"{path}?$filter={quote(expression)}{more}", **(ADVANCED if advanced else {}))
    return sorted(one["displayName"] for one in page["value"])


@pytest.fixture
def people(graph: Graph) -> Graph:
    """Return Graph with a few people who differ."""
    graph.make_user("Zoe", city="Aarhus", jobTitle="Engineer", companyName="Contoso", mail="zoe@contoso.example")
    graph.make_user("Yan", city="Aarhus", jobTitle="Chef's aide", otherMails=["yan@home.example"])
    graph.make_user("Xia", accountEnabled=False, city="Berlin")
    return graph


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("city eq 'Aarhus'", ["Yan", "Zoe"]),
        ("city eq 'AARHUS' and jobTitle eq 'Engineer'", ["Zoe"]),
        ("jobTitle eq 'Chef''s aide'", ["Yan"]),
        ("city eq 'Berlin' or (city eq 'Aarhus' and jobTitle eq 'Engineer')", ["Xia", "Zoe"]),
        ("city in ('Berlin','Odense')", ["Xia"]),
        ("startsWith(displayName,'Z')", ["Zoe"]),
        ("startswith(userPrincipalName,'x')", ["Xia"]),
        ("accountEnabled eq false and city eq 'Berlin'", ["Xia"]),
        ("otherMails/any(m:m eq 'yan@home.example')", ["Yan"]),
        ("otherMails/any(m:startsWith(m,'yan'))", ["Yan"]),
        ("proxyAddresses/any(p:p eq 'SMTP:zoe@contoso.example')", ["Zoe"]),
        ("startsWith(displayName,'%')", []),
        ("createdDateTime ge 2100-01-01T00:00:00Z", []),
    ],
)
def test_filters_that_work_by_default(people: Graph, expression: str, names: list[str]) -> None:
    """
    Each operator finds what it should, whatever the case of values.
    """
    assert names == filtered(people, expression)


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("city ne 'Aarhus' and startsWith(displayName,'X')", ["Xia"]),
        ("not startsWith(displayName,'X') and city ne null", ["Yan", "Zoe"]),
        ("endsWith(mail,'@contoso.example') and city eq 'Aarhus'", ["Zoe"]),
        ("companyName eq 'Contoso'", ["Zoe"]),
        ("jobTitle eq null and city eq 'Berlin'", ["Xia"]),
        ("otherMails/$count ne 0", ["Yan"]),
    ],
)
def test_filters_that_need_an_advanced_query(people: Graph, expression: str, names: list[str]) -> None:
    """
    With the header and `$count=true` they work; without these they are refused.
    """
    status, code, _ = people.refusal(f"/users?$filter={quote(expression)}")

    assert (400, "Request_UnsupportedQuery") == (status, code)
    assert names == filtered(people, expression, advanced=True)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("$filter=city lt 'A'", "Request_UnsupportedQuery"),
        ("$filter=contains(displayName,'a')", "Request_UnsupportedQuery"),
        ("$filter=nonsense eq 1", "BadRequest"),
        ("$filter=city eq", "Request_BadRequest"),
        ("$filter=city eq 'a", "Request_BadRequest"),
        ("$filter=(city eq 'a'", "Request_BadRequest"),
        ("$filter=city eq 'a' or", "Request_BadRequest"),
        ("$filter=" + " or ".join(f"city eq '{number}'" for number in range(18)), "Request_UnsupportedQuery"),
        ("$filter=city in (" + ",".join(f"'{number}'" for number in range(16)) + ")", "Request_UnsupportedQuery"),
        ("$filter=city eq 'a'&$orderby=displayName", "Request_UnsupportedQuery"),
        ("$orderby=city", "Request_UnsupportedQuery"),
        ("$orderby=displayName sideways", "Request_UnsupportedQuery"),
        ('$search="displayName:a"', "Request_UnsupportedQuery"),
        ("$top=1000", "Request_UnsupportedQuery"),
        ("$top=0", "Request_UnsupportedQuery"),
        ("$top=x", "BadRequest"),
        ("$select=nonsense", "BadRequest"),
        ("$expand=nonsense", "BadRequest"),
        ("$skip=5", "BadRequest"),
        ("$skiptoken=nonsense", "Request_BadRequest"),
        ("$nonsense=1", "BadRequest"),
    ],
)
def test_queries_that_are_refused(graph: Graph, query: str, code: str) -> None:
    """
    What the directory can't do is refused in its words.
    """
    status, found, _ = graph.refusal(f"/users?{quote(query, safe='$=&')}")

    assert (400, code) == (status, found)


def test_the_words_of_refusals(graph: Graph) -> None:
    """
    The texts that clients know (service facts, 3.2).
    """
    page = "Invalid page size specified: '1000'. Must be between 1 and 999 inclusive."
    clause = "Unsupported or invalid query filter clause specified for property 'city' of resource 'User'."
    many = (
        "Too many child clauses specified in search filter expression containing 'OR' operators: 16. Max allowed: 15."
    )
    terms = quote(" or ".join(f"city eq '{number}'" for number in range(16)))

    assert page == graph.refusal("/users?$top=1000")[2]
    assert clause == graph.refusal("/users?$filter=city%20lt%20'a'")[2]
    assert many == graph.refusal(f"/users?$filter={terms}")[2]
    assert "ConsistencyLevel" in graph.refusal("/users?$filter=endsWith(mail,'x')")[2]


def test_order(people: Graph) -> None:
    """
    By name, both ways; by other properties in an advanced query only.
    """
    names = [one["displayName"] for one in people.get("/users?$orderby=displayName&$top=999")["value"]]
    backwards = [one["displayName"] for one in people.get("/users?$orderby=displayName desc&$top=999")["value"]]
    born = people.get("/users?$orderby=createdDateTime&$count=true", **ADVANCED)

    assert names == sorted(names, key=str.lower) == backwards[::-1]
    assert born["@odata.count"] == len(names)


def test_search(people: Graph) -> None:
    """
    Clauses by words and beginnings, joined by AND and OR.
    """

    def found(text: str) -> list[str]:
        page = people.get(f"/users?$search={quote(text)}", **ADVANCED)
        return sorted(one["displayName"] for one in page["value"])

    assert found('"displayName:zo"') == ["Zoe"]
    assert found('"displayName:zoe" OR "displayName:yan"') == ["Yan", "Zoe"]
    assert found('"displayName:zoe" AND "mail:zoe@"') == ["Zoe"]
    assert found('("displayName:zoe" OR "displayName:xia") AND "userPrincipalName:x"') == ["Xia"]
    assert people.refusal("/users?$search=zoe", **ADVANCED)[0] == 400


def test_selection(people: Graph) -> None:
    """
    Only what was asked for, named in the context; lists are never null.
    """
    page = people.get("/users?$select=id,displayName,businessPhones&$top=1")

    assert {"id", "displayName", "businessPhones"} == set(page["value"][0])
    assert page["@odata.context"].endswith("$metadata#users(id,displayName,businessPhones)")
    assert [] == page["value"][0]["businessPhones"]


def test_counting(graph: Graph) -> None:
    """
    `/$count` is text and needs the header; `$count=true` without the header is ignored.
    """
    total = len(graph.ids("/users"))
    response = graph.ask("GET", "/users/$count", **EVENTUAL)

    assert (str(total), "text/plain") == (response.text, response.headers["content-type"].partition(";")[0])
    assert (400, "Request_BadRequest", "$count is not currently supported.") == graph.refusal("/users/$count")
    assert "@odata.count" not in graph.get("/users?$count=true")
    assert total == graph.get("/users?$count=true", **EVENTUAL)["@odata.count"]


@pytest.mark.parametrize("size", [1, 3, 50])
@pytest.mark.parametrize("query", ["", "&$orderby=displayName desc", "&$select=id"])
def test_pages_hold_everything_once(people: Graph, size: int, query: str) -> None:
    """
    Page by page, in any size and order: each object once, and no link after the last.
    """
    assert sorted(people.ids("/users?$top=999")) == sorted(people.ids(f"/users?$top={size}{query}"))


def test_pages_stay_right_while_objects_come_and_go(people: Graph) -> None:
    """
    What is there all the time comes exactly once, whatever is added and deleted between two pages.
    """
    before = people.ids("/users?$top=999")
    first = people.get("/users?$top=4")
    people.make_user("Wim")
    people.ask("DELETE", f"/users/{first['value'][0]['id']}")

    rest = people.ids(first["@odata.nextLink"])

    assert set(before) <= {one["id"] for one in first["value"]} | set(rest)
    assert len(rest) == len(set(rest))


def test_a_link_is_for_its_query_and_its_time(graph: Graph) -> None:
    """
    A token of another query is refused, and so is one that is too old.
    """
    link = graph.get("/users?$top=2")["@odata.nextLink"]
    graph.tenant.clock.advance(60)
    fine = graph.ask("GET", link).status_code
    elsewhere = graph.refusal(link.replace("/users?", "/groups?"))

    assert (200, 400) == (fine, elsewhere[0])


def test_the_count_is_on_the_first_page_only(graph: Graph) -> None:
    """
    Later pages have no `@odata.count`, and need the header again.
    """
    first = graph.get("/users?$top=2&$count=true", **EVENTUAL)

    assert "@odata.count" in first
    assert "@odata.count" not in graph.get(first["@odata.nextLink"], **EVENTUAL)


def test_expansion(people: Graph) -> None:
    """
    One relation, with a selection inside, and no more than 20 of its objects.
    """
    boss, worker = (people.get(f"/users/{name}@contoso.example")["id"] for name in ("zoe", "yan"))
    people.ask("PUT", f"/users/{worker}/manager/$ref", {"@odata.id": f"{people.root}/users/{boss}"})
    group = people.make_group("Many")["id"]
    for number in range(22):
        people.add(group, people.make_user(f"Member{number}")["id"])

    assert "Zoe" == people.get(f"/users/{worker}?$expand=manager($select=displayName)")["manager"]["displayName"]
    assert 20 == len(people.get(f"/groups/{group}?$expand=members")["members"])
    assert 22 == len(people.ids(f"/groups/{group}/members"))


def test_a_lag_hides_what_was_just_written(graph: Graph) -> None:
    """
    With a lag, lists and references see a new object later; a GET by id sees it at once.
    """
    graph.tenant.seed.change_settings({"replication_lag_s": 30.0})
    group = graph.make_group("Slow")["id"]
    user = graph.make_user("Late")["id"]

    assert graph.get(f"/users/{user}")["displayName"] == "Late"
    assert user not in graph.ids("/users?$top=999")
    assert graph.add(group, user).status_code == 404
    graph.tenant.clock.advance(31)
    assert user in graph.ids("/users?$top=999")
    assert graph.add(group, user).status_code == 204


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.text(
        st.sampled_from("aeioqn'() =,/$:.19-\"city eq or and not in any startsWith displayName null true"), max_size=80
    )
)
def test_no_filter_breaks_the_database(text: str) -> None:
    """
    Whatever a filter or a search says, it is SQL that the database runs, or a refusal.
    """
    store = Store()
    for is_filter in (True, False):
        try:
            if is_filter:
                sql, values = filters.condition(text, "user", is_advanced=True)
            else:
                sql, values = search.condition(text, "user", is_eventual=True)
        except GraphError as error:
            assert error.status == 400
        else:
            store.count(sql, values)
    store.close()


@given(st.text(max_size=40))
def test_any_text_is_found_as_it_is(text: str) -> None:
    """
    A value reaches the database as it was written, whatever quotes it holds.
    """
    quoted = text.replace("'", "''")
    condition = filters.condition(f"city eq '{quoted}'", "user", is_advanced=False)

    assert (text.casefold(),) == tuple(str(value).casefold() for value in condition.values)


def test_a_cast_of_a_transitive_list_needs_the_index(graph: Graph) -> None:
    """
    Chosen or filtered, it is an advanced query; as it is, it is not.
    """
    path = f"/groups/{graph.make_group('Cast')['id']}/transitiveMembers/microsoft.graph.user"

    assert (400, "Request_UnsupportedQuery") == graph.refusal(f"{path}?$select=id")[:2]
    assert 200 == graph.ask("GET", f"{path}?$select=id&$count=true", ConsistencyLevel="eventual").status_code
    assert 200 == graph.ask("GET", path).status_code


def test_what_is_not_here_says_so(graph: Graph) -> None:
    """
    What the service has and the emulator has not is refused by name, not as an error of the caller's.
    """
    assert 501 == graph.ask("GET", "/users?$expand=manager($levels=max)").status_code
    assert 501 == graph.ask("GET", "/oauth2PermissionGrants").status_code


def test_a_request_without_an_id_has_the_services(graph: Graph) -> None:
    """
    Whoever sends no `client-request-id` gets the service's own id under that name, too.
    """
    answer = graph.ask("GET", "/users", client_request_id="")

    assert answer.headers["request-id"] == answer.headers["client-request-id"]
