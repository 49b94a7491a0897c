"""Scope strings: their resource, and the allowed combinations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrakit.errors import ParameterError
from entrakit.tokens.scopes import app_scopes, delegated_scopes, resource_of

GRAPH = "https://graph.microsoft.com"
GUID = "00000003-0000-0000-c000-000000000000"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (["User.Read"], [f"{GRAPH}/User.Read"]),
        ([f"{GRAPH}/User.Read"], [f"{GRAPH}/User.Read"]),
        (["api://orders/Read.All"], ["api://orders/Read.All"]),
        ([f"{GUID}/.default"], [f"{GUID}/.default"]),
        (["https://vault.azure.net/.default"], ["https://vault.azure.net/.default"]),
        (["https://management.core.windows.net//.default"], ["https://management.core.windows.net//.default"]),
        (["User.Read", "user.read", f"{GRAPH}/USER.READ"], [f"{GRAPH}/User.Read"]),
        (["User.Read Mail.Read"], [f"{GRAPH}/User.Read", f"{GRAPH}/Mail.Read"]),
        ("User.Read Mail.Read", [f"{GRAPH}/User.Read", f"{GRAPH}/Mail.Read"]),
        (["openid", "profile", "offline_access", "User.Read"], [f"{GRAPH}/User.Read"]),
        (["email", "User.Read"], ["email", f"{GRAPH}/User.Read"]),
        (["email"], [f"{GRAPH}/User.Read", "email"]),
    ],
)
def test_each_scope_names_its_resource(asked: list[str] | str, expected: list[str]) -> None:
    """
    A bare permission gets the resource; `api://…`, GUID resources and OpenID Connect scopes stay as they are.
    """
    assert expected == list(delegated_scopes(asked, resource=GRAPH))


def test_nothing_asked_means_the_least() -> None:
    """
    The default for a user is `User.Read`, for an app everything that it was granted (checklist 32).
    """
    assert (f"{GRAPH}/User.Read",) == delegated_scopes([], resource=GRAPH)
    assert (f"{GRAPH}/.default",) == app_scopes([], resource=GRAPH)


def test_a_resource_with_a_slash_keeps_it() -> None:
    """
    The classic audience of ARM ends in a slash, and its scopes have two.
    """
    resource = "https://management.core.windows.net/"

    assert (f"{resource}/.default",) == app_scopes([], resource=resource)
    assert resource == resource_of(f"{resource}/.default")


@pytest.mark.parametrize(
    "asked",
    [
        ["User.Read", "https://vault.azure.net/user_impersonation"],
        [".default", "User.Read"],
        ['a"b'],
        ["a\\b"],
        ["Käse.Read"],
        ["User.Read\x00"],
    ],
)
def test_what_the_service_would_refuse_is_refused_before(asked: list[str]) -> None:
    """
    Two resources (AADSTS28000), a mixed `.default` (AADSTS70011) and forbidden characters (RFC 6749, 3.3) are refused.
    """
    with pytest.raises(ParameterError):
        delegated_scopes(asked, resource=GRAPH)


def test_an_app_asks_for_one_resource() -> None:
    """
    For any permissions, an app requests `.default` of the one resource.
    """
    asked = ["https://vault.azure.net/secrets.get", "openid"]

    assert ("https://vault.azure.net/.default",) == app_scopes(asked, resource=GRAPH)
    with pytest.raises(ParameterError):
        app_scopes(["User.Read", "https://vault.azure.net/.default"], resource=GRAPH)


@given(st.lists(st.text(min_size=1, max_size=40), max_size=6))
def test_scopes_are_resolved_once(asked: list[str]) -> None:
    """
    Any scopes are refused, or become a list without duplicates that resolving again does not change.
    """
    try:
        scopes = delegated_scopes(asked, resource=GRAPH)
    except ParameterError:
        return

    assert scopes == delegated_scopes(scopes, resource=GRAPH)
    assert len(scopes) == len({scope.lower() for scope in scopes})
