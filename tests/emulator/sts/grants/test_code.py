"""Authorization code grant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller

WEB = "https://nightly.contoso.example/signed-in"
SPA = "9d02afc3-62ff-4d77-b92c-973f37573a25"
SPA_REDIRECT = "https://web.contoso.example/"


def test_a_code_brings_tokens_once(caller: Caller) -> None:
    """
    The second use of a code is refused and recorded (RFC 6749, 4.1.2).
    """
    code = caller.code()

    first, second = caller.redeem(code), caller.redeem(code)

    assert {"access_token", "refresh_token", "id_token", "client_info"} <= set(first.json())
    assert [54005] == second.json()["error_codes"]
    assert ["code_reused"] == [one.rule for one in caller.tenant.journal.violations]


def test_a_failed_attempt_does_not_use_the_code_up(caller: Caller) -> None:
    """
    A wrong verifier does not use the code up, so that its owner can still redeem it.
    """
    code = caller.code()
    caller.redeem(code, code_verifier="x" * 43)

    assert 200 == caller.redeem(code).status_code


def test_a_code_of_another_app_is_none(caller: Caller) -> None:
    """
    A code is bound to its app (RFC 6749, 4.1.3).
    """
    response = caller.redeem(caller.code(), client_id=caller.tenant.single_tenant_client)

    assert [70000] == response.json()["error_codes"]


def test_a_plain_challenge_is_taken(caller: Caller) -> None:
    """
    A challenge without a method has the method `plain` (RFC 7636, 4.3).
    """
    code = caller.code(code_challenge=caller.verifier, code_challenge_method="")

    assert 200 == caller.redeem(code).status_code


def test_a_verifier_without_challenge_is_refused(caller: Caller) -> None:
    """
    A verifier for a code without a challenge is refused, because it belongs to another request (RFC 9700, 2.1.1:
    downgrade).
    """
    assert [501481] == caller.redeem(caller.code(code_challenge="")).json()["error_codes"]
    assert 200 == caller.redeem(caller.code(code_challenge=""), code_verifier="").status_code


def test_a_web_app_proves_itself(caller: Caller) -> None:
    """
    A code for a web redirect requires the app's credential (RFC 6749, 4.1.3).
    """
    client_id = caller.tenant.confidential_client
    code = caller.code(client_id=client_id, redirect_uri=WEB)
    form = {"client_id": client_id, "redirect_uri": WEB}

    bare = caller.redeem(code, **form)
    proved = caller.redeem(code, client_secret=caller.tenant.client_secret, **form)

    assert [7000218] == bare.json()["error_codes"]
    assert "1" == caller.claims(proved.json()["access_token"])["appidacr"]


def test_a_public_client_offers_no_proof(caller: Caller) -> None:
    """
    A secret of a public client is refused (RFC 8252, 8.5).
    """
    assert [700025] == caller.redeem(caller.code(), client_secret="x").json()["error_codes"]


def test_a_browser_app_redeems_from_a_browser(caller: Caller) -> None:
    """
    Without Origin the answer is AADSTS9002327; the refresh token expires after 24 hours (service facts, 1.3).
    """
    code = caller.code(client_id=SPA, redirect_uri=SPA_REDIRECT)
    form = {"client_id": SPA, "redirect_uri": SPA_REDIRECT}

    bare = caller.redeem(code, **form)
    caller.headers = {"Origin": "https://web.contoso.example"}
    answer = caller.redeem(code, **form).json()
    caller.tenant.clock.advance(24 * 3600 + 1)
    late = caller.token("refresh_token", client_id=SPA, refresh_token=answer["refresh_token"])

    assert [9002327] == bare.json()["error_codes"]
    assert [700084] == late.json()["error_codes"]


def test_the_scope_may_be_narrowed_to_one_resource(caller: Caller) -> None:
    """
    A code may be requested for two resources, and is redeemed for one (AADSTS28000).
    """
    both = "User.Read https://management.azure.com/user_impersonation"
    code = caller.code(scope=both)

    several = caller.redeem(code, scope=both)
    one = caller.redeem(code, scope="https://management.azure.com/user_impersonation")

    assert [28000] == several.json()["error_codes"]
    assert "https://management.azure.com" == caller.claims(one.json()["access_token"])["aud"]


def test_who_was_disabled_meanwhile_gets_nothing(caller: Caller) -> None:
    """
    The account is checked again when the code is redeemed.
    """
    code = caller.code()
    caller.tenant.seed.change_user(caller.tenant.users.normal.upn, {"is_enabled": False})

    assert [50057] == caller.redeem(code).json()["error_codes"]


@pytest.mark.parametrize("at", ["common", "organizations", "contoso.example"])
def test_a_code_is_redeemed_under_any_name_of_the_tenant(caller: Caller, at: str) -> None:
    """
    A multi-tenant app signs in at `common`; the token belongs to the user's tenant.
    """
    response = caller.redeem(caller.code(at=at), at=at)

    assert caller.tenant.tenant_id == caller.claims(response.json()["access_token"])["tid"]
