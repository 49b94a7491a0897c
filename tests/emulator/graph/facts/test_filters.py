"""`$filter` and `$search`: the service's table of operators, its messages, and values that are never syntax (3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from tests.emulator.graph.facts.conftest import Graph

HINT = "the required parameters might be missing. Try adding $count=true query parameter and ConsistencyLevel:eventual"
QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture
def people(graph: Graph) -> Graph:
    """A directory with three more users."""
    graph.add_user("una", displayName="Una O'Neil", department="R&D", jobTitle="Engineer", usageLocation="NO",
                   businessPhones=["+47 123"], otherMails=["una@home.example"])  # fmt: skip
    graph.add_user("ulf", displayName="Ulf Å. Berg", department="Sales", accountEnabled=False, companyName="Fabrikam")
    graph.add_user("uri", displayName="Uri (100%_\\)", department="r&d", userType="Guest")
    return graph


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("displayName eq 'Una O''Neil'", ["Una O'Neil"]),
        ("displayName eq 'una o''neil'", ["Una O'Neil"]),
        ("displayName eq 'ulf å. berg'", ["Ulf Å. Berg"]),
        ("displayName eq 'Uri (100%_\\)'", ["Uri (100%_\\)"]),
        ("startswith(displayName,'U')", ["Ulf Å. Berg", "Una O'Neil", "Uri (100%_\\)"]),
        ("startsWith(displayName,'Uri (100%')", ["Uri (100%_\\)"]),
        ("startsWith(displayName,'U_')", []),
        ("startsWith(displayName,'%')", []),
        ("startsWith(displayName,'Ulf å')", ["Ulf Å. Berg"]),
        ("startswith(displayName,'U') and department eq 'R&D'", ["Una O'Neil", "Uri (100%_\\)"]),
        ("department in ('Sales','Nowhere')", ["Ulf Å. Berg"]),
        ("(department eq 'Sales' or jobTitle eq 'Engineer') and accountEnabled eq true", ["Una O'Neil"]),
        ("department eq 'Sales' or jobTitle eq 'Engineer' and accountEnabled eq false", ["Ulf Å. Berg"]),
        ("startswith(userPrincipalName,'ulf@')", ["Ulf Å. Berg"]),
        ("userPrincipalName eq 'ULF@contoso.example'", ["Ulf Å. Berg"]),
        ("usageLocation eq 'NO'", ["Una O'Neil"]),
        ("userType eq 'Guest'", ["Uri (100%_\\)"]),
        ("otherMails/any(m:m eq 'una@home.example')", ["Una O'Neil"]),
        ("otherMails/any(m:startswith(m,'una@'))", ["Una O'Neil"]),
        ("createdDateTime ge 2999-01-01T00:00:00Z", []),
        ("assignedLicenses/any(x:x/skuId eq 6fd2c87f-b296-42f0-b197-1e91e994b900)", []),
    ],
)
def test_filters_that_work_by_default(people: Graph, expression: str, names: list[str]) -> None:
    """
    Strings are compared in any case, a quote is doubled, and no character of a value has a meaning.
    """
    assert names == people.names(f"users?$filter={quote(expression)}")


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("startswith(displayName,'U') and department ne 'Sales'", ["Una O'Neil", "Uri (100%_\\)"]),
        ("startswith(displayName,'U') and not(department eq 'Sales')", ["Una O'Neil", "Uri (100%_\\)"]),
        ("startswith(displayName,'U') and not startswith(displayName,'Un')", ["Ulf Å. Berg", "Uri (100%_\\)"]),
        ("endswith(userPrincipalName,'una@contoso.example')", ["Una O'Neil"]),
        ("companyName eq 'Fabrikam'", ["Ulf Å. Berg"]),
        ("startswith(displayName,'U') and companyName eq null", ["Una O'Neil", "Uri (100%_\\)"]),
        ("startswith(displayName,'U') and jobTitle ne null", ["Una O'Neil"]),
        ("businessPhones/any(p:p eq '+47 123')", ["Una O'Neil"]),
        ("startswith(displayName,'U') and otherMails/$count eq 0", ["Ulf Å. Berg", "Uri (100%_\\)"]),
        ("startswith(displayName,'U') and otherMails/$count ne 0", ["Una O'Neil"]),
    ],
)
def test_filters_of_advanced_queries(people: Graph, expression: str, names: list[str]) -> None:
    """
    Advanced filters require both the header and `$count=true`; without them they are refused.
    """
    path = f"users?$filter={quote(expression)}"

    assert names == people.names(f"{path}&$count=true", advanced=True)
    for response in (people.get(path), people.get(f"{path}&$count=true"), people.get(path, advanced=True)):
        assert (400, "Request_UnsupportedQuery") == people.refused(response)


@pytest.mark.parametrize(
    ("expression", "operator"),
    [("endsWith(mail,'x')", "endsWith"), ("displayName ne 'x'", "ne"), ("not(displayName eq 'x')", "not")],
)
def test_operators_of_advanced_queries_are_named(graph: Graph, expression: str, operator: str) -> None:
    """
    The recorded message names the missing parameter (3.2).
    """
    text = graph.text(graph.get(f"users?$filter={expression}"))

    assert text.lower().startswith(f"operator '{operator.lower()}' is not supported because")
    assert HINT in text


@pytest.mark.parametrize(
    ("path", "name", "kind"),
    [
        ("groups?$filter=createdDateTime ge 2020-01-01T00:00:00Z", "createdDateTime", "Group"),
        ("users?$filter=companyName eq 'x'", "companyName", "User"),
        ("users?$filter=mail eq null", "mail", "User"),
        ("users?$filter=displayName gt 'x'", "displayName", "User"),
        ("users?$filter=startswith(employeeId,'1')", "employeeId", "User"),
        ("applications?$filter=description eq 'x'", "description", "Application"),
    ],
)
def test_unsupported_properties_are_named(graph: Graph, path: str, name: str, kind: str) -> None:
    """
    The recorded message names property and resource (3.2).
    """
    response = graph.get(path)

    assert (400, "Request_UnsupportedQuery") == graph.refused(response)
    assert (
        f"Unsupported or invalid query filter clause specified for property '{name}' of resource '{kind}'."
        == graph.text(response)
    )


def test_contains_is_not_supported(graph: Graph) -> None:
    """
    Directory objects do not support `contains`, not even in an advanced query (3.5).
    """
    assert (400, "Request_UnsupportedQuery") == graph.refused(
        graph.get("users?$filter=contains(displayName,'a')&$count=true", advanced=True)
    )


def test_unknown_properties_are_named(graph: Graph) -> None:
    """
    An unknown property gives 400 with the type.
    """
    text = graph.text(graph.get("users?$filter=shoeSize eq 3"))

    assert "Could not find a property named 'shoeSize' on type 'microsoft.graph.user'." in text


@pytest.mark.parametrize("clauses", [15, 16, 18])
def test_at_most_15_clauses_are_joined(graph: Graph, clauses: int) -> None:
    """
    The limit of 15 clauses applies to `or` and to `in` (3.5).
    """
    joined = " or ".join(f"displayName eq '{number}'" for number in range(clauses))
    listed = ",".join(f"'{number}'" for number in range(clauses))

    for expression in (joined, f"displayName in ({listed})"):
        response = graph.get(f"users?$filter={quote(expression)}")
        assert (200 if clauses <= 15 else 400) == response.status_code
        if clauses > 15:
            assert f"'OR' operators: {clauses}. Max allowed: 15." in graph.text(response)


@pytest.mark.parametrize(
    "expression",
    [
        "displayName", "displayName eq", "eq 'x'", "displayName eq 'x", "displayName eq 'x' and", "(displayName eq 'x'",
        "displayName eq 'x')", "displayName is 'x'", "startswith(displayName)", "startswith(displayName,'a','b')",
        "displayName eq x", "accountEnabled eq 'true'", "accountEnabled eq 7", "displayName eq 7",
        "createdDateTime ge 'yesterday'", "createdDateTime ge 2020-13-45", "displayName eq true",
        "createdDateTime le 0001-01-01T00:00:00+14:00", "createdDateTime ge 9999-12-31T23:59:59-14:00",
        "proxyAddresses eq 'x'", "displayName/any(x:x eq 'a')", "department/x eq 'q'", "()", "' '", "not",
        "department in ()", "assignedLicenses/any(x:x/shoeSize eq 'q')", "((((" * 500 + "a",
    ],
)  # fmt: skip
def test_malformed_filters_are_refused(graph: Graph, expression: str) -> None:
    """
    Any malformed filter gives 400 in Graph's form.
    """
    assert 400 == graph.get(f"users?$filter={quote(expression)}").status_code


@given(st.text(max_size=60))
@QUICK
def test_no_filter_breaks_the_service(graph: Graph, expression: str) -> None:
    """
    Any string as a filter gives a result, an error of Graph, or the name of a property that the emulator lacks.
    """
    assert graph.get(f"users?$filter={quote(expression)}").status_code in (200, 400, 501)


PARTS = st.sampled_from([
    "displayName", "accountEnabled", "createdDateTime", "proxyAddresses", "assignedLicenses/$count", "x/skuId", "eq",
    "ne", "ge", "in", "and", "or", "not", "(", ")", ",", "'a'", "''", "true", "null", "2024-01-01", "7", "startswith(",
    "/any(x:", "passwordProfile/password", "manager", "members",
])  # fmt: skip


@given(st.lists(PARTS, max_size=12).map(" ".join))
@QUICK
def test_no_combination_of_words_breaks_the_service(graph: Graph, expression: str) -> None:
    """
    Any combination of words of the filter language gives a result, an error of Graph, or the name of a relation that
    the emulator can't filter by.
    """
    address = f"users?$filter={quote(expression)}&$count=true"

    assert graph.get(address, advanced=True).status_code in (200, 400, 501)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30))
@QUICK
def test_a_value_comes_back_as_it_is(graph: Graph, name: str) -> None:
    """
    A name with its quotes doubled finds exactly the group with this name; every character is only text.
    """
    made = graph.add_group("any", displayName=name)
    literal = quote(name.replace("'", "''"), safe="")
    found = graph.value(f"groups?$filter=displayName eq '{literal}'&$select=id,displayName")

    assert (made["id"], name) in {(one["id"], one["displayName"]) for one in found}
    assert {name.casefold()} == {one["displayName"].casefold() for one in found}

    graph.call("DELETE", f"groups/{made['id']}")


@pytest.mark.parametrize(
    ("search", "names"),
    [
        ('"displayName:una"', ["Una O'Neil"]),
        ('"displayName:neil"', ["Una O'Neil"]),
        ('"displayName:eil"', []),
        ('"displayName:berg ulf"', ["Ulf Å. Berg"]),
        ('"displayName:un" OR "displayName:ber"', ["Ulf Å. Berg", "Una O'Neil"]),
        ('"displayName:un" AND "displayName:ber"', []),
        ('("displayName:un" OR "displayName:ber") AND "userPrincipalName:ulf"', ["Ulf Å. Berg"]),
        ('"userPrincipalName:una@"', ["Una O'Neil"]),
        ('"otherMails:una@home"', ["Una O'Neil"]),
    ],
)
def test_a_search_looks_for_beginnings_of_words(people: Graph, search: str, names: list[str]) -> None:
    """
    In displayName and description each word counts, elsewhere the beginning of the value (3.5).
    """
    assert names == people.names(f"users?$search={quote(search)}", advanced=True)


def test_a_search_goes_with_a_filter(people: Graph) -> None:
    """
    A search and a filter both apply.
    """
    query = "users?$search=%22displayName:u%22&$filter=department eq 'Sales'&$count=true"

    assert ["Ulf Å. Berg"] == people.names(query, advanced=True)


def test_a_search_needs_the_header(graph: Graph) -> None:
    """
    A search without the header is refused with the recorded message (3.2).
    """
    response = graph.get('users?$search="displayName:x"')

    assert (400, "Request_UnsupportedQuery") == graph.refused(response)
    assert (
        "Request with $search query parameter only works through MSGraph with a special request header: "
        "'ConsistencyLevel: eventual'" == graph.text(response)
    )


@pytest.mark.parametrize(
    "search", ["displayName:x", '"x"', '"shoeSize:x"', '"displayName:x', '"displayName:x" "a:b"', "("]
)
def test_malformed_searches_are_refused(graph: Graph, search: str) -> None:
    """
    A malformed search gives 400: each clause must be quoted and name a searchable property.
    """
    assert 400 == graph.get(f"users?$search={quote(search)}", advanced=True).status_code


@given(st.text(max_size=40))
@QUICK
def test_no_search_breaks_the_service(graph: Graph, search: str) -> None:
    """
    Any string as a search gives a result or an error of Graph.
    """
    assert graph.get(f"users?$search={quote(search)}", advanced=True).status_code in (200, 400)


def test_ids_are_compared_without_regard_to_case(people: Graph) -> None:
    """
    Ids are compared in any case, as keys are.
    """
    one = people.get("users/una@contoso.example").json()["id"]

    assert ["Una O'Neil"] == people.names(f"users?$filter=id eq '{one.upper()}'")
    assert ["Una O'Neil"] == people.names(f"users?$filter=id in ('{one.upper()}')")
