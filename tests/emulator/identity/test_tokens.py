"""Tokens that hosts keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrakit_emulator import faults

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Caller
    from tests.emulator.identity.conftest import Program


def test_a_host_keeps_a_token_for_half_its_life(caller: Caller, on: Callable[..., Program]) -> None:
    """
    A second request gets the same token, whose remaining time is shorter; after half of its life there is a new one.
    """
    caller.tenant.seed.change_settings({"access_lifetime_s": 3600})
    program = on("imds")

    first = program.answered()
    caller.tenant.clock.advance(1700)
    same = program.answered()
    caller.tenant.clock.advance(200)
    new = program.answered()

    assert first["access_token"] == same["access_token"] != new["access_token"]
    assert int(same["expires_in"]) == pytest.approx(1900, abs=5)


def test_each_identity_and_resource_has_its_own_token(caller: Caller, on: Callable[..., Program]) -> None:
    """
    Tokens are kept by identity and resource, and are the same on each kind of host.
    """
    program = on("imds")
    bodies = [
        program.answered(),
        program.answered(client_id=caller.tenant.user_identity),
        program.answered(resource="https://management.azure.com/"),
    ]

    assert 3 == len({body["access_token"] for body in bodies})
    assert bodies[0]["access_token"] == on("app_service").answered()["access_token"]
    assert "https://management.azure.com/" == caller.claims(bodies[2]["access_token"])["aud"]


def test_a_reset_forgets_the_tokens(caller: Caller, on: Callable[..., Program]) -> None:
    """
    A reset of the tenant empties the hosts, which keep running.
    """
    program = on("imds")
    first = program.answered()["access_token"]
    caller.tenant.reset()

    assert first != program.answered()["access_token"]


def test_faults_change_the_tokens(caller: Caller, on: Callable[..., Program]) -> None:
    """
    Unusual tokens of the token service reach the host with its next request to it.
    """
    caller.tenant.faults.add(faults.Tokens(lifetime_s=60, has_text_numbers=True))

    assert "60" == on("imds").answered()["expires_in"]


def test_a_disabled_identity_gets_nothing(caller: Caller, on: Callable[..., Program]) -> None:
    """
    The token service refuses a disabled service principal.
    """
    caller.tenant.seed.change_app(caller.tenant.system_identity, {"is_enabled": False})

    assert [7000112] == on("imds").ask().json()["error_codes"]


def test_an_identity_is_an_assertion(caller: Caller, on: Callable[..., Program]) -> None:
    """
    A token for the exchange of tokens names the identity by its object id, in format 2.0.
    """
    claims = caller.claims(on("imds").answered(resource="api://AzureADTokenExchange")["access_token"])
    system = caller.tenant.identity.system

    assert system is not None
    assert ("fb60f99c-7a34-4190-8149-302f77469936", system.object_id, "2.0") == (
        claims["aud"], claims["sub"], claims["ver"]
    )  # fmt: skip
