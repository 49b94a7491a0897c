"""Permissions that each request requires, after Microsoft Graph's permission tables. One of each row suffices.

The same names occur in `scp` (token of a user) and `roles` (token of an app); those for the own profile apply to users
only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit_emulator.graph.errors import denied
from entrakit_emulator.graph.kind import KINDS, stored_kinds

if TYPE_CHECKING:
    from entrakit_emulator.graph.call import Call
    from entrakit_emulator.graph.kind import Kind

DIRECTORY_READ = "Directory.Read.All Directory.ReadWrite.All"
USER_READ = f"User.Read.All User.ReadWrite.All {DIRECTORY_READ}"
# Directory.ReadWrite.All changes objects, but does not delete them.
USER_WRITE = "User.ReadWrite.All Directory.ReadWrite.All"
USER_DELETE = "User.DeleteRestore.All User.ReadWrite.All"
GROUP_READ = f"GroupMember.Read.All GroupMember.ReadWrite.All Group.Read.All Group.ReadWrite.All {DIRECTORY_READ}"
GROUP_WRITE = "Group.ReadWrite.All Directory.ReadWrite.All"
GROUP_DELETE = "Group.ReadWrite.All"
MEMBER_WRITE = "GroupMember.ReadWrite.All Group.ReadWrite.All Directory.ReadWrite.All"
APP_READ = f"Application.Read.All Application.ReadWrite.All Application.ReadWrite.OwnedBy {DIRECTORY_READ}"
APP_DELETE = "Application.ReadWrite.All Application.ReadWrite.OwnedBy"
APP_WRITE = f"{APP_DELETE} Directory.ReadWrite.All"
SELF_READ = f"User.Read User.ReadWrite {USER_READ}"
LICENSE_READ = (
    f"LicenseAssignment.Read.All LicenseAssignment.ReadWrite.All Organization.Read.All Organization.ReadWrite.All "
    f"{DIRECTORY_READ}"
)
BARE = frozenset({"id"})


def held(call: Call) -> frozenset[str]:
    """Return the permissions in the caller's token."""
    roles = call.claims.get("roles")
    return frozenset(str(call.claims.get("scp", "")).split()) | {
        str(role) for role in (roles if isinstance(roles, list) else [])
    }


def need(call: Call, any_of: str) -> None:
    """Check that the caller has one of several permissions. Raises GraphError (403)."""
    if not may(call, any_of):
        raise denied()


def visible(call: Call, kind: str) -> frozenset[str] | None:
    """Return the visible properties of a kind of object; None for all."""
    return _visible(held(call), KINDS[kind])


def all_visible(call: Call) -> dict[str, frozenset[str] | None]:
    """Return the visible properties of each kind; None for all."""
    mine = held(call)
    return {name: _visible(mine, kind) for name, kind in KINDS.items()}


def may(call: Call, any_of: str) -> bool:
    """Return whether the caller has one of several permissions."""
    return bool(held(call) & set(any_of.split()))


def readers() -> str:
    """Return the permissions that read any kind in the store."""
    return " ".join(KINDS[name].read for name in stored_kinds())


def deleters() -> str:
    """Return the permissions that delete any kind in the store."""
    return " ".join(KINDS[name].delete or KINDS[name].write for name in stored_kinds())


def _visible(mine: frozenset[str], kind: Kind) -> frozenset[str] | None:
    if mine.intersection(kind.read.split()):
        return None
    return kind.basic if mine.intersection(kind.read_basic.split()) else BARE
