"""`$filter`: operators, properties, and values of any kind."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.emulator.graph.conftest import EVENTUAL

from entrakit_emulator.graph import filters, search
from entrakit_emulator.graph.errors import GraphError
from entrakit_emulator.graph.kinds import face
from entrakit_emulator.state.store import Store

if TYPE_CHECKING:
    from tests.emulator.graph.conftest import Graph


def filtered(graph: Graph, expression: str, *, advanced: bool = False, path: str = "/users") -> list[str]:
    """Return the display names that a filter finds."""
    more = "&$count=true" if advanced else ""
    page = graph.get(f"{path}?$filter={quote(expression)}{more}", **(EVENTUAL if advanced else {}))
    return sorted(one["displayName"] for one in page["value"])


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
    Each operator finds the right users; values are compared in any case.
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
    With the header and `$count=true` these filters work; without them they are refused.
    """
    status, code, _ = people.refusal(f"/users?$filter={quote(expression)}")

    assert (400, "Request_UnsupportedQuery") == (status, code)
    assert names == filtered(people, expression, advanced=True)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.text(
        st.sampled_from("aeioqn'() =,/$:.19-\"city eq or and not in any startsWith displayName null true"), max_size=80
    )
)
def test_no_filter_breaks_the_database(text: str) -> None:
    """
    Any filter or search becomes valid SQL or is refused.
    """
    store = Store(face)
    for is_filter in (True, False):
        try:
            if is_filter:
                sql, values = filters.condition(text, "user", is_advanced=True)
            else:
                sql, values = search.condition(text, "user", is_eventual=True)
        except GraphError as error:
            # 501 names a property that only the real service has.
            assert error.status in (400, 501)
        else:
            store.count(sql, values)
    store.close()


@given(st.text(max_size=40))
def test_any_text_is_found_as_it_is(text: str) -> None:
    """
    A value reaches the database unchanged, whatever quotes it contains.
    """
    quoted = text.replace("'", "''")
    condition = filters.condition(f"city eq '{quoted}'", "user", is_advanced=False)

    assert (text.casefold(),) == tuple(str(value).casefold() for value in condition.values)


def test_any_without_a_condition_finds_lists_with_elements(people: Graph) -> None:
    """
    `any()` is true for a list that is not empty; `all()` without a condition is a syntax error.
    """
    sku = people.get("/subscribedSkus")["value"][0]["skuId"]
    body = {"addLicenses": [{"skuId": sku, "disabledPlans": []}], "removeLicenses": []}
    people.ask("PATCH", "/users/zoe@contoso.example", {"usageLocation": "DK"})
    people.ask("POST", "/users/zoe@contoso.example/assignLicense", body)

    assert ["Zoe"] == filtered(people, "assignedLicenses/any()")
    assert ["Yan"] == filtered(people, "otherMails/any() and city eq 'Aarhus'")
    assert "Zoe" not in filtered(people, "not assignedLicenses/any()", advanced=True)
    assert 400 == people.refusal("/users?$filter=otherMails/all()&$count=true", **EVENTUAL)[0]


def test_groups_are_found_by_the_number_of_their_owners(graph: Graph) -> None:
    """
    `owners/$count` is compared with 0 and 1, in an advanced query; deleted owners do not count.
    """
    names = ("None", "One", "Two")
    groups = {name: graph.make_group(name)["id"] for name in names}
    una, ulf = (graph.make_user(name)["id"] for name in ("Una", "Ulf"))
    for name, owner in (("One", una), ("Two", una), ("Two", ulf)):
        graph.add(groups[name], owner, "owners")

    assert ["None"] == filtered(graph, "owners/$count eq 0", advanced=True, path="/groups")
    assert ["One"] == filtered(graph, "owners/$count eq 1", advanced=True, path="/groups")
    assert ["None", "Two"] == filtered(graph, "owners/$count ne 1", advanced=True, path="/groups")
    graph.ask("DELETE", f"/users/{ulf}")
    assert ["One", "Two"] == filtered(graph, "owners/$count eq 1", advanced=True, path="/groups")
    assert 400 == graph.refusal("/groups?$filter=owners/$count eq 0")[0]
    assert 400 == graph.refusal("/groups?$filter=members/$count eq 0&$count=true", **EVENTUAL)[0]


def test_apps_are_found_by_redirects_and_resources(graph: Graph) -> None:
    """
    Redirect URIs inside `web`, `spa` and `publicClient`, and the APIs that an app requires, can be filtered.
    """
    graph.ask("POST", "/applications", {"displayName": "R", "web": {"redirectUris": ["https://r.example/back"]}})
    access = [{"resourceAppId": "00000003-0000-0000-c000-000000000000", "resourceAccess": []}]
    graph.ask("POST", "/applications", {"displayName": "S", "requiredResourceAccess": access})
    ours = "displayName in ('R','S')"

    def found(expression: str) -> list[str]:
        return filtered(graph, f"{expression} and {ours}", advanced=True, path="/applications")

    assert ["R"] == found("web/redirectUris/any(u:startsWith(u,'https://R.example'))")
    assert [] == found("spa/redirectUris/any(u:u eq 'https://r.example/back')")
    assert ["S"] == found("requiredResourceAccess/any(a:a/resourceAppId eq '00000003-0000-0000-c000-000000000000')")
    assert 400 == graph.refusal("/applications?$filter=web/redirectUris/any(u:u eq 'x')")[0]


def test_a_filter_on_sign_in_activity_finds_nobody(graph: Graph) -> None:
    """
    The emulator records no sign-in activity, so the filter is accepted and finds no user.
    """
    assert [] == filtered(graph, "signInActivity/lastSignInDateTime le 2024-01-01T00:00:00Z")


@pytest.mark.parametrize("text", ["isof('microsoft.graph.user')", "tolower(displayName) eq 'zoe'", "not isof('x')"])
def test_functions_that_are_not_here_are_refused_by_name(graph: Graph, text: str) -> None:
    """
    The error does not say that a property of that name is missing.
    """
    function = text.removeprefix("not ").partition("(")[0]
    status, code, message = graph.refusal(f"/users?$filter={text}&$count=true", ConsistencyLevel="eventual")

    assert (501, "NotImplemented") == (status, code)
    assert f"The emulator does not implement Microsoft Graph's function {function} in a filter. " in message
