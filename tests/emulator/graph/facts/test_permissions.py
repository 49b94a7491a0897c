"""Permissions: `scp` of a user, `roles` of an app (service facts, 4.5; the permission tables of each call)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.emulator.graph.facts.conftest import Graph

READ = [
    ("users", {"User.ReadBasic.All", "User.Read.All", "User.ReadWrite.All", "Directory.Read.All"}),
    ("groups", {"GroupMember.Read.All", "Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All"}),
    ("applications", {"Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All"}),
    ("servicePrincipals", {"Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All"}),
    ("subscribedSkus", {"LicenseAssignment.Read.All", "Organization.Read.All", "Directory.Read.All"}),
    ("organization", {"Organization.Read.All", "Directory.Read.All"}),
    ("directory/deletedItems/microsoft.graph.user", {"User.Read.All"}),
    ("directory/deletedItems/microsoft.graph.application", {"Application.Read.All"}),
]
EVERY = sorted({role for _, roles in READ for role in roles})


@pytest.mark.parametrize(("path", "enough"), READ)
def test_reading_needs_one_of_its_permissions(graph: Graph, path: str, enough: set[str]) -> None:
    """
    Each of the sufficient permissions suffices alone; any other gives 403 Authorization_RequestDenied with the recorded
    message.
    """
    for role in sorted(enough):
        graph.may(role)
        assert 200 == graph.get(path).status_code, role

    graph.may("Mail.Read")
    response = graph.get(path)
    assert (403, "Authorization_RequestDenied") == graph.refused(response)
    assert "Insufficient privileges to complete the operation." == graph.text(response)


WRITES = [
    ("POST", "users", "User.ReadWrite.All"),
    ("PATCH", "users/{user}", "User.ReadWrite.All"),
    ("DELETE", "users/{user}", "User.ReadWrite.All"),
    ("POST", "groups", "Group.ReadWrite.All"),
    ("POST", "groups/{group}/members/$ref", "GroupMember.ReadWrite.All"),
    ("DELETE", "groups/{group}", "Group.ReadWrite.All"),
    ("POST", "applications", "Application.ReadWrite.All"),
    ("POST", "servicePrincipals", "Application.ReadWrite.All"),
]


@pytest.mark.parametrize(("method", "path", "enough"), WRITES)
def test_reading_everything_changes_nothing(graph: Graph, method: str, path: str, enough: str) -> None:
    """
    Writes require their own permission, and are refused before the object is read.
    """
    address = path.format(user=graph.add_user("una")["id"], group=graph.add_group("team")["id"])
    body: object = None if method == "DELETE" else {}

    graph.may("Directory.Read.All", "User.Read.All", "Group.Read.All", "Application.Read.All")
    assert (403, "Authorization_RequestDenied") == graph.refused(graph.call(method, address, body))

    graph.may(enough)
    assert 403 != graph.call(method, address, body).status_code


DELETIONS = [
    ("users/{user}", {"User.DeleteRestore.All", "User.ReadWrite.All"}),
    ("groups/{group}", {"Group.ReadWrite.All"}),
    ("directoryObjects/{user}", {"User.DeleteRestore.All", "User.ReadWrite.All"}),
    ("groups/{group}/members/{user}", {"User.DeleteRestore.All", "User.ReadWrite.All"}),
    ("applications/{app}", {"Application.ReadWrite.All", "Application.ReadWrite.OwnedBy"}),
    ("servicePrincipals/{principal}", {"Application.ReadWrite.All", "Application.ReadWrite.OwnedBy"}),
]


@pytest.mark.parametrize(("path", "enough"), DELETIONS)
def test_changing_the_directory_deletes_nothing(graph: Graph, path: str, enough: set[str]) -> None:
    """
    Directory.ReadWrite.All does not delete, restore or purge (directory facts, 16); each sufficient permission does,
    alone.
    """
    app = graph.call("POST", "applications", {"displayName": "tool"}).json()
    made = {
        "user": graph.add_user("una")["id"],
        "group": graph.add_group("team")["id"],
        "app": app["id"],
        "principal": graph.call("POST", "servicePrincipals", {"appId": app["appId"]}).json()["id"],
    }
    assert 204 == graph.link(f"groups/{made['group']}/members", made["user"]).status_code
    address = path.format(**made)
    deleted = f"directory/deletedItems/{address.rpartition('/')[2]}"
    denied = (403, "Authorization_RequestDenied")

    for role in sorted(enough):
        graph.may("Directory.ReadWrite.All")
        assert denied == graph.refused(graph.call("DELETE", address)), role
        graph.may(role)
        assert 204 == graph.call("DELETE", address).status_code, role
        graph.may("Directory.ReadWrite.All")
        assert denied == graph.refused(graph.call("POST", f"{deleted}/restore", {})), role
        assert denied == graph.refused(graph.call("DELETE", deleted)), role
        graph.may(role)
        assert 200 == graph.call("POST", f"{deleted}/restore", {}).status_code, role

    assert 204 == graph.call("DELETE", address).status_code
    assert 204 == graph.call("DELETE", deleted).status_code


@pytest.mark.parametrize("role", ["LicenseAssignment.ReadWrite.All", "User.ReadWrite.All", "Directory.ReadWrite.All"])
def test_a_permission_for_licences_suffices_to_assign_them(graph: Graph, role: str) -> None:
    """
    LicenseAssignment.ReadWrite.All is the least permission to assign licences (directory facts, 16).
    """
    made = graph.add_user("una", usageLocation="DE")
    sku = graph.value("subscribedSkus")[0]["skuId"]
    graph.may(role)

    response = graph.call(
        "POST", f"users/{made['id']}/assignLicense",
        {"addLicenses": [{"skuId": sku, "disabledPlans": []}], "removeLicenses": []},
    )  # fmt: skip

    assert 200 == response.status_code


def test_basic_profiles_only(graph: Graph) -> None:
    """
    User.ReadBasic.All shows names, mail and sign-in name; other properties are null and can't be inferred by filters.
    """
    made = graph.add_user("una", jobTitle="Engineer", givenName="Una")
    graph.may("User.ReadBasic.All")
    found = graph.get(f"users/{made['id']}").json()
    listed = next(one for one in graph.value("users?$top=999") if one["id"] == made["id"])

    for one in (found, listed):
        assert ("una", "Una", "una@contoso.example") == tuple(
            one[name] for name in ("displayName", "givenName", "userPrincipalName")
        )
        assert one.get("jobTitle") is None
    assert graph.get(f"users/{made['id']}?$select=jobTitle").json().get("jobTitle") is None


def test_members_that_may_not_be_read(graph: Graph) -> None:
    """
    Such members have id and type; other fields are null (3.3).
    """
    group, user = graph.add_group("team"), graph.add_user("una")
    graph.link(f"groups/{group['id']}/members", user["id"])
    graph.may("GroupMember.Read.All")
    (one,) = graph.value(f"groups/{group['id']}/members")

    assert ("#microsoft.graph.user", user["id"]) == (one["@odata.type"], one["id"])
    assert {None} >= {value for name, value in one.items() if name not in ("@odata.type", "id") and value != []}


def test_user_read_is_for_oneself(graph: Graph) -> None:
    """
    User.Read allows /me, and no other user.
    """
    graph.sign_in("User.Read")
    tenant = graph.caller.tenant

    assert 200 == graph.get("me").status_code
    assert 403 == graph.get(f"users/{tenant.users.mfa.object_id}").status_code
    assert 403 == graph.get("users").status_code
    assert 403 == graph.call("PATCH", "me", {"jobTitle": "x"}).status_code


def test_a_person_changes_the_own_profile_only(graph: Graph) -> None:
    """
    User.ReadWrite allows changes of the own profile only.
    """
    graph.sign_in("User.ReadWrite")

    assert 403 == graph.call("PATCH", f"users/{graph.caller.tenant.users.mfa.object_id}", {"jobTitle": "x"}).status_code
    assert 204 == graph.call("PATCH", "me", {"mobilePhone": "+47 1"}).status_code


def test_a_member_is_not_deleted_without_permission(graph: Graph) -> None:
    """
    DELETE of a member without `$ref` deletes the user (4.4); GroupMember.ReadWrite.All does not suffice.
    """
    group, user = graph.add_group("team"), graph.add_user("una")
    graph.link(f"groups/{group['id']}/members", user["id"])
    graph.may("GroupMember.ReadWrite.All", "User.Read.All")

    assert graph.call("DELETE", f"groups/{group['id']}/members/{user['id']}").status_code in (403, 405, 501)
    assert 200 == graph.get(f"users/{user['id']}").status_code


def test_a_member_without_ref_is_the_person(graph: Graph) -> None:
    """
    With the permission for users, the user is deleted (4.4): a trap of the real service, which the emulator reproduces.
    """
    group, user, other = graph.add_group("team"), graph.add_user("una"), graph.add_user("ulf")
    graph.link(f"groups/{group['id']}/members", user["id"])

    assert 404 == graph.call("DELETE", f"groups/{group['id']}/members/{other['id']}").status_code
    assert 204 == graph.call("DELETE", f"groups/{group['id']}/members/{user['id']}").status_code
    assert 404 == graph.get(f"users/{user['id']}").status_code


@pytest.mark.parametrize("role", ["User.Read.All", "Group.ReadWrite.All", "Directory.Read.All"])
def test_an_object_is_deleted_with_the_permission_of_its_kind(graph: Graph, role: str) -> None:
    """
    A read permission, or one for another kind, does not suffice, whatever the path is.
    """
    user, gone = graph.add_user("una"), graph.add_user("ulf")
    graph.call("DELETE", f"users/{gone['id']}")
    graph.may(role)

    assert 403 == graph.call("DELETE", f"directoryObjects/{user['id']}").status_code
    assert 403 == graph.call("POST", f"directory/deletedItems/{gone['id']}/restore").status_code
    assert 403 == graph.call("DELETE", f"directory/deletedItems/{gone['id']}").status_code


def test_what_may_not_be_read_can_not_be_read_another_way(graph: Graph) -> None:
    """
    An invisible object is not shown by other ways: any kind, ids, a cast, an expansion, or deleted items.
    """
    group, user, gone = graph.add_group("team"), graph.add_user("una", jobTitle="Secret"), graph.add_user("ulf")
    graph.link(f"groups/{group['id']}/members", user["id"])
    graph.call("DELETE", f"users/{gone['id']}")
    graph.may("Group.Read.All")
    answers = [
        graph.get(f"directoryObjects/{user['id']}"),
        graph.call("POST", "directoryObjects/getByIds", {"ids": [user["id"]]}),
        graph.get(f"groups/{group['id']}/members/microsoft.graph.user"),
        graph.get(f"groups/{group['id']}/members?$select=id,jobTitle"),
        graph.get(f"groups/{group['id']}/transitiveMembers"),
        graph.get(f"groups/{group['id']}?$expand=members"),
        graph.get(f"groups?$expand=members($select=jobTitle)&$filter=id eq '{group['id']}'"),
        graph.get(f"directory/deletedItems/{gone['id']}"),
    ]

    assert [] == [one.text for one in answers if "Secret" in one.text or "ulf" in one.text or '"una"' in one.text]
    assert 403 == answers[0].status_code == answers[-1].status_code
    assert user["id"] in answers[1].text


def test_one_caller_s_page_is_not_another_s(graph: Graph) -> None:
    """
    A page that was rendered for a caller with permission is not shown to one without.
    """
    graph.add_user("una", jobTitle="Secret")
    assert "Secret" in graph.get("users").text

    graph.may("User.ReadBasic.All")

    assert "Secret" not in graph.get("users").text


def test_every_address_asks_for_a_permission(graph: Graph) -> None:
    """
    Without any permission, every route of the table is refused.
    """
    from entrakit_emulator.graph.routes import table

    user = graph.add_user("una")["id"]
    graph.may("Mail.Read")
    open_ones = []
    for address in table():
        path = "/".join(user if segment == "*" else segment for segment in address.pattern)
        response = graph.call(address.method, path, None if address.method in ("GET", "DELETE") else {})
        own = address.pattern[0] == "me" and response.status_code == 400
        if response.status_code != 403 and not own:
            open_ones.append((address.method, path, response.status_code))

    assert [] == open_ones


def test_oneself_by_ones_id(graph: Graph) -> None:
    """
    User.Read suffices for the own profile at any path.
    """
    graph.sign_in("User.Read")
    user = graph.caller.tenant.users.normal

    assert user.display_name == graph.get(f"users/{user.object_id}").json()["displayName"]
    assert 403 == graph.call("DELETE", f"users/{user.object_id}").status_code
