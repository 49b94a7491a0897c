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


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("User.Read", GRANTED),
        ("user.read Group.Read.All", GRANTED),
        (f"{GRAPH}/User.Read", [f"{GRAPH}/{name}" for name in GRANTED]),
        (
            f"{GRAPH}/User.Read Group.Read.All",
            [name if name == "Group.Read.All" else f"{GRAPH}/{name}" for name in GRANTED],
        ),
        (f"User.Read {GRAPH}/User.Read", GRANTED),
        (f"{GRAPH}//User.Read", [f"{GRAPH}//{name}" for name in GRANTED]),
        (".default", [*GRANTED, ".default"]),
        (f"{GRAPH}/.default", [*(f"{GRAPH}/{name}" for name in GRANTED), f"{GRAPH}/.default"]),
        (f"{API}/Orders.Read", [f"{API}/Orders.Read"]),
        ("", [f"{GRAPH}/{name}" for name in GRANTED]),
    ],
)
def test_scopes_are_returned_in_the_form_of_the_request(caller: Caller, scope: str, expected: list[str]) -> None:
    """
    A short name is returned short, a full one with its resource; MSAL Go compares them to the letter (service facts,
    1.5). All granted permissions are returned, then the scopes of OpenID Connect for Microsoft Graph only.
    """
    answer = caller.password(scope=f"{scope} openid profile offline_access".strip()).json()
    oidc = [] if API in scope else ["email", "openid", "profile"]

    assert [*expected, *oidc] == answer["scope"].split()
    assert {one.rpartition("/")[2] for one in expected} - {".default"} == (
        {*caller.claims(answer["access_token"])["scp"].split()} - {"email", "openid", "profile"}
    )


def test_all_granted_permissions_are_in_the_token(caller: Caller) -> None:
    """
    `scp` of a Graph token lists the granted permissions, then `email openid profile` (service facts, 1.9).
    """
    claims = caller.claims(caller.person_token())

    assert [*GRANTED, "email", "openid", "profile"] == claims["scp"].split()


@pytest.mark.parametrize(
    "scope", [f"{API}/Orders.Read openid profile email", "https://management.azure.com/.default openid profile"]
)
def test_openid_scopes_are_no_permissions_of_other_apis(caller: Caller, scope: str) -> None:
    """
    Only Microsoft Graph has the scopes of OpenID Connect: neither `scp` nor the answer has them for another API.
    """
    answer = caller.password(scope=scope).json()
    scopes = {*caller.claims(answer["access_token"])["scp"].split(), *answer["scope"].split()}

    assert "id_token" in answer
    assert set() == {"openid", "profile", "email", "offline_access"} & scopes


@pytest.mark.parametrize(
    ("asked", "scope", "claims"),
    [
        ("openid", ["openid"], set()),
        ("openid offline_access", ["openid"], set()),
        ("openid email", ["email", "openid"], {"email"}),
        ("openid profile", ["email", "openid", "profile"], {"email", "name", "oid", "preferred_username"}),
    ],
)
def test_each_openid_scope_grants_its_claims(caller: Caller, asked: str, scope: list[str], claims: set[str]) -> None:
    """
    `openid` alone identifies the user by `sub` only: names and object id require `profile`, the address `email` or
    `profile` (ID token claims reference).
    """
    answer = caller.password(scope=f"User.Read {asked}").json()
    id_token = caller.claims(answer["id_token"])

    assert scope == [one for one in answer["scope"].split() if one not in GRANTED]
    assert claims == {"email", "name", "oid", "preferred_username", "unique_name", "upn"} & set(id_token)
    assert id_token["sub"]


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
