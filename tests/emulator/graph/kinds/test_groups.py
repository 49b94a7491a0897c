"""Groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.emulator.graph.conftest import Graph

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
