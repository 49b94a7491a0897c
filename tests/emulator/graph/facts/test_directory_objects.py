"""Objects of any type, licences, the organization and `/me` (service facts, 4.1, 4.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.emulator.graph.facts.conftest import Graph

NOBODY = "00000000-1111-4222-8333-444444444444"


def test_an_object_of_any_type(graph: Graph) -> None:
    """
    A GET by id returns the type of the object, an unknown id gives 404, and DELETE works, too (4.5).
    """
    user = graph.add_user("una")
    body = graph.get(f"directoryObjects/{user['id']}").json()

    assert ("#microsoft.graph.user", user["id"]) == (body["@odata.type"], body["id"])
    assert body["@odata.context"].endswith("#directoryObjects/$entity")
    assert 404 == graph.get(f"directoryObjects/{NOBODY}").status_code
    assert 204 == graph.call("DELETE", f"directoryObjects/{user['id']}").status_code
    assert 404 == graph.get(f"users/{user['id']}").status_code


def test_many_objects_by_id(graph: Graph) -> None:
    """
    At most 1,000 ids are allowed; missing objects are left out, and types restrict the result (4.5).
    """
    user, group = graph.add_user("una"), graph.add_group("team")
    both = graph.call("POST", "directoryObjects/getByIds", {"ids": [user["id"], group["id"], NOBODY]})
    one = graph.call("POST", "directoryObjects/getByIds", {"ids": [user["id"], group["id"]], "types": ["group"]})

    assert {user["id"], group["id"]} == {item["id"] for item in both.json()["value"]}
    assert [("#microsoft.graph.group", group["id"])] == [(i["@odata.type"], i["id"]) for i in one.json()["value"]]
    for wrong in ("x", ["x"], [7], [], None):
        assert graph.call("POST", "directoryObjects/getByIds", {"ids": wrong}).status_code in (200, 400)
    assert 400 == graph.call("POST", "directoryObjects/getByIds", {"ids": [NOBODY] * 1001}).status_code
    assert 400 == graph.call("POST", "directoryObjects/getByIds", {}).status_code


def test_licences(graph: Graph) -> None:
    """
    The subscriptions are not paged and have the form in the facts (7.3).
    """
    skus = graph.value("subscribedSkus")

    assert skus
    for one in skus:
        assert f"{graph.caller.tenant.tenant_id}_{one['skuId']}" == one["id"]
        assert {"enabled", "suspended", "warning", "lockedOut"} == set(one["prepaidUnits"])
        assert isinstance(one["consumedUnits"], int)
    assert skus[0]["skuId"] == graph.get(f"subscribedSkus/{skus[0]['id']}").json()["skuId"]


def test_a_licence_is_assigned_and_taken_away(graph: Graph) -> None:
    """
    A licence requires a usage location; seats are counted, and details show the plans (3.2, 4.1).
    """
    sku = graph.value("subscribedSkus")[0]
    user = graph.add_user("una")
    path = f"users/{user['id']}"
    add = {"addLicenses": [{"skuId": sku["skuId"], "disabledPlans": []}], "removeLicenses": []}

    refused = graph.call("POST", f"{path}/assignLicense", add)
    assert (400, "License assignment cannot be done for user with invalid usage location.") == (
        refused.status_code, graph.text(refused))  # fmt: skip

    graph.call("PATCH", path, {"usageLocation": "NO"})
    assert 200 == graph.call("POST", f"{path}/assignLicense", add).status_code
    assert [sku["skuId"]] == [one["skuId"] for one in graph.value(f"{path}/licenseDetails")]
    assert sku["consumedUnits"] + 1 == graph.get(f"subscribedSkus/{sku['id']}").json()["consumedUnits"]
    assert ["una"] == graph.names(
        f"users?$filter=assignedLicenses/any(x:x/skuId eq {sku['skuId']}) and displayName eq 'una'"
    )

    take = {"addLicenses": [], "removeLicenses": [sku["skuId"]]}
    assert 200 == graph.call("POST", f"{path}/assignLicense", take).status_code
    assert [] == graph.value(f"{path}/licenseDetails")
    assert 400 == graph.call("POST", f"{path}/assignLicense", {"addLicenses": []}).status_code


@pytest.mark.parametrize(
    "body",
    [
        {"addLicenses": []},
        {"removeLicenses": []},
        {"addLicenses": [{"skuId": NOBODY}], "removeLicenses": []},
        {"addLicenses": ["x"], "removeLicenses": []},
        {"addLicenses": [], "removeLicenses": [NOBODY]},
        {"addLicenses": [], "removeLicenses": ["078d2b04-f1bd-4111-bbd4-b4b1b354cef4"]},
        {
            "addLicenses": [{"skuId": "078d2b04-f1bd-4111-bbd4-b4b1b354cef4", "disabledPlans": [NOBODY]}],
            "removeLicenses": [],
        },
    ],
)
def test_licences_that_there_are_not(graph: Graph, body: dict[str, object]) -> None:
    """
    Both lists are required, subscriptions and plans must exist, and a licence to remove must be assigned.
    """
    user = graph.add_user("una", usageLocation="NO")

    assert (400, "Request_BadRequest") == graph.refused(graph.call("POST", f"users/{user['id']}/assignLicense", body))


def test_seats_are_finite(graph: Graph) -> None:
    """
    A licence without a free seat is refused: "Subscription with SKU {id} does not have any available licenses." (3.2)
    """
    sku = min(graph.value("subscribedSkus"), key=lambda one: int(one["prepaidUnits"]["enabled"]))
    add = {"addLicenses": [{"skuId": sku["skuId"], "disabledPlans": []}], "removeLicenses": []}
    answers = [
        graph.call("POST", f"users/{graph.add_user(f'u{number}', usageLocation='NO')['id']}/assignLicense", add)
        for number in range(sku["prepaidUnits"]["enabled"] + 1)
    ]

    assert {200} == {one.status_code for one in answers[:-1]}
    assert f"Subscription with SKU {sku['skuId']} does not have any available licenses." == graph.text(answers[-1])


def test_the_organization(graph: Graph) -> None:
    """
    The organization is a collection of one, with its domains (3.4).
    """
    tenant = graph.caller.tenant
    (one,) = graph.value("organization")

    assert (tenant.tenant_id, "AAD") == (one["id"], one["tenantType"])
    assert [True] == [domain["isDefault"] for domain in one["verifiedDomains"] if domain["name"] == tenant.domain]
    assert tenant.tenant_id == graph.get(f"organization/{tenant.tenant_id}").json()["id"]
    assert 404 == graph.get(f"organization/{NOBODY}").status_code


def test_oneself(graph: Graph) -> None:
    """
    /me is the user of the token, with the same relations as /users/{id} (4.1).
    """
    graph.sign_in("User.Read", "GroupMember.Read.All", "Directory.Read.All")
    user = graph.caller.tenant.users.normal

    assert graph.get("me").json()["@odata.context"].endswith("/v1.0/$metadata#users/$entity")
    assert {"@odata.context", "displayName", "id"} == set(graph.get("me?$select=displayName,id").json())
    assert user.object_id == graph.get("me?$select=id").json()["id"]
    assert [] == graph.value("me/memberOf")
    assert [] == graph.call("POST", "me/getMemberGroups", {"securityEnabledOnly": True}).json()["value"]


@pytest.mark.parametrize("path", ["me", "me/memberOf", "me/manager"])
def test_an_app_is_nobody(graph: Graph, path: str) -> None:
    """
    An app has no /me: "/me request is only valid with delegated authentication flow." (3.2)
    """
    response = graph.get(path)

    assert (400, "BadRequest") == graph.refused(response)
    assert "/me request is only valid with delegated authentication flow." == graph.text(response)


def test_another_tenant_is_out_of_sight(graph: Graph) -> None:
    """
    Objects of one tenant are not found in another tenant.
    """
    tenant = graph.caller.tenant
    other = tenant.seed.add_tenant("fabrikam.example")
    stranger = tenant.seed.add_user("eve@fabrikam.example", "Password-1", tenant_id=other.tenant_id)

    assert 404 == graph.get(f"users/{stranger.object_id}").status_code
    assert 404 == graph.get("users/eve@fabrikam.example").status_code
    assert 404 == graph.get(f"directoryObjects/{stranger.object_id}").status_code
    assert stranger.object_id not in {one["id"] for one in graph.value("users?$top=999")}
    group = graph.add_group("team")
    assert 404 == graph.link(f"groups/{group['id']}/members", stranger.object_id).status_code


def test_a_reset_forgets_what_was_written(graph: Graph) -> None:
    """
    Only the seeds remain after a reset.
    """
    before = graph.names("users")
    graph.add_user("una")
    graph.call("DELETE", f"users/{graph.caller.tenant.users.mfa.object_id}")
    graph.caller.tenant.reset()
    graph.may("User.Read.All")

    assert before == graph.names("users")


def test_namespaces_may_be_written_by_their_alias(graph: Graph) -> None:
    """
    The SDKs write `graph.user`; functions and actions may be qualified, too.
    """
    group, user = graph.add_group("team"), graph.add_user("una")
    graph.link(f"groups/{group['id']}/members", user["id"])

    for name in ("graph.user", "microsoft.graph.user", "Microsoft.Graph.User"):
        assert [user["id"]] == [one["id"] for one in graph.value(f"groups/{group['id']}/members/{name}")]
        assert [] == graph.value(f"directory/deletedItems/{name}")
    asked = graph.call("POST", f"users/{user['id']}/microsoft.graph.getMemberGroups", {"securityEnabledOnly": True})
    assert [group["id"]] == asked.json()["value"]
    assert 501 == graph.get("directory/deletedItems/graph.device").status_code
    assert graph.get("directory/deletedItems/microsoft.graph.shoe").status_code in (400, 404)
    assert 200 == graph.get("users/microsoft.graph.delta()").status_code
