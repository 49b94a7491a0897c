"""Users."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.emulator.graph.conftest import GRAPH, USER

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller
    from tests.emulator.graph.conftest import Graph


def test_a_user_that_is_made(graph: Graph) -> None:
    """
    A new user comes with 201, a Location of the directory, and the default properties with the id first; never with a
    password.
    """
    response = graph.ask("POST", "/users", USER)
    body = response.json()

    assert 201 == response.status_code
    assert response.headers["location"].endswith(f"/directoryObjects/{body['id']}/Microsoft.DirectoryServices.User")
    assert ["@odata.context", "id", "businessPhones"] == list(body)[:3]
    assert "Fresh-Pass-1" not in graph.ask("GET", f"/users/{body['id']}?$select=passwordProfile,displayName").text
    assert 204 == graph.ask("PATCH", f"/users/{body['id']}", {"jobTitle": "Chief"}).status_code
    assert "Chief" == graph.get("/users/UMA@contoso.example")["jobTitle"]
    assert "Chief" == graph.get("/users('uma@contoso.example')")["jobTitle"]


@pytest.mark.parametrize(
    "missing", ["displayName", "mailNickname", "userPrincipalName", "passwordProfile", "accountEnabled"]
)
def test_what_a_user_needs(graph: Graph, missing: str) -> None:
    """
    A missing property is named.
    """
    body = {name: value for name, value in USER.items() if name != missing}

    expected = (400, "Request_BadRequest", f"A value is required for property '{missing}' of resource 'User'.")
    assert expected == graph.refusal("/users", "POST", body)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"userPrincipalName": "uma@elsewhere.example"}, "domain portion of the userPrincipalName"),
        ({"userPrincipalName": "ada@contoso.example"}, "same value for property userPrincipalName"),
        ({"userPrincipalName": "uma"}, "userPrincipalName"),
        ({"passwordProfile": {"password": "short"}}, "password complexity"),
        ({"nonsense": 1}, "Could not find a property named 'nonsense'"),
        ({"displayName": 5}, "Invalid value specified for property 'displayName'"),
        ({"id": "x"}, "read-only"),
    ],
)
def test_what_a_user_can_not_be(graph: Graph, change: dict[str, object], words: str) -> None:
    """
    Invalid values are refused with the service's message, and no user is created.
    """
    before = len(graph.ids("/users"))
    status, _, message = graph.refusal("/users", "POST", USER | change)

    assert 400 == status
    assert words in message
    assert before == len(graph.ids("/users"))


def test_who_was_made_can_sign_in_until_deleted(graph: Graph, caller: Caller) -> None:
    """
    The token service uses a user's password and state, and the user can't sign in after a deletion.
    """

    def sign_in(password: str = "Fresh-Pass-1") -> int:
        return caller.password(username="uma@contoso.example", password=password, scope="openid").status_code

    graph.tenant.seed.grant("*", graph.tenant.public_client, "https://graph.microsoft.com", ["User.Read"])
    key = graph.ask("POST", "/users", USER).json()["id"]
    made = sign_in()
    graph.ask("PATCH", f"/users/{key}", {"accountEnabled": False})
    disabled = sign_in()
    graph.ask("PATCH", f"/users/{key}", {"accountEnabled": True, "passwordProfile": {"password": "Other-Pass-2"}})
    old, new = sign_in(), sign_in("Other-Pass-2")
    graph.ask("DELETE", f"/users/{key}")
    deleted = sign_in("Other-Pass-2")
    graph.ask("POST", f"/directory/deletedItems/{key}/restore")

    assert [200, 400, 400, 200, 400, 200] == [made, disabled, old, new, deleted, sign_in("Other-Pass-2")]


def test_a_local_account_is_created_with_identities(graph: Graph, caller: Caller) -> None:
    """
    A user with identities needs no sign-in name: it is made from an id, in the initial domain, and signs in.
    """
    identity = {
        "signInType": "emailAddress",
        "issuer": "contoso.onmicrosoft.com",
        "issuerAssignedId": "lo@home.example",
    }
    profile = {"password": "Fresh-Pass-1", "forceChangePasswordNextSignIn": False}
    body = {"displayName": "Lo", "identities": [identity], "passwordProfile": profile}
    made = graph.ask("POST", "/users", {**body, "passwordPolicies": "DisablePasswordExpiration"})
    upn = made.json()["userPrincipalName"]
    read = graph.get(f"/users/{upn}?$select=identities,creationType,accountEnabled,mailNickname")
    graph.tenant.seed.grant(upn, graph.tenant.public_client, GRAPH, ["User.Read"])
    condition = "i/issuer eq 'contoso.onmicrosoft.com' and i/issuerAssignedId eq 'lo@home.example'"
    found = graph.get(f"/users?$filter=identities/any(i:{condition})")

    assert 201 == made.status_code
    assert f"{read['mailNickname']}@contoso.onmicrosoft.com" == upn
    assert (True, "LocalAccount") == (read["accountEnabled"], read["creationType"])
    assert [identity, "userPrincipalName"] == [read["identities"][0], read["identities"][1]["signInType"]]
    assert [upn] == [one["userPrincipalName"] for one in found["value"]]
    assert 200 == caller.token("password", username=upn, password="Fresh-Pass-1", scope="User.Read").status_code
    assert 400 == graph.refusal("/users", "POST", {**body, "identities": [{"issuer": "x"}]})[0]
    assert 400 == graph.refusal("/users", "POST", {**body, "identities": []})[0]
