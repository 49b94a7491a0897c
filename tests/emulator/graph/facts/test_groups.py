"""Groups: creation, changes, members, owners, nesting (service facts, 3.4, 4.4)."""

from __future__ import annotations

import struct
import uuid
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.emulator.graph.facts.conftest import Graph

NOBODY = "00000000-1111-4222-8333-444444444444"
RECORDED = [
    "id", "deletedDateTime", "classification", "createdDateTime", "creationOptions", "description", "displayName",
    "expirationDateTime", "groupTypes", "isAssignableToRole", "mail", "mailEnabled", "mailNickname", "membershipRule",
    "membershipRuleProcessingState", "onPremisesDomainName", "onPremisesLastSyncDateTime", "onPremisesNetBiosName",
    "onPremisesSamAccountName", "onPremisesSecurityIdentifier", "onPremisesSyncEnabled", "preferredDataLocation",
    "preferredLanguage", "proxyAddresses", "renewedDateTime", "resourceBehaviorOptions", "resourceProvisioningOptions",
    "securityEnabled", "securityIdentifier", "theme", "visibility", "onPremisesProvisioningErrors",
]  # fmt: skip


def ids(items: list[dict[str, object]]) -> set[object]:
    """Return the ids of items."""
    return {one["id"] for one in items}


def test_a_new_group_comes_back_whole(graph: Graph) -> None:
    """
    A new group comes with 201, Location, the recorded members in order, and the computed SID (3.4).
    """
    response = graph.call(
        "POST", "groups", {"displayName": "Team", "mailEnabled": False, "mailNickname": "team", "securityEnabled": True}
    )
    body = response.json()
    numbers = struct.unpack("<4I", uuid.UUID(body["id"]).bytes_le)

    assert 201 == response.status_code
    assert RECORDED == [name for name in body if name in RECORDED]
    assert body["@odata.context"].endswith("/v1.0/$metadata#groups/$entity")
    assert "S-1-12-1-" + "-".join(str(number) for number in numbers) == body["securityIdentifier"]
    assert body["createdDateTime"] == body["renewedDateTime"]
    assert ([], None, False, True) == tuple(
        body[name] for name in ("groupTypes", "visibility", "mailEnabled", "securityEnabled")
    )
    assert response.headers["location"].endswith(f"/directoryObjects/{body['id']}/Microsoft.DirectoryServices.Group")


def test_the_recorded_sid(graph: Graph) -> None:
    """
    The SID consists of the four little-endian numbers of the id, as recorded (3.4).
    """
    from entrakit_emulator.graph.schema import security_identifier

    assert "S-1-12-1-15186693-1239582369-3594350267-976926218" == security_identifier(
        "00e7bb05-86a1-49e2-bb6e-3dd60ab63a3a"
    )


@pytest.mark.parametrize("name", ["displayName", "mailEnabled", "mailNickname", "securityEnabled"])
def test_what_is_required_is_named(graph: Graph, name: str) -> None:
    """
    A missing property gives 400 with the recorded message (3.2).
    """
    whole = {"displayName": "x", "mailEnabled": False, "mailNickname": "x", "securityEnabled": True}
    response = graph.call("POST", "groups", {key: value for key, value in whole.items() if key != name})

    assert (400, "Request_BadRequest") == graph.refused(response)
    assert f"A value is required for property '{name}' of resource 'Group'." == graph.text(response)


@pytest.mark.parametrize(
    "change",
    [
        {"mailNickname": "a b"}, {"mailNickname": "a@b"}, {"mailNickname": "x" * 65}, {"displayName": "x" * 257},
        {"mailEnabled": True}, {"groupTypes": ["Dynamic"]}, {"groupTypes": ["DynamicMembership"]}, {"shoeSize": 1},
        {"mailEnabled": "no"}, {"groupTypes": "Unified"},
    ],
)  # fmt: skip
def test_kinds_of_groups_that_there_are_not(graph: Graph, change: dict[str, object]) -> None:
    """
    Names have limits, mail requires Unified, and a dynamic group requires a rule (4.4).
    """
    whole = {"displayName": "x", "mailEnabled": False, "mailNickname": "x", "securityEnabled": True}

    assert 400 == graph.call("POST", "groups", whole | change).status_code


def test_a_microsoft_365_group(graph: Graph) -> None:
    """
    A Microsoft 365 group has its own mail address and is found by its type.
    """
    made = graph.add_group(
        "team", groupTypes=["Unified"], mailEnabled=True, securityEnabled=False, visibility="Private"
    )
    graph.add_group("plain")

    assert made["mail"].startswith("team@")
    assert ["team"] == graph.names("groups?$filter=groupTypes/any(c:c eq 'Unified')")
    assert ["plain"] == graph.names("groups?$filter=securityEnabled eq true and displayName eq 'plain'")


def test_members_come_typed(graph: Graph) -> None:
    """
    `@odata.type` comes first, then the id, then the default properties; the context is directoryObjects (3.3).
    """
    group, user, nested = graph.add_group("team"), graph.add_user("una"), graph.add_group("nested")
    for one in (user, nested):
        assert 204 == graph.link(f"groups/{group['id']}/members", one["id"]).status_code
    body = graph.get(f"groups/{group['id']}/members").json()
    person = next(one for one in body["value"] if one["id"] == user["id"])

    assert body["@odata.context"].endswith("/v1.0/$metadata#directoryObjects")
    assert {"#microsoft.graph.user", "#microsoft.graph.group"} == {one["@odata.type"] for one in body["value"]}
    assert ["@odata.type", "id", "businessPhones", "displayName"] == list(person)[:4]
    assert {user["id"]} == ids(graph.value(f"groups/{group['id']}/members/microsoft.graph.user"))
    assert {nested["id"]} == ids(graph.value(f"groups/{group['id']}/members/microsoft.graph.group"))
    cast = graph.get(f"groups/{group['id']}/members/microsoft.graph.user").json()
    assert cast["@odata.context"].endswith("/v1.0/$metadata#users")


def test_selecting_of_mixed_members(graph: Graph) -> None:
    """
    A property that a type does not have is left out for objects of that type (3.3).
    """
    group, user, nested = graph.add_group("team"), graph.add_user("una"), graph.add_group("nested")
    for one in (user, nested):
        graph.link(f"groups/{group['id']}/members", one["id"])
    found = {
        one["id"]: one for one in graph.value(f"groups/{group['id']}/members?$select=id,userPrincipalName,groupTypes")
    }

    assert {"@odata.type", "id", "userPrincipalName"} == set(found[user["id"]])
    assert {"@odata.type", "id", "groupTypes"} == set(found[nested["id"]])


def test_members_in_pages(graph: Graph) -> None:
    """
    `$top` and next links return each member once, with a count on request.
    """
    group = graph.add_group("team")
    made = {graph.add_user(f"u{number}")["id"] for number in range(7)}
    for one in made:
        graph.link(f"groups/{group['id']}/members", one)
    first = graph.get(f"groups/{group['id']}/members?$top=3&$count=true", advanced=True).json()
    seen, link = list(ids(first["value"])), first["@odata.nextLink"]
    while link:
        page = graph.get(link, advanced=True).json()
        seen += list(ids(page["value"]))
        link = page.get("@odata.nextLink", "")

    assert 7 == first["@odata.count"] == len(seen)
    assert made == set(seen)
    assert "7" == graph.get(f"groups/{group['id']}/members/$count", advanced=True).text.lstrip("\ufeff")


@pytest.mark.parametrize("at", ["directoryObjects", "users"])
def test_a_member_is_added_once(graph: Graph, at: str) -> None:
    """
    A new member gives 204, the same one again 400 with the recorded message (3.2, 4.4).
    """
    path, user = f"groups/{graph.add_group('team')['id']}/members", graph.add_user("una")

    assert 204 == graph.link(path, user["id"], at=at).status_code
    again = graph.link(path, user["id"], at=at)
    assert (400, "Request_BadRequest") == graph.refused(again)
    assert (
        "One or more added object references already exist for the following modified properties: 'members'."
        == graph.text(again)
    )


def test_references_to_nobody(graph: Graph) -> None:
    """
    A reference to an unknown object gives 404, an invalid reference 400.
    """
    path = f"groups/{graph.add_group('team')['id']}/members"

    assert (404, "Request_ResourceNotFound") == graph.refused(graph.link(path, NOBODY))
    assert 400 == graph.call("POST", f"{path}/$ref", {}).status_code
    assert 400 == graph.call("POST", f"{path}/$ref", {"@odata.id": ["x"]}).status_code
    assert graph.call("POST", f"{path}/$ref", {"@odata.id": "nonsense"}).status_code in (400, 404)


def test_a_member_is_removed_once(graph: Graph) -> None:
    """
    Removing a member gives 204, removing an object that is not a member 404 (4.4).
    """
    path, user = f"groups/{graph.add_group('team')['id']}/members", graph.add_user("una")
    graph.link(path, user["id"])

    assert 204 == graph.call("DELETE", f"{path}/{user['id']}/$ref").status_code
    assert graph.call("DELETE", f"{path}/{user['id']}/$ref").status_code in (400, 404)
    assert [] == graph.value(path)


def test_members_with_the_creation_and_with_a_change(graph: Graph) -> None:
    """
    `members@odata.bind` and `owners@odata.bind` accept at most 20 references, all or none (4.4).
    """
    users = [graph.add_user(f"u{number}")["id"] for number in range(4)]
    bind = [f"https://graph.microsoft.com/v1.0/users/{one}" for one in users]
    made = graph.add_group("team", **{"members@odata.bind": bind[:2], "owners@odata.bind": bind[2:3]})
    path = f"groups/{made['id']}"

    assert set(users[:2]) == ids(graph.value(f"{path}/members"))
    assert {users[2]} == ids(graph.value(f"{path}/owners"))
    assert 204 == graph.call("PATCH", path, {"members@odata.bind": bind[2:]}).status_code
    assert set(users) == ids(graph.value(f"{path}/members"))
    half = graph.call("PATCH", path, {"members@odata.bind": [f"https://graph.microsoft.com/v1.0/users/{NOBODY}"]})
    assert half.status_code in (400, 404)
    many = [bind[0].replace(users[0], str(uuid.uuid4())) for _ in range(21)]
    assert 400 == graph.call("PATCH", path, {"members@odata.bind": many}).status_code


def test_a_creation_with_a_member_that_is_not_there_creates_nothing(graph: Graph) -> None:
    """
    A group with an unknown member is not created.
    """
    user = graph.add_user("una")["id"]
    body = {
        "displayName": "half", "mailEnabled": False, "mailNickname": "half", "securityEnabled": True,
        "members@odata.bind": [f"https://graph.microsoft.com/v1.0/users/{one}" for one in (user, NOBODY)],
    }  # fmt: skip

    assert graph.call("POST", "groups", body).status_code in (400, 404)
    assert [] == graph.value("groups?$filter=displayName eq 'half'")


def test_a_person_who_creates_a_group_owns_it(graph: Graph) -> None:
    """
    A user who creates a group becomes its owner, an app does not (4.4); the last owner can't be removed.
    """
    assert [] == graph.value(f"groups/{graph.add_group('by-app')['id']}/owners")

    graph.sign_in("Group.ReadWrite.All", "User.Read.All")
    made = graph.add_group("by-person")
    path = f"groups/{made['id']}/owners"
    owner = graph.caller.tenant.users.normal.object_id

    assert {owner} == ids(graph.value(path))
    assert 400 == graph.call("DELETE", f"{path}/{owner}/$ref").status_code
    assert 204 == graph.link(path, graph.caller.tenant.users.mfa.object_id, at="users").status_code
    assert 204 == graph.call("DELETE", f"{path}/{owner}/$ref").status_code


def test_nesting_is_followed_and_may_go_in_circles(graph: Graph) -> None:
    """
    Both transitiveMembers and transitiveMemberOf list each object once, also in circles (4.1, 4.4).
    """
    outer, inner, user = graph.add_group("outer"), graph.add_group("inner"), graph.add_user("una")
    graph.link(f"groups/{outer['id']}/members", inner["id"])
    graph.link(f"groups/{inner['id']}/members", user["id"])
    graph.link(f"groups/{inner['id']}/members", outer["id"])

    assert {inner["id"]} == ids(graph.value(f"groups/{outer['id']}/members"))
    assert {inner["id"], user["id"]} <= ids(graph.value(f"groups/{outer['id']}/transitiveMembers"))
    assert {inner["id"]} == ids(graph.value(f"users/{user['id']}/memberOf"))
    assert {inner["id"], outer["id"]} == ids(graph.value(f"users/{user['id']}/transitiveMemberOf"))
    cast = graph.get(f"users/{user['id']}/memberOf/microsoft.graph.group").json()
    assert cast["@odata.context"].endswith("#groups")
    assert {user["id"]} == ids(graph.value(f"groups/{outer['id']}/transitiveMembers/microsoft.graph.user"))


@pytest.mark.parametrize("at", ["users", "directoryObjects"])
def test_memberships_by_question(graph: Graph, at: str) -> None:
    """
    getMemberGroups, checkMemberGroups and getMemberObjects return transitive ids (4.1).
    """
    outer, inner, user = graph.add_group("outer"), graph.add_group("inner"), graph.add_user("una")
    graph.link(f"groups/{outer['id']}/members", inner["id"])
    graph.link(f"groups/{inner['id']}/members", user["id"])
    path = f"{at}/{user['id']}"
    asked = graph.call("POST", f"{path}/getMemberGroups", {"securityEnabledOnly": False})
    checked = graph.call("POST", f"{path}/checkMemberGroups", {"groupIds": [outer["id"], NOBODY]})

    assert 200 == asked.status_code
    assert asked.json()["@odata.context"].endswith("#Collection(Edm.String)")
    assert {outer["id"], inner["id"]} == set(asked.json()["value"])
    assert [outer["id"]] == checked.json()["value"]
    assert {outer["id"], inner["id"]} <= set(
        graph.call("POST", f"{path}/getMemberObjects", {"securityEnabledOnly": False}).json()["value"]
    )
    assert 400 == graph.call("POST", f"{path}/checkMemberGroups", {"groupIds": [NOBODY] * 21}).status_code
    assert 400 == graph.call("POST", f"{path}/checkMemberGroups", {}).status_code


def test_a_deleted_group_can_be_restored(graph: Graph) -> None:
    """
    A deleted security group can be restored for 30 days, as a Microsoft 365 group can (directory facts, 0.1).
    """
    plain = graph.add_group("plain")
    team = graph.add_group("team", groupTypes=["Unified"], mailEnabled=True, securityEnabled=False)
    for one in (plain, team):
        assert 204 == graph.call("DELETE", f"groups/{one['id']}").status_code
    deleted = graph.value("directory/deletedItems/microsoft.graph.group")

    assert {plain["id"], team["id"]} == ids(deleted)
    assert deleted[0]["deletedDateTime"].endswith("Z")
    for one in (plain, team):
        assert 200 == graph.call("POST", f"directory/deletedItems/{one['id']}/restore").status_code
        assert graph.get(f"groups/{one['id']}").json()["deletedDateTime"] is None


def test_a_group_is_changed(graph: Graph) -> None:
    """
    A change gives 204; a read-only property is refused.
    """
    path = f"groups/{graph.add_group('team')['id']}"

    assert 204 == graph.call("PATCH", path, {"description": "Ours", "displayName": "Team 2"}).status_code
    assert ("Ours", "Team 2") == tuple(graph.get(path).json()[name] for name in ("description", "displayName"))
    assert 400 == graph.call("PATCH", path, {"securityIdentifier": "S-1"}).status_code
    assert 405 == graph.call("PUT", path, {}).status_code


def test_only_people_are_members_of_a_microsoft_365_group(graph: Graph) -> None:
    """
    Only security groups may have groups as members (4.4).
    """
    team = graph.add_group("team", groupTypes=["Unified"], mailEnabled=True, securityEnabled=False)
    path = f"groups/{team['id']}/members"

    assert graph.link(path, graph.add_group("plain")["id"]).status_code in (400, 403)
    assert 204 == graph.link(path, graph.add_user("una")["id"]).status_code


def test_a_dynamic_group_chooses_its_members(graph: Graph) -> None:
    """
    Members of a dynamic group can't be added by request (4.4).
    """
    made = graph.add_group(
        "dynamic", groupTypes=["DynamicMembership"], membershipRule='user.department -eq "R&D"',
        membershipRuleProcessingState="On",
    )  # fmt: skip

    assert graph.link(f"groups/{made['id']}/members", graph.add_user("una")["id"]).status_code in (400, 403)


def test_expanding_members_shows_20_at_most(graph: Graph) -> None:
    """
    `$expand=members` is for one relation and never for an advanced query (3.5).
    """
    group = graph.add_group("team")
    for number in range(21):
        graph.link(f"groups/{group['id']}/members", graph.add_user(f"u{number}")["id"])
    body = graph.get(f"groups/{group['id']}?$expand=members($select=id,displayName)&$select=id,displayName").json()

    assert 20 == len(body["members"])
    assert {"id", "displayName"} <= set(body["members"][0])
    assert 400 == graph.get("groups?$expand=members,owners").status_code
    assert 400 == graph.get("groups?$expand=nothing").status_code
    assert 400 == graph.get("groups?$expand=members&$count=true", advanced=True).status_code
    assert 20 == len(graph.value("groups?$filter=displayName eq 'team'&$expand=members")[0]["members"])
