"""Objects of all kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.emulator.graph.conftest import Graph


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


@pytest.mark.parametrize(
    ("method", "path", "relation", "kind"),
    [
        ("POST", "/users", "manager", "user"), ("PATCH", "/users/{user}", "manager", "user"),
        ("POST", "/applications", "owners", "application"), ("PATCH", "/groups/{group}", "owners", "group"),
        ("POST", "/groups", "acceptedSenders", "group"),
    ],
)  # fmt: skip
def test_a_reference_in_a_body_is_never_ignored(graph: Graph, method: str, path: str, relation: str, kind: str) -> None:
    """
    A relation that a body can't bind here is refused by name, and nothing is created or changed.
    """
    user = graph.make_user("Una")["id"]
    group = graph.make_group("Team")["id"]
    name = f"{relation}@odata.bind"
    address = path.format(user=user, group=group)
    body = {"displayName": "Bound", "mailEnabled": False, "mailNickname": "bound", "securityEnabled": True}
    given = {"displayName": "Bound"} if kind != "group" else body

    status, code, message = graph.refusal(address, method, given | {name: [f"{graph.root}/users/{user}"]})

    assert (501, "NotImplemented") == (status, code)
    assert f"The emulator does not implement Microsoft Graph's {name} of the type {kind}. " in message
    for collection in ("users", "groups", "applications"):
        assert [] == graph.get(f"/{collection}?$filter=displayName eq 'Bound'")["value"]
