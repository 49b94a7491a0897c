"""Users, groups and apps: made, changed, related, deleted, restored; and what the token service makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.emulator.graph.conftest import Graph

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller

USER = {
    "accountEnabled": True, "displayName": "Uma", "mailNickname": "uma", "userPrincipalName": "uma@contoso.example",
    "passwordProfile": {"password": "Fresh-Pass-1"},
}  # fmt: skip
GROUP = {"displayName": "G", "mailEnabled": False, "mailNickname": "g", "securityEnabled": True}


def test_a_user_that_is_made(graph: Graph) -> None:
    """
    201, a Location of the directory, the default properties with the id first; no password anywhere.
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
    A required property that is missing is named.
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
    Values that can't be right are refused in the service's words, and nothing is made.
    """
    before = len(graph.ids("/users"))
    status, _, message = graph.refusal("/users", "POST", USER | change)

    assert 400 == status
    assert words in message
    assert before == len(graph.ids("/users"))


def test_a_conflict_has_details(graph: Graph) -> None:
    """
    The code in `details` tells a conflict from another mistake.
    """
    error = graph.ask("POST", "/users", USER | {"userPrincipalName": "ada@contoso.example"}).json()["error"]

    assert [("ObjectConflict", "userPrincipalName")] == [(one["code"], one["target"]) for one in error["details"]]
    assert ["code", "message", "details", "innerError"] == list(error)


def test_who_was_made_can_sign_in_until_deleted(graph: Graph, caller: Caller) -> None:
    """
    A user's password, state and end are the token service's, too.
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


def test_seeds_show_in_graph(graph: Graph) -> None:
    """
    What a test seeds is in the directory before the next answer.
    """
    graph.tenant.seed.add_user("ned@contoso.example", "Password-1", display_name="Ned Newman")

    assert graph.get("/users/ned@contoso.example")["surname"] == "Newman"


def test_deleted_users_can_be_restored_or_removed_for_good(graph: Graph) -> None:
    """
    A deleted user is in the bin, under its type, until it is restored or removed.
    """
    first, second = (graph.make_user(name)["id"] for name in ("Una", "Ulf"))
    graph.ask("DELETE", f"/users/{first}")
    graph.ask("DELETE", f"/users/{second}")
    listed = {one["id"] for one in graph.get("/directory/deletedItems/microsoft.graph.user")["value"]}
    restored = graph.ask("POST", f"/directory/deletedItems/{first}/restore")
    removed = graph.ask("DELETE", f"/directory/deletedItems/{second}")

    assert {first, second} <= listed
    assert (200, 204) == (restored.status_code, removed.status_code)
    assert graph.get(f"/users/{first}")["id"] == first
    assert [404, 404] == [graph.refusal(path)[0] for path in (f"/users/{second}", f"/directory/deletedItems/{second}")]


def test_members_and_owners(graph: Graph) -> None:
    """
    Added and taken away by reference, listed with what they are, with the refusals that clients know.
    """
    group, user = graph.make_group("Team")["id"], graph.make_user("Una")["id"]
    added = graph.add(group, user).status_code
    again = graph.add(group, user).json()["error"]["message"]
    unknown = graph.add(group, "00000000-0000-4000-8000-000000000000").status_code
    listed = graph.get(f"/groups/{group}/members")
    cast = graph.get(f"/groups/{group}/members/microsoft.graph.user?$select=displayName")
    taken = graph.ask("DELETE", f"/groups/{group}/members/{user}/$ref").status_code
    twice = graph.ask("DELETE", f"/groups/{group}/members/{user}/$ref").status_code
    graph.add(group, user, "owners")
    last = graph.ask("DELETE", f"/groups/{group}/owners/{user}/$ref").status_code

    assert (204, 404, 204, 404, 400) == (added, unknown, taken, twice, last)
    assert "already exist" in again
    assert listed["@odata.context"].endswith("#directoryObjects")
    assert ["@odata.type", "id"] == list(listed["value"][0])[:2]
    assert [{"displayName": "Una"}] == cast["value"]


def test_memberships_by_way_of_groups(graph: Graph) -> None:
    """
    Direct and transitive memberships, from both sides.
    """
    outer, inner, user = graph.make_group("Outer")["id"], graph.make_group("Inner")["id"], graph.make_user("Una")["id"]
    graph.add(outer, inner)
    graph.add(inner, user)
    above = graph.ask("POST", f"/users/{user}/getMemberGroups", {"securityEnabledOnly": False}).json()["value"]
    checked = graph.ask("POST", f"/users/{user}/checkMemberGroups", {"groupIds": [outer, user]}).json()["value"]

    assert [inner] == graph.ids(f"/users/{user}/memberOf")
    assert {inner, outer} == set(graph.ids(f"/users/{user}/transitiveMemberOf")) == set(above)
    assert {inner, user} == set(graph.ids(f"/groups/{outer}/transitiveMembers"))
    assert [outer] == checked


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mailNickname": "a b"}, "mailNickname"),
        ({"displayName": "x" * 257}, "displayName"),
        ({"groupTypes": ["Nonsense"]}, "groupTypes"),
        ({"groupTypes": ["DynamicMembership"]}, "membershipRule"),
        ({"mailEnabled": True, "groupTypes": []}, "mail-enabled"),
    ],
)
def test_what_a_group_can_not_be(graph: Graph, change: dict[str, object], words: str) -> None:
    """
    Groups that the service would not make are refused.
    """
    status, _, message = graph.refusal("/groups", "POST", GROUP | change)

    assert 400 == status
    assert words in message


def test_members_come_with_a_new_group_or_a_change(graph: Graph) -> None:
    """
    `members@odata.bind` adds up to 20, all of them or none.
    """
    users = [f"{graph.root}/users/{graph.make_user(f'Una{number}')['id']}" for number in range(22)]
    made = graph.make_group("Bound", **{"members@odata.bind": users[:2], "owners@odata.bind": users[:1]})["id"]
    changed = graph.ask("PATCH", f"/groups/{made}", {"members@odata.bind": users[2:4]}).status_code
    again = graph.ask("PATCH", f"/groups/{made}", {"members@odata.bind": users[3:6]}).status_code
    many = graph.ask("POST", "/groups", GROUP | {"members@odata.bind": users[:21]}).status_code

    assert (204, 400, 400) == (changed, again, many)
    assert 4 == len(graph.ids(f"/groups/{made}/members"))


def test_a_group_has_a_security_identifier(graph: Graph) -> None:
    """
    It is computed from the id (service facts, 3.4).
    """
    from entrakit_emulator.graph.schema import security_identifier

    expected = "S-1-12-1-15186693-1239582369-3594350267-976926218"
    assert expected == security_identifier("00e7bb05-86a1-49e2-bb6e-3dd60ab63a3a")


def test_an_app_that_is_made_can_sign_in(graph: Graph, caller: Caller) -> None:
    """
    An app with a secret signs in once it has a service principal, and not after it was deleted.
    """
    app = graph.ask("POST", "/applications", {"displayName": "Robot"}).json()
    secret = graph.ask(
        "POST", f"/applications/{app['id']}/addPassword", {"passwordCredential": {"displayName": "ci"}}
    ).json()

    def sign_in() -> int:
        return caller.app_token(client_id=app["appId"], client_secret=secret["secretText"]).status_code

    without = sign_in()
    principal = graph.ask("POST", "/servicePrincipals", {"appId": app["appId"]})
    twice = graph.refusal("/servicePrincipals", "POST", {"appId": app["appId"]})
    with_it = sign_in()
    read = graph.get(f"/applications(appId='{app['appId']}')")["passwordCredentials"][0]
    graph.ask("POST", f"/applications/{app['id']}/removePassword", {"keyId": secret["keyId"]})
    removed = sign_in()

    assert (400, 201, 200, 401) == (without, principal.status_code, with_it, removed)
    assert (409, "Request_MultipleObjectsWithSameKeyValue") == twice[:2]
    assert (None, secret["secretText"][:3]) == (read["secretText"], read["hint"])


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/users"), ("POST", "/users"), ("GET", "/groups"), ("DELETE", "/groups/x"), ("GET", "/applications"),
        ("GET", "/subscribedSkus"), ("POST", "/groups/x/members/$ref"), ("GET", "/users/delta"),
    ],
)  # fmt: skip
def test_permissions_decide(caller: Caller, method: str, path: str) -> None:
    """
    Without a permission that is enough: 403, before anything else is looked at.
    """
    expected = (403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    token = caller.app_token(client_id=caller.tenant.vault_client, client_secret=caller.tenant.vault_client_secret)
    graph = Graph(caller, token.json()["access_token"])

    assert expected == graph.refusal(path, method, {} if method == "POST" else None)


def test_etags_are_off_like_the_real_ones_and_can_be_switched_on(graph: Graph) -> None:
    """
    By default `If-Match` is ignored; with the setting it is compared.
    """
    user = graph.make_user("Una")["id"]
    ignored = graph.ask("PATCH", f"/users/{user}", {"jobTitle": "a"}, If_Match='W/"no"').status_code
    graph.tenant.seed.change_settings({"etags": True})
    tag = graph.get(f"/users/{user}")["@odata.etag"]
    wrong = graph.ask("PATCH", f"/users/{user}", {"jobTitle": "b"}, If_Match='W/"no"').status_code
    right = graph.ask("PATCH", f"/users/{user}", {"jobTitle": "b"}, If_Match=tag).status_code

    assert (204, 412, 204) == (ignored, wrong, right)


def test_subscriptions_and_the_organization(graph: Graph) -> None:
    """
    Both are there; subscriptions take no filter.
    """
    skus = graph.get("/subscribedSkus")["value"]

    assert skus[0]["id"] == f"{graph.tenant.tenant_id}_{skus[0]['skuId']}"
    assert graph.get(f"/subscribedSkus/{skus[0]['id']}?$select=skuId").keys() >= {"skuId"}
    assert 400 == graph.refusal("/subscribedSkus?$filter=skuId eq 'x'")[0]
    assert graph.tenant.tenant_id == graph.get(f"/organization/{graph.tenant.tenant_id}")["id"]


def test_objects_by_their_ids(graph: Graph) -> None:
    """
    Mixed objects by id; those that are not there are left out.
    """
    user, group = graph.make_user("Una")["id"], graph.make_group("Team")["id"]
    missing = "00000000-0000-4000-8000-000000000000"
    found = graph.ask("POST", "/directoryObjects/getByIds", {"ids": [user, group, missing]}).json()["value"]
    only = graph.ask("POST", "/directoryObjects/getByIds", {"ids": [user, group], "types": ["user"]}).json()["value"]

    assert {user, group} == {one["id"] for one in found}
    assert ["#microsoft.graph.user"] == [one["@odata.type"] for one in only]
