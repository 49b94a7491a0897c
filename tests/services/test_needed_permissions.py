"""Permissions and directory roles that a refused call of Microsoft Graph needs."""

from __future__ import annotations

import re

import pytest

from entrakit.services.needed_permissions import _ROWS, permissions_for, remedy_of_refusal, remedy_without_user
from entrakit.services.operation import Held


@pytest.mark.parametrize(
    ("method", "path", "user", "app"),
    [
        ("GET", "/v1.0/me", "User.Read", ""),
        ("GET", "/v1.0/users", "User.ReadBasic.All", "User.ReadBasic.All"),
        ("GET", "/v1.0/users('ada@contoso.com')", "User.ReadBasic.All", "User.ReadBasic.All"),
        ("POST", "/v1.0/users", "User.ReadWrite.All", "User.ReadWrite.All"),
        ("DELETE", "/beta/users/x", "User.DeleteRestore.All", "User.DeleteRestore.All"),
        ("POST", "/v1.0/users/x/revokeSignInSessions", "User.RevokeSessions.All", "User.RevokeSessions.All"),
        ("POST", "/v1.0/users/x/checkMemberGroups", "Directory.Read.All", "Directory.Read.All"),
        ("POST", "/v1.0/directoryObjects/getByIds", "Directory.Read.All", "Directory.Read.All"),
        ("GET", "/v1.0/users/x/memberOf", "User.Read.All", "Directory.Read.All"),
        ("GET", "/v1.0/users/x/transitiveMemberOf", "User.Read.All", "User.Read.All"),
        ("GET", "/v1.0/users/x/appRoleAssignments", "Directory.Read.All", "Directory.Read.All"),
        ("GET", "/v1.0/oauth2PermissionGrants", "Directory.Read.All", "Directory.Read.All"),
        ("POST", "/v1.0/groups/x/members/$ref", "GroupMember.ReadWrite.All", "GroupMember.ReadWrite.All"),
        ("DELETE", "/v1.0/groups/x/members/y/$ref", "GroupMember.ReadWrite.All", "GroupMember.ReadWrite.All"),
        ("GET", "/v1.0/groups/x/members", "GroupMember.ReadBasic.All", "GroupMember.ReadBasic.All"),
        ("POST", "/v1.0/groups", "Group.ReadWrite.All", "Group.Create"),
        ("DELETE", "/v1.0/groups/x", "Group.ReadWrite.All", "Group.ReadWrite.All"),
        ("POST", "/v1.0/users/x/assignLicense", "LicenseAssignment.ReadWrite.All", "LicenseAssignment.ReadWrite.All"),
        ("POST", "/v1.0/users/x/reprocessLicenseAssignment", "User.ReadWrite.All", "User.ReadWrite.All"),
        ("GET", "/v1.0/groups/delta", "GroupMember.Read.All", "GroupMember.Read.All"),
        ("GET", "/v1.0/groups/", "Group.ReadBasic.All", "Group.ReadBasic.All"),
        ("GET", "/gateway/graph/v1.0/me", "User.Read", ""),
        ("GET", "/v1.0/organization", "User.Read", "Organization.Read.All"),
        ("DELETE", "/v1.0/devices/x", "Directory.AccessAsUser.All", "Device.ReadWrite.All"),
        ("PATCH", "/v1.0/applications/x", "Application.ReadWrite.All", "Application.ReadWrite.OwnedBy"),
        ("GET", "/v1.0/directory/deletedItems/microsoft.graph.group", "Group.Read.All", "Group.Read.All"),
        ("GET", "/v1.0/admin/serviceAnnouncement/messages", "ServiceMessage.Read.All", "ServiceMessage.Read.All"),
    ],
)
def test_the_least_permission_comes_first(method: str, path: str, user: str, app: str) -> None:
    """
    Microsoft's data has the least permission of a call, for users and for apps.
    """
    assert (user, app) == tuple(
        next(iter(permissions_for(method, path, is_app=is_app)), "") for is_app in (False, True)
    )


@pytest.mark.parametrize("path", ["/v1.0/unheardOf", "/v1.0/users/x/messages", "/secrets", "/", "", "/v2.0/users"])
def test_an_unknown_call_names_no_permission(path: str) -> None:
    """
    No permission is named for calls that are not in the table.
    """
    assert () == permissions_for("GET", path)


def test_no_read_names_a_permission_to_write() -> None:
    """
    A read never needs more than a permission to read, whatever the address.
    """
    reads = [row for row in _ROWS if "GET" in row.methods.split()]
    questions = [row for row in _ROWS if "check" in row.pattern or "validate" in row.pattern]

    assert [] == [row for row in [*reads, *questions] if re.search("Write|Create", f"{row.user} {row.app}")]


def test_no_deletion_names_directory_readwrite_all() -> None:
    """
    Directory.ReadWrite.All does not allow deletions.
    """
    paths = ["users/x", "groups/x", "devices/x", "groups/x/owners/y/$ref", "users/x/manager/$ref", "applications/x"]

    named = [permissions_for("DELETE", f"/v1.0/{path}", is_app=is_app) for path in paths for is_app in (None, True)]

    assert all(named)
    assert not any("Directory.ReadWrite.All" in one for one in named)


@pytest.mark.parametrize(
    ("path", "members", "least"),
    [
        ("/v1.0/users/x", ("accountEnabled",), "User.EnableDisableAccount.All"),
        ("/v1.0/users/x", ("passwordProfile",), "User-PasswordProfile.ReadWrite.All"),
        ("/v1.0/users/x", ("businessPhones", "mobilePhone"), "User-Phone.ReadWrite.All"),
        ("/v1.0/users/x", ("otherMails", "city"), "User.ReadWrite.All"),
        ("/v1.0/groups/x", ("members@odata.bind",), "GroupMember.ReadWrite.All"),
        ("/v1.0/me", ("accountEnabled",), "User.ReadWrite"),
    ],
)
def test_a_change_of_one_property_needs_less(path: str, members: tuple[str, ...], least: str) -> None:
    """
    Microsoft has permissions for single properties.
    """
    assert least == permissions_for("PATCH", path, is_app=False, members=members)[0]


DENIED = "Authorization_RequestDenied"


@pytest.mark.parametrize(
    ("method", "path", "held", "remedy"),
    [
        (
            "GET", "/v1.0/users", Held(("Mail.Read",), is_app=True),
            (
                "The token has Mail.Read, but the call requires User.ReadBasic.All or User.Read.All or "
                "Directory.Read.All. Get consent to it as application permission, and connect again."
            ),
        ),
        (
            "PATCH", "/v1.0/users/x", Held(("User.ReadWrite.All",), is_app=True),
            (
                "The token has User.ReadWrite.All, which is enough, but the app lacks a directory role, such as User "
                "Administrator (for accounts of administrators: Privileged Authentication Administrator). Have it "
                "assigned."
            ),
        ),
        (
            "GET", "/v1.0/groups/x/members", Held(("Group.ReadWrite.All",), is_app=False),
            (
                "The token has Group.ReadWrite.All, which is enough, but the user lacks a directory role, such as "
                "Directory Readers. Have it assigned."
            ),
        ),
        (
            "POST", "/v1.0/directory/deletedItems/x/restore", Held(("Group.ReadWrite.All",), is_app=True),
            (
                "The token has Group.ReadWrite.All, but the call requires User.DeleteRestore.All for a user, "
                "Group.ReadWrite.All for a group, or another for its type. Get consent to it as application "
                "permission, and connect again."
            ),
        ),
        (
            "POST", "/v1.0/me/changePassword", Held((), is_app=True),
            "The token has no permissions, but only a user may do this. Connect as a user.",
        ),
        (
            "GET", "/v1.0/unheardOf", Held(),
            (
                "The token has no permissions. Look up which permission the call requires, get consent to it, and "
                "connect again."
            ),
        ),
    ],
)  # fmt: skip
def test_a_refusal_has_a_remedy(method: str, path: str, held: Held, remedy: str) -> None:
    """
    The remedy names what is missing: the permission, the directory role, or another kind of caller.
    """
    needs = permissions_for(method, path, is_app=held.is_app)

    assert remedy == remedy_of_refusal(method, path, DENIED, needs, held)


def test_a_quota_is_not_a_permission() -> None:
    """
    HTTP 403 has other reasons, too, which no permission changes.
    """
    needs = permissions_for("POST", "/v1.0/users")

    assert "no permission changes it" in remedy_of_refusal(
        "POST", "/v1.0/users", "Directory_QuotaExceeded", needs, Held()
    )


def test_only_me_has_another_address_for_apps() -> None:
    """
    Other addresses than `/me` have no replacement.
    """
    assert "" == remedy_without_user("/v1.0/members")
    assert "/users/ID/memberOf with" in remedy_without_user("/v1.0/me/memberOf")
