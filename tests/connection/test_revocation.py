"""Revocation: a request to Microsoft Graph like any other; a missing permission is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrakit.connection.revocation import PERMISSION, revoke_sign_ins
from entrakit.errors import InteractionRequiredError, NetworkError, ParameterError, PermissionMissingError
from entrakit_emulator import faults

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrakit import Connection
    from entrakit_emulator import Tenant


@pytest.fixture
def ada(emulator: Callable[..., Connection], entra_tenant: Tenant) -> Connection:
    """Return a connection of a user, who has not consented to the permission."""
    person = entra_tenant.person()
    return emulator(
        device_code=True,
        on_device_code=lambda code: person.approve_device(code.user_code),
        graph_url=entra_tenant.url,
    )


def allow(tenant: Tenant) -> None:
    """Consent to the permission."""
    tenant.seed.grant(tenant.users.normal.upn, tenant.public_client, "https://graph.microsoft.com", (PERMISSION,))


def test_sessions_end(ada: Connection, entra_tenant: Tenant) -> None:
    """
    The request ends the refresh tokens of the user; it is sent once.
    """
    allow(entra_tenant)

    revoke_sign_ins(ada)

    assert 1 == len([one for one in entra_tenant.journal.entries if one.path.endswith("/me/revokeSignInSessions")])
    with pytest.raises(InteractionRequiredError):
        ada.token("https://graph.microsoft.com/User.ReadBasic.All")


def test_a_missing_permission_is_named(ada: Connection, entra_tenant: Tenant) -> None:
    """
    Without the permission the error names it, and the app that needs it.
    """
    with pytest.raises(PermissionMissingError) as caught:
        revoke_sign_ins(ada)

    assert (PERMISSION,) == caught.value.missing
    assert entra_tenant.public_client in caught.value.remedy


@pytest.mark.parametrize("status", [400, 500])
def test_a_failure_has_the_ids_that_support_needs(ada: Connection, entra_tenant: Tenant, status: int) -> None:
    """
    Any other refusal is a NetworkError with the id of the request.
    """
    allow(entra_tenant)
    entra_tenant.faults.add(faults.Failure(status=status, endpoint="graph", times=100))

    with pytest.raises(NetworkError) as caught:
        revoke_sign_ins(ada)

    assert str(status) in caught.value.problem
    assert caught.value.ids()


@pytest.mark.parametrize("is_mid_body", [True, False])
def test_a_lost_answer_can_be_asked_again(ada: Connection, entra_tenant: Tenant, *, is_mid_body: bool) -> None:
    """
    Sessions can be ended twice without harm, so a lost answer is an ordinary failure of the network.
    """
    allow(entra_tenant)
    entra_tenant.faults.add(faults.Drop(endpoint="graph", is_mid_body=is_mid_body))

    with pytest.raises(NetworkError, match="not known whether") as caught:
        revoke_sign_ins(ada)

    assert (True, False, 6) == (caught.value.retryable, caught.value.outcome_unknown, caught.value.exit_code)
    assert "Try again" in caught.value.remedy


def test_an_app_has_no_sessions(app: Callable[..., Connection], entra_tenant: Tenant) -> None:
    """
    For an app nothing is sent.
    """
    connection = app(client_secret=entra_tenant.client_secret)
    entra_tenant.journal.clear()

    with pytest.raises(ParameterError):
        revoke_sign_ins(connection)
    assert [] == entra_tenant.journal.entries
