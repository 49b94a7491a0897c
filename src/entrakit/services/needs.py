"""Which permissions a call needs: for the calls that this product makes, least privilege first.

From the permission tables of Microsoft Graph's reference; one of each row is enough.
"""

from __future__ import annotations

import re

_ID = r"[^/]+"
_READ, _CHANGE = ("GET",), ("PATCH", "PUT", "DELETE", "POST")
# Method, path below the version, permissions. The first row that fits counts.
_TABLE: tuple[tuple[tuple[str, ...], str, tuple[str, ...]], ...] = (
    (_READ, r"me", ("User.Read", "User.ReadWrite", "User.Read.All")),
    (_READ, rf"(me|users/{_ID})/(memberOf|transitiveMemberOf)(/.*)?", ("GroupMember.Read.All", "Directory.Read.All")),
    (_CHANGE, rf"(me|users/{_ID})/revokeSignInSessions", ("User.RevokeSessions.All", "User.ReadWrite.All")),
    (_CHANGE, rf"users/{_ID}/(assignLicense|reprocessLicenseAssignment)", ("LicenseAssignment.ReadWrite.All",)),
    (_READ, rf"users/{_ID}/licenseDetails", ("LicenseAssignment.Read.All", "User.Read.All", "Directory.Read.All")),
    (_READ, rf"users/{_ID}/authentication/.*", ("UserAuthenticationMethod.Read.All",)),
    (_READ, rf"users/{_ID}/manager", ("User.Read.All", "Directory.Read.All")),
    (_CHANGE, rf"users/{_ID}/manager/\$ref", ("User.ReadWrite.All", "Directory.ReadWrite.All")),
    (_READ, r"users(/.*)?", ("User.ReadBasic.All", "User.Read.All", "Directory.Read.All")),
    (_CHANGE, r"invitations", ("User.Invite.All", "User.ReadWrite.All", "Directory.ReadWrite.All")),
    (_CHANGE, r"users(/.*)?", ("User.ReadWrite.All", "Directory.ReadWrite.All")),
    (_READ, rf"groups/{_ID}/(members|owners|transitiveMembers)(/.*)?", ("GroupMember.Read.All", "Group.Read.All")),
    (_CHANGE, rf"groups/{_ID}/members(/{_ID})?/\$ref", ("GroupMember.ReadWrite.All", "Group.ReadWrite.All")),
    (_CHANGE, rf"groups/{_ID}/owners(/{_ID})?/\$ref", ("Group.ReadWrite.All", "Directory.ReadWrite.All")),
    (_CHANGE, rf"groups/{_ID}/assignLicense", ("LicenseAssignment.ReadWrite.All",)),
    (_READ, r"groups(/.*)?", ("GroupMember.Read.All", "Group.Read.All", "Directory.Read.All")),
    (("POST",), r"groups", ("Group.Create", "Group.ReadWrite.All", "Directory.ReadWrite.All")),
    (_CHANGE, r"groups(/.*)?", ("Group.ReadWrite.All", "Directory.ReadWrite.All")),
    (_READ, r"directory/deletedItems(/.*)?", ("User.Read.All", "Group.Read.All", "Directory.Read.All")),
    (_CHANGE, r"directory/deletedItems/.*", ("User.DeleteRestore.All", "User.ReadWrite.All", "Group.ReadWrite.All")),
    (_READ, r"directory/administrativeUnits(/.*)?", ("AdministrativeUnit.Read.All", "Directory.Read.All")),
    (_CHANGE, r"directory/administrativeUnits(/.*)?", ("AdministrativeUnit.ReadWrite.All",)),
    (("GET", "POST"), r"directoryObjects(/.*)?", ("Directory.Read.All",)),
    (_READ, r"devices(/.*)?", ("Device.Read.All", "Directory.Read.All")),
    (_CHANGE, r"devices(/.*)?", ("Device.ReadWrite.All", "Directory.ReadWrite.All")),
    (_READ, r"contacts(/.*)?", ("OrgContact.Read.All", "Directory.Read.All")),
    (_READ, r"subscribedSkus(/.*)?", ("LicenseAssignment.Read.All", "Organization.Read.All", "Directory.Read.All")),
    (_READ, r"organization(/.*)?", ("User.Read", "Organization.Read.All", "Directory.Read.All")),
    (_READ, r"(applications|servicePrincipals)(/.*)?", ("Application.Read.All", "Directory.Read.All")),
    (_CHANGE, rf"servicePrincipals/{_ID}/appRoleAssign.*", ("AppRoleAssignment.ReadWrite.All",)),
    (
        _CHANGE,
        r"(applications|servicePrincipals)(/.*)?",
        ("Application.ReadWrite.OwnedBy", "Application.ReadWrite.All"),
    ),
    (_CHANGE, r"oauth2PermissionGrants(/.*)?", ("DelegatedPermissionGrant.ReadWrite.All",)),
    (_READ, r"domains(/.*)?", ("Domain.Read.All", "Directory.Read.All")),
    (_READ, r"auditLogs/.*", ("AuditLog.Read.All",)),
    (_READ, r"admin/serviceAnnouncement/.*", ("ServiceMessage.Read.All", "ServiceHealth.Read.All")),
    (_CHANGE, r"admin/serviceAnnouncement/.*", ("ServiceMessageViewpoint.Write",)),
)


def permissions_for(method: str, path: str) -> tuple[str, ...]:
    """Return the permissions of which one is enough for a call, least privilege first; nothing where it is not known.

    Args:
        method: HTTP method, upper case.
        path: Path of the address, with the version: `/v1.0/users/ada@contoso.com`.
    """
    version, _, below = path.strip("/").partition("/")
    if version not in ("v1.0", "beta"):
        return ()
    return next(
        (
            needed
            for methods, pattern, needed in _TABLE
            if method in methods and re.fullmatch(pattern, below, re.IGNORECASE)
        ),
        (),
    )
