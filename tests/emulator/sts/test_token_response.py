"""Successful answers of the token endpoint."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from entrakit_emulator.faults import Tokens

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller

CP1 = json.dumps({"access_token": {"xms_cc": {"values": ["CP1"]}}})
AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"


def test_an_app_gets_a_token_and_nothing_else(caller: Caller) -> None:
    """
    The answer has no scope, refresh token or ID token; numbers are integers (service facts, 1.5).
    """
    answer = caller.app_token().json()

    assert ["token_type", "expires_in", "ext_expires_in", "access_token"] == list(answer)
    assert [int, int] == [type(answer["expires_in"]), type(answer["ext_expires_in"])]


def test_a_token_lives_60_to_90_minutes(caller: Caller) -> None:
    """
    The lifetime is random, so that clients can't rely on it (service facts, 1.5).
    """
    lifetimes = {caller.app_token().json()["expires_in"] for _ in range(8)}

    assert len(lifetimes) > 1
    assert all(3600 <= one < 5400 for one in lifetimes)


def test_the_lifetime_may_be_set(caller: Caller) -> None:
    """
    A test can set the lifetime, for all requests or for the next one.
    """
    caller.tenant.seed.change_settings({"access_lifetime_s": 600})
    caller.tenant.faults.add(Tokens(lifetime_s=30, refresh_in_s=10))

    first, second = caller.app_token().json(), caller.app_token().json()

    assert (30, 10, 600) == (first["expires_in"], first["refresh_in"], second["expires_in"])
    assert "refresh_in" not in second


def test_clients_that_take_challenges_get_long_tokens(caller: Caller) -> None:
    """
    `xms_cc: cp1` gives a token for 20 to 28 hours, with `refresh_in` of half of it (service facts, 1.5 and 1.11).
    """
    answer = caller.password(claims=CP1).json()

    assert 20 * 3600 <= answer["expires_in"] < 28 * 3600
    assert answer["expires_in"] // 2 == answer["refresh_in"]
    assert ["cp1"] == caller.claims(answer["access_token"])["xms_cc"]


def test_refresh_in_may_be_set_for_a_long_token(caller: Caller) -> None:
    """
    A chosen `refresh_in` replaces the default.
    """
    caller.tenant.faults.add(Tokens(refresh_in_s=5))

    assert 5 == caller.password(claims=CP1).json()["refresh_in"]


@pytest.mark.parametrize("wish", [{"values": ["c1"]}, {"value": "c1"}, {"essential": True, "value": "c1"}])
def test_an_authentication_context_needs_a_second_factor(caller: Caller, wish: dict[str, object]) -> None:
    """
    `acrs` is granted only to users with a second factor (service facts, 1.11).
    """
    claims = json.dumps({"access_token": {"acrs": wish}})
    mia = caller.tenant.person(caller.tenant.users.mfa)

    strong = caller.redeem(caller.code(mia, claims=claims)).json()
    weak = caller.password(claims=claims).json()

    assert ["c1"] == caller.claims(strong["access_token"])["acrs"]
    assert ("interaction_required", [50076]) == (weak["error"], weak["error_codes"])


def test_claims_that_say_nothing_are_taken(caller: Caller) -> None:
    """
    A requested claim may be null, without demands (OpenID Connect Core, 5.5.1).
    """
    assert 200 == caller.password(claims='{"access_token": {"xms_cc": null, "nbf": {"value": "1"}}}').status_code
    assert 200 == caller.password(claims='{"id_token": {}}').status_code


@pytest.mark.parametrize("claims", ["{", "[]", '{"access_token": []}', "[" * 15000, '{"access_token": 1}'])
def test_claims_that_are_none_are_refused(caller: Caller, claims: str) -> None:
    """
    A string that is not a claims request is refused (AADSTS9002313).
    """
    assert [9002313] == caller.password(claims=claims).json()["error_codes"]


def test_apps_of_the_family_are_told_so(caller: Caller) -> None:
    """
    Only first-party family apps get `foci` (service facts, 1.5).
    """
    assert "1" == caller.password(client_id=AZURE_CLI).json()["foci"]
    assert "foci" not in caller.password().json()


def test_numbers_may_be_text(caller: Caller) -> None:
    """
    On demand, numbers are strings, as the v1 endpoint sends them.
    """
    caller.tenant.faults.add(Tokens(has_text_numbers=True, lifetime_s=60))

    assert "60" == caller.app_token().json()["expires_in"]


def test_tokens_may_be_wrong_on_demand(caller: Caller) -> None:
    """
    On demand, claims of both tokens are wrong, the access token is opaque, or tokens are missing.
    """
    faults = caller.tenant.faults
    faults.add(Tokens(id_token={"aud": "other", "nonce": "other"}, access_token={"aud": "other"}))
    faults.add(Tokens(is_opaque=True, is_without_id_token=True, is_without_refresh_token=True))

    wrong, bare = caller.password().json(), caller.password().json()

    assert ("other", "other") == tuple(caller.claims(wrong["id_token"])[name] for name in ("aud", "nonce"))
    assert "other" == caller.claims(wrong["access_token"])["aud"]
    assert "." not in bare["access_token"]
    assert set() == {"id_token", "refresh_token"} & set(bare)
    assert 200 == caller.graph(bare["access_token"]).status_code
