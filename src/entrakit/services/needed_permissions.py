"""Permissions and directory roles that a refused call of Microsoft Graph (HTTP 403) requires, as a remedy.

The tables follow Microsoft's data on permissions. A read never names a permission to write, and a deletion never names
Directory.ReadWrite.All, which does not allow it. If the token has a permission that is enough, a directory role is
missing, which the remedy names. Imported only when a call was refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from entrakit.services.operation import Held

_ID = r"[^/]+"
_READ, _WRITE, _DELETE = "GET", "PATCH PUT POST DELETE", "DELETE"
_USERS = "User Administrator (for accounts of administrators: Privileged Authentication Administrator)"
_GROUPS = "Groups Administrator"
_DEVICES = "Cloud Device Administrator"
_LICENSES = "License Administrator"
_APPS = "Cloud Application Administrator"
_UNITS = "Privileged Role Administrator"
_METHODS = "Authentication Administrator"
_READERS = "Directory Readers"
_ANY_BIN = "User.DeleteRestore.All Group.ReadWrite.All Application.ReadWrite.All"
# A cast or the id of an object after `directory/deletedItems`.
_BIN = r"directory/deletedItems/(?:microsoft\.)?graph\."
# POST, but they only read.
_QUESTIONS = r"(checkMemberGroups|checkMemberObjects|getMemberGroups|getMemberObjects)"


class _Row(NamedTuple):
    """One row of the table. Any one of the permissions is enough, the least privileged comes first.

    Args:
        methods: HTTP methods.
        pattern: Path below the version.
        user: Delegated permissions; empty if no user may do it.
        role: Directory role that allows it.
        app: Application permissions; None if they are the same, empty if no app may do it.
    """

    methods: str
    pattern: str
    user: str
    role: str = _READERS
    app: str | None = None


# The first row that matches counts.
_ROWS = (
    _Row("POST", rf".*/{_QUESTIONS}|directoryObjects/(getByIds|validateProperties)", "Directory.Read.All"),
    _Row("POST", rf"groups/{_ID}/validateProperties", "Group.Read.All Directory.Read.All"),
    _Row(_READ, r"me", "User.Read User.Read.All", app=""),
    _Row("PATCH", r"me", "User.ReadWrite User.ReadWrite.All", _USERS, app=""),
    _Row("POST", r"me/changePassword", "User-PasswordProfile.ReadWrite.All", app=""),
    _Row(_READ, r"me/(memberOf|transitiveMemberOf|directReports)(/.*)?", "User.Read Directory.Read.All", app=""),
    _Row(
        _READ, rf"users/{_ID}/memberOf(/.*)?", "User.Read.All GroupMember.Read.All Directory.Read.All",
        app="Directory.Read.All",
    ),
    _Row(_READ, rf"users/{_ID}/(transitiveMemberOf|directReports)(/.*)?", "User.Read.All Directory.Read.All"),
    _Row("POST", rf"(me|users/{_ID})/revokeSignInSessions", "User.RevokeSessions.All", _USERS),
    _Row("POST", rf"(me|users/{_ID})/assignLicense", "LicenseAssignment.ReadWrite.All", _LICENSES),
    _Row("POST", rf"(me|users/{_ID})/reprocessLicenseAssignment", "User.ReadWrite.All", _LICENSES),
    _Row(_READ, rf"(me|users/{_ID})/licenseDetails(/.*)?", "LicenseAssignment.Read.All User.Read.All"),
    _Row(_READ, rf"(me|users/{_ID})/authentication/.*", "UserAuthenticationMethod.Read.All", _METHODS),
    _Row(
        "POST", rf"users/{_ID}/authentication/methods/{_ID}/resetPassword", "UserAuthenticationMethod.ReadWrite.All",
        _METHODS, app="",
    ),
    _Row(
        _WRITE, rf"(me|users/{_ID})/authentication/temporaryAccessPassMethods(/.*)?",
        "UserAuthMethod-TAP.ReadWrite.All UserAuthenticationMethod.ReadWrite.All", _METHODS,
    ),
    _Row(
        _WRITE, rf"(me|users/{_ID})/authentication/phoneMethods(/.*)?",
        "UserAuthMethod-Phone.ReadWrite.All UserAuthenticationMethod.ReadWrite.All", _METHODS,
    ),
    _Row(_WRITE, rf"(me|users/{_ID})/authentication/.*", "UserAuthenticationMethod.ReadWrite.All", _METHODS),
    _Row(_READ, rf"users/{_ID}/manager", "User.Read.All Directory.Read.All"),
    _Row(_WRITE, rf"users/{_ID}/(manager|sponsors)/.*", "User.ReadWrite.All Directory.ReadWrite.All", _USERS),
    _Row(_WRITE, r"me/photo.*", "ProfilePhoto.ReadWrite.All User.ReadWrite", _USERS, app=""),
    _Row(_WRITE, rf"users/{_ID}/photo.*", "ProfilePhoto.ReadWrite.All User.ReadWrite.All", _USERS),
    _Row(_READ, rf"(me|\w+/{_ID})/(appRoleAssign(ments|edTo)|oauth2PermissionGrants)(/.*)?", "Directory.Read.All"),
    _Row(_WRITE, rf".*{_ID}/appRoleAssign(ments|edTo)(/.*)?", "AppRoleAssignment.ReadWrite.All", _UNITS),
    _Row(_READ, rf"users/{_ID}/(owned|created|registered|scoped)[A-Za-z]+(/.*)?", "Directory.Read.All"),
    _Row(_READ, rf"users(/{_ID})?", "User.ReadBasic.All User.Read.All Directory.Read.All"),
    _Row("POST", r"invitations", "User.Invite.All User.ReadWrite.All Directory.ReadWrite.All", "Guest Inviter"),
    _Row(_DELETE, rf"users/{_ID}", "User.DeleteRestore.All User.ReadWrite.All", _USERS),
    _Row("POST PATCH", rf"users(/{_ID})?", "User.ReadWrite.All Directory.ReadWrite.All", _USERS),
    _Row(
        _READ, rf"groups/{_ID}/(members|transitiveMembers)(/.*)?",
        "GroupMember.ReadBasic.All GroupMember.Read.All Group.Read.All Directory.Read.All",
    ),
    _Row(_READ, rf"groups/{_ID}/owners(/.*)?", "GroupMember.Read.All Group.Read.All Directory.Read.All"),
    _Row(
        "POST DELETE", rf"groups/{_ID}/members(/{_ID})?/\$ref", "GroupMember.ReadWrite.All Group.ReadWrite.All", _GROUPS
    ),
    _Row("POST DELETE", rf"groups/{_ID}/owners(/{_ID})?/\$ref", "Group.ReadWrite.All Directory.ReadWrite.All", _GROUPS),
    _Row("POST", rf"groups/{_ID}/assignLicense", "LicenseAssignment.ReadWrite.All", _LICENSES),
    _Row(_READ, r"groups/delta.*", "GroupMember.Read.All Group.Read.All Directory.Read.All"),
    _Row(
        _READ, rf"groups(/{_ID})?",
        "Group.ReadBasic.All GroupMember.Read.All Group.Read.All Directory.Read.All",
    ),
    _Row(_READ, r"groups/.*", "Group.Read.All Directory.Read.All"),
    _Row(
        "POST", r"groups", "Group.ReadWrite.All Directory.ReadWrite.All", _GROUPS,
        app="Group.Create Group.ReadWrite.All Directory.ReadWrite.All",
    ),
    _Row(_WRITE, r"groups/.*", "Group.ReadWrite.All Directory.ReadWrite.All", _GROUPS),
    _Row(_READ, rf"{_BIN}user(/.*)?", "User.Read.All Directory.Read.All"),
    _Row(_READ, rf"{_BIN}group(/.*)?", "Group.Read.All Directory.Read.All"),
    _Row(_READ, rf"{_BIN}(application|servicePrincipal)(/.*)?", "Application.Read.All Directory.Read.All"),
    _Row(_READ, rf"{_BIN}administrativeUnit(/.*)?", "AdministrativeUnit.Read.All Directory.Read.All"),
    _Row(_READ, r"directory/deletedItems(/.*)?", "Directory.Read.All"),
    _Row("POST DELETE", rf"directory/deletedItems/{_ID}(/restore)?", _ANY_BIN, _USERS),
    _Row(_READ, rf"directory/administrativeUnits/{_ID}/scopedRoleMembers(/.*)?", "RoleManagement.Read.Directory"),
    _Row(
        _WRITE, rf"directory/administrativeUnits/{_ID}/scopedRoleMembers(/.*)?", "RoleManagement.ReadWrite.Directory",
        _UNITS,
    ),
    _Row(_READ, r"directory/administrativeUnits(/.*)?", "AdministrativeUnit.Read.All Directory.Read.All"),
    _Row(_WRITE, r"directory/administrativeUnits(/.*)?", "AdministrativeUnit.ReadWrite.All", _UNITS),
    _Row(_READ, r"directory/deviceLocalCredentials(/.*)?", "DeviceLocalCredential.Read.All", _DEVICES),
    _Row(_READ, r"(roleManagement/directory|directoryRole\w+)(/.*)?", "RoleManagement.Read.Directory"),
    _Row(_WRITE, r"(roleManagement/directory|directoryRoles)(/.*)?", "RoleManagement.ReadWrite.Directory", _UNITS),
    _Row(_READ, r"directoryObjects(/.*)?", "Directory.Read.All"),
    _Row(_READ, r"devices(/.*)?", "Device.Read.All Directory.Read.All"),
    _Row(_WRITE, r"devices(/.*)?", "Directory.AccessAsUser.All", _DEVICES, app="Device.ReadWrite.All"),
    _Row(_READ, r"contacts(/.*)?", "OrgContact.Read.All Directory.Read.All"),
    _Row(_READ, r"subscribedSkus(/.*)?", "LicenseAssignment.Read.All Organization.Read.All Directory.Read.All"),
    _Row(
        _READ, r"organization(/.*)?", "User.Read Organization.Read.All Directory.Read.All",
        app="Organization.Read.All Directory.Read.All",
    ),
    _Row(_WRITE, r"organization/.*", "Organization.ReadWrite.All", "Global Administrator"),
    _Row(_READ, r"(applications|servicePrincipals)(/.*)?", "Application.Read.All Directory.Read.All"),
    _Row(
        _WRITE, r"(applications|servicePrincipals)(/.*)?", "Application.ReadWrite.All", _APPS,
        app="Application.ReadWrite.OwnedBy Application.ReadWrite.All",
    ),
    _Row(_READ, r"oauth2PermissionGrants(/.*)?", "Directory.Read.All"),
    _Row(_WRITE, r"oauth2PermissionGrants(/.*)?", "DelegatedPermissionGrant.ReadWrite.All", _UNITS),
    _Row(_READ, r"domains(/.*)?", "Domain.Read.All Directory.Read.All"),
    _Row(_WRITE, r"domains(/.*)?", "Domain.ReadWrite.All", "Domain Name Administrator"),
    _Row(_READ, r"auditLogs/provisioning(/.*)?", "ProvisioningLog.Read.All", "Reports Reader"),
    _Row(_READ, r"(auditLogs|reports/authenticationMethods)/.*", "AuditLog.Read.All", "Reports Reader"),
    _Row(_READ, r"reports/.*", "Reports.Read.All", "Reports Reader"),
    _Row(_READ, r"(identity/conditionalAccess|policies)(/.*)?", "Policy.Read.All", "Security Reader"),
    _Row(
        _WRITE, r"identity/conditionalAccess/policies(/.*)?", "Policy.ReadWrite.ConditionalAccess",
        "Conditional Access Administrator",
    ),
    _Row(_READ, r"groupSettings(/.*)?", "GroupSettings.Read.All Directory.Read.All"),
    _Row(_READ, r"admin/serviceAnnouncement/messages(/.*)?", "ServiceMessage.Read.All", "Message Center Reader"),
    _Row(_READ, r"admin/serviceAnnouncement/.*", "ServiceHealth.Read.All", "Service Support Administrator"),
    _Row("POST", r"admin/serviceAnnouncement/.*", "ServiceMessageViewpoint.Write", "Message Center Reader", app=""),
)  # fmt: skip
# Changes of only these properties of a user or a group need less: property, permission.
_PROPERTIES = {
    "users": {
        "accountEnabled": "User.EnableDisableAccount.All",
        "passwordProfile": "User-PasswordProfile.ReadWrite.All",
        "businessPhones": "User-Phone.ReadWrite.All",
        "mobilePhone": "User-Phone.ReadWrite.All",
        "otherMails": "User-Mail.ReadWrite.All",
        "identities": "User.ManageIdentities.All",
    },
    "groups": {"members@odata.bind": "GroupMember.ReadWrite.All"},
}
# Refusals that no permission of the caller changes: code, remedy.
_OTHER_REASONS = {
    "directory_quotaexceeded": "Delete unused objects, or have the quota raised; no permission changes it.",
    "authentication_requestfromnonpremiumtenantorb2ctenant": (
        "The tenant needs a licence for Microsoft Entra ID P1; no permission changes that."
    ),
}


def permissions_for(
    method: str, path: str, *, is_app: bool | None = None, members: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Return permissions for a call, the least privileged first; any one is enough. Empty if they are not known.

    Args:
        method: HTTP method, upper case.
        path: Path of the address of Microsoft Graph, with the version, and a gateway's path before it if there is one:
            `/v1.0/users/ada@contoso.com`.
        is_app: Whether the token is that of an app; None if it is not known.
        members: Names of the members of the body.
    """
    row = _row(method, path)
    if row is None:
        return ()
    narrow = _narrower(path, members) if method == "PATCH" and row.methods in (_WRITE, "POST PATCH") else ""
    user = row.user.split()
    app = user if row.app is None else row.app.split()
    named = app if is_app else user if is_app is not None else [*app, *user]
    found = dict.fromkeys([*([narrow] if narrow else []), *named])
    return tuple(name for name in found if not (method == "DELETE" and name == "Directory.ReadWrite.All"))


def remedy_of_refusal(method: str, path: str, code: str, needs: tuple[str, ...], held: Held) -> str:
    """Return the remedy for a call that was refused with HTTP 403.

    Args:
        method: HTTP method, upper case.
        path: Path of the address.
        code: Code of the service.
        needs: Permissions that are enough, from `permissions_for`.
        held: Permissions of the token.
    """
    if code.lower() in _OTHER_REASONS:
        return _OTHER_REASONS[code.lower()]
    has = f"The token has {', '.join(held.names)}" if held.names else "The token has no permissions"
    row = _row(method, path)
    if not needs:
        if row is not None and held.is_app is not None and (row.user or row.app):
            other = "a user" if held.is_app else "an app"
            return f"{has}, but only {other} may do this. Connect as {other}."
        return f"{has}. Look up which permission the call requires, get consent to it, and connect again."
    required = " or ".join(needs)
    if row is not None and row.user == _ANY_BIN:
        required = "User.DeleteRestore.All for a user, Group.ReadWrite.All for a group, or another for its type"
    elif row is not None and _covers(needs, held.names):
        who = {True: "app", False: "user", None: "user or app"}[held.is_app]
        return f"{has}, which is enough, but the {who} lacks a directory role, such as {row.role}. Have it assigned."
    kind = {True: " as application permission", False: " as delegated permission", None: ""}[held.is_app]
    return f"{has}, but the call requires {required}. Get consent to it{kind}, and connect again."


def remedy_without_user(path: str) -> str:
    """Return the remedy for an address of the signed-in user (`/me`) that an app requested; empty for another address.

    Args:
        path: Path of the address.
    """
    found = re.fullmatch(r"me(/.*)?", _below(path), re.IGNORECASE)
    if found is None:
        return ""
    return (
        f"An app is not a user: request /users/ID{found[1] or ''} with the id or user principal name of a user. "
        "The app itself is /servicePrincipals(appId='CLIENT_ID')."
    )


def _below(path: str) -> str:
    found = re.fullmatch(r"(?:/.*?)?/(?:v1\.0|beta)/(.+?)/?", path)
    return found[1] if found else ""


def _row(method: str, path: str) -> _Row | None:
    # Objects can be addressed by keys, too: users('ada@contoso.com'), groups(uniqueName='x').
    below = re.sub(r"^(\w+)\(([^()/]+)\)", r"\1/\2", _below(path))
    method = "GET" if method == "HEAD" else method
    matching = (
        row for row in _ROWS if method in row.methods.split() and re.fullmatch(row.pattern, below, re.IGNORECASE)
    )
    return next(matching, None) if below else None


def _narrower(path: str, members: tuple[str, ...]) -> str:
    """Return the permission that is enough to change only these members of an object; empty if there is none."""
    known = _PROPERTIES.get(_below(path).partition("/")[0].partition("(")[0].lower(), {})
    found = {known.get(name, "") for name in members}
    return found.pop() if len(found) == 1 else ""


def _covers(needs: tuple[str, ...], held: tuple[str, ...]) -> bool:
    """Return whether a token has one of the permissions, or a broader one."""
    from entrakit.tokens.permissions import BROADER

    mine = {name.lower() for name in held}
    enough = {other for name in needs for other in (name, *BROADER.get(name.lower(), ()))}
    return any(name.lower() in mine for name in enough)
