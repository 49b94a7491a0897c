"""Permissions that each request requires, after Microsoft Graph's permission tables. One of each row suffices.

The same names occur in `scp` (token of a user) and `roles` (token of an app); those for the own profile apply to users
only.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from entrakit_emulator.graph.errors import denied

if TYPE_CHECKING:
    from collections.abc import Iterable

    from entrakit_emulator.graph.call import Call

DIRECTORY_READ = "Directory.Read.All Directory.ReadWrite.All"
USER_READ = f"User.Read.All User.ReadWrite.All {DIRECTORY_READ}"
USER_WRITE = "User.ReadWrite.All Directory.ReadWrite.All"
GROUP_READ = f"GroupMember.Read.All GroupMember.ReadWrite.All Group.Read.All Group.ReadWrite.All {DIRECTORY_READ}"
GROUP_WRITE = "Group.ReadWrite.All Directory.ReadWrite.All"
MEMBER_WRITE = "GroupMember.ReadWrite.All Group.ReadWrite.All Directory.ReadWrite.All"
APP_READ = f"Application.Read.All Application.ReadWrite.All Application.ReadWrite.OwnedBy {DIRECTORY_READ}"
APP_WRITE = "Application.ReadWrite.All Application.ReadWrite.OwnedBy Directory.ReadWrite.All"
SELF_READ = f"User.Read User.ReadWrite {USER_READ}"
LICENSE_READ = (
    f"LicenseAssignment.Read.All LicenseAssignment.ReadWrite.All Organization.Read.All Organization.ReadWrite.All "
    f"{DIRECTORY_READ}"
)
# The object decides which of these is required.
ANY_WRITE = f"{USER_WRITE} {GROUP_WRITE} {APP_WRITE}"
READ, WRITE, ANY = ("GET",), ("POST", "PATCH", "PUT", "DELETE"), ("GET", "POST", "PATCH", "PUT", "DELETE")

_TABLE: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (READ, r"me", SELF_READ),
    (("PATCH",), r"me", "User.ReadWrite User.ReadWrite.All Directory.ReadWrite.All"),
    (ANY, r"(me|users/[^/]+)/revokesigninsessions", f"User.RevokeSessions.All {USER_WRITE}"),
    (READ, r"me/manager", SELF_READ),
    (ANY, r"(me|users/[^/]+)/(memberof|transitivememberof|getmember\w+|checkmember\w+)(/.*)?",
     f"User.Read {GROUP_READ} {USER_READ}"),
    (READ, r"me/licensedetails", SELF_READ),
    (READ, r"users/[^/]+/licensedetails", f"{USER_READ} {LICENSE_READ}"),
    (READ, r"users/(microsoft\.graph\.)?delta(\(\))?", USER_READ),
    (READ, r"users(/.*)?", f"User.ReadBasic.All {USER_READ}"),
    (WRITE, r"users(/.*)?", USER_WRITE),
    (WRITE, r"groups", f"Group.Create {GROUP_WRITE}"),
    (WRITE, r"groups/[^/]+/members/(.*/)?\$ref", MEMBER_WRITE),
    (("DELETE",), r"groups/[^/]+/(members|owners)/[^/]+", ANY_WRITE),
    (("DELETE",), r"directoryobjects/[^/]+", ANY_WRITE),
    (ANY, r"groups/[^/]+/(getmember\w+|checkmember\w+)", GROUP_READ),
    (ANY, r"serviceprincipals/[^/]+/(getmember\w+|checkmember\w+)", f"{APP_READ} {GROUP_READ}"),
    (READ, r"groups(/.*)?", GROUP_READ),
    (WRITE, r"groups(/.*)?", GROUP_WRITE),
    (READ, r"directory/deleteditems/microsoft\.graph\.group", GROUP_READ),
    (READ, r"directory/deleteditems/microsoft\.graph\.(application|serviceprincipal)", APP_READ),
    (READ, r"directory/deleteditems/microsoft\.graph\.user", USER_READ),
    (READ, r"directory/deleteditems(/.*)?", f"{USER_READ} {GROUP_READ} {APP_READ}"),
    (WRITE, r"directory/deleteditems/.*", f"User.DeleteRestore.All {USER_WRITE} {GROUP_WRITE} {APP_WRITE}"),
    (ANY, r"directoryobjects(/.*)?", f"{USER_READ} {GROUP_READ} {APP_READ}"),
    (READ, r"subscribedskus(/.*)?", LICENSE_READ),
    (READ, r"organization(/.*)?", f"User.Read Organization.Read.All Organization.ReadWrite.All {DIRECTORY_READ}"),
    (READ, r"(applications|serviceprincipals)(/.*)?", APP_READ),
    (WRITE, r"(applications|serviceprincipals)(/.*)?", APP_WRITE),
)  # fmt: skip
# Visible properties of a user with User.ReadBasic.All only.
BASIC = frozenset({"id", "displayName", "givenName", "surname", "mail", "userPrincipalName"})
BARE = frozenset({"id"})
READ_OF = {"user": USER_READ, "group": GROUP_READ, "application": APP_READ, "servicePrincipal": APP_READ}
WRITE_OF = {"user": USER_WRITE, "group": GROUP_WRITE, "application": APP_WRITE, "servicePrincipal": APP_WRITE}


def held(call: Call) -> frozenset[str]:
    """Return the permissions in the caller's token."""
    roles = call.claims.get("roles")
    return frozenset(str(call.claims.get("scp", "")).split()) | {
        str(role) for role in (roles if isinstance(roles, list) else [])
    }


def check(call: Call) -> None:
    """Check that the caller may send a request. A request without a row is left to its handler.

    Raises:
        GraphError: The token has none of the sufficient permissions (403).
    """
    path = "/".join(call.segments).lower()
    if call.method in ("GET", "PATCH") and path == f"users/{str(call.claims.get('oid')).lower()}":
        # Users who address themselves by id need the permissions of `me`.
        path = "me"
    for methods, pattern, enough in _TABLE:
        if call.method in methods and re.fullmatch(pattern, path):
            need(call, enough.split())
            return


def need(call: Call, any_of: Iterable[str]) -> None:
    """Check that the caller has one of several permissions. Raises GraphError (403)."""
    if not held(call) & set(any_of):
        raise denied()


def visible(call: Call, kind: str) -> frozenset[str] | None:
    """Return the visible properties of a kind of object; None for all."""
    if may(call, READ_OF[kind]):
        return None
    return BASIC if kind == "user" and may(call, "User.ReadBasic.All") else BARE


def may(call: Call, any_of: str) -> bool:
    """Return whether the caller has one of several permissions."""
    return bool(held(call) & set(any_of.split()))
