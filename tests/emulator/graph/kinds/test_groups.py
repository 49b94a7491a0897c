"""Groups."""

from __future__ import annotations

import pytest
from tests.emulator.graph.conftest import EVENTUAL, Graph

GROUP = {"displayName": "G", "mailEnabled": False, "mailNickname": "g", "securityEnabled": True}


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
    Groups that the service does not accept are refused.
    """
    status, _, message = graph.refusal("/groups", "POST", GROUP | change)

    assert 400 == status
    assert words in message


def test_members_come_with_a_new_group_or_a_change(graph: Graph) -> None:
    """
    `members@odata.bind` adds up to 20 members, all of them or none.
    """
    users = [f"{graph.root}/users/{graph.make_user(f'Una{number}')['id']}" for number in range(22)]
    made = graph.make_group("Bound", **{"members@odata.bind": users[:2], "owners@odata.bind": users[:1]})["id"]
    changed = graph.ask("PATCH", f"/groups/{made}", {"members@odata.bind": users[2:4]}).status_code
    again = graph.ask("PATCH", f"/groups/{made}", {"members@odata.bind": users[3:6]}).status_code
    many = graph.ask("POST", "/groups", GROUP | {"members@odata.bind": users[:21]}).status_code

    assert (204, 400, 400) == (changed, again, many)
    assert 4 == len(graph.ids(f"/groups/{made}/members"))


@pytest.mark.parametrize("dynamic", [{}, {"groupTypes": ["DynamicMembership"], "membershipRule": "x"}])
def test_a_deleted_security_group_comes_back_with_its_members(graph: Graph, dynamic: dict[str, object]) -> None:
    """
    A security group stays in the bin for 30 days, and is restored with its members and owners (directory facts, 0.1).
    """
    more = {**dynamic, "membershipRuleProcessingState": "On"} if dynamic else {}
    user = graph.make_user("Una")["id"]
    group = graph.make_group("Team", **more, **{"members@odata.bind": [f"{graph.root}/users/{user}"]})["id"]
    graph.add(group, user, "owners")
    link = graph.get("/groups/delta")["@odata.deltaLink"]
    graph.ask("DELETE", f"/groups/{group}")
    (gone,) = [one for one in graph.get(link)["value"] if one["id"] == group]
    restored = graph.ask("POST", f"/directory/deletedItems/{group}/restore").status_code

    assert ({"reason": "changed"}, 200) == (gone["@removed"], restored)
    assert [user] == graph.ids(f"/groups/{group}/members") == graph.ids(f"/groups/{group}/owners")
    graph.ask("DELETE", f"/groups/{group}")
    graph.tenant.clock.advance(30 * 24 * 3600 + 1)
    token = Graph(graph.caller, graph.caller.app_token().json()["access_token"])
    assert 404 == token.refusal(f"/directory/deletedItems/{group}")[0]


@pytest.mark.parametrize("relation", ["members", "owners"])
def test_a_plain_list_leaves_service_principals_out(graph: Graph, relation: str) -> None:
    """
    In v1.0 a plain list lacks service principals; an advanced query, a cast, an expansion and beta have them (directory
    facts, 0.2).
    """
    app = graph.ask("POST", "/applications", {"displayName": "Robot"}).json()
    principal = graph.ask("POST", "/servicePrincipals", {"appId": app["appId"]}).json()["id"]
    user, group = graph.make_user("Una")["id"], graph.make_group("Team")["id"]
    for one in (user, principal):
        graph.add(group, one, relation)
    path = f"/groups/{group}/{relation}"
    both = {user, principal}

    assert [user] == graph.ids(path) == graph.ids(path, **EVENTUAL)
    assert both == set(graph.ids(f"{path}?$count=true", **EVENTUAL))
    assert "2" == graph.ask("GET", f"{path}/$count", **EVENTUAL).text
    assert [principal] == graph.ids(f"{path}/microsoft.graph.servicePrincipal?$count=true", **EVENTUAL)
    assert both == {one["id"] for one in graph.get(f"/groups/{group}?$expand={relation}")[relation]}
    assert both == set(graph.ids(path.replace("/groups", f"{graph.root}/groups").replace("/v1.0/", "/beta/")))
