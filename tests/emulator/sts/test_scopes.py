"""Scopes of requests and of answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller

GRAPH = "https://graph.microsoft.com"
GRANTED = ["Directory.Read.All", "Group.Read.All", "User.Read", "User.Read.All", "User.ReadBasic.All"]
API = "api://b23b19f7-eb65-48d5-96e8-ab46c1d85d64"


@pytest.mark.parametrize(
    ("scope", "audience"),
    [
        ("User.Read", GRAPH),
        ("user.read", GRAPH),
        (f"{GRAPH}/User.Read", GRAPH),
        (".default", GRAPH),
        ("00000003-0000-0000-c000-000000000000/.default", "00000003-0000-0000-c000-000000000000"),
        ("https://graph.microsoft.us/User.Read", "https://graph.microsoft.us"),
        ("https://management.azure.com//.default", "https://management.azure.com/"),
        ("https://management.azure.com/user_impersonation", "https://management.azure.com"),
        ("openid profile", GRAPH),
        (f"{API}/Orders.Read", "b23b19f7-eb65-48d5-96e8-ab46c1d85d64"),
    ],
)
def test_the_audience_is_the_resource_as_it_was_asked_for(caller: Caller, scope: str, audience: str) -> None:
    """
    A scope without a resource is for Graph; `//.default` keeps the slash (service facts, 1.7); a v2.0 API is named by
    its client id.
    """
    answer = caller.password(scope=scope).json()

    assert audience == caller.claims(answer["access_token"])["aud"]


def test_all_granted_scopes_are_returned_in_full(caller: Caller) -> None:
    """
    `scope` lists the granted permissions with their resource, then `email openid profile` (service facts, 1.5).
    """
    answer = caller.password().json()

    assert [*(f"{GRAPH}/{name}" for name in GRANTED), "email", "openid", "profile"] == answer["scope"].split()
    assert [*GRANTED, "email", "openid", "profile"] == caller.claims(answer["access_token"])["scp"].split()


def test_default_is_returned_too(caller: Caller) -> None:
    """
    `.default` is part of the answer if requested.
    """
    answer = caller.password(scope=".default").json()

    assert f"{GRAPH}/.default" in answer["scope"].split()


def test_openid_scopes_bring_what_they_are_for(caller: Caller) -> None:
    """
    offline_access gives a refresh token, openid an ID token; without them both are missing.
    """
    full = caller.password().json()
    bare = caller.password(scope="User.Read").json()

    assert {"refresh_token", "id_token"} == set(full) - set(bare)
    assert "client_info" not in full
    assert "client_info" in caller.password(client_info="1").json()


def test_default_without_any_grant_asks_for_what_is_registered(caller: Caller) -> None:
    """
    `.default` of a user without any consent requires consent to the registered permissions (AADSTS65001).
    """
    assert [65001] == caller.password("consent", scope=".default").json()["error_codes"]


def test_an_administrator_may_grant_for_everybody(caller: Caller) -> None:
    """
    Permissions granted for all users need no consent of a user.
    """
    caller.tenant.seed.grant("*", caller.tenant.public_client, GRAPH, ["User.Read"])

    assert 200 == caller.password("consent").status_code
