"""Routes of the tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller


@pytest.mark.parametrize("path", ["/common/oauth2/token", "/common/kerberos", "/GetUserRealm.srf"])
def test_what_is_not_implemented_is_refused_by_name(caller: Caller, path: str) -> None:
    """
    A path of the real service that the emulator lacks is refused by name, in a form that the service does not have.
    """
    response = caller.http.get(path)

    assert (501, "emulator_not_implemented") == (response.status_code, response.json()["error"])


@pytest.mark.parametrize(
    "path",
    [
        "/common/UserRealm/ada@contoso.example",
        "/COMMON/Discovery/Instance?api-version=1.1&authorization_endpoint=https://login.microsoftonline.com/common",
        "/Contoso.Example/V2.0/.Well-Known/OpenID-Configuration",
        "/contoso.example/Discovery/V2.0/Keys",
        "/DeviceLogin",
    ],
)
def test_paths_have_no_case(caller: Caller, path: str) -> None:
    """
    Clients such as MSAL Go and roadtx write `UserRealm`; the paths of the service are the same in any case.
    """
    assert 200 == caller.http.get(path).status_code


def test_a_refused_path_has_no_case(caller: Caller) -> None:
    """
    A path that the emulator lacks is refused by name in any case.
    """
    assert 501 == caller.http.get("/getuserrealm.SRF").status_code


def test_names_in_paths_keep_their_case(caller: Caller) -> None:
    """
    Only the fixed words of a path have no case: a GET of the token endpoint is recorded under its endpoint.
    """
    caller.http.get(f"/{caller.tenant.tenant_id}/OAuth2/v2.0/Token")

    assert ["token"] == [one.endpoint for one in caller.tenant.journal.entries]


@pytest.mark.parametrize("path", ["/common/v2x0/.well-known/openid-configuration", "/common/discovery/v2.0/key\u017f"])
def test_similar_paths_do_not_exist(caller: Caller, path: str) -> None:
    """
    A dot in a path stands for itself, and only ASCII letters have a case.
    """
    assert 404 == caller.http.get(path).status_code


def test_browsers_get_no_icon(caller: Caller) -> None:
    """
    A browser's request for an icon gets an empty answer.
    """
    assert 204 == caller.http.get("/favicon.ico").status_code
