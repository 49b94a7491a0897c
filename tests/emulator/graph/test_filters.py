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
