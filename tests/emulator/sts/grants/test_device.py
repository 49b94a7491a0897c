"""Device code grant (RFC 8628)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller


class Stepped:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(caller: Caller) -> Stepped:
    """The clock of the tenant."""
    one = Stepped()
    caller.tenant.clock.follow(one)
    return one


@pytest.mark.parametrize("grant", ["urn:ietf:params:oauth:grant-type:device_code", "device_code"])
def test_an_approved_device_is_signed_in_once(caller: Caller, clock: Stepped, grant: str) -> None:
    """
    The grant works under its own name and msal-node's short one (service facts, 1.4); the second use is refused.
    """
    device = caller.device()
    page = caller.tenant.person().approve_device(device["user_code"])

    first = caller.token(grant, device_code=device["device_code"], client_info="1")
    clock.now += 5
    second = caller.token(grant, device_code=device["device_code"])

    assert "You're signed in" == page.title
    assert {"access_token", "refresh_token", "id_token", "client_info"} <= set(first.json())
    assert [54005] == second.json()["error_codes"]
    assert ["code_reused"] == [one.rule for one in caller.tenant.journal.violations]


def test_a_denied_device_is_told(caller: Caller) -> None:
    """
    The error is `authorization_declined`, which Entra uses for RFC 8628's access_denied.
    """
    device = caller.device()
    page = caller.tenant.person().deny_device(device["user_code"])

    response = caller.poll(device["device_code"])

    assert "Sign-in cancelled" == page.title
    assert (400, "authorization_declined") == (response.status_code, response.json()["error"])


def test_an_early_poll_is_answered_by_the_state_of_the_device(caller: Caller, clock: Stepped) -> None:
    """
    MSAL Go polls after 50, 150, 450 and 1350 ms: the service answers each poll by the state of the device, and the
    interval stays the same (service facts, 1.4). The journal records each early poll (RFC 8628, 3.5).
    """
    device = caller.device()
    errors = []
    for seconds in (0.05, 0.15, 0.45, 1.35, 5, 4.6):
        clock.now += seconds
        errors.append(caller.poll(device["device_code"]).json()["error"])
    caller.tenant.person().approve_device(device["user_code"])
    clock.now += 0.05

    assert ["authorization_pending"] * 6 == errors
    assert "access_token" in caller.poll(device["device_code"]).json()
    assert ["polling_too_fast"] * 4 == [one.rule for one in caller.tenant.journal.violations]


@pytest.mark.parametrize(("end", "error"), [("deny", "authorization_declined"), ("expire", "expired_token")])
def test_an_early_poll_learns_the_end(caller: Caller, clock: Stepped, end: str, error: str) -> None:
    """
    A declined or expired device is reported to an early poll, too.
    """
    caller.tenant.seed.change_settings({"device_lifetime_s": 6, "device_interval_s": 10})
    device = caller.device()
    caller.poll(device["device_code"])
    if end == "deny":
        caller.tenant.person().deny_device(device["user_code"])
    else:
        clock.now += 6

    assert error == caller.poll(device["device_code"]).json()["error"]


def test_the_next_polls_may_be_chosen(caller: Caller, clock: Stepped) -> None:
    """
    A test can choose pending, slow_down (with a longer interval) and approve, one for each poll.
    """
    code = caller.device()["device_code"]
    caller.tenant.faults.next_polls("pending", "slow_down", "approve")

    errors = []
    for seconds in (5, 5):
        errors.append(caller.poll(code).json()["error"])
        clock.now += seconds
    clock.now += 5

    assert ["authorization_pending", "slow_down"] == errors
    assert "access_token" in caller.poll(code).json()
    assert [] == caller.tenant.journal.violations


@pytest.mark.parametrize(("order", "error"), [("decline", "authorization_declined"), ("expire", "expired_token")])
def test_a_device_may_be_ended(caller: Caller, order: str, error: str) -> None:
    """
    `decline` and `expire` end the sign-in as a user or the time would.
    """
    caller.tenant.faults.next_polls(order)

    assert error == caller.poll(caller.device()["device_code"]).json()["error"]


def test_a_chosen_answer_does_not_hide_a_breach(caller: Caller, clock: Stepped) -> None:
    """
    An early poll is recorded even if its answer was chosen.
    """
    code = caller.device()["device_code"]
    caller.tenant.faults.next_polls("pending", "approve")
    caller.poll(code)
    clock.now += 1

    assert "access_token" in caller.poll(code).json()
    assert ["polling_too_fast"] == [one.rule for one in caller.tenant.journal.violations]


def test_the_code_of_another_app_is_none(caller: Caller) -> None:
    """
    A device code is bound to its app.
    """
    response = caller.poll(caller.device()["device_code"], client_id=caller.tenant.single_tenant_client)

    assert "bad_verification_code" == response.json()["error"]


def test_a_person_of_another_tenant_may_approve_at_organizations(caller: Caller, clock: Stepped) -> None:
    """
    The tenant in the path of a poll must be the user's tenant.
    """
    caller.tenant.seed.add_tenant("fabrikam.example")
    other = caller.tenant.seed.add_tenant("tailspin.example")
    code = caller.post(
        "/oauth2/v2.0/devicecode", {"client_id": caller.tenant.public_client, "scope": "User.Read"}, at="organizations"
    ).json()
    caller.tenant.person().approve_device(code["user_code"])

    wrong = caller.token("device_code", device_code=code["device_code"], at=other.tenant_id)
    clock.now += 5
    right = caller.token("device_code", device_code=code["device_code"], at="organizations")

    assert [700005] == wrong.json()["error_codes"]
    assert caller.tenant.tenant_id == caller.claims(right.json()["access_token"])["tid"]


def test_a_confidential_app_polls_with_its_proof(caller: Caller) -> None:
    """
    Without the credential the answer is AADSTS7000218; with it, the device is signed in.
    """
    client_id = caller.tenant.confidential_client
    code = caller.device(client_id=client_id)["device_code"]
    caller.tenant.faults.next_polls("approve")

    bare = caller.poll(code, client_id=client_id)
    proved = caller.poll(code, client_id=client_id, client_secret=caller.tenant.client_secret)

    assert [7000218] == bare.json()["error_codes"]
    assert 200 == proved.status_code
