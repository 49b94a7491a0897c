"""Refresh token grant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.emulator.sts.conftest import TYPE, assertion

from entrakit_emulator.faults import Tokens

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller

AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
AZURE_POWERSHELL = "1950a258-227b-4e31-a9cf-717495945fc2"


def first(caller: Caller, **form: str) -> str:
    """Return a new refresh token."""
    token: str = caller.password(**form).json()["refresh_token"]
    return token


def test_each_use_brings_a_new_token_and_keeps_the_old(caller: Caller) -> None:
    """
    Each use returns a new token; the old one stays valid, as at the service (service facts, 1.5).
    """
    token = first(caller)

    renewed = [caller.token("refresh_token", refresh_token=token).json() for _ in range(2)]

    assert 3 == len({token, *(one["refresh_token"] for one in renewed)})
    assert {"access_token", "id_token", "scope"} <= set(renewed[0])


def test_rotation_may_be_turned_off(caller: Caller) -> None:
    """
    On demand, the same token is returned.
    """
    token = first(caller)
    caller.tenant.faults.add(Tokens(is_without_rotation=True))

    assert token == caller.token("refresh_token", refresh_token=token).json()["refresh_token"]


def test_a_token_is_good_for_other_resources(caller: Caller) -> None:
    """
    A refresh token is bound to user and app, not to the resource (service facts, 1.5); consent is required.
    """
    token = first(caller)

    other = caller.token("refresh_token", refresh_token=token, scope="https://management.azure.com//.default")
    refused = caller.token("refresh_token", refresh_token=token, scope="Mail.Read")

    assert "https://management.azure.com/" == caller.claims(other.json()["access_token"])["aud"]
    assert ("consent_required", [65001]) == (refused.json()["suberror"], refused.json()["error_codes"])


def test_apps_of_the_family_share_refresh_tokens(caller: Caller) -> None:
    """
    A first-party family app may use the refresh token of another one (`foci`); other apps may not.
    """
    token = first(caller, client_id=AZURE_CLI)

    family = caller.token("refresh_token", refresh_token=token, client_id=AZURE_POWERSHELL)
    stranger = caller.token("refresh_token", refresh_token=first(caller), client_id=AZURE_CLI)

    assert 200 == family.status_code
    assert "client_mismatch" == stranger.json()["suberror"]


def test_a_second_factor_that_came_later_is_asked_for(caller: Caller) -> None:
    """
    A sign-in without a second factor does not suffice once the account has one: interaction_required, with claims.
    """
    token = first(caller)
    caller.tenant.seed.change_user(caller.tenant.users.normal.upn, {"mfa_code": "1"})

    body = caller.token("refresh_token", refresh_token=token).json()

    assert ("interaction_required", "basic_action", [50076]) == (body["error"], body["suberror"], body["error_codes"])
    assert body["claims"]


def test_a_sign_in_with_second_factor_renews(caller: Caller) -> None:
    """
    A sign-in with the second factor is renewed without a new one.
    """
    person = caller.tenant.person(caller.tenant.users.mfa)
    token = caller.redeem(caller.code(person)).json()["refresh_token"]

    answer = caller.token("refresh_token", refresh_token=token).json()

    assert ["pwd", "mfa"] == caller.claims(answer["access_token"])["amr"]


@pytest.mark.parametrize(
    ("changes", "code"), [({"is_enabled": False}, 50057), ({"is_locked": True}, 50053), ({"is_blocked": True}, 53003)]
)
def test_the_account_is_looked_at_each_time(caller: Caller, changes: dict[str, object], code: int) -> None:
    """
    Accounts that are disabled, locked or blocked can't renew.
    """
    token = first(caller)
    caller.tenant.seed.change_user(caller.tenant.users.normal.upn, changes)

    assert [code] == caller.token("refresh_token", refresh_token=token).json()["error_codes"]


def test_consent_taken_back_ends_renewal(caller: Caller) -> None:
    """
    A withdrawn permission is not renewed (AADSTS65001).
    """
    token = first(caller)
    caller.tenant.seed.withdraw(caller.tenant.users.normal.upn, caller.tenant.public_client)

    assert [65001] == caller.token("refresh_token", refresh_token=token).json()["error_codes"]


def test_a_sign_in_after_the_revocation_renews(caller: Caller) -> None:
    """
    A revocation ends earlier sign-ins only.
    """
    caller.tenant.seed.revoke_sessions(caller.tenant.users.normal.upn)

    assert 200 == caller.token("refresh_token", refresh_token=first(caller)).status_code


@pytest.mark.parametrize("proof", ["secret", "certificate", "federated"])
def test_a_confidential_app_proves_itself_again(caller: Caller, proof: str) -> None:
    """
    A confidential app needs a credential for each renewal, any that it has (RFC 6749, 6).
    """
    tenant = caller.tenant
    token = first(caller, client_id=tenant.confidential_client, client_secret=tenant.client_secret)
    issuer = tenant.add_issuer()
    tenant.seed.add_federated_credential(tenant.confidential_client, issuer.issuer, "me")
    proofs = {
        "secret": {"client_secret": tenant.client_secret},
        "certificate": {"client_assertion": assertion(caller), "client_assertion_type": TYPE},
        "federated": {"client_assertion": issuer.sign("me"), "client_assertion_type": TYPE},
    }
    app = {"refresh_token": token, "client_id": tenant.confidential_client}

    bare = caller.token("refresh_token", **app)
    renewed = caller.token("refresh_token", **app, **proofs[proof])

    assert (401, "invalid_client", [7000218]) == (
        bare.status_code, bare.json()["error"], bare.json()["error_codes"],
    )  # fmt: skip
    claims = caller.claims(renewed.json()["access_token"])
    assert ("1" if proof == "secret" else "2", tenant.users.normal.upn) == (claims["appidacr"], claims["upn"])


@pytest.mark.parametrize(
    ("credential", "code"),
    [
        ({"client_secret": "wrong"}, 7000215),
        ({"client_assertion": "not a token", "client_assertion_type": TYPE}, 50027),
    ],
)
def test_a_wrong_credential_of_a_confidential_app_is_refused(
    caller: Caller, credential: dict[str, str], code: int
) -> None:
    """
    A refresh token does not replace the credential.
    """
    tenant = caller.tenant
    token = first(caller, client_id=tenant.confidential_client, client_secret=tenant.client_secret)

    refused = caller.token("refresh_token", refresh_token=token, client_id=tenant.confidential_client, **credential)

    assert (401, [code]) == (refused.status_code, refused.json()["error_codes"])
