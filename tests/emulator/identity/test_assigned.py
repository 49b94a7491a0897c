"""Identities that are assigned to the hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller


def test_the_tenant_tells_its_identities(caller: Caller) -> None:
    """
    The tenant has one system-assigned and one user-assigned identity, and returns their ids.
    """
    identity = caller.tenant.identity
    (user,) = identity.users

    assert identity.system is not None
    assert (caller.tenant.system_identity, False) == (identity.system.client_id, identity.system.is_user_assigned)
    assert (caller.tenant.user_identity, True) == (user.client_id, user.is_user_assigned)
    caller.tenant.seed.remove_identity(caller.tenant.system_identity)
    assert identity.system is None
