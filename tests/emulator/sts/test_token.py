"""The token endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrakit_emulator.sts.token import GRANTS

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller


@pytest.mark.parametrize("grant", ["urn:ietf:params:oauth:grant-type:token-exchange", "implicit", "Password"])
def test_other_grants_are_refused_by_name(caller: Caller, grant: str) -> None:
    """
    The grant type decides the grant, to the letter (AADSTS70003).
    """
    response = caller.token(grant)

    assert (400, "unsupported_grant_type") == (response.status_code, response.json()["error"])
    assert grant in response.json()["error_description"]
    assert grant not in GRANTS


@pytest.mark.parametrize("name", ["saml2", "saml1_1"])
def test_a_grant_of_the_service_that_is_not_here_says_so(caller: Caller, name: str) -> None:
    """
    A grant that only the real service has gets 501 with its name, never an error of the service.
    """
    response = caller.token(f"urn:ietf:params:oauth:grant-type:{name}-bearer")

    assert (501, "emulator_not_implemented") == (response.status_code, response.json()["error"])
    assert f"does not implement the grant urn:ietf:params:oauth:grant-type:{name}-bearer." in response.text


def test_only_posts_are_accepted(caller: Caller) -> None:
    """
    A GET is refused (AADSTS900561).
    """
    response = caller.http.get(f"/{caller.tenant.tenant_id}/oauth2/v2.0/token")

    assert (405, [900561]) == (response.status_code, response.json()["error_codes"])
