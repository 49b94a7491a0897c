"""Client ids and tenant ids as users type them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrakit.authority.tenants import is_guid, parse_client_id, parse_tenant_id
from entrakit.errors import ParameterError

GUID = "0f3c2c1e-8d0b-4f0e-9f0d-9f7f6d8f1a11"


@pytest.mark.parametrize("text", [GUID, GUID.upper(), f" {GUID} ", f"{{{GUID}}}"])
def test_a_guid_is_taken_in_any_case_and_with_braces(text: str) -> None:
    """
    A GUID is accepted in any case, with spaces or braces around it.
    """
    assert (GUID, GUID) == (parse_client_id(text), parse_tenant_id(text))


@pytest.mark.parametrize("label", ["Graph", "graph", "GRAPH"])
def test_the_label_graph_is_a_client(label: str) -> None:
    """
    `Graph` stands for the Microsoft Graph Command Line Tools, as in the original.
    """
    assert "14d82eec-204b-4c2f-b7e8-296a70dab67e" == parse_client_id(label)


def test_the_label_azure_is_a_client() -> None:
    """
    `Azure` stands for Azure PowerShell, as in the original.
    """
    assert "1950a258-227b-4e31-a9cf-717495945fc2" == parse_client_id("azure")


@pytest.mark.parametrize(
    "text", ["", "my-app", GUID[:-1], f"{GUID}0", GUID.replace("-", ""), "\N{FULLWIDTH DIGIT ZERO}" * 36]
)
def test_another_client_id_is_refused(text: str) -> None:
    """
    An invalid client id is refused before anything is sent.
    """
    with pytest.raises(ParameterError):
        parse_client_id(text)


@pytest.mark.parametrize("text", ["contoso.com", "CONTOSO.onmicrosoft.com", "organizations", "common", "consumers"])
def test_domains_and_names_for_many_tenants_are_tenants(text: str) -> None:
    """
    A tenant is a GUID, a domain, or one of the three names for many tenants.
    """
    assert text.lower() == parse_tenant_id(text)


@pytest.mark.parametrize(
    "text", ["", "contoso", "contoso..com", "-a.com", "a/../b.com", "https://contoso.com", "a b.com", f"{'a' * 64}.com"]
)
def test_another_tenant_is_refused(text: str) -> None:
    """
    An invalid tenant never becomes part of an address.
    """
    with pytest.raises(ParameterError):
        parse_tenant_id(text)


@given(st.text())
def test_a_tenant_never_carries_what_could_steer_an_address(text: str) -> None:
    """
    Any input is refused, or consists of letters, digits, dots and hyphens.
    """
    try:
        tenant = parse_tenant_id(text)
    except ParameterError:
        return

    assert set() == set(tenant) - set("abcdefghijklmnopqrstuvwxyz0123456789.-")


def test_a_guid_is_36_characters() -> None:
    """
    Only the form with hyphens is a GUID to Entra's endpoints.
    """
    assert (True, False) == (is_guid(GUID), is_guid(GUID.replace("-", "")))
