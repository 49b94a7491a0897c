"""Client credentials grant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrakit_emulator import contoso

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller


@pytest.mark.parametrize(
    "scope",
    [
        "https://graph.microsoft.com/.default openid offline_access profile",
        "openid https://graph.microsoft.com/.default",
        "https://graph.microsoft.com/.default email https://graph.microsoft.com/.default",
    ],
)
def test_openid_scopes_are_ignored(caller: Caller, scope: str) -> None:
    """
    MSAL Go, azidentity and MSAL4J send OpenID Connect scopes with every app sign-in: the answer is an access token only
    (service facts, 1.7).
    """
    response = caller.app_token(scope=scope)

    assert 200 == response.status_code, response.text
    assert ["token_type", "expires_in", "ext_expires_in", "access_token"] == list(response.json())


@pytest.mark.parametrize(
    "scope",
    [
        "https://graph.microsoft.com/User.Read",
        "https://graph.microsoft.com/.default https://vault.azure.net/.default",
        "https://graph.microsoft.com/.default https://graph.microsoft.com/User.Read openid",
        "openid offline_access profile",
    ],
)
def test_the_scope_is_one_default_scope(caller: Caller, scope: str) -> None:
    """
    Any other scope than one `{resource}/.default` is refused (AADSTS1002012).
    """
    assert [1002012] == caller.app_token(scope=scope).json()["error_codes"]


def test_the_address_names_the_tenant(caller: Caller) -> None:
    """
    An app has no home tenant to fall back to: `common` is refused (AADSTS50059).
    """
    given = {"client_secret": caller.tenant.client_secret, "scope": "https://graph.microsoft.com/.default"}
    response = caller.token("client_credentials", at="organizations", client_id=contoso.FOREIGN_CLIENT, **given)

    assert [50059] == response.json()["error_codes"]
