"""The token endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrakit_emulator.sts.token import GRANTS

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller


@pytest.mark.parametrize("grant", ["urn:ietf:params:oauth:grant-type:saml2-bearer", "implicit", "Password"])
def test_other_grants_are_refused_by_name(caller: Caller, grant: str) -> None:
    """
    The grant type decides the grant, to the letter (AADSTS70003).
    """
    response = caller.token(grant)

    assert (400, "unsupported_grant_type") == (response.status_code, response.json()["error"])
    assert grant in response.json()["error_description"]
    assert grant not in GRANTS


def test_only_posts_are_accepted(caller: Caller) -> None:
    """
    A GET is refused (AADSTS900561).
    """
    response = caller.http.get(f"/{caller.tenant.tenant_id}/oauth2/v2.0/token")

    assert (405, [900561]) == (response.status_code, response.json()["error_codes"])
